import { describe, expect, test } from "vitest";
import { createMemoryStore, type MemoryLimits } from "../../../engine/state/memory.ts";
import type { PolicyState } from "../../../engine/state/store.ts";
import { keyOf } from "../../../engine/value.ts";
import { drive, outcomeOf, programOf, START } from "../../support/engine.ts";

const POLICY = programOf(`
tool look { effect read }
tool pay { effect write, args { amount: Decimal } }
tool boom { effect execute }
label private
counter calls = count attempts per session within 10s
counter spend = sum args.amount of allowed pay per session, tool
counter kinds = distinct tool.name of attempts per session
latch paid = completed pay per session
permit anything
forbid ending tool boom then interrupt session because "it does not end well"
forbid explosive tool boom
task errand { sequence look+, pay? }
`);

/** A driver, and the state that it leaves. */
function start(limits: Partial<MemoryLimits> = {}) {
  let state: PolicyState | undefined;
  const store = createMemoryStore(limits);
  const driver = drive(POLICY, {
    store: {
      open: (program) => {
        state = store.open(program);
        return state;
      },
    },
  });
  if (state === undefined) throw new Error("the engine opened no state");
  const call = (session: string, tool: string, args = {}, more = {}) =>
    driver.call(tool, args, { session: { id: session }, ...more });
  return { driver, call, report: state.report };
}

const most = 10;

describe("counters", () => {
  test("the highest come first, each as rules read it", async () => {
    const { call, report, driver } = start();
    for (const [session, times] of [
      ["a", 2],
      ["b", 7],
      ["c", 4],
    ] as const) {
      for (let at = 0; at < times; at += 1) call(session, "look");
    }
    const now = { nowMs: driver.nowMs, most: 2 };
    expect(await report.counter(0, now)).toEqual({
      keyCount: 3,
      highest: [
        { key: "b", value: 7 },
        { key: "c", value: 4 },
      ],
    });
    const later = { nowMs: driver.nowMs + 60_000, most };
    expect(await report.counter(0, later)).toEqual({ keyCount: 3, highest: [] });
  });

  test("keys of one session, alone or beside others", async () => {
    const { call, report, driver } = start();
    call("a", "pay", { amount: 2.5 });
    call("b", "pay", { amount: 1 });
    const of = (session: string) => ({
      nowMs: driver.nowMs,
      most,
      part: { at: 0, value: session },
    });
    expect((await report.counter(0, of("a"))).highest).toEqual([{ key: "a", value: 1 }]);
    expect((await report.counter(1, of("a"))).highest).toEqual([
      { key: keyOf(["a", "pay"]), value: 25_000 },
    ]);
    expect((await report.counter(1, of("nobody"))).highest).toEqual([]);
  });

  test("more keys than are looked at in one turn", async () => {
    const { call, report, driver } = start();
    for (let at = 0; at < 4_100; at += 1) call(`s${at}`, "look");
    call("s4099", "look");
    const { keyCount, highest } = await report.counter(0, { nowMs: driver.nowMs, most: 1 });
    expect([keyCount, highest]).toEqual([4_100, [{ key: "s4099", value: 2 }]]);
  });

  test("what the program does not declare is asked for by mistake", async () => {
    await expect(async () => start().report.counter(9, { nowMs: START, most })).rejects.toThrow();
  });
});

test("latches are set, pending or neither", async () => {
  const { call, driver, report } = start();
  driver.ok(call("set", "pay", { amount: 1 }));
  call("pending", "pay", { amount: 1 });
  driver.fail(call("neither", "pay", { amount: 1 }));
  expect(await report.latch(0, { nowMs: driver.nowMs, most })).toEqual({
    keyCount: 3,
    setCount: 1,
    pendingCount: 1,
    keys: [
      { key: "set", state: "set" },
      { key: "pending", state: "pending" },
    ],
  });
});

describe("sessions", () => {
  const ids = async (report: PolicyState["report"], wanted = {}) =>
    (await report.sessions({ most, ...wanted })).map(({ id }) => id);

  test("those used last come first, page by page", async () => {
    const { call, driver, report } = start();
    for (const id of ["c", "a", "b", "later"]) {
      driver.nowMs = START + (id === "later" ? 5_000 : 0);
      call(id, "look");
    }
    expect(await ids(report)).toEqual(["later", "a", "b", "c"]);
    expect(await ids(report, { most: 2 })).toEqual(["later", "a"]);
    expect(await ids(report, { most: 2, after: { id: "a", usedAtMs: START } })).toEqual(["b", "c"]);
    expect(await ids(report, { usedBeforeMs: START + 1 })).toEqual(["a", "b", "c"]);
    expect(await ids(report, { prefix: "lat" })).toEqual(["later"]);
  });

  test("an interrupted one says by which rule, and why", async () => {
    const { call, report } = start();
    call("fine", "look");
    expect(call("ended", "boom").interrupt).toBe(true);
    expect(await ids(report, { interrupted: true })).toEqual(["ended"]);
    expect(await ids(report, { interrupted: false })).toEqual(["fine"]);
    const [row] = await report.sessions({ most, interrupted: true });
    expect(row?.interruption).toEqual({
      by: "rule",
      names: ["ending"],
      because: "it does not end well",
      atMs: START,
    });
  });

  test("the first interruption is the one that counts, until it is reinstated", async () => {
    const { call, driver, report } = start();
    const { sessions } = driver.engine;
    sessions.interrupt("s", { by: "operator", names: ["ann"], because: "odd" });
    sessions.interrupt("s");
    expect((await report.session("s", most))?.interruption?.names).toEqual(["ann"]);
    expect(outcomeOf(call("s", "look"))).toBe("session_interrupted");
    sessions.reinstate("s");
    expect((await report.session("s", most))?.interruption).toBeUndefined();
    sessions.interrupt("s");
    expect((await report.session("s", most))?.interruption).toMatchObject({ by: "host" });
  });

  test("calls under way and tasks", async () => {
    const { call, driver, report } = start();
    const first = call("a", "look", {}, { intent: { task: "errand" } });
    call("a", "pay", { amount: 1 });
    call("b", "look");
    expect(await report.session("a", 1)).toMatchObject({
      callCount: 2,
      calls: [{ call: first.call, tool: "look", atMs: START }],
      tasks: [{ index: 0, state: { callCount: 1, startedAtMs: START } }],
    });
    driver.ok(first, "text", { labels: ["private"] });
    expect(await report.session("a", 5)).toMatchObject({ callCount: 1, labels: ["private"] });
    expect(await report.session("nobody", 5)).toBeUndefined();
  });
});

test("totals stand beside their bounds", async () => {
  const { call, report } = start({ sessionCount: 50, keyCount: 7, callCount: 20, taskCount: 3 });
  call("a", "look");
  call("ended", "boom");
  expect(await report.totals()).toEqual({
    sessions: { count: 2, most: 50 },
    interruptedCount: 1,
    tasks: { count: 0, most: 3 },
    calls: { count: 1, most: 20 },
    keysMost: 7,
  });
});
