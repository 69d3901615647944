/** A service that is given a changed policy again and again, and decides little (SPEC §7.7). */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
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

async function reloads(from: number, count: number, everyMs = 1_000): Promise<void> {
  for (let revision = from; revision < from + count; revision++) {
    const driver = drive(policy(revision), { store: journal.store });
    driver.nowMs = START + revision * everyMs;
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

/** Each declares a counter with a window, one that nothing is counted in, and a latch that nobody sets. */
const idle = (revision: number) => `
  tool pay { effect write, args { amount: Int } }
  tool check { effect execute }
  counter pays = count allowed pay where args.amount > ${revision} per principal within 1h
  counter checks = count allowed check where session.id != "${revision}" per principal
  latch checked = allowed check per principal reset by allowed pay where args.amount > ${revision}
  permit pay tool pay when pays < 2 and checks < 5 and not checked`;

test("what holds nothing any more is forgotten, in the file as well, and a policy that comes back begins anew", async () => {
  const declarations = () => {
    const read = new DatabaseSync(path);
    const [{ count } = {}] = read.prepare("SELECT count(*) AS count FROM declarations").all();
    const cells = read.prepare("SELECT count(*) AS count FROM counters").get()?.count;
    read.close();
    return { count: Number(count), cells: Number(cells) };
  };
  const reopen = () => {
    journal.close();
    const found = declarations();
    journal = openSqliteJournal({ path });
    return found;
  };
  const call = (revision: number, atMs: number) => {
    const driver = drive(idle(revision), { store: journal.store });
    driver.nowMs = atMs;
    return outcomeOf(driver.call("pay", { amount: 1_000 }, { principal: { id: "anna" } }));
  };
  const HOUR = 3_600_000;
  for (let revision = 0; revision < 120; revision++) {
    expect(call(revision, START + revision * HOUR)).toBe("allow");
    await journal.flushed();
    if (revision % 30 === 29) reopen();
  }
  const { count, cells } = reopen();
  // Of a day, and the one that is over by now.
  expect(count).toBeLessThanOrEqual(3 * 27);
  expect(cells).toBeLessThanOrEqual(3);
  const now = START + 119 * HOUR;
  expect(call(118, now + 1_000)).toBe("allow");
  expect(call(119, now + 2_000)).toBe("allow");
  // It was there for the first, and comes back to what it counted.
  expect(call(119, now + 3_000)).not.toBe("allow");
  expect(call(0, now + 4_000)).toBe("allow");
  expect(call(0, now + 5_000)).toBe("allow");
  expect(call(0, now + 6_000)).not.toBe("allow");
}, 30_000);
