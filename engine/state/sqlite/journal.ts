/** The journal of state in an embedded SQLite file: rows are what the tables hold, not what was done to them. */
import { resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { CounterDecl } from "../../../lang/ir.ts";
import type { Readiness } from "../../answer.ts";
import { messageOf } from "../../fault.ts";
import { keyOf } from "../../value.ts";
import type { Journal } from "../journal.ts";
import type { Keeper } from "../keeper.ts";
import type { LatchCell } from "../latch.ts";
import { storeOf } from "../memory.ts";
import { ShardedMap } from "../sharded-map.ts";
import { type StateStore, StateUnavailable } from "../store.ts";
import {
  type CounterTable,
  createMemory,
  type DeclaredTable,
  type InForce,
  type LatchTable,
  type Memory,
  type MemoryLimits,
  type Session,
} from "../tables.ts";
import type { Distinct, Sum } from "../window.ts";
import { PACE, type Pace } from "./backlog.ts";
import { Changes } from "./changes.ts";
import {
  type Durability,
  identityCheck,
  mayPass,
  openDatabase,
  refusalOf,
  STATE_FILE,
} from "./database.ts";
import {
  replay,
  restoreBeginning,
  restoreCounters,
  restoreInForce,
  restoreLatches,
  restoreMemory,
  restoreSettled,
  restoreTime,
} from "./restore.ts";
import { Writer } from "./writer.ts";

export interface SqliteJournalParts {
  readonly path: string;
  /** `process` where it is missing. */
  readonly durability?: Durability;
  readonly limits?: Partial<MemoryLimits>;
  /** Opens the file; tests give one whose disk fails. */
  readonly open?: typeof openDatabase;
  /** Tests give one by which tables follow at once. */
  readonly pace?: Pace;
  /** Told once of every fault after which nothing is allowed, and of its end. */
  readonly onFault?: (fault: unknown) => void;
}

/** Throws `StateFileRefused` where the file cannot be used. */
export function openSqliteJournal(parts: SqliteJournalParts): Journal {
  const { path, durability = "process", open = openDatabase } = parts;
  const database = open(path, durability);
  try {
    return new SqliteJournal(database, parts);
  } catch (fault) {
    database.close();
    throw refusalOf(path, fault, STATE_FILE);
  }
}

/** Sessions are used at every call; when they were last is written this often. */
const USED_EVERY_MS = 60_000;

/** How long after a fault that may pass writing is tried again. */
const RETRY_MS = 1_000;

class SqliteJournal implements Journal, Keeper {
  readonly store: StateStore;
  readonly latestMs: number;
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #memory: Memory;
  /** Of declarations as they were when the file was opened. */
  readonly #inForce: Map<string, InForce>;
  readonly #writer: Writer;
  readonly #onFault: (fault: unknown) => void;
  readonly #checkIdentity: () => void;
  #changes: Changes;
  #isDirty = false;
  /** The flush at the end of this turn; gives what went wrong. */
  #turn: Promise<unknown> | undefined;
  #fault: { readonly fault: unknown; readonly atMs: number } | undefined;

  constructor(database: DatabaseSync, parts: SqliteJournalParts) {
    this.#path = resolve(parts.path);
    this.#database = database;
    this.#onFault = parts.onFault ?? (() => {});
    this.#memory = createMemory(parts.limits, this);
    // In one transaction, so that a file that turns out to be damaged is left as it was.
    database.exec("BEGIN IMMEDIATE");
    replay(database);
    this.latestMs = restoreTime(database);
    this.#memory.beganMs = restoreBeginning(database);
    this.#inForce = restoreInForce(database);
    restoreMemory(database, this.#memory);
    this.#changes = new Changes(restoreSettled(database, this.#memory));
    this.#changes.timeMs = this.latestMs;
    database.exec("COMMIT");
    this.#writer = new Writer(database, this.#memory, parts.pace ?? PACE);
    this.store = storeOf(this.#memory);
    // Also finds out whether the file can be written.
    this.#writer.write(this.#changes);
    this.#checkIdentity = identityCheck(this.#path);
  }

  // ── Journal ──────────────────────────────────────────────────────────────────────────────────────────────

  flush(): void {
    if (this.#isDirty || this.#fault !== undefined) this.#write();
    if (this.#fault !== undefined) throw this.#unavailable();
  }

  async flushed(): Promise<void> {
    if (this.#turn !== undefined) await this.#turn;
    if (this.#fault !== undefined) throw this.#unavailable();
  }

  readiness(): Readiness {
    if (this.#fault === undefined) return { ready: true };
    return { ready: false, because: this.#unavailable().message };
  }

  close(): void {
    if (!this.#database.isOpen) return;
    try {
      this.flush();
      this.#settle();
    } finally {
      this.#fault = { fault: new Error("it is closed"), atMs: Number.POSITIVE_INFINITY };
      this.#database.close();
    }
  }

  /** What cannot be brought into the tables is in the journal, and the next start does it. */
  #settle(): void {
    try {
      this.#writer.settleAll(this.#changes);
    } catch {
      // All of it is kept.
    }
  }

  #write(): void {
    if (this.#fault !== undefined && !mayPass(this.#fault.fault)) return;
    try {
      this.#writer.write(this.#changes);
      this.#checkIdentity();
      const { half, timeMs } = this.#changes;
      this.#changes = new Changes(half);
      this.#changes.timeMs = timeMs;
      this.#isDirty = false;
      this.#fault = undefined;
    } catch (fault) {
      const isNews = this.#fault === undefined;
      this.#fault = { fault, atMs: performance.now() };
      if (isNews) this.#onFault(this.#unavailable());
    }
  }

  #unavailable(): StateUnavailable {
    const fault = this.#fault?.fault;
    const why = messageOf(fault);
    return new StateUnavailable(`state cannot be kept in ${this.#path}: ${why}`);
  }

  // ── Keeper ───────────────────────────────────────────────────────────────────────────────────────────────

  counterCells(meaning: string, declared: CounterDecl): ShardedMap<Sum | Distinct> {
    return this.#cells(meaning, (row) => restoreCounters(this.#database, row, declared));
  }

  inForceBefore(meaning: string): InForce {
    return this.#inForce.get(meaning) ?? { sinceMs: undefined, leftMs: undefined };
  }

  latchCells(meaning: string): ShardedMap<LatchCell> {
    return this.#cells(meaning, (row) => restoreLatches(this.#database, row));
  }

  #cells<Cell>(meaning: string, restore: (row: number) => ShardedMap<Cell>): ShardedMap<Cell> {
    const row = this.#writer.declarationOf(meaning);
    if (row === undefined) return new ShardedMap();
    try {
      return restore(row);
    } catch (fault) {
      throw refusalOf(this.#path, fault, STATE_FILE);
    }
  }

  check(): void {
    if (this.#fault === undefined) return;
    const { fault, atMs } = this.#fault;
    if (mayPass(fault) && performance.now() - atMs >= RETRY_MS) this.#write();
    if (this.#fault !== undefined) throw this.#unavailable();
  }

  time(nowMs: number): void {
    this.#changes.timeMs = Math.max(this.#changes.timeMs, nowMs);
    this.#changed();
  }

  inForce(declared: readonly DeclaredTable[]): void {
    this.#changes.inForce = declared;
    // What is declared later misses what is decided until then.
    for (const [meaning, { sinceMs, leftMs = sinceMs && this.#changes.timeMs }] of this.#inForce) {
      this.#inForce.set(meaning, { sinceMs: undefined, leftMs });
    }
    this.#changed();
  }

  counter(table: CounterTable, key: string): void {
    this.#changes.rows.push({ kind: "counters", table, key });
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

  task(session: string, name: string): void {
    this.#changes.rows.push({ kind: "tasks", key: keyOf([session, name]) });
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
    this.#changes.rows.push({ kind: "settled", key: id });
    this.#changed();
  }

  forgotten(): void {
    this.#changes.half += 1;
    this.#changes.isHalfNew = true;
    this.#changed();
  }

  /** At the end of the turn, after all that was decided in it, and once. */
  #changed(): void {
    this.#isDirty = true;
    if (this.#turn !== undefined) return;
    this.#turn = new Promise((resolve) => {
      setImmediate(() => {
        this.#turn = undefined;
        if (this.#isDirty && this.#database.isOpen) this.#write();
        resolve(undefined);
      });
    });
  }
}
