/**
 * The generated evaluator gives what the reference gives, on random policies, requests and states.
 * `WRIT_DIFFERENTIAL=10000000` asks more pairs, `WRIT_DIFFERENTIAL_SEED=…` the same again.
 */
import { expect, test } from "vitest";
import { createInterpreter } from "../../engine/evaluate/interpret.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import { CAUSES, type Expr, type Program } from "../../lang/ir.ts";
import { seedFrom } from "../support/seed.ts";
import { subjectOf } from "./compare.ts";
import { report } from "./minimise.ts";
import { assess, newQuality } from "./quality.ts";
import { randomFrom } from "./random.ts";
import { findMismatch, programFrom, questionFrom, tryDifference } from "./run.ts";
import { INT } from "./world.ts";

const PAIRS = Number(process.env.WRIT_DIFFERENTIAL ?? 200_000);
const SEED = seedFrom("WRIT_DIFFERENTIAL_SEED");

test(
  `both evaluators agree on ${PAIRS} pairs of policy and request, seed ${SEED}`,
  () => {
    const generate = (program: Program) => generateEvaluator(program);
    const mismatch = findMismatch({
      seed: SEED,
      pairCount: PAIRS,
      requestsPerProgram: 50,
      generate,
    });
    expect(mismatch && report(mismatch, SEED, generate)).toBeUndefined();
  },
  Math.max(240_000, PAIRS * 2),
);

test(`both run out of steps at the same place on ${PAIRS / 2} pairs, seed ${SEED}`, () => {
  const stepsOf = (programSeed: number) => randomFrom(programSeed * 13 + 5).below(48);
  const run = { seed: SEED + 2, pairCount: PAIRS / 2, requestsPerProgram: 50 };
  const mismatch = findMismatch({ ...run, stepsOf });
  expect(mismatch && `${mismatch.what} (${mismatch.seeds.join(", ")})`).toBeUndefined();
}, 600_000);

test(`random policies and requests reach everything, seed ${SEED}`, () => {
  const quality = newQuality();
  findMismatch({
    seed: SEED + 1,
    pairCount: 20_000,
    requestsPerProgram: 10,
    watch: (program, question, reference) => assess(quality, program, question, reference),
  });
  const allowed = quality.allowed / quality.pairCount;
  expect(allowed).toBeGreaterThan(0.2);
  expect(allowed).toBeLessThan(0.6);
  expect(quality.undecided / quality.pairCount).toBeGreaterThan(0.25);
  const kinds = Object.fromEntries(KINDS.map((kind) => [kind, quality.kinds.get(kind) ?? 0]));
  expect(Math.min(...Object.values(kinds)), JSON.stringify(kinds)).toBeGreaterThan(300);
  const causes = Object.fromEntries(
    // Out of fuel takes a policy of its own: the next test.
    CAUSES.filter((cause) => cause !== "fuel").map((cause) => [
      cause,
      quality.causes.get(cause) ?? 0,
    ]),
  );
  expect(Math.min(...Object.values(causes)), JSON.stringify(causes)).toBeGreaterThan(300);
  for (const list of ["permits", "forbids", "holds", "obliges"]) {
    expect(quality.hits.get(list)).toBeGreaterThan(200);
    expect(quality.hits.get(`${list} unknown`)).toBeGreaterThan(200);
  }
}, 600_000);

const KINDS = Object.keys({
  const: 0,
  root: 0,
  local: 0,
  attribute: 0,
  index: 0,
  has: 0,
  coalesce: 0,
  not: 0,
  and: 0,
  or: 0,
  if: 0,
  equal: 0,
  less: 0,
  arithmetic: 0,
  decimal: 0,
  negate: 0,
  in: 0,
  subset: 0,
  within: 0,
  like: 0,
  text: 0,
  quantifier: 0,
  aggregate: 0,
  list: 0,
  record: 0,
  builtin: 0,
  call: 0,
  module: 0,
  counter: 0,
  latch: 0,
  origin: 0,
} satisfies Record<Expr["kind"], 0>) as Expr["kind"][];

test.each([46, 47, 99, 317, 400])(
  "both run out of fuel in loops over %i elements in each other",
  (size) => {
    const plain = programFrom(1);
    const [rule] = plain.rules;
    if (rule === undefined) throw new Error("a program has rules");
    const list: Expr = {
      kind: "const",
      type: { kind: "List", of: INT },
      value: Array(size).fill(1),
      at: 1,
    };
    const loop = (id: number, body: Expr): Expr => ({
      kind: "quantifier",
      op: "all",
      id,
      name: `x${id}`,
      over: list,
      body,
      at: id,
    });
    const truth: Expr = { kind: "const", type: { kind: "Bool" }, value: true, at: 2 };
    const conditions = [loop(11, loop(12, size < 100 ? loop(13, truth) : truth))];
    const program = {
      ...plain,
      nevers: [],
      rules: [
        { ...rule, guard: {}, lets: [], conditions },
        { ...rule, guard: {}, lets: [], conditions: [loop(14, truth)] },
      ],
    };
    const question = questionFrom(program, 1, 1);
    const reference = createInterpreter(program);
    const generated = subjectOf(program, generateEvaluator(program));
    expect(
      tryDifference(program, subjectOf(program, reference), generated, question),
    ).toBeUndefined();
    const { uncertain, ...lists } = reference.rules(question.request, question.facts);
    const hits = Object.values(lists).flat();
    expect(uncertain).toBe(expectedCause(size) !== undefined);
    expect(hits.map((hit) => hit.unknown?.cause)).toEqual([expectedCause(size), undefined]);
  },
);

/** What the first loop takes against the budget of 100,000. */
function expectedCause(size: number): "fuel" | undefined {
  const taken = size < 100 ? size + size ** 2 + size ** 3 : size + size ** 2;
  return taken > 100_000 ? "fuel" : undefined;
}
