/** The order of items and files means nothing (SPEC §4.1, §6.3): whatever stands where, decisions are the same. */
import { expect, test } from "vitest";
import { createEngine } from "../../engine/engine.ts";
import { compile } from "../../lang/compile.ts";
import type { Program } from "../../lang/ir.ts";
import { type Random, randomFrom } from "../differential/random.ts";
import { randomPackage, textOf } from "../support/random-policy.ts";
import { randomOutcome, randomRequest } from "../support/random-request.ts";
import { seedFrom } from "../support/seed.ts";
import { NOW } from "../support/soundness.ts";

const COUNT = Number(process.env.WRIT_PROPERTIES ?? 250) / 2;
const SEED = seedFrom("WRIT_PROPERTIES_SEED");

test(`items in another order and other files, seed ${SEED}`, () => {
  let compared = 0;
  for (let seed = SEED; seed < SEED + COUNT; seed++) {
    const random = randomFrom(seed);
    const { items } = randomPackage(seed);
    const before = programOf([items]);
    const after = programOf(scattered(items, random));
    const where = `WRIT_PROPERTIES_SEED=${seed}\n${textOf(items)}`;
    expect(after === undefined, where).toBe(before === undefined);
    if (before === undefined || after === undefined) continue;
    compared++;
    expect(decisions(after, before, seed), where).toEqual(decisions(before, before, seed));
  }
  expect(compared).toBeGreaterThan(COUNT * 0.6);
}, 600_000);

function programOf(files: readonly (readonly string[])[]): Program | undefined {
  const sources = files.map((items, at) => ({ path: `file${at}.writ`, text: textOf(items) }));
  return compile({ directory: "test", files: sources }).program;
}

function scattered(items: readonly string[], random: Random): string[][] {
  const files: string[][] = [[], [], []];
  const left = [...items];
  while (left.length > 0) random.pick(files).push(...left.splice(random.below(left.length), 1));
  return files;
}

/** What a sequence of calls comes to, but for where rules stand; requests are made for `world`. */
function decisions(program: Program, world: Program, seed: number): unknown[] {
  const random = randomFrom(seed);
  let count = 0;
  const engine = createEngine({
    program,
    digest: "sha256:test",
    clock: () => NOW,
    ids: { decision: () => `d${++count}`, call: () => `c${++count}` },
  });
  return Array.from({ length: 10 }, () => {
    const answer = engine.decide(randomRequest(world, random));
    if (answer.kind !== "answer") return answer;
    const { call } = answer.value;
    if (call !== undefined) engine.outcome(randomOutcome(call, random));
    return JSON.parse(
      JSON.stringify(answer.value, (name, value: unknown) => (name === "at" ? undefined : value)),
    ) as unknown;
  });
}
