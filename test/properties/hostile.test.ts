/**
 * Any input of up to 1 MB gets diagnostics, never a crash or a hang (SPEC §13): texts made to cost much, and
 * soups of tokens. Each text has 20 seconds on a busy machine; `WRIT_HOSTILE=all` tries all of them.
 */
import { describe, expect, test } from "vitest";
import { compile } from "../../lang/compile.ts";
import { DIAGNOSTICS_MAX } from "../../lang/limits.ts";
import { randomFrom } from "../differential/random.ts";
import { HOSTILE } from "../support/hostile.ts";
import { changed } from "../support/mutate.ts";
import { randomPackage, textOf } from "../support/random-policy.ts";
import { seedFrom } from "../support/seed.ts";

const SEED = seedFrom("WRIT_PROPERTIES_SEED");
const BOUND_MS = 20_000;

/** Those that took longest or broke something before; the others are like them. */
const ALWAYS = [
  "10,000 rules",
  "too many tools in rows",
  "lists in lists",
  "in in in",
  "a chain of lets",
  "lets of records that double",
  "functions that double",
  "functions in a circle",
  "types that double, twice",
  "types in a chain",
  "types in a chain, first first",
  "a sequence of nothing",
  "sequences in sequences",
  "errors in one list",
];
const names = process.env.WRIT_HOSTILE === "all" ? Object.keys(HOSTILE) : ALWAYS;

function compiled(text: string) {
  return compile({ directory: "test", files: [{ path: "p.writ", text }] });
}

describe("texts that ask for much", () => {
  test.each(names)("%s", { timeout: 2 * BOUND_MS }, (name) => {
    const text = `package x\n${HOSTILE[name]?.()}`;
    const start = performance.now();
    const { program, diagnostics } = compiled(text);
    const took = performance.now() - start;
    if (process.env.WRIT_HOSTILE !== undefined) {
      console.log(`${name}: ${Math.round(took)} ms for ${text.length} characters`);
    }
    expect(took).toBeLessThan(BOUND_MS);
    expect(program !== undefined || diagnostics.length > 0).toBe(true);
    expect(diagnostics.length).toBeLessThanOrEqual(DIAGNOSTICS_MAX + 1);
    for (const { message, help = "" } of diagnostics) {
      expect(message.length + help.length).toBeLessThan(20_000);
    }
  });
});

test(`soups of tokens and changed packages get diagnostics, seed ${SEED}`, () => {
  const random = randomFrom(SEED);
  for (let round = 0; round < 150; round++) {
    const text = textOf(randomPackage(SEED + round).items);
    const words = text.split(/\s+/);
    const soup = Array.from({ length: 300 }, () => random.pick(words)).join(" ");
    for (const candidate of [changed(changed(text, round), round + 1), `package x\n${soup}`]) {
      const { program, diagnostics } = compiled(candidate);
      expect(program !== undefined || diagnostics.length > 0).toBe(true);
    }
  }
}, 60_000);
