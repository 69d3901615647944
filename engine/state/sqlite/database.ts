/** Files that state is kept in: opened by one process, and only if they are whole and ours. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { syncDirectory } from "../../directory.ts";
import { messageOf, systemCode } from "../../fault.ts";
import { createPrivate } from "../../file-lock.ts";
import { onlyFiles } from "../../only-files.ts";
import { CODES, codeOf } from "../../sqlite-codes.ts";
import { StateUnreadable } from "../stored.ts";
import { FramesBroken } from "./frame.ts";
import { LogMissing, turnFiles } from "./turn-log.ts";

/** The file cannot be used; `help` says what to do. Nothing is changed in it. */
export class StateFileRefused extends Error {
  readonly help: string;

  constructor(message: string, help: string) {
    super(message);
    this.help = help;
  }
}

/** What the state survives: the end of the process, or of power as well, which costs a sync of the disk a turn. */
export type Durability = "process" | "power";

/** What tells a kind of file from others, what is in a new one, and what is said of one that is neither. */
export interface FileKind {
  readonly schema: string;
  readonly pageBytes: number;
  /** Pages in the write-ahead log after which SQLite copies them into the file, and syncs the disk; 0: others do. */
  readonly walPages: number;
  /** Throws `StateFileRefused` where what is there is of another kind or version. */
  checkOwner(database: DatabaseSync, path: string): void;
  damaged(path: string): StateFileRefused;
  /** What is so once nothing of it is left: a part of a sentence. */
  readonly without: string;
}

/** Says in the file's header whose it is: `Writ`. */
const APPLICATION_ID = 0x57_72_69_74;

/** Counted up with every change that an older program would misread. */
export const SCHEMA_VERSION = 10;

const SCHEMA = `
  CREATE TABLE log (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, settled INTEGER NOT NULL, open INTEGER NOT NULL);
  INSERT INTO log VALUES (1, lower(hex(randomblob(16))), 0, 0);
  CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), ms INTEGER NOT NULL, began_ms INTEGER);
  INSERT INTO clock VALUES (1, 0, NULL);
  CREATE TABLE declarations (id INTEGER PRIMARY KEY, meaning TEXT NOT NULL UNIQUE, declared TEXT NOT NULL, since_ms INTEGER, left_ms INTEGER);
  CREATE TABLE counters (
    declaration INTEGER NOT NULL, key TEXT NOT NULL, cell BLOB NOT NULL,
    PRIMARY KEY (declaration, key)) WITHOUT ROWID;
  CREATE TABLE latches (
    declaration INTEGER NOT NULL, key TEXT NOT NULL, cell BLOB NOT NULL,
    PRIMARY KEY (declaration, key)) WITHOUT ROWID;
  CREATE TABLE sessions (id TEXT PRIMARY KEY, used_ms INTEGER NOT NULL, session BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE seen (
    session TEXT NOT NULL, number INTEGER NOT NULL, entry TEXT NOT NULL,
    PRIMARY KEY (session, number)) WITHOUT ROWID;
  CREATE TABLE tasks (key TEXT PRIMARY KEY, meaning TEXT NOT NULL, state BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE sequences (number INTEGER PRIMARY KEY, meaning TEXT NOT NULL UNIQUE, program TEXT NOT NULL);
  CREATE TABLE calls (id TEXT PRIMARY KEY, call BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE settled (half INTEGER PRIMARY KEY, ok BLOB NOT NULL, error BLOB NOT NULL);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

const TABLES = [...SCHEMA.matchAll(/CREATE TABLE (\w+)/g)]
  .map(([, name]) => name)
  .sort()
  .join();

export const STATE_FILE: FileKind = {
  schema: SCHEMA,
  pageBytes: 4_096,
  walPages: 0,
  checkOwner,
  damaged,
  without: "nothing is remembered: limits and latches begin anew, and ended sessions are open",
};

/** What must survive the loss of power is in the log, until it is `synced` here. */
export function openDatabase(path: string): DatabaseSync {
  return openFile(path, "process", STATE_FILE);
}

/** Where a log stands while SQLite closes a file that cannot be relied on, and after a kill in that moment. */
export function keptLogOf(path: string): string {
  return `${path}-wal-kept`;
}

/**
 * Stands beside a file from when there is something in it: a file that was cut to nothing, or is gone, looks like one
 * that was never written.
 */
export function madeMarkOf(path: string): string {
  return `${path}-made`;
}

export function openFile(path: string, durability: Durability, kind: FileKind): DatabaseSync {
  const kept = keptLogOf(path);
  let database: DatabaseSync | undefined;
  try {
    onlyFiles([path, `${path}-wal`, `${path}-journal`, kept, madeMarkOf(path)]);
    if (existsSync(kept) && !existsSync(`${path}-wal`)) renameSync(kept, `${path}-wal`);
    // Made here, since SQLite would let others read it.
    createPrivate(path);
    database = new DatabaseSync(path, { timeout: 0 });
    prepare(database, path, durability, kind);
    markAsMade(path);
    // The log is there under its own name: later on, this one would bring back what is old.
    rmSync(kept, { force: true });
    return database;
  } catch (fault) {
    if (database?.isOpen) database.close();
    throw refusalOf(path, fault, kind);
  }
}

function prepare(
  database: DatabaseSync,
  path: string,
  durability: Durability,
  { schema, pageBytes, walPages, checkOwner, damaged, without }: FileKind,
): void {
  // Of a new file, and only before anything else is asked of it.
  database.exec(`PRAGMA page_size = ${pageBytes}`);
  // Held from the first reading on: another process would count beside this one.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  database.exec("BEGIN IMMEDIATE; ROLLBACK");
  const isNew = numberFrom(database, "SELECT count(*) FROM sqlite_schema") === 0;
  if (!isNew) checkOwner(database, path);
  else if (existsSync(madeMarkOf(path))) throw emptied(path, without);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA wal_autocheckpoint = ${walPages}`);
  database.exec(`PRAGMA synchronous = ${durability === "power" ? "FULL" : "NORMAL"}`);
  // On the disk before anything beside the file names it.
  if (isNew) synced(database, () => database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`));
  const check = database.prepare("PRAGMA quick_check(1)").get();
  if (check?.quick_check !== "ok") throw damaged(path);
}

/** Once what the file begins with is on the disk, and before anything that is kept in it is. */
function markAsMade(path: string): void {
  const mark = madeMarkOf(path);
  if (existsSync(mark)) return;
  const file = openSync(mark, "w", 0o600);
  try {
    writeSync(
      file,
      `${basename(path)} has been written: without it, Writ starts once this file is removed too.\n`,
    );
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncDirectory(dirname(path));
}

/** Runs what commits, so that it is on the disk afterwards whatever the file's durability is. */
export function synced<Result>(database: DatabaseSync, run: () => Result): Result {
  return withSyncs(database, "FULL", run);
}

/** Runs what is to be synced by others. */
export function unsynced<Result>(database: DatabaseSync, run: () => Result): Result {
  return withSyncs(database, "OFF", run);
}

function withSyncs<Result>(
  database: DatabaseSync,
  level: "FULL" | "OFF",
  run: () => Result,
): Result {
  const usual = numberFrom(database, "PRAGMA synchronous");
  database.exec(`PRAGMA synchronous = ${level}`);
  try {
    return run();
  } finally {
    // Left open by what failed, which is the fault to tell; then it stays the stricter.
    if (!database.isTransaction) database.exec(`PRAGMA synchronous = ${usual}`);
  }
}

/**
 * Of a file that is open, its write-ahead log, and `more` beside it: throws once they are others than now. What was
 * deleted or replaced takes what is written, and is not there after a restart.
 */
export function identityCheck(path: string, more: readonly string[] = []): () => void {
  const absolute = resolve(path);
  const files = [absolute, `${absolute}-wal`, ...more];
  const identity = identify(files);
  return () => {
    if (identify(files) !== identity) throw new Error("the file was deleted or replaced");
  };
}

function identify(files: readonly string[]): string {
  return files
    .map((name) => statSync(name, { throwIfNoEntry: false }))
    .map((found) => (found === undefined ? "none" : `${found.dev}:${found.ino}`))
    .join();
}

function checkOwner(database: DatabaseSync, path: string): void {
  if (numberFrom(database, "PRAGMA application_id") !== APPLICATION_ID) {
    throw new StateFileRefused(
      `${path} holds other data than Writ's state`,
      "name another file with `--state FILE`",
    );
  }
  const version = numberFrom(database, "PRAGMA user_version");
  if (version === SCHEMA_VERSION && tables(database) === TABLES) return;
  if (version === SCHEMA_VERSION) throw damaged(path);
  throw new StateFileRefused(
    `${path} was written by another version of Writ (its schema is ${version}, this one reads ${SCHEMA_VERSION})`,
    "run the version that wrote it, or name another file with `--state FILE`, which remembers nothing yet",
  );
}

function tables(database: DatabaseSync): string {
  const found = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  return found
    .map(({ name }) => String(name))
    .sort()
    .join();
}

export function numberFrom(database: DatabaseSync, query: string): number {
  const row = database.prepare(query).get() ?? {};
  return Number(Object.values(row)[0]);
}

/** Errors that end by themselves: what has not been written can be tried again. */
export function mayPass(fault: unknown): boolean {
  const code = codeOf(fault);
  if (code === CODES.full || code === CODES.busy || code === CODES.locked) return true;
  return FULL.has(systemCode(fault));
}

/** Of a disk, or of what this user may have of it. */
const FULL: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT"]);

/** What stands in the way of using the file, and what to do about it. */
export function refusalOf(
  path: string,
  fault: unknown,
  { damaged }: Pick<FileKind, "damaged">,
): StateFileRefused {
  if (fault instanceof StateFileRefused) return fault;
  if (fault instanceof StateUnreadable || fault instanceof FramesBroken) return damaged(path);
  if (fault instanceof LogMissing) {
    return new StateFileRefused(
      `what belongs to ${path} is missing (${turnFiles(path).join(" and ")}), or belongs to another file`,
      `put ${path} back together with all that stood beside it, or move all of it away, after which nothing is remembered`,
    );
  }
  const why = messageOf(fault);
  switch (codeOf(fault)) {
    case CODES.busy:
    case CODES.locked:
      return new StateFileRefused(
        `${path} is in use by another process`,
        "stop that process, or name another file with `--state FILE`",
      );
    case CODES.corrupt:
    case CODES.notDatabase:
      return damaged(path);
    case CODES.readOnly:
      return new StateFileRefused(
        `${path} cannot be written`,
        "let this user write the file and its directory, or name another with `--state FILE`",
      );
    default:
      return new StateFileRefused(
        `${path} cannot be opened: ${why}`,
        "check that its directory is there and can be written, or name another file with `--state FILE`",
      );
  }
}

function damaged(path: string): StateFileRefused {
  return new StateFileRefused(
    `${path} is damaged, or no state of Writ`,
    helpWithout(STATE_FILE.without),
  );
}

function emptied(path: string, without: string): StateFileRefused {
  return new StateFileRefused(
    `${path} is empty or was removed, though it was written before`,
    helpWithout(without),
  );
}

/** For whoever has a file that cannot be used. */
export function helpWithout(without: string): string {
  return `put back a copy of it; or move it and what stands beside it (\`-wal\`, \`-made\`, \`-turns-0\`, \`-turns-1\`) away, after which ${without}`;
}
