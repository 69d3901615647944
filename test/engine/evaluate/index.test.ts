import { describe, expect, test } from "vitest";
import { type Collected, indexRules } from "../../../engine/evaluate/index.ts";
import type { Roots } from "../../../engine/request.ts";
import { record } from "../../../engine/value.ts";
import type { Expr, Guard, Program, Rule } from "../../../lang/ir.ts";
import { programFrom } from "../../differential/run.ts";

/** Which rules are tried for a request, among 1,000 that differ in `guardOf` or a condition. */
function tried(
  guardOf: (at: number) => Guard,
  roots: object,
  conditionsOf: (at: number) => readonly Expr[] = () => [],
): readonly number[] {
  const program = thousand(guardOf, conditionsOf);
  const found: number[] = [];
  const index = indexRules(program, (indexes) => () => void found.push(...indexes));
  index.placeOf(0)?.visit(requestRoots(roots), NO_FACTS, nothingYet());
  return found.sort((a, b) => a - b);
}

function thousand(
  guardOf: (at: number) => Guard,
  conditionsOf: (at: number) => readonly Expr[] = () => [],
): Program {
  const [rule] = programFrom(1).rules;
  if (rule === undefined) throw new Error("a program has rules");
  const rules = Array.from(
    { length: 1_000 },
    (_, at): Rule => ({
      ...rule,
      guard: guardOf(at),
      conditions: conditionsOf(at),
    }),
  );
  return { ...programFrom(1), rules };
}

function nothingYet(): Collected {
  return { permits: [], forbids: [], holds: [], obliges: [], uncertain: false };
}

/** `args.account == "a7"` */
function accounts(at: number): readonly Expr[] {
  return [
    {
      kind: "equal",
      left: { kind: "attribute", of: { kind: "root", name: "args", at }, name: "account", at },
      right: { kind: "const", type: { kind: "String" }, value: `a${at}`, at },
      type: { kind: "String" },
      at,
    },
  ];
}

const NO_FACTS = {
  nowMs: 0,
  counter: () => 0,
  latch: () => false,
  origin: () => new Set<string>(),
};

function requestRoots(given: object): Roots {
  const nothing = record({});
  return {
    agent: record({ groups: new Set<string>(), kind: "workload" }),
    principal: undefined,
    delegation: undefined,
    intent: nothing,
    tool: nothing,
    args: nothing,
    resource: undefined,
    session: undefined,
    environment: nothing,
    ...given,
  };
}

describe("only rules that could apply are tried", () => {
  test("by agent group, each of the agent's", () => {
    const agent = record({ groups: new Set(["g7", "g500", "other"]), kind: "workload" });
    expect(tried((at) => ({ agentGroups: [`g${at}`] }), { agent })).toEqual([7, 500]);
  });

  test("by resource type", () => {
    const resource = record({ type: "t999" });
    expect(tried((at) => ({ resources: [`t${at}`] }), { resource })).toEqual([999]);
    expect(tried((at) => ({ resources: [`t${at}`] }), {})).toEqual([]);
  });

  test("by purpose and those above it", () => {
    const purposes = (at: number) => ({ purposes: [at === 3 ? "p" : `p.q${at}`] });
    expect(tried(purposes, { intent: record({ purpose: "p.q5.r" }) })).toEqual([3, 5]);
    expect(tried(purposes, { intent: record({ purpose: "p" }) })).toEqual([3]);
  });

  test("by task", () => {
    const intent = record({ task: "t12" });
    expect(tried((at) => ({ tasks: [`t${at}`] }), { intent })).toEqual([12]);
  });

  test("by a condition that compares with a constant; where that is absent, all", () => {
    const args = record({ account: "a77" });
    expect(tried(() => ({}), { args }, accounts)).toEqual([77]);
    expect(tried(() => ({}), {}, accounts)).toHaveLength(1_000);
  });

  test("by two clauses together, beside rules without them", () => {
    const agent = record({ groups: new Set(["g1"]), kind: "workload" });
    const resource = record({ type: "t2" });
    const guard = (at: number): Guard =>
      at < 2 ? {} : { agentGroups: [`g${at % 10}`], resources: [`t${at % 7}`] };
    const wanted = Array.from({ length: 1_000 }, (_, at) => at).filter(
      (at) => at < 2 || (at % 10 === 1 && at % 7 === 2),
    );
    expect(tried(guard, { agent, resource })).toEqual(wanted);
  });
});

describe("warming up", () => {
  const groups = (...names: readonly string[]) => ({
    agent: record({ groups: new Set(names), kind: "workload" }),
  });

  /** How many rules each step built, and then those that a request of `roots` still had to wait for. */
  function built(guardOf: (at: number) => Guard, roots: object, more: Partial<Program> = {}) {
    let count = 0;
    const program = { ...thousand(guardOf), ...more };
    const { warmUp, placeOf } = indexRules(program, (indexes) => {
      count += indexes.length;
      return () => {};
    });
    const steps: number[] = [];
    let before = 0;
    for (const _ of warmUp()) {
      steps.push(count - before);
      before = count;
    }
    steps.push(count - before);
    before = count;
    placeOf(0)?.visit(requestRoots(roots), NO_FACTS, nothingYet());
    return { steps, warm: before, waitedFor: count - before };
  }

  test("builds what nothing tells apart, a few rules with each step", () => {
    const { steps, warm, waitedFor } = built(() => ({}), {});
    expect({ warm, waitedFor }).toEqual({ warm: 1_000, waitedFor: 0 });
    expect(Math.max(...steps)).toBeLessThanOrEqual(24);
  });

  test("builds what stands behind a value where that is much, and leaves what is little", () => {
    const guard = (at: number): Guard => ({ agentGroups: [at < 700 ? "many" : `g${at % 30}`] });
    expect(built(guard, groups("many"))).toMatchObject({ warm: 700, waitedFor: 0 });
    expect(built(guard, groups("g3"))).toMatchObject({ warm: 700, waitedFor: 10 });
  });

  test("builds for whoever leaves out what a condition tells them apart by, a few rules with each step", () => {
    let most = 0;
    let count = 0;
    const { warmUp, placeOf } = indexRules(
      thousand(() => ({}), accounts),
      (indexes) => {
        count += indexes.length;
        most = Math.max(most, indexes.length);
        return () => {};
      },
    );
    const steps = [...warmUp()].length;
    expect({ count, most }).toEqual({ count: 1_000, most: 24 });
    expect(steps).toBeGreaterThanOrEqual(42);
    placeOf(0)?.visit(requestRoots({}), NO_FACTS, nothingYet());
    expect(count).toBe(1_000);
  });

  test("makes nothing of a policy with few rules for each tool", () => {
    const [tool] = programFrom(1).tools;
    if (tool === undefined) throw new Error("a program has tools");
    const tools = Array.from({ length: 50 }, () => tool);
    expect(built((at) => ({ tools: [at % 50] }), {}, { tools })).toMatchObject({ warm: 0 });
  });

  test("has an end where each of many rules is of each of many tools", () => {
    const [tool] = programFrom(1).tools;
    if (tool === undefined) throw new Error("a program has tools");
    const tools = Array.from({ length: 100 }, () => tool);
    const every = tools.map((_, at) => at);
    const { warm, waitedFor } = built(() => ({ tools: every }), {}, { tools });
    expect({ warm, waitedFor }).toEqual({ warm: 40_000, waitedFor: 0 });
  });
});
