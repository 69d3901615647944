/** Steps (SPEC §5.3): what each operator takes, what runs out, and what a decision comes to then. */
import { describe, expect, test } from "vitest";
import { createInterpreter } from "../../../engine/evaluate/interpret.ts";
import { generateEvaluator } from "../../../engine/evaluate/javascript.ts";
import { NO_FACTS } from "../../../engine/facts.ts";
import { createRequestReader } from "../../../engine/request-reader.ts";
import { DECISION_STEPS_MAX, RULE_STEPS_MAX } from "../../../lang/limits.ts";
import { drive, programOf } from "../../support/engine.ts";

const TOOL = `label seen
tool act {
  effect write,
  args {
    a: String, b: String, xs: List<String>, ys: List<String>, s: Set<String>, m: Map<Int>, c: Command,
    d: Command, rs: List<{ k: String }>, qs: List<{ k: String }>, ip: Ip, ns: List<Decimal>, p: Path,
  },
}
fn same(a: String, b: String): Bool = a == b
fn late(text: String): Bool = text == "x"
counter keyed = count allowed act per args.a
`;

const PLAIN = {
  ...{ a: "", b: "", xs: [], ys: [], s: [], m: {}, c: "", d: "", rs: [], qs: [] },
  ...{ ip: "10.0.0.1", ns: [], p: "/" },
};
const long = (length: number) => "a".repeat(length);
const many = (length: number) => Array.from({ length }, (_, at) => `${at}`);

type Args = Readonly<Record<string, unknown>>;

function requestOf(args: Args): unknown {
  return { agent: { id: "bot" }, tool: { name: "act", args: { ...PLAIN, ...args } } };
}

/** Of one rule, in both evaluators. */
function stepsOf(conditions: string, args: Args): readonly number[] {
  const program = programOf(`${TOOL}forbid f tool act ${conditions}`);
  const reading = createRequestReader(program)(requestOf(args), {
    nowMs: 0,
    session: () => undefined,
  });
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return [createInterpreter(program), generateEvaluator(program)].map((evaluator) => {
    evaluator.fuel.begin();
    evaluator.rules(reading.request, { ...NO_FACTS, counter: () => 0, origin: () => new Set() });
    return DECISION_STEPS_MAX - evaluator.fuel.left;
  });
}

test.each<[string, Args, number]>([
  ["when args.a == args.b", { a: long(63), b: long(63) }, 0],
  ["when args.a == args.b", { a: long(640), b: long(640) }, 10],
  ["when args.a == args.b", { a: long(640), b: long(641) }, 0],
  ['when args.a == "x"', { a: long(640) }, 0],
  ["when args.a in args.s", { a: long(640) }, 10],
  ["when args.a in args.xs", { a: "1", xs: many(80) }, 10],
  ["when args.a in args.xs", { a: long(64), xs: [long(64), long(65), long(64)] }, 2],
  ["when has args.m[args.a]", { a: long(640) }, 10],
  ["when args.xs subset of args.ys", { xs: many(10), ys: [long(560)] }, 10],
  ["when args.a starts with args.b", { a: long(641), b: long(640) }, 10],
  ["when args.a ends with args.b", { a: long(639), b: long(640) }, 0],
  ["when args.a contains args.b", { a: long(640), b: "b" }, 10],
  ["when args.a contains args.b", { a: long(640), b: long(320) }, 60],
  ["when args.a contains args.b", { a: long(319), b: long(320) }, 0],
  ['when args.a like "*b*c"', { a: long(640) }, 11],
  ["when args.p within args.p", { p: `/${long(639)}` }, 10],
  ["when args.xs == args.ys", { xs: many(20), ys: many(20) }, 11],
  ["when args.xs == args.ys", { xs: many(20), ys: many(21) }, 0],
  ["when args.xs == args.ys", { xs: [long(640)], ys: [long(640)] }, 11],
  ["when args.rs == args.qs", { rs: [{ k: "a" }, { k: "b" }], qs: [{ k: "a" }, { k: "b" }] }, 8],
  ['when any x in args.xs: x == ""', { xs: many(7) }, 7],
  ["when all x in args.ns: x * x <= 0.00", { ns: [0, 0, 0] }, 9],
  ['when count(x in args.xs where x == "") == 1', { xs: many(7) }, 7],
  ["when count(set(x in args.xs: x)) == 1", { xs: [long(640), long(64)] }, 13],
  ["when same(args.a, args.b)", { a: long(640), b: long(640) }, 11],
  ['when any x in ["a", "b"]: args.ip within "10.0.0.0/8" and x == "z"', {}, 34],
  ['when lower(args.a) == "x"', { a: long(640) }, 41],
  ["when count(words(args.a)) == 2", { a: long(640) }, 81],
  ["when has url(args.a)", { a: long(640) }, 328],
  ["when seen in origin(args.a)", { a: long(640) }, 164],
  ["when keyed > 1", { a: long(640) }, 0],
  // Only what is read is calculated.
  ['let w = words(args.a) when args.b == "x" when count(w) == 2', { a: long(640) }, 0],
  ['let w = words(args.a) when args.b == "x" when count(w) == 2', { a: long(640), b: "x" }, 81],
  // A second look at one command line is no second analysis.
  ["when args.c.parsed and args.c.privileged", { c: long(64) }, 692],
  ["when args.c.parsed and args.d.parsed", { c: long(64), d: long(64) }, 692],
  ["when args.c.parsed and args.d.parsed", { c: long(64), d: `${long(63)}b` }, 1_382],
])("`%s` takes what SPEC §5.3 says", (conditions, args, steps) => {
  expect(stepsOf(conditions, args)).toEqual([steps, steps]);
});

describe("what runs out", () => {
  const LOOPS = 'any x in args.xs: any y in args.ys: x == "z" and y == "z"';
  const NESTED = "any x in args.xs: any y in args.ys: x in words(args.a)";
  const lists = { xs: many(1_000), ys: many(1_000) };
  const rules = (count: number) =>
    Array.from({ length: count }, (_, at) => `oblige o${at} tool act when ${LOOPS} with log full`);
  const decided = (policy: readonly string[], args: Args) =>
    drive(`${TOOL}permit p tool act\n${policy.join("\n")}`).call("act", { ...PLAIN, ...args });

  test("one rule that reads a long text in loops", () => {
    const policy = [`forbid f tool act when ${NESTED}`];
    expect(decided(policy, { ...lists, a: "b ".repeat(500_000) })).toMatchObject({
      decision: "deny",
      code: "indeterminate",
      errors: [{ rule: "f", cause: "fuel" }],
    });
    const small = { xs: ["c"], ys: ["c"] };
    expect(decided(policy, { ...small, a: "a b c" })).toMatchObject({ code: "forbidden" });
    expect(decided(policy, { ...small, a: "a b" })).toMatchObject({ decision: "allow" });
  });

  test("one rule, and leaves the others what is theirs", () => {
    const both = `${LOOPS}\nforbid g tool act when lower(args.a) == "x"`;
    const [reference, generated] = stepsOf(`when ${both}`, { ...lists, a: long(640) });
    expect([reference, generated]).toEqual([RULE_STEPS_MAX + 41, RULE_STEPS_MAX + 41]);
  });

  test("a decision: it is denied, and the bound is named", () => {
    expect(decided(rules(9), lists)).toMatchObject({ decision: "allow" });
    expect(decided(rules(11), lists)).toMatchObject({
      decision: "deny",
      code: "indeterminate",
      because: "deciding takes more than 1000000 steps (DECISION_STEPS_MAX)",
    });
  });

  test("a decision that is denied anyway, for the reason it has", () => {
    const policy = ['forbid f tool act when args.b == "x"', ...rules(11)];
    expect(decided(policy, { ...lists, b: "x" })).toMatchObject({ code: "forbidden" });
  });

  test("a decision, and leaves the next one what is its", () => {
    const driver = drive(`${TOOL}permit p tool act\n${rules(11).join("\n")}`);
    expect(driver.call("act", { ...PLAIN, ...lists }).decision).toBe("deny");
    expect(driver.call("act", PLAIN).decision).toBe("allow");
  });

  test("commands, all together", () => {
    const policy = ["forbid f tool act when args.c.privileged or args.d.privileged"];
    const half = DECISION_STEPS_MAX / 20;
    const c = long(half);
    expect(decided(policy, { c, d: c }).decision).toBe("allow");
    expect(decided(policy, { c, d: `${c}b` })).toMatchObject({ code: "indeterminate" });
  });

  test("what a key takes, and no call is counted under none", () => {
    const policy = Array.from(
      { length: 70 },
      (_, at) => `counter c${at} = count allowed act per args.a`,
    );
    expect(decided(policy, { a: long(10_000) }).decision).toBe("allow");
    expect(decided(policy, { a: long(1_000_000) })).toMatchObject({
      decision: "deny",
      code: "indeterminate",
    });
  });
});
