import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { durable } from "../../../engine/durable.ts";
import type { Journal } from "../../../engine/state/journal.ts";
import {
  openDatabase,
  SCHEMA_VERSION,
  StateFileRefused,
} from "../../../engine/state/sqlite/database.ts";
import { openSqliteJournal } from "../../../engine/state/sqlite/journal.ts";
import { copyFile } from "../../simulation/faulty-file.ts";
import { type Driver, drive, outcomeOf } from "../../support/engine.ts";
import { SHORT, temporary } from "./stores.ts";

const POLICY = `
  tool pay { effect write, args { amount: Int } }
  tool boom { effect execute }
  counter spend = sum args.amount of allowed pay per session
  permit pay tool pay when has session and spend + args.amount <= 1000000
  forbid ending tool boom then interrupt session
`;

let directory = "";
let path = "";
const open: Journal[] = [];

beforeEach(() => {
  directory = temporary();
  path = join(directory, "state.db");
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

function journalled(more: Partial<Parameters<typeof openSqliteJournal>[0]> = {}) {
  const journal = openSqliteJournal({ path, ...more });
  open.push(journal);
  const driver = drive(POLICY, { store: journal.store });
  return { journal, driver, service: durable(driver.engine, journal) };
}

function refusal(): StateFileRefused {
  try {
    open.push(openSqliteJournal({ path }));
  } catch (fault) {
    if (fault instanceof StateFileRefused) return fault;
    throw fault;
  }
  throw new Error("the file was opened");
}

function pay(driver: Driver, amount = 1) {
  return outcomeOf(driver.call("pay", { amount }));
}

/** How much of the million is spent: found out by asking for what is left. */
function spent(driver: Driver): number {
  let [least, most] = [0, 1_000_000];
  while (least < most) {
    const tried = Math.ceil((least + most) / 2);
    const answer = driver.engine.preview({
      agent: { id: "bot" },
      session: { id: "s" },
      tool: { name: "pay", args: { amount: tried } },
    });
    if (answer.kind === "answer" && answer.value.decision === "allow") least = tried;
    else most = tried - 1;
  }
  return 1_000_000 - least;
}

describe("a file that cannot be trusted is refused at start, saying what to do", () => {
  test.each([
    [
      "no database at all",
      () => writeFileSync(path, "this is not a database, whoever made it"),
      /damaged/,
    ],
    ["another program's database", foreign, /other data than Writ's state/],
    [
      "one of a later version",
      () => alter(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`),
      /another version/,
    ],
    [
      "a row that was changed by hand",
      () => alter("UPDATE sessions SET session = '[]'"),
      /damaged/,
    ],
    ["a row that is no JSON", () => alter("UPDATE sessions SET session = '{'"), /damaged/],
    [
      "a journal that tells of no table of ours",
      () => alter(`INSERT INTO journal VALUES (1, 1, '[["users","x"]]')`),
      /damaged/,
    ],
    [
      "a journal that tells half a row",
      () => alter(`INSERT INTO journal VALUES (1, 1, '[["sessions","s",1]]')`),
      /damaged/,
    ],
    ["a table that is missing", () => alter("DROP TABLE latches"), /.*/],
    ["pages that were overwritten", overwrite, /damaged/],
    ["a directory of that name", () => rmSync(path, { force: true }), /.*/],
  ])("%s", (name, spoil, message) => {
    const { journal, driver } = journalled();
    pay(driver);
    journal.close();
    spoil();
    if (name.startsWith("a directory")) path = directory;
    const before = existsSync(path) && !statSync(path).isDirectory() && readFileSync(path);
    const refused = refusal();
    expect(refused.message).toMatch(message);
    expect(refused.help).not.toBe("");
    if (before) expect(readFileSync(path).equals(before)).toBe(true);
  });

  function alter(query: string): void {
    const database = new DatabaseSync(path);
    database.exec(query);
    database.close();
  }

  function foreign(): void {
    rmSync(path);
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE customers (name TEXT)");
    database.close();
  }

  function overwrite(): void {
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 4_096, bytes.length);
    writeFileSync(path, bytes);
  }
});

test("a second process is refused, and the first goes on", () => {
  const { driver } = journalled();
  expect(refusal().message).toMatch(/in use by another process/);
  expect(pay(driver)).toBe("allow");
});

test("a cell that was changed by hand is found when its counter is declared", () => {
  const first = journalled();
  pay(first.driver);
  first.journal.close();
  const database = new DatabaseSync(path);
  database.exec("UPDATE counters SET cell = '[0,\"1\"]'");
  database.close();
  expect(() => journalled()).toThrow(StateFileRefused);
});

test("nobody else can read the file", () => {
  const { driver, journal } = journalled();
  pay(driver);
  journal.flush();
  for (const name of [path, `${path}-wal`]) expect(statSync(name).mode & 0o077).toBe(0);
});

describe("when nothing can be kept, nothing is allowed", () => {
  /** What breaks the file under an open journal, and whether writing is tried again. */
  const faults: readonly (readonly [string, () => void])[] = [
    ["the file is deleted", () => rmSync(path)],
    ["the write-ahead log is deleted", () => rmSync(`${path}-wal`)],
    [
      "the file is replaced by a copy",
      () => {
        copyFileSync(path, `${path}.copy`);
        renameSync(`${path}.copy`, path);
      },
    ],
  ];

  test.each(faults)("%s", async (_, spoil) => {
    const told: unknown[] = [];
    const { driver, service, journal } = journalled({ onFault: (fault) => told.push(fault) });
    const request = {
      agent: { id: "bot" },
      session: { id: "s" },
      tool: { name: "pay", args: { amount: 1 } },
    };
    const ask = async () => {
      const answer = await service.decide(request);
      return answer.kind === "answer" ? outcomeOf(answer.value) : answer.kind;
    };
    expect(await ask()).toBe("allow");
    const before = driver.call("pay", { amount: 1 });
    expect(service.readiness()).toEqual({ ready: true });
    spoil();
    // Answers that wait for the same flush share its fate.
    expect(await Promise.all([ask(), ask()])).toEqual(["state_unavailable", "state_unavailable"]);
    expect(await ask()).toBe("state_unavailable");
    expect(pay(driver)).toBe("state_unavailable");
    expect(await service.outcome({ call: before.call, status: "ok" })).toMatchObject({
      kind: "unavailable",
    });
    expect(service.readiness()).toMatchObject({
      ready: false,
      because: expect.stringContaining("state cannot be kept in"),
    });
    expect(told).toHaveLength(1);
    expect(() => journal.flush()).toThrow(/state cannot be kept/);
    // Ended sessions are ended all the same.
    driver.engine.sessions.interrupt("s");
    expect(outcomeOf(driver.call("boom"))).not.toBe("allow");
  });

  test("a closed journal decides nothing", () => {
    const { driver, journal } = journalled();
    expect(pay(driver)).toBe("allow");
    journal.close();
    expect(pay(driver)).toBe("state_unavailable");
  });
});

test("what the process has at its end is there at the next start", () => {
  const first = journalled();
  pay(first.driver, 7);
  outcomeOf(first.driver.call("boom"));
  first.journal.close();
  expect(existsSync(`${path}-wal`)).toBe(false);
  const second = journalled();
  expect(second.journal.latestMs).toBe(first.driver.nowMs);
  expect(pay(second.driver)).toBe("session_interrupted");
  second.driver.engine.sessions.reinstate("s");
  expect(spent(second.driver)).toBe(7);
});

/** As another process finds it that starts after this one was killed. */
function killed(): ReturnType<typeof journalled> {
  const copy = join(directory, `killed-${open.length}.db`);
  copyFile(path, copy);
  return journalled({ path: copy });
}

function rowCount(file: string, table: string): number {
  const database = new DatabaseSync(file);
  const row = database.prepare(`SELECT count(*) AS count FROM ${table}`).get();
  database.close();
  return Number(row?.count);
}

test("tables follow the journal, which stays short, and at any time both tell everything", () => {
  const { journal, driver } = journalled({
    pace: { length: 4_000, rowCount: 4, givenUpSteps: 8 },
  });
  let most = 0;
  for (let turn = 1; turn <= 600; turn++) {
    const decision = driver.call("pay", { amount: 1 }, { session: { id: `s${turn % 7}` } });
    if (turn % 3 === 0) driver.fail(decision);
    if (turn % 3 === 1) driver.ok(decision);
    expect(pay(driver)).toBe("allow");
    journal.flush();
    if (turn % 40 > 0) continue;
    copyFile(path, `${path}.look`);
    most = Math.max(most, rowCount(`${path}.look`, "journal"));
    expect(spent(killed().driver)).toBe(turn);
  }
  expect(most).toBeLessThan(60);
  journal.close();
  expect([rowCount(path, "journal"), rowCount(path, "counters")]).toEqual([0, 8]);
  expect(spent(journalled().driver)).toBe(600);
});

test("a share that was given back is not given back again, wherever the call was kept", () => {
  const { journal, driver } = journalled({ pace: SHORT });
  const calls = Array.from({ length: 8 }, () => driver.call("pay", { amount: 1 }));
  for (const decision of calls) {
    for (let turn = 0; turn < 12; turn++) {
      pay(driver);
      journal.flush();
    }
    driver.fail(decision);
    for (let turn = 0; turn < 12; turn++) {
      pay(driver);
      journal.flush();
    }
    const after = killed();
    const before = spent(after.driver);
    after.driver.fail(decision);
    expect(spent(after.driver)).toBe(before);
  }
});

test("a write-ahead log that is cut off anywhere gives a beginning of what was, and never less than was synced", () => {
  const first = journalled();
  const kept: number[] = [0];
  for (let amount = 1; amount <= 12; amount++) {
    pay(first.driver, amount);
    first.journal.flush();
    kept.push(spent(first.driver));
  }
  const log = `${path}-wal`;
  const [database, bytes] = [readFileSync(path), readFileSync(log)];
  first.journal.close();
  const found = new Set<number>();
  for (let length = bytes.length; length >= 0; length -= 1_371) {
    writeFileSync(path, database);
    writeFileSync(log, bytes);
    truncateSync(log, length);
    try {
      const journal = openSqliteJournal({ path });
      const amount = spent(drive(POLICY, { store: journal.store }));
      expect(kept).toContain(amount);
      found.add(amount);
      journal.close();
    } catch (fault) {
      // The schema itself was in the log: what is left is an empty file, and an empty file is new.
      expect(fault).toBeInstanceOf(StateFileRefused);
    }
  }
  expect(found.size).toBeGreaterThan(10);
});

test("a full disk ends by itself: what could not be written is written then", () => {
  let database: DatabaseSync | undefined;
  const open = (...parts: Parameters<typeof openDatabase>) => {
    database = openDatabase(...parts);
    return database;
  };
  const { driver, journal, service } = journalled({ open });
  pay(driver, 3);
  journal.flush();
  database?.exec("PRAGMA max_page_count = 1");
  for (let n = 0; n < 200; n++) {
    driver.call("pay", { amount: 1 }, { session: { id: `${"x".repeat(200)}${n}` } });
  }
  expect(() => journal.flush()).toThrow(/full/);
  expect(service.readiness().ready).toBe(false);
  expect(pay(driver)).toBe("state_unavailable");
  database?.exec("PRAGMA max_page_count = 1000000");
  journal.flush();
  expect(service.readiness()).toEqual({ ready: true });
  expect(pay(driver, 4)).toBe("allow");
  journal.close();
  expect(spent(journalled().driver)).toBe(7);
});

/** A disk on which statement `n` to be run, counted from when it is armed, fails for good. */
function failingAt(n: number) {
  const disk = { armed: false, failed: false };
  let count = 0;
  const open = (...parts: Parameters<typeof openDatabase>): DatabaseSync => {
    const database = openDatabase(...parts);
    const prepare = database.prepare.bind(database);
    database.prepare = (query: string) => {
      const statement = prepare(query);
      const run = statement.run.bind(statement);
      const failing = (...values: SQLInputValue[]) => {
        if (disk.failed || (disk.armed && count++ === n)) {
          disk.failed = true;
          throw Object.assign(new Error("disk I/O error"), { errcode: 10 });
        }
        return run(...values);
      };
      Object.defineProperty(statement, "run", { value: failing });
      return statement;
    };
    return database;
  };
  return { disk, open };
}

test.each(Array.from({ length: 30 }, (_, n) => n))(
  "when statement %i of writing fails, nothing that was not kept is allowed",
  async (n) => {
    const { disk, open } = failingAt(n);
    const { service, journal } = journalled({ open });
    const ask = async () => {
      const request = { agent: { id: "bot" }, session: { id: "s" } };
      const answer = await service.decide({
        ...request,
        tool: { name: "pay", args: { amount: 1 } },
      });
      return answer.kind === "answer" ? outcomeOf(answer.value) : answer.kind;
    };
    disk.armed = true;
    let allowed = 0;
    while (!disk.failed) {
      const answers = await Promise.all([ask(), ask(), ask()]);
      const fell = disk.failed ? "state_unavailable" : "allow";
      expect(answers).toEqual([fell, fell, fell]);
      if (!disk.failed) allowed += 3;
    }
    expect(await ask()).toBe("state_unavailable");
    expect(service.readiness().ready).toBe(false);
    expect(() => journal.close()).toThrow(/disk I\/O error/);
    expect(spent(journalled().driver)).toBe(allowed);
  },
);

test("a session whose end could not be kept is not said to have ended", async () => {
  const { disk, open } = failingAt(0);
  const { service } = journalled({ open });
  const boom = { agent: { id: "bot" }, session: { id: "s" }, tool: { name: "boom", args: {} } };
  disk.armed = true;
  expect(await service.decide(boom)).toEqual({
    kind: "unavailable",
    because: "that the session was ended could not be kept",
  });
  expect(disk.failed).toBe(true);
});

test("a counter that is declared again in the same process knows that it missed something", () => {
  const with_ = `tool act { effect execute }\npermit anything\ncounter acts = count attempts per agent
    forbid often when acts > 9`;
  const without = "tool act { effect execute }\npermit anything";
  const since = (policy: string, journal: Journal, seconds: number) => {
    const driver = drive(policy, { store: journal.store });
    driver.nowMs += seconds * 1_000;
    return driver.call("act").counts_since;
  };
  const first = openSqliteJournal({ path });
  expect(since(with_, first, 0)).toBeUndefined();
  first.close();
  const again = openSqliteJournal({ path });
  open.push(again);
  expect(since(without, again, 1)).toBeUndefined();
  expect(since(with_, again, 2)).toMatchObject([{ counter: "acts" }]);
});

test("a file that this user may not write is refused", () => {
  const { journal } = journalled();
  journal.close();
  chmodSync(path, 0o400);
  chmodSync(directory, 0o500);
  try {
    // Whoever is root may write everything.
    if (process.getuid?.() === 0) return;
    expect(refusal().message).toMatch(/cannot be/);
  } finally {
    chmodSync(directory, 0o700);
  }
});
