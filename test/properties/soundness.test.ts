/**
 * A checked policy never meets a type error (SPEC §5): random packages, and random changes to them, which
 * the checker accepts are decided by both evaluators alike, and every value is what the checker said of it.
 * `WRIT_PROPERTIES=5000` tries more packages, `WRIT_PROPERTIES_SEED=…` the same again.
 */
import { describe, expect, test } from "vitest";
import { compile } from "../../lang/compile.ts";
import type { Program } from "../../lang/ir.ts";
import { format } from "../../lang/print.ts";
import { changed } from "../support/mutate.ts";
import { randomPackage, textOf } from "../support/random-policy.ts";
import { seedFrom } from "../support/seed.ts";
import { kindsIn, type Tally, unsoundness } from "../support/soundness.ts";

const COUNT = Number(process.env.WRIT_PROPERTIES ?? 250);
const SEED = seedFrom("WRIT_PROPERTIES_SEED");
const CALLS = 10;

function compiled(texts: readonly string[]) {
  const files = texts.map((text, at) => ({ path: `file${at}.writ`, text }));
  return compile({ directory: "test", files });
}

/** The first package that fails, with what it was made of. */
function firstFault(count: number, judge: (seed: number) => string | undefined): string {
  for (let seed = SEED; seed < SEED + count; seed++) {
    const fault = judge(seed);
    if (fault !== undefined) return `WRIT_PROPERTIES_SEED=${seed}\n${fault}`;
  }
  return "";
}

describe(`random packages, seed ${SEED}`, () => {
  test("most compile, and those that do are sound", () => {
    let programs = 0;
    const tally: Tally = { decisions: 0, codes: new Map() };
    const kinds = new Set<string>();
    const fault = firstFault(COUNT, (seed) => {
      const text = textOf(randomPackage(seed).items);
      const { program } = compiled([text]);
      if (program === undefined) return undefined;
      programs++;
      for (const kind of kindsIn(program)) kinds.add(kind);
      const why = unsoundness(program, seed, CALLS, tally);
      return why && `${why}\n${text}`;
    });
    expect(fault).toBe("");
    expect(programs / COUNT).toBeGreaterThan(0.6);
    expect(tally.codes.get("allow") ?? 0).toBeGreaterThan(tally.decisions / 20);
    const more = process.env.WRIT_PROPERTIES_TALLY === undefined ? undefined : tally;
    if (more !== undefined) console.log(programs, COUNT, more, [...kinds].sort().join(" "));
  }, 600_000);

  test("what compiles of changed ones is sound too", () => {
    const fault = firstFault(COUNT * 2, (seed) => {
      const text = changed(textOf(randomPackage(seed).items), seed);
      const { program } = compiled([text]);
      const why = program && unsoundness(program, seed, CALLS);
      return why && `${why}\n${text}`;
    });
    expect(fault).toBe("");
  }, 600_000);

  test("formatting changes no program", () => {
    const fault = firstFault(COUNT / 2, (seed) => {
      const text = textOf(randomPackage(seed).items);
      const before = compiled([text]).program;
      if (before === undefined) return undefined;
      const formatted = format({ path: "file0.writ", text });
      if (!("text" in formatted)) return "it cannot be formatted";
      const after = compiled([formatted.text]).program;
      return meaning(before) === meaning(after) ? undefined : `${text}\n\n${formatted.text}`;
    });
    expect(fault).toBe("");
  }, 600_000);
});

/** The program without where its parts stand: neither offsets nor indexes of places, which follow them. */
function meaning(program: Program | undefined): string {
  if (program === undefined) return "";
  const { places: _places, ...rest } = program;
  return JSON.stringify(rest, (name, value: unknown) => (name === "at" ? undefined : value));
}
