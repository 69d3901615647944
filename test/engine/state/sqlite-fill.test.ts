/** What is filled in of the time before, on a disk that takes it in part (SPEC §7.9). */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Journal } from "../../../engine/state/journal.ts";
import type { PastUses } from "../../../engine/state/past-uses.ts";
import { PACE, type Pace } from "../../../engine/state/sqlite/backlog.ts";
import { openSqliteJournal } from "../../../engine/state/sqlite/journal.ts";
import { DISK, type Disk } from "../../../engine/state/sqlite/turn-log.ts";
import { keyOf } from "../../../engine/value.ts";
import { copyFile } from "../../simulation/faulty-file.ts";
import { drive, outcomeOf } from "../../support/engine.ts";
import { SHORT, temporary } from "./stores.ts";

const PLAIN = `
  tool check, pay, other { effect write }
  permit anything`;
const LATE = `${PLAIN}
  counter pays = count allowed pay per session
  latch checked = completed check per session
  forbid often tool pay when has session and pays >= 2
  forbid after tool check when has session and checked`;

let directory = "";
const open: Journal[] = [];

beforeEach(() => {
  directory = temporary();
});
afterEach(() => {
  for (const journal of open.splice(0)) {
    try {
      journal.close();
    } catch {
      // A test has broken it.
    }
  }
  rmSync(directory, { recursive: true, force: true });
});

/** A disk that takes nothing while it is full. */
function fillable() {
  const state = { isFull: false };
  const disk: Disk = {
    ...DISK,
    write: (...parts) => {
      if (state.isFull) throw Object.assign(new Error("the disk is full"), { code: "ENOSPC" });
      DISK.write(...parts);
    },
  };
  return { state, disk };
}

function opened(name: string, policy: string, more: { disk?: Disk; pace?: Pace } = {}) {
  const journal = openSqliteJournal({ path: join(directory, name), ...more });
  open.push(journal);
  let count = 0;
  const ids = { decision: () => "d", call: () => `${name}-${++count}` };
  return { journal, driver: drive(policy, { store: journal.store, ids }) };
}

/** Two calls in the session of `drive`, and one that completed, as the audit log has what was decided without either. */
function pastOf(atMs: number): PastUses {
  const key = keyOf(["s"]);
  const use = { index: 0, key, atMs, amount: 1 };
  const latch = { index: 0, key, state: "set", fromMs: atMs, untilMs: atMs, open: [] } as const;
  return { uses: [use, use], latches: [latch], fromMs: 0, through: 2 };
}

/** What a process knows that is started on the files as they are now. */
function afterKill(from: string, nowMs: number) {
  const copy = `killed-${open.length}.db`;
  copyFile(join(directory, from), join(directory, copy));
  const { journal, driver } = opened(copy, LATE);
  driver.nowMs = nowMs;
  const [pay, check] = [driver.call("pay"), driver.call("check")];
  journal.close();
  const late = driver.engine.backfill.since();
  return {
    counter: [outcomeOf(pay), late?.counters.size ?? 0],
    latch: [outcomeOf(check), late?.latches.size ?? 0],
  };
}

const KNOWN = { counter: ["forbidden", 0], latch: ["forbidden", 0] };
const LACKING = { counter: ["allow", 1], latch: ["allow", 1] };

test.each([
  ["all is in the log", PACE],
  ["tables follow at once", SHORT],
])(
  "what a full disk did not take of it is lacking after a restart, and said to be: %s",
  async (_, pace) => {
    const { state, disk } = fillable();
    const first = opened("a.db", PLAIN);
    for (const tool of ["pay", "pay", "check"]) first.driver.call(tool);
    first.journal.close();
    const { journal, driver } = opened("a.db", LATE, { disk, pace });
    driver.nowMs += 1_000;
    expect(afterKill("a.db", driver.nowMs)).toEqual(LACKING);
    state.isFull = true;
    await driver.engine.backfill.fill(pastOf(first.driver.nowMs));
    expect(() => journal.flush()).toThrow(/full/);
    expect(afterKill("a.db", driver.nowMs)).toEqual(LACKING);
    state.isFull = false;
    journal.flush();
    expect(afterKill("a.db", driver.nowMs)).toEqual(KNOWN);
    for (let turn = 0; turn < 20; turn++) {
      driver.call("other");
      journal.flush();
      expect(afterKill("a.db", driver.nowMs)).toEqual(KNOWN);
    }
  },
);
