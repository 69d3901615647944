import { describe, expect, test } from "vitest";
import { createInterpreter } from "../../../engine/evaluate/interpret.ts";
import { generateEvaluator } from "../../../engine/evaluate/javascript.ts";
import {
  type ModuleAnswer,
  type ModuleRunner,
  modulesAsked,
  readAnswer,
} from "../../../engine/opa/answer.ts";
import { drive, outcomeOf, programOf } from "../../support/engine.ts";

const POLICY = `
  tool look { effect read }
  tool pay { effect write, args { amount: Decimal } }
  import rego "x.wasm" entrypoint "a/allow" as legacy: Bool
  import rego "x.wasm" entrypoint "a/risk" as risk: "low" | "high"
  import rego "x.wasm" entrypoint "a/limit" as limit: Decimal?
  permit seen tool look when legacy(input)
  permit paid tool pay when not legacy(input)
  forbid risky tool pay when risk(input) == "high"
  permit within_limit tool pay when args.amount <= (limit(input) ?? 0.00)
`;
const program = programOf(POLICY);
const EVALUATORS = [
  ["the reference evaluator", createInterpreter(program)],
  ["generated code", generateEvaluator(program)],
] as const;

type Said = Partial<Record<0 | 1 | 2, unknown>>;

/** Modules that say these values, and nothing where there is none. */
function saying(said: Said, asked: number[] = []): ModuleRunner {
  return {
    about: () => (module) => {
      asked.push(module);
      const value = said[module as 0 | 1 | 2];
      return value === undefined
        ? { kind: "undefined" }
        : ({ kind: "defined", value } as ModuleAnswer);
    },
  };
}

describe.each(EVALUATORS)("%s", (_, evaluator) => {
  const decided = (tool: string, said: Said, args = {}) =>
    outcomeOf(drive(program, { evaluator, modules: saying(said) }).call(tool, args));

  test("a module's answer is a value", () => {
    expect(decided("look", { 0: true })).toBe("allow");
    expect(decided("look", { 0: false })).toBe("not_permitted");
    expect(decided("pay", { 0: false, 1: "low" }, { amount: 5 })).toBe("allow");
    expect(decided("pay", { 0: false, 1: "high" }, { amount: 5 })).toBe("forbidden");
  });

  test.each(["true", 1, [], {}, [true], { allow: true }, null])(
    "%j is no Bool: unknown",
    (value) => {
      expect(decided("look", { 0: value })).toBe("indeterminate");
      expect(decided("pay", { 0: value, 1: "low" }, { amount: 5 })).toBe("indeterminate");
    },
  );

  test("what is undefined is unknown, and absent where the type admits that", () => {
    expect(decided("look", {})).toBe("indeterminate");
    expect(decided("pay", { 0: true, 1: "low" }, { amount: 5 })).toBe("not_permitted");
    expect(decided("pay", { 0: true, 1: "low", 2: 10 }, { amount: 5 })).toBe("allow");
    expect(decided("pay", { 0: true, 1: "low", 2: "ten" }, { amount: 5 })).toBe("indeterminate");
  });

  test("a forbid applies where its module says nothing", () => {
    const decision = drive(program, { evaluator, modules: saying({ 0: false }) }).call("pay", {
      amount: 5,
    });
    expect(decision).toMatchObject({ decision: "deny", code: "indeterminate" });
    expect(decision.errors).toMatchObject([{ rule: "risky", cause: "module_unavailable" }]);
  });

  test("without anything that runs modules, nothing they decide is allowed", () => {
    expect(outcomeOf(drive(program, { evaluator }).call("look"))).toBe("indeterminate");
  });
});

test("each module is asked once, and only where a rule that could apply wants it", () => {
  const asked: number[] = [];
  const driver = drive(program, { modules: saying({ 0: true, 1: "low" }, asked) });
  driver.call("look");
  expect(asked).toEqual([0]);
  driver.call("pay", { amount: 1 });
  expect(asked.slice(1).sort()).toEqual([0, 1, 2]);
});

test("answers that were fetched before are used, and no module is asked", () => {
  const asked: number[] = [];
  const driver = drive(program, { modules: saying({ 0: false }, asked) });
  const decision = driver.call(
    "look",
    {},
    {},
    { modules: () => ({ kind: "defined", value: true }) },
  );
  expect(outcomeOf(decision)).toBe("allow");
  expect(asked).toEqual([]);
});

test("which modules a request may need follows from its tool", () => {
  const asked = modulesAsked(program);
  expect(asked({ tool: { name: "look" } })).toEqual([0]);
  expect(asked({ tool: { name: "pay" } })).toEqual([0, 1, 2]);
  expect(asked({ tool: { name: "nobody's" } })).toEqual([]);
  expect(asked(null)).toEqual([]);
  const everywhere = programOf(`tool look { effect read }
    import rego "x.wasm" entrypoint "a/b" as legacy: Bool
    permit all_of_them when legacy(input)`);
  expect(modulesAsked(everywhere)(7)).toEqual([0]);
});

test.each([
  ["[]", { kind: "undefined" }],
  ['[{"result":1}]', { kind: "defined", value: 1 }],
  ['[{"result":false}]', { kind: "defined", value: false }],
])("%s is read", (text, answer) => expect(readAnswer(text)).toEqual(answer));

test.each([
  "",
  "{}",
  "[",
  "[1]",
  "[{}]",
  '[{"result":1},{"result":2}]',
  '[{"result":1,"result":2}]',
  '[{"result":{"__proto__":1}}]',
  `[{"result":${"[".repeat(100_000)}${"]".repeat(100_000)}}]`,
  `[{"result":"${"x".repeat(70_000)}"}]`,
  '[{"result":9007199254740993}]',
])("%.40s is no answer", (text) => {
  expect(readAnswer(text)).toMatchObject({ kind: "failed" });
});
