import { expect, test } from "vitest";
import { compileSource } from "../../../engine/evaluate/emit.ts";
import { createInterpreter } from "../../../engine/evaluate/interpret.ts";
import { generateEvaluator } from "../../../engine/evaluate/javascript.ts";
import { record } from "../../../engine/value.ts";
import type { Expr, Program } from "../../../lang/ir.ts";
import { subjectOf } from "../../differential/compare.ts";
import { programFrom, questionFrom, tryDifference } from "../../differential/run.ts";
import { drive, outcomeOf, programOf } from "../../support/engine.ts";

/** Either side may lack its root. */
function leaf(at: number): Expr {
  const of: Expr = { kind: "root", name: at % 2 === 0 ? "resource" : "principal", at };
  return {
    kind: "equal",
    left: { kind: "attribute", of, name: "id", at },
    right: { kind: "const", type: { kind: "String" }, value: `v${at}`, at },
    type: { kind: "String" },
    at,
  };
}

function nested(height: number, wrap: (inner: Expr, at: number) => Expr): Program {
  const plain = programFrom(1);
  const [rule] = plain.rules;
  if (rule === undefined) throw new Error("a program has rules");
  let condition = leaf(1);
  for (let at = 2; at < height; at++) condition = wrap(condition, at);
  return {
    ...plain,
    nevers: [],
    rules: [{ ...rule, guard: {}, lets: [], conditions: [condition] }],
  };
}

test.each<[string, (inner: Expr, at: number) => Expr]>([
  ["and to the left", (inner, at) => ({ kind: "and", left: inner, right: leaf(at), at })],
  ["and to the right", (inner, at) => ({ kind: "and", left: leaf(at), right: inner, at })],
  ["or to the left", (inner, at) => ({ kind: "or", left: inner, right: leaf(at), at })],
  ["or to the right", (inner, at) => ({ kind: "or", left: leaf(at), right: inner, at })],
  [
    "and, or in turn",
    (inner, at) => ({ kind: at % 2 === 0 ? "and" : "or", left: leaf(at), right: inner, at }),
  ],
  ["not", (inner, at) => ({ kind: "not", operand: inner, at })],
  ["??", (inner, at) => ({ kind: "coalesce", left: inner, right: leaf(at), at })],
  ["if", (inner, at) => ({ kind: "if", condition: inner, then: leaf(at), else: leaf(at + 1), at })],
])("source grows no faster than its policy: %s, 512 high", (_, wrap) => {
  let length = 0;
  const program = nested(512, wrap);
  const generated = generateEvaluator(program, (source) => {
    length = Math.max(length, source.length);
    return compileSource(source);
  });
  const reference = subjectOf(program, createInterpreter(program));
  for (let seed = 0; seed < 10; seed++) {
    const question = questionFrom(program, 1, seed);
    expect(
      tryDifference(program, reference, subjectOf(program, generated), question),
    ).toBeUndefined();
  }
  expect(length / 512).toBeLessThan(600);
});

test("rules that differ in constants only are compiled once", () => {
  const plain = nested(2, (inner) => inner);
  const [rule] = plain.rules;
  if (rule === undefined) throw new Error("a program has rules");
  const rules = Array.from({ length: 100 }, (_, at) => ({
    ...rule,
    guard: { tools: [at % 5], resources: [`t${at}`] },
    conditions: [leaf(at * 2)],
  }));
  const sources = new Set<string>();
  let compiled = 0;
  const evaluator = generateEvaluator({ ...plain, rules }, (source) => {
    compiled++;
    sources.add(source);
    return compileSource(source);
  });
  for (let seed = 0; seed < 200; seed++) {
    const { request, facts } = questionFrom(plain, 1, seed);
    evaluator.rules(request, facts);
  }
  expect(compiled).toBe(sources.size);
  expect(compiled).toBeLessThan(20);
});

test("what was warmed up is not made when it is asked for, and answers the same", () => {
  const plain = nested(2, (inner) => inner);
  const [rule] = plain.rules;
  if (rule === undefined) throw new Error("a program has rules");
  // Nothing tells them apart, and they are of 25 forms, so that none has the code of the next.
  const conditions = Array.from({ length: 500 }, (_, at) =>
    Array.from({ length: at % 25 }, (_, part) => leaf(at + part)).reduce(
      (left, right): Expr => ({ kind: "or", left, right, at }),
      { kind: "or", left: leaf(at), right: leaf(at + 1), at } as Expr,
    ),
  );
  const rules = conditions.map((condition) => ({ ...rule, conditions: [condition] }));
  const nevers = conditions.map((condition) => ({
    package: plain.package,
    name: "n",
    condition,
    at: 0,
  }));
  const program: Program = { ...plain, rules, nevers };
  let compiled = 0;
  const evaluator = generateEvaluator(program, (source) => {
    compiled++;
    return compileSource(source);
  });
  let most = 0;
  let before = 0;
  for (const _ of evaluator.warmUp?.() ?? []) {
    most = Math.max(most, compiled - before);
    before = compiled;
  }
  expect(most).toBe(1);
  const warm = compiled;
  expect(warm).toBeGreaterThan(10);
  const cold = generateEvaluator(program);
  for (let seed = 0; seed < 50; seed++) {
    const { request, facts } = questionFrom(plain, 1, seed);
    expect(evaluator.rules(request, facts)).toEqual(cold.rules(request, facts));
    expect(evaluator.nevers(request, facts)).toEqual(cold.nevers(request, facts));
  }
  expect(compiled).toBe(warm);
});

test("what counts a call is made a few declarations at a time, and before the first call where it is much", () => {
  const counters = Array.from({ length: 100 }, (_, at) => {
    const where = at % 3 === 0 ? ` where args.amount > ${at}` : "";
    return `counter c${at} = sum args.amount of allowed pay${where} per agent, args.to within ${at + 1}s`;
  });
  const program = programOf(`
tool pay { effect write, args { amount: Int, to: String } }
tool look { effect read }
counter looks = count attempts look per agent
permit every tool pay, look
${counters.join("\n")}`);
  let compiled = 0;
  const evaluator = generateEvaluator(program, (source) => {
    compiled++;
    return compileSource(source);
  });
  const steps = [...(evaluator.warmUp?.() ?? [])].length;
  expect({ steps, isShared: compiled <= steps }).toEqual({ steps: 5, isShared: true });
  const warm = compiled;
  const reference = createInterpreter(program);
  for (const amount of [0, 50, 200]) {
    const { request, facts } = questionFrom(program, 1, amount);
    const roots = {
      ...request.roots,
      agent: record({ id: "a" }),
      args: record({ amount, to: "x" }),
    };
    const asked = { ...request, tool: 0, roots };
    const touches = evaluator.touches(asked, facts);
    expect(touches).toEqual(reference.touches(asked, facts));
    expect(touches.length).toBeGreaterThan(60);
  }
  expect(compiled).toBe(warm);
});

test("a list of constants is one constant, however long it is", () => {
  const lists = (count: number) => {
    const words = Array.from({ length: count }, (_, at) => `"v${at}"`).join(", ");
    return programOf(`
tool ask { effect read, args { word: String, n: Int } }
permit known tool ask when args.word in [${words}]
forbid odd tool ask when args.n in [1, 3, 5]`);
  };
  const lengthFor = (program: Program) => {
    let length = 0;
    const compile = (source: string) => {
      length = Math.max(length, source.length);
      return compileSource(source);
    };
    const evaluator = generateEvaluator(program, compile);
    const { call } = drive(program, { evaluator });
    expect(outcomeOf(call("ask", { word: "v3", n: 2 }))).toBe("allow");
    expect(outcomeOf(call("ask", { word: "w", n: 2 }))).toBe("not_permitted");
    expect(outcomeOf(call("ask", { word: "v3", n: 5 }))).toBe("forbidden");
    return length;
  };
  // What is counted is the same: its length is a constant as well.
  expect(lengthFor(lists(5_000))).toBe(lengthFor(lists(50)));
});
