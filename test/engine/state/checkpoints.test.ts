/** The disk is lost at any moment, with whatever was not synced, or a part of it; or a sync of it fails. */
import {
  copyFileSync,
  existsSync,
  fstatSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Pace } from "../../../engine/state/sqlite/backlog.ts";
import { keptLogOf } from "../../../engine/state/sqlite/database.ts";
import { openSqliteJournal } from "../../../engine/state/sqlite/journal.ts";
import { DISK, type Disk, turnFiles } from "../../../engine/state/sqlite/turn-log.ts";
import { drive, outcomeOf } from "../../support/engine.ts";
import { temporary } from "./stores.ts";

const POLICY = `
  tool pay { effect write, args { amount: Int } }
  counter spend = sum args.amount of allowed pay per session
  permit pay tool pay when has session and spend + args.amount <= 2`;

const MORE = `${POLICY}
  counter calls = count attempts per session`;

/** A checkpoint every few turns, and others after it. */
const PACE: Pace = { length: 500, rowCount: 1 };

const FILES = ["log", "file"] as const;
type File = (typeof FILES)[number];

let directory = "";
let path = "";

beforeEach(() => {
  directory = temporary();
  path = join(directory, "state.db");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const pathOf = (file: File, of = path) => (file === "log" ? `${of}-wal` : of);

/** A session spends all it may, so that whether it is known is seen. */
function begin(disk: Disk, at = path) {
  const faults: unknown[] = [];
  const onFault = (fault: unknown) => faults.push(fault);
  const journal = openSqliteJournal({ path: at, pace: PACE, disk, onFault });
  const declare = (policy: string) => {
    driver = drive(policy, { store: journal.store });
  };
  let driver = drive(POLICY, { store: journal.store });
  const pay = (session: number) =>
    outcomeOf(driver.call("pay", { amount: 2 }, { session: { id: `s${session}` } }));
  return { journal, pay, declare, faults };
}

type Begun = ReturnType<typeof begin>;

/** What of the files is on the disk: a sync puts there what is written when it is asked for. */
class Losable {
  readonly #synced = new Map<File, Buffer>();
  #waiting: (() => void)[] = [];
  #lostCount = 0;
  endedCount = 0;

  readonly disk: Disk = {
    ...DISK,
    sync: (descriptor) => {
      this.check();
      this.keep(fileOf(descriptor));
    },
    syncLater: (descriptor, done) => {
      const file = fileOf(descriptor);
      const bytes = readFileSync(pathOf(file));
      const before = this.#synced.get(file);
      this.#waiting.push(() => {
        if (this.#synced.get(file) === before) this.#synced.set(file, bytes);
        done(null);
      });
    },
  };

  /** That sessions from this to that one are known. */
  known: readonly [number, number] = [0, -1];

  keep(file: File): void {
    this.#synced.set(file, readFileSync(pathOf(file)));
  }

  /** The disk is done with what it was asked to do later. */
  end(): void {
    for (const end of this.#waiting.splice(0)) {
      this.endedCount += 1;
      end();
    }
  }

  /** Of what was not synced nothing got to the disk, or all of one file did, or the end of the log. */
  check(): void {
    const [first, last] = this.known;
    const torn = (synced: Buffer) => {
      const bytes = readFileSync(pathOf("log"));
      const head = bytes.subarray(0, bytes.length / 4).fill(0);
      synced.copy(head);
      return bytes;
    };
    for (const written of [[], ["log"], ["file"], ["the log's end"]]) {
      const after = join(directory, `lost-${this.#lostCount++}.db`);
      for (const file of FILES) {
        const isWritten = written.includes(file);
        const isTorn = written.includes("the log's end");
        const synced = this.#synced.get(file) ?? Buffer.alloc(0);
        const bytes = isWritten ? readFileSync(pathOf(file)) : synced;
        writeFileSync(pathOf(file, after), isTorn && file === "log" ? torn(synced) : bytes);
      }
      for (const [at, name] of turnFiles(path).entries()) {
        copyFileSync(name, turnFiles(after)[at] ?? "");
      }
      const next = begin(DISK, after);
      for (let session = first; session <= last; session++) {
        expect(next.pay(session)).not.toBe("allow");
      }
      expect(next.pay(last + 1)).toBe("allow");
      next.journal.close();
    }
  }
}

function fileOf(descriptor: number): File {
  const { ino } = fstatSync(descriptor);
  return statSync(path).ino === ino ? "file" : "log";
}

test.each([
  ["where nobody needs the file", () => {}, false],
  ["where somebody cannot wait", ({ journal }: Begun) => journal.flush(), false],
  [
    "where the policy changes, which is written at once",
    ({ declare }: Begun, session: number) => declare(session % 2 === 0 ? MORE : POLICY),
    true,
  ],
])(
  "what was answered is known after a loss of power at any moment: %s",
  { timeout: 120_000 },
  async (_, meanwhile, isSynced) => {
    const losable = new Losable();
    const begun = begin(losable.disk);
    const { journal, pay } = begun;
    pay(-1);
    journal.flush();
    FILES.forEach((file) => {
      losable.keep(file);
    });
    for (let session = 0; session < 60; session++) {
      if (session % 7 === 5) meanwhile(begun, session);
      expect(pay(session)).toBe("allow");
      await journal.flushed();
      // By SQLite.
      if (session % 7 === 5 && isSynced) losable.keep("log");
      losable.known = [0, session];
      losable.check();
      await setImmediate();
      await setImmediate();
      if (session % 4 === 3) losable.end();
    }
    expect(losable.endedCount).toBeGreaterThan(8);
    losable.known = [0, 59];
    journal.close();
  },
);

/** By a process that closes a file it cannot rely on. */
const LEFT = {
  "as it closes": () => {},
  "killed before SQLite deletes the log": () => linkSync(pathOf("log"), keptLogOf(path)),
  "killed after SQLite deletes the log": () => renameSync(pathOf("log"), keptLogOf(path)),
};

test.each([
  ["log", "EIO", "as it closes"],
  ["log", "ENOSPC", "as it closes"],
  ["file", "EIO", "as it closes"],
  ["file", "ENOSPC", "as it closes"],
  ["file", "EIO", "killed before SQLite deletes the log"],
  ["file", "EIO", "killed after SQLite deletes the log"],
] as const)(
  "nothing is allowed after a sync of the %s fails with %s, and what was answered is known: %s",
  async (failing, code, left) => {
    const whole = new Map<File, Buffer>();
    let armed = false;
    const failed = (descriptor: number) =>
      armed && fstatSync(descriptor).ino === statSync(pathOf(failing)).ino;
    const disk: Disk = {
      ...DISK,
      syncLater: (descriptor, done) => {
        const isFailing = failed(descriptor);
        DISK.syncLater(descriptor, (fault) =>
          done(isFailing ? Object.assign(new Error("i/o error"), { code }) : fault),
        );
      },
    };
    const { journal, pay, faults } = begin(disk);
    // With what is written at once, which SQLite syncs itself.
    pay(-1);
    journal.flush();
    for (const file of FILES) whole.set(file, readFileSync(pathOf(file)));
    armed = true;
    let session = 0;
    // Enough for some checkpoints; how long the disk takes with them, nobody knows.
    while (faults.length === 0) {
      if (session < 500) {
        expect(pay(session)).toBe("allow");
        session += 1;
      }
      await journal.flushed();
      await setImmediate();
    }
    expect(pay(session)).toBe("state_unavailable");
    await expect(journal.flushed()).rejects.toThrow(/may not be on the disk: i\/o error/);
    expect(journal.readiness().ready).toBe(false);
    expect(() => journal.close()).toThrow(/may not be on the disk/);
    expect(faults).toHaveLength(1);
    // What was copied is not there, as nobody said it was.
    const file = whole.get("file");
    if (failing === "file" && file !== undefined) writeFileSync(path, file);
    LEFT[left]();
    const next = begin(DISK);
    for (let known = 0; known < session; known++) expect(next.pay(known)).not.toBe("allow");
    expect(next.pay(session + 1)).toBe("allow");
    next.journal.close();
    expect(existsSync(keptLogOf(path))).toBe(false);
  },
);
