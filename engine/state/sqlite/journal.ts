/**
 * The journal of state in an embedded SQLite file, and a log beside it of what is not in its tables yet: both tell
 * what the tables of this process hold, not what was done to them.
 */
import { resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Readiness } from "../../answer.ts";
import { messageOf } from "../../fault.ts";
import { soon } from "../../soon.ts";
import type { Scalar } from "../../value.ts";
import type { Journal } from "../journal.ts";
import type { Keeper } from "../keeper.ts";
import { storeOf } from "../memory.ts";
import { type StateStore, StateUnavailable } from "../store.ts";
import {
  type CounterTable,
  createMemory,
  type DeclaredTable,
  type LatchTable,
  type Memory,
  type MemoryLimits,
  type Session,
} from "../tables.ts";
import { PACE, type Pace } from "./backlog.ts";
import { Changes } from "./changes.ts";
import { Checkpoints } from "./checkpoints.ts";
import {
  type Durability,
  identityCheck,
  mayPass,
  openDatabase,
  refusalOf,
  STATE_FILE,
  synced,
} from "./database.ts";
import { replay } from "./replay.ts";
import {
  restoreBeginning,
  restoreCalls,
  restoreLogState,
  restoreMemory,
  restoreSettled,
  restoreTables,
  restoreTime,
  USED_EVERY_MS,
} from "./restore.ts";
import { DISK, type Disk, readTurns, TurnLog, turnFiles } from "./turn-log.ts";
import { Writer } from "./writer.ts";

export interface SqliteJournalParts {
  readonly path: string;
  /** `process` where it is missing. */
  readonly durability?: Durability;
  readonly limits?: Partial<MemoryLimits>;
  /** Opens the file; tests give one whose disk fails. */
  readonly open?: typeof openDatabase;
  /** What the log beside it is written to; the same. */
  readonly disk?: Disk;
  /** Tests give one by which tables follow at once. */
  readonly pace?: Pace;
  /** Told once of every fault after which nothing is allowed, and of its end. */
  readonly onFault?: (fault: unknown) => void;
}

/** Throws `StateFileRefused` where the file cannot be used. */
export function openSqliteJournal(parts: SqliteJournalParts): Journal {
  const { path, open = openDatabase, disk = DISK } = parts;
  const database = open(path);
  let checkpoints: Checkpoints | undefined;
  try {
    checkpoints = new Checkpoints(database, resolve(path), disk);
    return new SqliteJournal(database, checkpoints, parts);
  } catch (fault) {
    (checkpoints ?? database).close();
    throw refusalOf(path, fault, STATE_FILE);
  }
}

/** How long it may take until it is noticed that the file was deleted or replaced. */
const IDENTIFY_MS = 5;

/** How long after a fault that may pass writing is tried again. */
const RETRY_MS = 1_000;

class SqliteJournal implements Journal, Keeper {
  readonly store: StateStore;
  readonly latestMs: number;
  readonly #path: string;
  readonly #durability: Durability;
  readonly #database: DatabaseSync;
  readonly #checkpoints: Checkpoints;
  readonly #memory: Memory;
  readonly #log: TurnLog;
  readonly #writer: Writer;
  readonly #onFault: (fault: unknown) => void;
  readonly #checkIdentity: () => void;
  #identifiedMs: number;
  #changes: Changes;
  #isDirty = false;
  /** Of those who wait for the flush at the end of this turn. */
  #turn: Promise<void> | undefined;
  /** Tables are brought up to the log once what was decided in this turn is answered. */
  #isSettling = false;
  #fault: { readonly fault: unknown } | undefined;
  /** Nobody may ask a service that is not ready: it must not be them for whom writing is tried again. */
  #retry: NodeJS.Timeout | undefined;

  constructor(database: DatabaseSync, checkpoints: Checkpoints, parts: SqliteJournalParts) {
    const { durability = "process", limits, pace = PACE, disk = DISK } = parts;
    this.#path = resolve(parts.path);
    this.#durability = durability;
    this.#database = database;
    this.#checkpoints = checkpoints;
    this.#onFault = parts.onFault ?? (() => {});
    this.#memory = createMemory(limits, this);
    const { id, newest, half } = this.#restore(database, this.#memory);
    this.latestMs = restoreTime(database);
    this.#changes = new Changes(half);
    this.#changes.timeMs = this.latestMs;
    this.#log = new TurnLog(this.#path, id, durability, disk);
    try {
      // All that was replayed, before anybody waits.
      database.exec("PRAGMA wal_checkpoint(PASSIVE)");
      // From now on it must be there.
      synced(database, () => database.exec("UPDATE log SET open = 1"));
      const memory = this.#memory;
      const log = this.#log;
      this.#writer = new Writer({ database, checkpoints, log, memory, newest, pace });
      this.store = storeOf(this.#memory);
      // Also finds out whether the file can be written.
      this.#writer.write(this.#changes);
      this.#checkIdentity = identityCheck(this.#path, turnFiles(this.#path));
      this.#identifiedMs = performance.now();
      checkpoints.onEnd = (fault) => this.#checkpointed(fault);
    } catch (fault) {
      this.#log.close();
      throw fault;
    }
  }

  /** In one transaction, so that a file that turns out to be damaged is left as it was. */
  #restore(database: DatabaseSync, memory: Memory) {
    return synced(database, () => {
      database.exec("BEGIN IMMEDIATE");
      const state = restoreLogState(database);
      const newest = replay(database, readTurns(this.#path, state), state.settled);
      memory.beganMs = restoreBeginning(database);
      restoreMemory(database, memory);
      restoreTables(database, memory);
      restoreCalls(database, memory);
      const half = restoreSettled(database, memory);
      database.exec("COMMIT");
      return { id: state.id, newest, half };
    });
  }

  // ── Journal ──────────────────────────────────────────────────────────────────────────────────────────────

  flush(): void {
    if (this.#isDirty || this.#fault !== undefined) this.#write();
    this.#settle();
    if (this.#fault === undefined) this.#orFault(() => this.#checkpoints.finish());
    if (this.#fault !== undefined) throw this.#unavailable();
  }

  flushed(): Promise<void> {
    if (this.#turn !== undefined) return this.#turn;
    return this.#fault === undefined ? KEPT : Promise.reject(this.#unavailable());
  }

  readiness(): Readiness {
    if (this.#fault === undefined) return { ready: true };
    return { ready: false, because: this.#unavailable().message };
  }

  close(): void {
    if (!this.#database.isOpen) return;
    let isSettled = false;
    try {
      this.flush();
      isSettled = this.#settleAll();
    } finally {
      this.#fault = { fault: new Error("it is closed") };
      clearTimeout(this.#retry);
      this.#log.close();
      this.#checkpoints.close();
    }
    if (isSettled) this.#log.remove();
  }

  /** What cannot be brought into the tables is in the log, and the next start does it. */
  #settleAll(): boolean {
    try {
      this.#writer.settleAll(this.#changes);
      return true;
    } catch {
      return false;
    }
  }

  #write(): void {
    const earlier = this.#fault;
    if (earlier !== undefined && !mayPass(earlier.fault)) return;
    this.#orFault(() => {
      this.#writer.write(this.#changes);
      this.#identify();
      const { half, timeMs } = this.#changes;
      this.#changes = new Changes(half);
      this.#changes.timeMs = timeMs;
      this.#isDirty = false;
      // It may be this that failed.
      if (earlier !== undefined) {
        this.#writer.settle(this.#changes);
        this.#checkpoints.finish();
      }
      this.#fault = undefined;
      if (earlier !== undefined) this.#onFault(`state is kept again in ${this.#path}`);
    });
  }

  /** Whoever deletes the file takes all that was ever answered: when this is noticed makes no difference to it. */
  #identify(): void {
    const nowMs = performance.now();
    if (nowMs - this.#identifiedMs < IDENTIFY_MS) return;
    this.#checkIdentity();
    this.#identifiedMs = nowMs;
  }

  /** One step, and only of what the log tells: tables must not be ahead of it. */
  #settle(): void {
    if (this.#isDirty || this.#fault !== undefined || !this.#writer.isBehind()) return;
    this.#orFault(() => this.#writer.settle(this.#changes));
  }

  #checkpointed(fault: unknown): void {
    this.#orFault(() => {
      if (fault !== undefined) throw fault;
      this.#settleLater();
    });
  }

  #orFault(write: () => void): void {
    try {
      write();
    } catch (fault) {
      const isNews = this.#fault === undefined;
      this.#fault = { fault };
      if (isNews) this.#onFault(this.#unavailable());
      if (mayPass(fault)) this.#retryLater();
    }
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (this.#fault !== undefined && this.#database.isOpen) this.#write();
    }, RETRY_MS).unref();
  }

  #unavailable(): StateUnavailable {
    const fault = this.#fault?.fault;
    const why = messageOf(fault);
    return new StateUnavailable(`state cannot be kept in ${this.#path}: ${why}`);
  }

  // ── Keeper ───────────────────────────────────────────────────────────────────────────────────────────────

  check(): void {
    if (this.#fault !== undefined) throw this.#unavailable();
  }

  time(nowMs: number): void {
    this.#changes.timeMs = Math.max(this.#changes.timeMs, nowMs);
    this.#changed();
  }

  inForce(changed: readonly DeclaredTable[]): void {
    this.#changes.inForce ??= new Set();
    for (const table of changed) this.#changes.inForce.add(table);
    this.#changed();
  }

  gone(table: DeclaredTable): void {
    this.#changes.rows.push({ kind: "declarations", table });
    this.#changed();
  }

  counter(table: CounterTable, key: string, amount?: Scalar): void {
    this.#changes.rows.push({ kind: "counters", table, key, amount });
    this.#changed();
  }

  latch(table: LatchTable, key: string): void {
    this.#changes.rows.push({ kind: "latches", table, key });
    this.#changed();
  }

  session(id: string): void {
    this.#changes.rows.push({ kind: "sessions", key: id });
    this.#changed();
  }

  used(id: string, { usedAtMs }: Session, nowMs: number): void {
    const isLater = Math.floor(nowMs / USED_EVERY_MS) > Math.floor(usedAtMs / USED_EVERY_MS);
    if (isLater) this.session(id);
  }

  task(session: string, run: string): void {
    this.#changes.rows.push({ kind: "tasks", session, run });
    this.#changed();
  }

  sequence(meaning: string): void {
    this.#changes.sequences.push(meaning);
    this.#changed();
  }

  call(id: string): void {
    this.#changes.rows.push({ kind: "calls", key: id });
    this.#changed();
  }

  settled(id: string): void {
    this.#changes.settled.push(id);
    this.#changed();
  }

  forgotten(): void {
    this.#changes.half += 1;
    this.#changed();
  }

  /** Once, after all that is decided together. */
  #changed(): void {
    this.#isDirty = true;
    if (this.#turn !== undefined) return;
    this.#turn = new Promise((resolve, reject) => {
      soon(this.#durability === "power", () => {
        this.#turn = undefined;
        if (this.#isDirty && this.#database.isOpen) this.#write();
        if (this.#fault === undefined) resolve();
        else reject(this.#unavailable());
        this.#settleLater();
      });
    });
    // Not everybody waits for it.
    this.#turn.catch(() => {});
  }

  #settleLater(): void {
    if (this.#isSettling || !this.#writer.isBehind()) return;
    this.#isSettling = true;
    setImmediate(() => {
      this.#isSettling = false;
      if (this.#database.isOpen) this.#settle();
    });
  }
}

const KEPT = Promise.resolve();
