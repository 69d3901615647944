/** Calls that nobody reports: there may be as many as the store keeps, and decisions are made beside them. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createIds } from "../../engine/ids.ts";
import { createMemoryStore } from "../../engine/state/memory.ts";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import type { StateStore } from "../../engine/state/store.ts";
import { temporary } from "../engine/state/stores.ts";
import { drive } from "../support/engine.ts";
import { heapBytes, MIB } from "../support/heap.ts";

const POLICY = `
  tool pay { effect write, args { amount: Int } }
  counter spend = sum args.amount of allowed pay per session within 1h
  permit pay tool pay when has session and spend + args.amount <= 1000000000
`;
const CALLS = 200_000;
const limits = { callCount: CALLS };

/** Gives how many bytes more the heap takes. */
function keepOpen(store: StateStore, flush: () => void) {
  const driver = drive(POLICY, { store, ids: createIds() });
  const pay = () => driver.call("pay", { amount: 1 });
  const some = Array.from({ length: 100 }, pay);
  flush();
  const before = heapBytes();
  for (let count = some.length; count < CALLS; count += 1) {
    pay();
    if (count % 32 === 0) flush();
  }
  flush();
  const bytes = heapBytes() - before;
  expect(pay()).toMatchObject({ decision: "deny", code: "state_unavailable" });
  for (const decision of some) driver.ok(decision);
  expect(pay().decision).toBe("allow");
  return bytes;
}

test("two hundred thousand open calls are next to nothing to collect", { timeout: 120_000 }, () => {
  expect(keepOpen(createMemoryStore(limits), () => {})).toBeLessThan(2 * MIB);
});

test("nor are they where they are kept in a file", { timeout: 240_000 }, () => {
  const directory = temporary();
  const journal = openSqliteJournal({ path: join(directory, "state.db"), limits });
  expect(keepOpen(journal.store, () => journal.flush())).toBeLessThan(8 * MIB);
  journal.close();
  rmSync(directory, { recursive: true });
});

test("outcomes of calls that never were leave nothing behind", { timeout: 120_000 }, () => {
  const driver = drive(POLICY, { store: createMemoryStore(limits) });
  const other = createIds();
  const report = () => driver.engine.outcome({ call: other.call(), status: "ok" });
  expect(report()).toMatchObject({ kind: "unknown_call" });
  const before = heapBytes();
  for (let count = 0; count < 500_000; count += 1) report();
  expect(heapBytes() - before).toBeLessThan(2 * MIB);
});
