import { expect, test } from "vitest";
import {
  type DecisionEvidence,
  type EvidenceSink,
  type OutcomeEvidence,
  WatchedView,
} from "../../engine/evidence.ts";
import { createMemoryStore } from "../../engine/state/memory.ts";
import { drive, outcomeOf, START } from "../support/engine.ts";

const POLICY = `
label untrusted
tool act { effect write, args { n: Int, to: String } }
counter calls = count attempts per session within 10s
latch done = completed act per session
permit anything when has session and calls < 1000 and not done
forbid planted when untrusted in origin(args.to)
`;

function keep() {
  const decided: DecisionEvidence[] = [];
  const settled: OutcomeEvidence[] = [];
  const sink: EvidenceSink = {
    decided: (evidence) => void decided.push(evidence),
    settled: (evidence) => void settled.push(evidence),
  };
  return { decided, settled, sink };
}

test("what a decision read is handed out with it, each thing once", () => {
  const { decided, settled, sink } = keep();
  const driver = drive(POLICY, { evidence: sink });
  const args = { n: 1, to: "ann" };
  const decision = driver.call("act", args);
  driver.ok(decision, "seen");
  const [evidence] = decided;
  expect(evidence?.decision).toBe(decision);
  expect(evidence?.nowMs).toBe(START);
  expect(evidence?.facts?.counters).toEqual([{ index: 0, key: "s", value: 0 }]);
  expect(evidence?.facts?.latches).toEqual([{ index: 0, key: "s", value: false }]);
  expect(evidence?.facts?.origins).toEqual([{ of: "ann", labels: new Set() }]);
  expect(evidence?.input).toMatchObject({ tool: { name: "act", args } });
  expect(evidence?.digest()).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(settled).toMatchObject([{ settlement: "settled", report: { call: decision.call } }]);
});

test("a refused request is handed out with what is wrong, a malformed one not at all", () => {
  const { decided, sink } = keep();
  const driver = drive(POLICY, { evidence: sink });
  expect(outcomeOf(driver.call("dance"))).toBe("invalid_request");
  expect(driver.engine.decide({ agent: 1 }).kind).toBe("malformed");
  expect(decided.map(({ problems }) => problems?.map(({ at }) => at))).toEqual([["/tool/name"]]);
});

test("outcomes tell whether there was something to settle", () => {
  const { settled, sink } = keep();
  const { engine, ...driver } = drive(POLICY, { evidence: sink });
  const { call } = driver.call("act", { n: 1, to: "ann" });
  for (const body of [
    { call: "nobody", status: "ok" },
    { call, status: "ok" },
    { call, status: "ok" },
    { call, status: "error" },
  ]) {
    engine.outcome(body);
  }
  expect(settled.map(({ settlement }) => settlement)).toEqual([
    "unknown",
    "settled",
    "repeated",
    "conflict",
  ]);
});

test("who records and fails gets a denial, also while a denial is recorded", () => {
  const faults: unknown[] = [];
  const decided = () => {
    throw new Error("disk on fire");
  };
  const driver = drive(POLICY, {
    evidence: { decided, settled: decided },
    onFault: (fault) => void faults.push(fault),
  });
  expect(outcomeOf(driver.call("act", { n: 1, to: "ann" }))).toBe("internal_error");
  expect(outcomeOf(driver.call("dance"))).toBe("internal_error");
  expect(driver.engine.outcome({ call: "c1", status: "ok" }).kind).toBe("unavailable");
  expect(faults.length).toBeGreaterThanOrEqual(3);
});

test("a decision that there was no room for is handed out as the denial it became", () => {
  const { decided, sink } = keep();
  const store = createMemoryStore({ sessionCount: 0 });
  const driver = drive(POLICY, { evidence: sink, store });
  expect(outcomeOf(driver.call("act", { n: 1, to: "ann" }))).toBe("state_unavailable");
  expect(decided.map(({ decision, facts }) => [decision.code, facts])).toEqual([
    ["state_unavailable", undefined],
  ]);
});

test("of however many values the origin is asked, noting them takes time in proportion", () => {
  const view = { nowMs: 0, task: undefined, counter: () => 0, latch: () => false };
  const watched = new WatchedView({ ...view, origin: () => new Set() });
  const before = process.cpuUsage().user;
  for (let asked = 0; asked < 100_000; asked += 1) watched.origin([asked]);
  watched.origin("ann");
  watched.origin("ann");
  expect(watched.origins.length).toBe(100_001);
  expect((process.cpuUsage().user - before) / 1_000).toBeLessThan(3_000);
});
