import { expect, test } from "vitest";
import type { Evaluator } from "../../engine/evaluate/evaluator.ts";
import { createInterpreter } from "../../engine/evaluate/interpret.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import type { Facts } from "../../engine/facts.ts";
import { createMemoryStore } from "../../engine/state/memory.ts";
import type { Program } from "../../lang/ir.ts";
import { drive, outcomeOf, programOf } from "../support/engine.ts";
import { tableOf } from "../support/tables.ts";

const POLICY = `
tool act { effect write }
tool other { effect read }
environment { forbid: Bool, permit: Bool, never: Bool, hold: Bool, big_forbid: Int, big_permit: Int }
permit certain when environment.permit
permit unsure when environment.big_permit * 9007199254740991 >= 9007199254740991
forbid certain_no when environment.forbid
forbid unsure_no when environment.big_forbid * 9007199254740991 >= 9007199254740991
hold ask when environment.hold until approved by principal
never broken allow when environment.never
task errand { sequence other }
`;

const FACTORS = [
  "interrupted",
  "delegation fails",
  "forbid",
  "unknown forbid",
  "outside task",
  "permit",
  "unknown permit",
  "never",
  "hold",
] as const;

type Present = Readonly<Record<(typeof FACTORS)[number], boolean>>;

const rows = tableOf(...FACTORS);

const program = programOf(POLICY);
const evaluators = [generateEvaluator(program), createInterpreter(program)];

function decided(present: Present, evaluator: Evaluator): string {
  const driver = drive(program, { evaluator });
  if (present.interrupted) driver.engine.sessions.interrupt("s");
  const hop = { from: "alice", to: "bot", scope: [], expires_at: "2000-01-01" };
  const decision = driver.call(
    "act",
    {},
    {
      principal: { id: "alice", kind: "human" },
      ...(present["delegation fails"] ? { delegation: { chain: [hop] } } : {}),
      ...(present["outside task"] ? { intent: { task: "errand" } } : {}),
      context: {
        forbid: present.forbid,
        permit: present.permit,
        never: present.never,
        hold: present.hold,
        big_forbid: present["unknown forbid"] ? 2 : 0,
        big_permit: present["unknown permit"] ? 2 : 0,
      },
    },
  );
  return decision.code === undefined ? decision.decision : `${decision.decision} ${decision.code}`;
}

test("all 512 combinations are decided as the one row of SPEC's table that fits says", () => {
  for (let bits = 0; bits < 2 ** FACTORS.length; bits++) {
    const present = Object.fromEntries(
      FACTORS.map((factor, index) => [factor, (bits & (1 << index)) !== 0]),
    ) as Present;
    const fitting = rows.filter((row) =>
      FACTORS.every(
        (factor) => row[factor] === "–" || row[factor] === (present[factor] ? "yes" : "no"),
      ),
    );
    expect(fitting).toHaveLength(1);
    for (const evaluator of evaluators) {
      const said = { present, decided: decided(present, evaluator) };
      expect(said).toEqual({ present, decided: fitting[0]?.decision });
    }
  }
});

const STATEFUL = `
tool act { effect write }
counter calls = count attempts per session
latch set = completed act per session
permit anything
`;

test.each(tableOf("causes", "code"))("a forbid unknown for $causes is denied as $code", (row) => {
  const conditions = {
    state_unavailable: "calls > 1",
    pending: "set",
    overflow: "environment.big * 9007199254740991 > 0",
    absent: 'principal.id == "alice"',
  };
  const causes = row.causes?.split(", ") as (keyof typeof conditions)[];
  const forbids = causes.map((cause, n) => `forbid no${n} when ${conditions[cause]}`).join("\n");
  const driver = drive(`environment { big: Int }\n${STATEFUL}\n${forbids}`, {
    store: brokenCounters(),
  });
  const decision = driver.call("act", {}, { context: { big: 2 } });
  expect(outcomeOf(decision)).toBe(row.code);
  expect(decision.errors?.map((error) => error.cause)).toEqual(causes);
});

/** Counters are out of reach, and every latch waits for an outcome. */
function brokenCounters() {
  const facts: Pick<Facts, "counter" | "latch" | "origin"> = {
    counter: () => "unavailable",
    latch: () => "pending",
    origin: () => "unavailable",
  };
  return {
    open: (program: Program) => ({
      session: () => undefined,
      begin: ({ nowMs }: { readonly nowMs: number }) => ({ nowMs, task: undefined, ...facts }),
      commit: () => "ok" as const,
      late: () => undefined,
      lacking: () => new Map(),
      fill: () => {},
      settle: () => ({ ok: true, repeated: false }) as const,
      interrupt: () => {},
      reinstate: () => false,
      declassify: () => false,
      report: createMemoryStore().open(program).report,
    }),
  };
}

test("reasons and obligations do not depend on the order of rules", () => {
  const rules = [
    `permit b with credential { scope: ["x", "y"], ttl: 60s }, redact ["a"]`,
    `permit a with credential { scope: ["y", "z"], ttl: 30s }, log summary`,
    `oblige c with redact ["b", "a"], log full`,
  ];
  const decide = (order: readonly string[]) =>
    drive(`tool act { effect write }\n${order.join("\n")}`).call("act");
  const first = decide(rules);
  expect(first.reasons.map(({ rule }) => rule)).toEqual(["a", "b"]);
  expect(first.obligations).toEqual([
    { id: "o1", type: "credential", scope: ["y"], ttl: "30s" },
    { id: "o2", type: "redact", paths: ["a", "b"] },
    { id: "o3", type: "log", level: "full" },
  ]);
  const reversed = decide([...rules].reverse());
  expect(reversed.reasons.map(({ rule }) => rule)).toEqual(["a", "b"]);
  expect(reversed.obligations).toEqual(first.obligations);
});

const HELD = `
tool act { effect write, args { n: Int } }
permit anything
hold boss when args.n > 10 until approved by delegation.root within 10m
hold two when args.n > 100 until approved by 2 of group "ops"
`;

function chain(...ids: readonly string[]) {
  return {
    chain: ids.slice(1).map((to, index) => ({
      from: index === 0 ? { id: ids[0], kind: "human" } : ids[index],
      to,
      scope: [],
    })),
  };
}

test("a hold says who must approve what until when, and an approval of another request is none", () => {
  const driver = drive(HELD);
  const more = { delegation: chain("alice", "bot") };
  const held = driver.call("act", { n: 11 }, more);
  expect(held.decision).toBe("hold");
  expect(held.approval?.by).toEqual([{ party: "alice", count: 1, rule: "boss" }]);
  expect(held.approval?.until).toBe("2026-01-02T12:10:00Z");
  const approval = { by: "alice", groups: [], digest: held.approval?.digest ?? "" };
  expect(driver.call("act", { n: 11 }, more, { approvals: [approval] }).decision).toBe("allow");
  expect(driver.call("act", { n: 12 }, more, { approvals: [approval] }).decision).toBe("hold");
});

test("a hold whose approver cannot be told is a denial that says where", () => {
  const policy = `tool act { effect write }
permit anything
hold boss until approved by principal`;
  const answer = drive(policy).call("act");
  expect(answer).toMatchObject({ decision: "deny", code: "indeterminate" });
  expect(answer.errors).toEqual([{ rule: "boss", cause: "absent", at: "policy.writ:4:29" }]);
});

test.each([
  { n: 1, because: "a is one" },
  { n: 2, because: "`a_none` could not be decided" },
  { n: 3, because: "`b_many` could not be decided (too many)" },
])("what could not be decided is not told as a fact: $n", ({ n, because }) => {
  const driver = drive(`
    tool act { effect write, args { n: Int } }
    permit anything
    counter calls = count allowed act per session
    forbid a_none when args.n == 2 and calls > 5
    forbid b_many when args.n != 0 and calls > 5 because "too many"
    forbid c_one when args.n == 1 because "a is one"
  `);
  const answer = driver.call("act", { n }, { session: undefined });
  expect(answer).toMatchObject({ decision: "deny", because });
});

test("an invariant that is broken says why before one that could not be decided", () => {
  const driver = drive(`
    tool act { effect write }
    counter calls = count allowed act per session
    permit anything
    never a_many allow when calls > 5 because "too many"
    never b_acting allow when true because "nobody acts"
  `);
  const answer = driver.call("act", {}, { session: undefined });
  expect(answer).toMatchObject({ code: "invariant_broken", because: "nobody acts" });
});

test.each([
  { by: ["alice"], decision: "hold", why: "one of two" },
  { by: ["ann", "ben"], decision: "allow", why: "two different people" },
  { by: ["ann", "ann"], decision: "hold", why: "one person twice" },
  { by: ["ann", "bot"], decision: "hold", why: "the agent itself" },
  { by: ["ann", "worker"], decision: "hold", why: "someone the task passed through" },
  { by: ["ann", "alice"], decision: "allow", why: "the human root" },
])("two approvals of a group, given by $by: $decision ($why)", ({ by, decision }) => {
  const approvals = [...by, "alice"].map((id) => ({
    by: id,
    groups: id === "alice" && !by.includes(id) ? [] : ["ops"],
  }));
  const answer = drive(HELD).call(
    "act",
    { n: 101 },
    { delegation: chain("alice", "worker", "bot") },
    { approvals },
  );
  expect(answer.decision).toBe(decision);
});

test("an interrupted session stays ended until it is reinstated; an unsure rule ends none", () => {
  const driver = drive(`
    tool act { effect write, args { n: Int } }
    permit anything
    forbid stop when args.n * 9007199254740991 > 0 then interrupt session
    forbid halt when args.n == 1 then interrupt session
  `);
  const unsure = driver.call("act", { n: 2 });
  expect([outcomeOf(unsure), unsure.interrupt]).toEqual(["indeterminate", undefined]);
  expect(driver.call("act", { n: 0 }).decision).toBe("allow");
  const stopped = driver.call("act", { n: 1 });
  expect([outcomeOf(stopped), stopped.interrupt]).toEqual(["forbidden", true]);
  expect(outcomeOf(driver.call("act", { n: 0 }))).toBe("session_interrupted");
  expect(driver.engine.sessions.reinstate("s")).toBe(true);
  expect(driver.call("act", { n: 0 }).decision).toBe("allow");
});

test("two limits of one counter are about one number", () => {
  const driver = drive(`
    tool pay { effect write, args { amount: Int } }
    counter paid = sum args.amount of allowed pay per session
    task errand { limit paid <= 100, paid <= 50 }
    permit p tool pay
  `);
  const pay = () => outcomeOf(driver.call("pay", { amount: 15 }, { intent: { task: "errand" } }));
  expect([pay(), pay(), pay(), pay()]).toEqual(["allow", "allow", "allow", "limit_reached"]);
});
