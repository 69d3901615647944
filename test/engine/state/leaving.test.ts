/** Tables that no policy has any more go, and nothing of them is lost that could count again (SPEC §7.1). */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Decision } from "../../../engine/decision.ts";
import { letTablesGo } from "../../../engine/state/memory/leaving.ts";
import { createMemoryStore } from "../../../engine/state/memory.ts";
import type { Missing } from "../../../engine/state/past-uses.ts";
import { ShardedMap } from "../../../engine/state/sharded-map.ts";
import { openSqliteJournal } from "../../../engine/state/sqlite/journal.ts";
import { counterTable, createMemory } from "../../../engine/state/tables.ts";
import { drive, outcomeOf, programOf, START } from "../../support/engine.ts";
import { SHORT, temporary } from "./stores.ts";

const HOUR = 3_600_000;
const TOOLS = `
  tool pay { effect write, args { amount: Int } }
  tool check { effect execute }`;
const COUNTING = `${TOOLS}
  counter pays = count allowed pay per principal within 1h
  permit anything when pays < 2`;
const OTHER = `${TOOLS}
  counter checks = count allowed check per principal within 1h
  permit anything when checks < 1000`;
const principal = { id: "anna" };

test("two policies that have one counter count together, also where it went between", () => {
  const store = createMemoryStore();
  const first = drive(COUNTING, { store });
  const other = drive(OTHER, { store });
  first.nowMs = START;
  const pay = (driver: typeof first) => outcomeOf(driver.call("pay", { amount: 1 }, { principal }));
  expect(pay(first)).toBe("allow");
  other.nowMs = START + 1;
  pay(other);
  // Asked when a policy takes over.
  const more = drive(`${OTHER}\n  label odd`, { store });
  more.nowMs = START + 3 * HOUR;
  pay(more);
  drive(COUNTING, { store });
  const again = drive(`${OTHER}\n  label even\n  latch x = allowed check per principal`, { store });
  again.nowMs = START + 3 * HOUR;
  pay(again);
  const second = drive(COUNTING, { store });
  second.nowMs = START + 3 * HOUR + 1;
  expect(pay(second)).toBe("allow");
  expect(pay(second)).toBe("allow");
  first.nowMs = START + 3 * HOUR + 2;
  expect(pay(first)).not.toBe("allow");
});

const LATCHED = `${TOOLS}
  latch checked = completed check per session
  permit anything when not has session or not checked`;

type Parts = NonNullable<Parameters<typeof drive>[1]>;

function counted(): NonNullable<Parts["ids"]> {
  let count = 0;
  return { decision: () => `d${++count}`, call: () => `c${++count}` };
}

function checking(parts: Parts): Decision {
  const latched = drive(LATCHED, parts);
  latched.nowMs = START;
  const call = latched.call("check", {}, { principal });
  expect(outcomeOf(call)).toBe("allow");
  return call;
}

/** Of the latch that a call may still set, after its session has made way, and thirty hours. */
function readLater(call: Decision, parts: Parts): string {
  const session = { id: "t" };
  const other = drive(OTHER, parts);
  // The other session takes its place, with all that was kept under it.
  other.nowMs = START + 2 * HOUR;
  expect(outcomeOf(other.call("pay", { amount: 1 }, { session, principal }))).toBe("allow");
  const more = drive(`${OTHER}\n  latch x = allowed check per principal`, parts);
  more.nowMs = START + 30 * HOUR;
  expect(outcomeOf(more.call("pay", { amount: 1 }, { session, principal }))).toBe("allow");
  more.ok(call);
  const back = drive(LATCHED, parts);
  back.nowMs = START + 30 * HOUR + 1;
  return outcomeOf(back.call("check", {}, { principal }));
}

test("a latch that an open call may set is kept, whatever became of its session", () => {
  const store = createMemoryStore({ sessionCount: 1, sessionIdleMs: HOUR });
  const parts = { store, ids: counted() };
  // Nobody knows whether it was set.
  expect(readLater(checking(parts), parts)).not.toBe("allow");
});

test("a latch that an open call may set is kept also where the process began anew meanwhile", () => {
  const directory = temporary();
  const path = join(directory, "state.db");
  const limits = { sessionCount: 1, sessionIdleMs: HOUR };
  const ids = counted();
  const first = openSqliteJournal({ path, limits });
  const open = checking({ store: first.store, ids });
  first.close();

  const second = openSqliteJournal({ path, limits });
  expect(readLater(open, { store: second.store, ids })).not.toBe("allow");
  second.close();
  rmSync(directory, { recursive: true });
});

test("a latch that went and comes back lacks all that was ever decided", () => {
  const store = createMemoryStore();
  const began = drive(OTHER, { store });
  began.nowMs = START;
  began.call("pay", { amount: 1 }, { principal });
  const latched = drive(LATCHED, { store });
  latched.nowMs = START + 1;
  latched.call("pay", { amount: 1 }, { principal });
  const other = drive(OTHER, { store });
  other.nowMs = START + 2;
  other.call("pay", { amount: 1 }, { principal });
  const more = drive(`${OTHER}\n  label odd`, { store });
  more.nowMs = START + 30 * HOUR;
  more.call("pay", { amount: 1 }, { principal });
  // It still has what went.
  latched.nowMs = START + 30 * HOUR + 1;
  latched.call("pay", { amount: 1 }, { principal });
  const missing = latched.engine.backfill.missing() as Missing | undefined;
  expect(missing?.latches.get(0)?.fromMs).toBe(0);
});

test("thousands that are to go do so bit by bit", () => {
  const memory = createMemory();
  const inForce = { sinceMs: undefined, leftMs: START };
  const [declared] = programOf(COUNTING).counters;
  if (declared === undefined) throw new Error("there is no counter");
  for (let at = 0; at < 3_000; at++) {
    memory.counters.set(`${at}`, counterTable(`${at}`, declared, new ShardedMap(), inForce));
  }
  const left: number[] = [];
  for (let times = 0; times < 3; times++) {
    letTablesGo(START + 30 * HOUR, memory);
    left.push(memory.counters.size);
  }
  expect(left).toEqual([1_976, 952, 0]);
});

test("what comes after one that went is not taken for it, however the process ends", () => {
  const directory = temporary();
  const path = join(directory, "state.db");
  let journal = openSqliteJournal({ path, pace: SHORT });
  const counting = (revision: number) => `${TOOLS}
  counter pays = count allowed pay where args.amount > ${revision} per principal within 1h
  permit anything when pays < 2`;
  const call = (revision: number, atMs: number) => {
    const driver = drive(counting(revision), { store: journal.store });
    driver.nowMs = atMs;
    const outcome = outcomeOf(driver.call("pay", { amount: 1_000 }, { principal }));
    journal.flush();
    return outcome;
  };
  for (let at = 0; at < 60; at++) {
    expect(call(at, START + at * 2 * HOUR), `revision ${at}`).toBe("allow");
    expect(call(at, START + at * 2 * HOUR + 1)).toBe("allow");
    expect(call(at, START + at * 2 * HOUR + 2)).not.toBe("allow");
    if (at % 7 !== 6) continue;
    journal.close();
    journal = openSqliteJournal({ path, pace: SHORT });
    expect(call(at, START + at * 2 * HOUR + 3)).not.toBe("allow");
  }
  journal.close();
  rmSync(directory, { recursive: true });
});
