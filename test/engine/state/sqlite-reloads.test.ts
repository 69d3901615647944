/** A service that is given a changed policy again and again, and decides little (SPEC §7.7). */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Journal } from "../../../engine/state/journal.ts";
import { openSqliteJournal } from "../../../engine/state/sqlite/journal.ts";
import { turnFiles } from "../../../engine/state/sqlite/turn-log.ts";
import { drive, outcomeOf, START } from "../../support/engine.ts";
import { temporary } from "./stores.ts";

let directory = "";
let path = "";
let journal: Journal;

beforeEach(() => {
  directory = temporary();
  path = join(directory, "state.db");
  journal = openSqliteJournal({ path });
});
afterEach(() => {
  journal.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Each counts something that none before it did. */
const policy = (revision: number) => `
  tool pay { effect write, args { amount: Int } }
  counter pays = count allowed pay where args.amount > ${revision} per principal within 1h
  latch paid = completed pay where args.amount > ${revision} per session
  permit pay tool pay when pays < 2`;

async function reloads(from: number, count: number): Promise<void> {
  for (let revision = from; revision < from + count; revision++) {
    const driver = drive(policy(revision), { store: journal.store });
    driver.nowMs = START + revision * 1_000;
    const principal = { id: "anna" };
    expect(outcomeOf(driver.call("pay", { amount: 1_000 }, { principal }))).toBe("allow");
    await journal.flushed();
  }
}

const bytesOf = (files: readonly string[]) =>
  files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);

test("what a reload writes does not grow with how many there were, nor does a log that nothing copies", async () => {
  const told = () => bytesOf(turnFiles(path));
  await reloads(0, 20);
  const before = told();
  await reloads(20, 40);
  const first = told() - before;
  await reloads(60, 200);
  const between = told();
  await reloads(260, 40);
  // Each told of all before it: 40 of these were as long as 250 of the first.
  expect(told() - between).toBeLessThan(1.5 * first);
  expect(bytesOf([`${path}-wal`])).toBeLessThan(3 << 20);
}, 30_000);

test("what came into force and left it is known after a restart", async () => {
  await reloads(0, 3);
  journal.close();
  journal = openSqliteJournal({ path });
  const driver = drive(policy(1), { store: journal.store });
  driver.nowMs = START + 60_000;
  const call = () => driver.call("pay", { amount: 1_000 }, { principal: { id: "anna" } });
  // One was counted before, and since when it counts again is told.
  const again = call();
  expect(outcomeOf(again)).toBe("allow");
  expect(again).toHaveProperty("counts_since");
  expect(outcomeOf(call())).not.toBe("allow");
  driver.fail(again);
  expect(outcomeOf(call())).toBe("allow");
});
