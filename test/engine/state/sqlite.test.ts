import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { durable } from "../../../engine/durable.ts";
import type { Journal } from "../../../engine/state/journal.ts";
import { Packer } from "../../../engine/state/pack.ts";
import type { Missing } from "../../../engine/state/past-uses.ts";
import { PACE } from "../../../engine/state/sqlite/backlog.ts";
import {
  type Durability,
  openDatabase,
  SCHEMA_VERSION,
  StateFileRefused,
} from "../../../engine/state/sqlite/database.ts";
import { FRAME_HEAD, framesIn, markOf, seal } from "../../../engine/state/sqlite/frame.ts";
import { openSqliteJournal } from "../../../engine/state/sqlite/journal.ts";
import { DISK, type Disk, turnFiles } from "../../../engine/state/sqlite/turn-log.ts";
import type { Json } from "../../../lang/type.ts";
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
      () => alter("UPDATE sessions SET session = x'90'"),
      /damaged/,
    ],
    ["a row that was cut off", () => alter("UPDATE sessions SET session = x'91'"), /damaged/],
    ["a row of texts", () => alter("UPDATE sessions SET session = '{}'"), /damaged/],
    [
      "a row of two values",
      () => alter("UPDATE sessions SET session = CAST(session || x'00' AS BLOB)"),
      /damaged/,
    ],
    ["a table that is missing", () => alter("DROP TABLE latches"), /.*/],
    ["pages that were overwritten", overwrite, /damaged/],
    ["a file that was cut to nothing", () => truncateSync(path), /empty or was removed/],
    ["a file that was cut to one byte", () => truncateSync(path, 1), /empty or was removed/],
    ["a file that is gone", () => rmSync(path), /empty or was removed/],
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

describe("so is one whose log cannot be trusted", () => {
  test.each([
    ["half of it is gone", () => rmSync(`${path}-turns-1`), /is missing/],
    ["it is not as long as what it begins with", () => truncateSync(LOG(), 20), /is missing/],
    ["it belongs to another file", () => alterLog((bytes) => bytes.write("x", 20)), /is missing/],
    ["a byte in the midst of it is another", () => alterLog(spoilFirst), /damaged/],
    ["a turn in the midst of it is missing", cutSecond, /damaged/],
    ["it tells of no table of ours", () => addTurn(["users", "x"]), /damaged/],
    ["it tells half a row", () => addTurn(["latches", 1]), /damaged/],
    ["it tells of settled calls that are none", () => addTurn(["settled", 1, "c", 2]), /damaged/],
    ["it tells of no time", () => addTurn(["sessions", "s"], "now"), /damaged/],
    ["it tells what is cut off", () => addTurn(["sessions", "s"], 1, 1), /damaged/],
  ])("%s", (_, spoil, message) => {
    const { journal, driver } = journalled();
    for (let turn = 0; turn < 3; turn++) {
      pay(driver);
      journal.flush();
    }
    copyFile(path, `${path}.killed`);
    path = `${path}.killed`;
    spoil();
    const before = logs();
    for (let time = 0; time < 2; time++) {
      expect(refusal().message).toMatch(message);
      expect(refusal().help).not.toBe("");
    }
    expect(logs()).toEqual(before);
  });

  test("and one with texts of requests that look like turns can be", () => {
    const { journal, driver } = journalled();
    pay(driver);
    journal.flush();
    copyFile(path, `${path}.killed`);
    path = `${path}.killed`;
    const forged = Buffer.alloc(FRAME_HEAD + 1);
    seal(forged, 1_000_000, markOf(Buffer.from("Writ turns 2 of another\n")));
    appendFileSync(LOG(), forged);
    expect(spent(journalled().driver)).toBe(1);
  });

  function logs(): readonly (Buffer | false)[] {
    return turnFiles(path).map((file) => existsSync(file) && readFileSync(file));
  }

  const LOG = () => `${path}-turns-0`;
  const HEADER_LENGTH = "Writ turns 2 of \n".length + 32;

  function alterLog(alter: (bytes: Buffer) => void): void {
    const bytes = readFileSync(LOG());
    alter(bytes);
    writeFileSync(LOG(), bytes);
  }

  function spoilFirst(bytes: Buffer): void {
    const at = HEADER_LENGTH + FRAME_HEAD + 2;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  }

  function cutSecond(): void {
    const bytes = readFileSync(LOG());
    const [first, second] = framesIn(bytes, HEADER_LENGTH, 0);
    const end = HEADER_LENGTH + FRAME_HEAD + Number(first?.packed.length);
    const after = end + FRAME_HEAD + Number(second?.packed.length);
    writeFileSync(LOG(), Buffer.concat([bytes.subarray(0, end), bytes.subarray(after)]));
  }

  /** With a checksum that is right; without its last `missing` bytes. */
  function addTurn(row: Json, ms: Json = 1, missing = 0): void {
    const log = readFileSync(LOG());
    const frames = framesIn(log, HEADER_LENGTH, 0);
    const packer = new Packer(FRAME_HEAD);
    packer.json(ms);
    packer.json(row);
    const packed = packer.packed();
    const bytes = packed.subarray(0, packed.length - missing);
    seal(bytes, Number(frames.at(-1)?.number) + 1, markOf(log.subarray(0, HEADER_LENGTH)));
    appendFileSync(LOG(), bytes);
  }
});

test("a file of which all is in a log that is gone is refused, not taken for a new one", () => {
  pay(journalled().driver);
  const copy = join(directory, "copy.db");
  for (const beside of ["", "-made"]) copyFileSync(`${path}${beside}`, `${copy}${beside}`);
  truncateSync(copy);
  path = copy;
  expect(refusal().message).toMatch(/empty or was removed/);
});

test("a file that nothing was written to yet is a new one", () => {
  writeFileSync(path, "");
  const { journal, driver } = journalled();
  pay(driver);
  journal.close();
  for (const file of [path, `${path}-made`]) rmSync(file);
  expect(journalled().journal.latestMs).toBe(0);
});

test("a file of a program that left no mark gets one", () => {
  journalled().journal.close();
  rmSync(`${path}-made`);
  journalled().journal.close();
  truncateSync(path);
  expect(refusal().help).toContain("limits and latches begin anew");
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
  database.exec("UPDATE counters SET cell = x'9200a131'");
  database.close();
  expect(() => journalled()).toThrow(StateFileRefused);
});

test("nobody else can read the file", () => {
  const { driver, journal } = journalled();
  pay(driver);
  journal.flush();
  for (const name of [path, `${path}-wal`, ...turnFiles(path)])
    expect(statSync(name).mode & 0o077).toBe(0);
});

describe("when nothing can be kept, nothing is allowed", () => {
  /** What breaks the file under an open journal, and whether writing is tried again. */
  const faults: readonly (readonly [string, () => void])[] = [
    ["the file is deleted", () => rmSync(path)],
    ["the write-ahead log is deleted", () => rmSync(`${path}-wal`)],
    ["the log of turns is deleted", () => rmSync(`${path}-turns-0`)],
    ["the log of turns is deleted that is not written to now", () => rmSync(`${path}-turns-1`)],
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
    await setTimeout(10);
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
  expect(readdirSync(directory)).toEqual(["state.db", "state.db-made"]);
  const second = journalled();
  expect(second.journal.latestMs).toBe(first.driver.nowMs);
  expect(pay(second.driver)).toBe("session_interrupted");
  second.driver.engine.sessions.reinstate("s");
  expect(spent(second.driver)).toBe(7);
});

test("a session that was nothing but ended and let go on is as old at the next start as it is", () => {
  const limits = { sessionCount: 1, sessionIdleMs: 60_000 };
  const first = journalled({ limits });
  first.driver.engine.sessions.interrupt("u");
  first.driver.engine.sessions.reinstate("u");
  first.journal.close();
  const second = journalled({ limits });
  // There is room for one, and that was not idle for long.
  expect(pay(second.driver)).toBe("state_unavailable");
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

test("tables follow the log, which stays short, and at any time both tell everything", () => {
  const { journal, driver } = journalled({ pace: { length: 2_000, rowCount: 4 } });
  for (let turn = 1; turn <= 600; turn++) {
    const decision = driver.call("pay", { amount: 1 }, { session: { id: `s${turn % 7}` } });
    if (turn % 3 === 0) driver.fail(decision);
    if (turn % 3 === 1) driver.ok(decision);
    expect(pay(driver)).toBe("allow");
    journal.flush();
    if (turn % 40 === 0) expect(spent(killed().driver)).toBe(turn);
  }
  for (const file of turnFiles(path)) {
    expect(statSync(file).size).toBeGreaterThan(2_000);
    expect(statSync(file).size).toBeLessThan(6_000);
  }
  journal.close();
  expect(rowCount(path, "counters")).toBe(8);
  expect(spent(journalled().driver)).toBe(600);
});

test.each([
  ["and the log was written over", { length: 400, rowCount: 2 }],
  ["and all of it is in the log", PACE],
])(
  "a call is one after a restart until it is settled, however long ago it was told: %s",
  (_, pace) => {
    const { journal, driver } = journalled({ pace });
    const goOn = () => {
      for (let turn = 0; turn < 60; turn++) {
        pay(driver);
        journal.flush();
      }
    };
    const [failing, kept] = [
      driver.call("pay", { amount: 1_000 }),
      driver.call("pay", { amount: 5 }),
    ];
    goOn();
    const before = killed().driver;
    const most = spent(before);
    before.fail(failing);
    expect(spent(before)).toBe(most - 1_000);
    driver.fail(failing);
    goOn();
    const after = killed().driver;
    const left = spent(after);
    expect(left).toBe(65 + 60);
    after.fail(failing);
    expect(spent(after)).toBe(left);
    after.fail(kept);
    expect(spent(after)).toBe(left - 5);
  },
);

test.each([
  ["and the log was written over", SHORT],
  ["and all of it is in the log", PACE],
])("what a session has seen is not seen by a later one of its name: %s", (_, pace) => {
  const policy = `
    label untrusted
    tool read { effect read, yields untrusted }
    tool pay { effect write, args { to: String } }
    permit anything
    forbid planted tool pay when untrusted in origin(args.to)`;
  const journal = openSqliteJournal({
    path,
    pace,
    limits: { sessionCount: 1, sessionIdleMs: 1_000 },
  });
  open.push(journal);
  const driver = drive(policy, { store: journal.store });
  const read = (id: string, values: readonly string[]) => {
    driver.nowMs += 2_000;
    driver.ok(driver.call("read", {}, { session: { id } }), values);
    for (let step = 0; step < 20; step++) journal.flush();
  };
  read("s", ["pay US6600", "pay US7700"]);
  read("other", []);
  read("s", ["pay US5500"]);
  const copy = join(directory, "killed.db");
  copyFile(path, copy);
  const restored = openSqliteJournal({ path: copy });
  open.push(restored);
  const after = drive(policy, { store: restored.store });
  const pays = ["US5500", "US6600", "US7700"].map((to) => outcomeOf(after.call("pay", { to })));
  expect(pays).toEqual(["forbidden", "allow", "allow"]);
});

const PLAIN = `
  tool check, pay { effect write }
  permit anything`;
const CHECKED = `${PLAIN}
  counter pays = count allowed pay per session
  latch checked = completed check per session
  forbid early tool pay when has session and not checked
  forbid often tool pay when has session and pays >= 1`;

/** Under one policy after the other, each in a process that is killed; one session at a time is kept, for ten minutes. */
function inTurn() {
  const limits = { sessionCount: 1, sessionIdleMs: 600_000 };
  let last: { readonly journal: Journal; readonly driver: Driver } | undefined;
  let started = 0;
  const under = (policy: string): Driver => {
    last?.journal.flush();
    started += 1;
    const file = join(directory, `${started}.db`);
    copyFile(join(directory, `${started - 1}.db`), file);
    const journal = openSqliteJournal({ path: file, limits });
    open.push(journal);
    let count = 0;
    const prefix = `p${started}-`;
    const ids = { decision: () => `${prefix}d`, call: () => `${prefix}c${++count}` };
    const driver = drive(policy, { store: journal.store, ids });
    driver.nowMs = last?.driver.nowMs ?? driver.nowMs;
    last = { journal, driver };
    return driver;
  };
  return { under, flush: () => last?.journal.flush() };
}

test("what is reported of a session that was forgotten when that took fewer days settles none of its keys", () => {
  const inSession = (id: string) => ({ session: { id } });
  const day = 86_400_000;
  const started = (sessionIdleMs: number) => {
    const journal = openSqliteJournal({ path, limits: { sessionCount: 1, sessionIdleMs } });
    let count = 0;
    const ids = { decision: () => "d", call: () => `${sessionIdleMs}-${++count}` };
    return { journal, driver: drive(CHECKED, { store: journal.store, ids }) };
  };
  const first = started(day);
  const { call } = first.driver;
  const checks = [call("check", {}, inSession("s")), call("check", {}, inSession("s"))];
  first.driver.nowMs += day + 1;
  expect(outcomeOf(call("check", {}, inSession("t")))).toBe("allow");
  first.driver.nowMs += day + 1;
  expect(outcomeOf(call("check", {}, inSession("s")))).toBe("allow");
  first.journal.close();
  const second = started(7 * day);
  open.push(second.journal);
  second.driver.nowMs = first.driver.nowMs;
  for (const check of checks) second.driver.fail(check);
  expect(outcomeOf(second.driver.call("pay", {}, inSession("s")))).toBe("prerequisite_pending");
});

test("since when a latch is in force no more is known after a restart, whenever that was written", () => {
  const { under } = inTurn();
  outcomeOf(under(CHECKED).call("check"));
  const plain = under(PLAIN);
  plain.nowMs += 10;
  const leftMs = plain.nowMs;
  outcomeOf(plain.call("pay"));
  // In the same turn, which is written when it has ended.
  plain.nowMs += 10;
  outcomeOf(plain.call("pay"));
  const again = under(CHECKED);
  again.nowMs += 10;
  outcomeOf(again.call("check"));
  const missing = again.engine.backfill.missing() as Missing | undefined;
  expect([...(missing?.latches ?? [])]).toEqual([[0, { fromMs: leftMs, untilMs: again.nowMs }]]);
});

test("a policy that came and went within one turn is known after a restart", () => {
  const journal = openSqliteJournal({ path });
  open.push(journal);
  let count = 0;
  const ids = { decision: () => "d", call: () => `c${++count}` };
  const [checked, plain] = [CHECKED, PLAIN].map((policy) =>
    drive(policy, { store: journal.store, ids }),
  );
  checked?.call("check");
  const leftMs = (plain?.nowMs ?? 0) + 10;
  if (plain !== undefined) plain.nowMs = leftMs;
  plain?.call("pay");
  journal.close();
  const restored = openSqliteJournal({ path });
  open.push(restored);
  const again = drive(CHECKED, { store: restored.store, ids });
  again.nowMs = leftMs + 10;
  again.call("check");
  const missing = again.engine.backfill.missing() as Missing | undefined;
  expect(missing?.latches.get(0)?.fromMs).toBe(leftMs);
});

test("an outcome after a restart settles what a policy declared that is not in force", () => {
  const { under } = inTurn();
  const before = under(CHECKED);
  before.ok(before.call("check"));
  const paid = before.call("pay");
  const checked = before.call("check", {}, { session: { id: "s" } });
  const between = under(PLAIN);
  between.fail(paid);
  between.ok(checked);
  expect(outcomeOf(under(CHECKED).call("pay"))).toBe("allow");
});

test("a session forgotten under a policy without its counters takes them with it, also after a restart", () => {
  const { under } = inTurn();
  const before = under(CHECKED);
  before.ok(before.call("check"));
  expect(outcomeOf(before.call("pay"))).toBe("allow");
  const between = under(PLAIN);
  for (const id of ["other", "s"]) {
    between.nowMs += 601_000;
    expect(outcomeOf(between.call("check", {}, { session: { id } }))).toBe("allow");
  }
  const { reasons } = under(CHECKED).call("pay");
  expect(reasons.map(({ rule }) => rule)).toEqual(["early"]);
});

test("a session that a call was decided in is kept as long as its outcome changes what is the session's", () => {
  const { under, flush } = inTurn();
  const before = under(CHECKED);
  before.ok(before.call("check"));
  flush();
  before.nowMs += 50_000;
  const paid = before.call("pay");
  const after = under(CHECKED);
  after.nowMs += 560_000;
  expect(outcomeOf(after.call("check", {}, { session: { id: "other" } }))).toBe(
    "state_unavailable",
  );
  after.fail(paid);
  expect(outcomeOf(after.call("pay"))).toBe("allow");
});

test.each([
  ["and the log was written over", SHORT, true],
  ["and all of it is in the log", PACE, true],
  ["and it was forgotten and came back in one turn", PACE, false],
])("a later session of a name that has seen nothing knows nothing: %s", (_, pace, flushes) => {
  const policy = `
    tool read { effect read }
    tool pay { effect write, args { to: String } }
    permit reading tool read
    permit asked tool pay when user in origin(args.to)`;
  const begin = (file: string) => {
    const limits = { sessionCount: 1, sessionIdleMs: 1_000 };
    const journal = openSqliteJournal({ path: file, pace, limits });
    open.push(journal);
    const driver = drive(policy, { store: journal.store });
    const read = (id: string, more = {}) => {
      driver.nowMs += 2_000;
      driver.call("read", {}, { session: { id }, ...more });
    };
    return { journal, driver, read };
  };
  const asked = { intent: { instruction: "pay US6600" } };
  const before = begin(path);
  before.read("s", asked);
  expect(outcomeOf(before.driver.call("pay", { to: "US6600" }))).toBe("allow");
  before.journal.close();
  const { journal, driver, read } = begin(path);
  driver.nowMs += 10_000;
  for (const id of ["other", "s"]) {
    read(id);
    for (let step = 0; flushes && step < 20; step++) journal.flush();
  }
  journal.flush();
  expect(outcomeOf(driver.call("pay", { to: "US6600" }))).toBe("not_permitted");
  const copy = join(directory, "killed.db");
  copyFile(path, copy);
  expect(outcomeOf(begin(copy).driver.call("pay", { to: "US6600" }))).toBe("not_permitted");
  journal.close();
  expect(outcomeOf(begin(path).driver.call("pay", { to: "US6600" }))).toBe("not_permitted");
});

test.each([
  ["and the log was written over", { length: 4_000, rowCount: 2 }],
  ["and all of it is in the log", PACE],
])(
  "of many different values one is told alone, and after a restart all are known: %s",
  (_, pace) => {
    const policy = `
    tool pay { effect write, args { to: Int } }
    counter payees = distinct args.to of allowed pay per session
    permit few tool pay when has session and payees < 300`;
    const begin = (more: Partial<Parameters<typeof openSqliteJournal>[0]>) => {
      const limits = { sessionCount: 1, sessionIdleMs: 1_000 };
      const journal = openSqliteJournal({ limits, path, pace, ...more });
      open.push(journal);
      return { journal, driver: drive(policy, { store: journal.store }) };
    };
    let longest = 0;
    const write: Disk["write"] = (file, bytes, position) => {
      longest = Math.max(longest, bytes.length);
      DISK.write(file, bytes, position);
    };
    const { journal, driver } = begin({ disk: { ...DISK, write } });
    const pays = (to: number, id = "s") => driver.call("pay", { to }, { session: { id } });
    const paid = (to: number) => {
      const decision = pays(to);
      journal.flush();
      return decision;
    };
    /** How many more payees a process knows no reason to deny that starts now. */
    const left = (): number => {
      const copy = join(directory, `killed-${open.length}.db`);
      copyFile(path, copy);
      const after = begin({ path: copy }).driver;
      let count = 0;
      while (outcomeOf(after.call("pay", { to: 1_000 + count })) === "allow") count += 1;
      return count;
    };
    const calls = Array.from({ length: 300 }, (_, to) => paid(to));
    expect(calls.map(outcomeOf)).toEqual(calls.map(() => "allow"));
    expect(longest).toBeLessThan(1_000);
    expect(left()).toBe(0);
    for (const call of calls.slice(7, 10)) driver.fail(call);
    journal.flush();
    expect(left()).toBe(3);
    // In one turn the session is forgotten and comes back.
    driver.nowMs += 2_000;
    pays(5, "other");
    driver.nowMs += 2_000;
    paid(5);
    paid(6);
    expect(left()).toBe(298);
  },
);

test("tables are not ahead of the log: what was not answered yet is not so after a restart", async () => {
  const { journal, driver } = journalled({ durability: "power", pace: SHORT });
  for (let turn = 1; turn <= 25; turn++) {
    const decision = driver.call("pay", { amount: 1 });
    await journal.flushed();
    // A step is about to be made of bringing tables up to the log.
    const copied = new Promise<Driver>((resolve) => setImmediate(() => resolve(killed().driver)));
    driver.fail(decision);
    const after = await copied;
    expect(spent(after)).toBe(1);
    await journal.flushed();
  }
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

test("a log that was being begun when power was lost, and is zeros, is none", () => {
  journalled().journal.close();
  // The length of a file may be on the disk before what was written.
  for (const file of turnFiles(path)) writeFileSync(file, Buffer.alloc(49));
  expect(spent(journalled().driver)).toBe(0);
});

test("a log that is cut off anywhere gives a beginning of what was", () => {
  const first = journalled();
  const kept: number[] = [0];
  for (let amount = 1; amount <= 12; amount++) {
    pay(first.driver, amount);
    first.journal.flush();
    kept.push(spent(first.driver));
  }
  const whole = join(directory, "whole.db");
  copyFile(path, whole);
  const log = `${path}-turns-0`;
  const found = new Set<number>();
  first.journal.close();
  for (let length = statSync(`${whole}-turns-0`).size; length >= 49; length -= 37) {
    copyFile(whole, path);
    truncateSync(log, length);
    const journal = openSqliteJournal({ path });
    const amount = spent(drive(POLICY, { store: journal.store }));
    expect(kept).toContain(amount);
    found.add(amount);
    journal.close();
  }
  expect(found.size).toBe(kept.length);
});

test("what is written over what is settled is told apart from it, where it is cut off", () => {
  const pace = { length: 800, rowCount: 100 };
  const { journal, driver } = journalled({ pace });
  let least = 0;
  for (let turn = 1; turn <= 40; turn++) {
    pay(driver);
    journal.flush();
    const { driver: after } = killed();
    expect(spent(after)).toBe(turn);
    // The latest turn is torn, and what was there before it stands behind it.
    const torn = join(directory, `torn-${turn}.db`);
    copyFile(path, torn);
    tearLatest(torn);
    const left = spent(journalled({ path: torn }).driver);
    expect(left).toBeGreaterThanOrEqual(Math.max(least, turn - 2));
    expect(left).toBeLessThan(turn + 1);
    least = left;
  }
});

/** As where the last bytes of the latest turn were not written yet. */
function tearLatest(path: string): void {
  const logs = turnFiles(path).map((file) => {
    const bytes = readFileSync(file);
    const start = bytes.indexOf("\n") + 1;
    const frames = framesIn(bytes, start, Number.MAX_SAFE_INTEGER);
    const end = frames.reduce((at, { packed }) => at + FRAME_HEAD + packed.length, start);
    return { file, bytes, end, newest: frames.at(-1)?.number ?? 0 };
  });
  const [latest] = logs.sort((one, other) => other.newest - one.newest);
  if (latest === undefined || latest.newest === 0) return;
  latest.bytes.fill(0, latest.end - 3, latest.end);
  writeFileSync(latest.file, latest.bytes);
}

test.each([
  ["where turns are added to the log", PACE],
  ["where tables are brought up to it", SHORT],
])("a full disk ends by itself, and what could not be written is written then: %s", (_, pace) => {
  let database: DatabaseSync | undefined;
  const open = (...parts: Parameters<typeof openDatabase>) => {
    database = openDatabase(...parts);
    return database;
  };
  let isFull = false;
  const write: Disk["write"] = (file, bytes, position) => {
    if (!isFull || pace === SHORT) return DISK.write(file, bytes, position);
    DISK.write(file, bytes.subarray(0, 7), position);
    throw Object.assign(new Error("the disk is full"), { code: "ENOSPC" });
  };
  const { driver, journal, service } = journalled({ open, disk: { ...DISK, write }, pace });
  pay(driver, 3);
  journal.flush();
  isFull = true;
  database?.exec("PRAGMA max_page_count = 1");
  const callUntilFull = () => {
    for (let n = 0; n < 300; n++) {
      driver.call("pay", { amount: 1 }, { session: { id: `${"x".repeat(200)}${n}` } });
      journal.flush();
    }
  };
  expect(callUntilFull).toThrow(/full/);
  expect(service.readiness().ready).toBe(false);
  expect(pay(driver)).toBe("state_unavailable");
  isFull = false;
  database?.exec("PRAGMA max_page_count = 1000000");
  journal.flush();
  expect(service.readiness()).toEqual({ ready: true });
  expect(pay(driver, 4)).toBe("allow");
  journal.close();
  expect(spent(journalled().driver)).toBe(7);
});

test("where the disk was full, a service that nobody asks since it is not ready is ready again once there is room", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const told: string[] = [];
  let isFull = false;
  const write: Disk["write"] = (...parts) => {
    if (isFull) throw Object.assign(new Error("the disk is full"), { code: "EDQUOT" });
    DISK.write(...parts);
  };
  const onFault = (fault: unknown) => told.push(String(fault));
  const { driver, journal, service } = journalled({ disk: { ...DISK, write }, onFault });
  isFull = true;
  pay(driver);
  expect(() => journal.flush()).toThrow(/full/);
  vi.advanceTimersByTime(5_000);
  expect(service.readiness().ready).toBe(false);
  isFull = false;
  vi.advanceTimersByTime(1_000);
  expect(service.readiness()).toEqual({ ready: true });
  expect(told).toEqual([
    `Error: state cannot be kept in ${path}: the disk is full`,
    `state is kept again in ${path}`,
  ]);
});

/** A disk on which the `n`th thing asked of it, counted from when it is armed, fails for good. */
function failingAt(n: number) {
  const state = { armed: false, failed: false };
  let count = 0;
  const orFail = <Result>(run: () => Result): Result => {
    if (state.failed || (state.armed && count++ === n)) {
      state.failed = true;
      throw Object.assign(new Error("disk I/O error"), { errcode: 10 });
    }
    return run();
  };
  const open = (...parts: Parameters<typeof openDatabase>): DatabaseSync => {
    const database = openDatabase(...parts);
    const prepare = database.prepare.bind(database);
    database.prepare = (query: string) => {
      const statement = prepare(query);
      const run = statement.run.bind(statement);
      const failing = (...values: SQLInputValue[]) => orFail(() => run(...values));
      Object.defineProperty(statement, "run", { value: failing });
      return statement;
    };
    return database;
  };
  const disk: Disk = {
    write: (...parts) => orFail(() => DISK.write(...parts)),
    sync: (...parts) => orFail(() => DISK.sync(...parts)),
    syncLater: (file, done) => {
      try {
        orFail(() => DISK.syncLater(file, done));
      } catch (fault) {
        setImmediate(() => done(fault instanceof Error ? fault : null));
      }
    },
  };
  return { state, open, disk };
}

const DURABILITIES: readonly Durability[] = ["process", "power"];

test.each(DURABILITIES.flatMap((kept) => Array.from({ length: 40 }, (_, n) => [kept, n] as const)))(
  "when something fails while what is to survive the loss of %s is written (%i), nothing that was not kept is allowed",
  async (durability, n) => {
    const { state, open, disk } = failingAt(n);
    const { service, journal } = journalled({ open, disk, durability, pace: SHORT });
    const ask = async () => {
      const request = { agent: { id: "bot" }, session: { id: "s" } };
      const answer = await service.decide({
        ...request,
        tool: { name: "pay", args: { amount: 1 } },
      });
      return answer.kind === "answer" ? outcomeOf(answer.value) : answer.kind;
    };
    state.armed = true;
    let allowed = 0;
    while (!state.failed) {
      const answers = await Promise.all([ask(), ask(), ask()]);
      const [answer] = answers;
      expect(answers).toEqual([answer, answer, answer]);
      expect(["allow", "state_unavailable"]).toContain(answer);
      if (answer === "allow") allowed += 3;
      await setTimeout(0);
    }
    expect(await ask()).toBe("state_unavailable");
    expect(service.readiness().ready).toBe(false);
    expect(() => journal.close()).toThrow(/disk I\/O error/);
    const left = spent(journalled().driver);
    expect(left).toBeGreaterThanOrEqual(allowed);
    // What was written and not said to be: counted, and cautious.
    expect(left).toBeLessThanOrEqual(allowed + 3);
  },
);

test.each([
  ["process", ["write"]],
  ["power", ["write", "sync"]],
] as const)(
  "an answer that is to survive the loss of %s leaves after %j",
  async (durability, asked) => {
    const told: string[] = [];
    const disk: Disk = {
      ...DISK,
      write: (...parts) => {
        told.push("write");
        DISK.write(...parts);
      },
      sync: (...parts) => {
        told.push("sync");
        DISK.sync(...parts);
      },
    };
    const { service } = journalled({ durability, disk });
    const tool = { name: "pay", args: { amount: 1 } };
    for (let turn = 0; turn < 5; turn++) {
      told.length = 0;
      await service.decide({ agent: { id: "bot" }, session: { id: "s" }, tool });
      expect(told).toEqual(asked);
    }
  },
);

test("a session whose end could not be kept is not said to have ended", async () => {
  const { state, ...faulty } = failingAt(0);
  const { service } = journalled(faulty);
  const boom = { agent: { id: "bot" }, session: { id: "s" }, tool: { name: "boom", args: {} } };
  state.armed = true;
  expect(await service.decide(boom)).toEqual({
    kind: "unavailable",
    because: "that the session was ended could not be kept",
  });
  expect(state.failed).toBe(true);
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
