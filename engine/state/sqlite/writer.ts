/**
 * How changes get into the file. What a turn changed is added to a log beside it, which costs little and is all that
 * an answer waits for. Tables are brought up to the log bit by bit, once answers have left: what changed a hundred
 * times meanwhile is written there once, and what came and went not at all.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { isGone } from "../memory/leaving.ts";
import { Packer } from "../pack.ts";
import type { DeclaredTable, Memory, Session } from "../tables.ts";
import { Backlog, type Pace, type Step } from "./backlog.ts";
import {
  type Changes,
  type Name,
  type NameOf,
  type RowSource,
  rowOf,
  settledRows,
} from "./changes.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { synced, unsynced } from "./database.ts";
import { FRAME_HEAD } from "./frame.ts";
import { restoreDeclarations } from "./restore.ts";
import { type Row, runCall, runRow } from "./rows.ts";
import { spellEntry } from "./spell.ts";
import { tellOnce } from "./tell.ts";
import type { TurnLog } from "./turn-log.ts";

export interface WriterParts {
  readonly database: DatabaseSync;
  readonly checkpoints: Checkpoints;
  /** Empty. */
  readonly log: TurnLog;
  /** What the tables tell. */
  readonly memory: Memory;
  /** Number of the latest turn. */
  readonly newest: number;
  readonly pace: Pace;
}

/** Of no declaration. */
const NO_ID = 0;

/** How many entries of what a session has seen stand somewhere already; missing of one that nothing stands of. */
type EntryCounts = WeakMap<Session, number>;

export class Writer {
  readonly #database: DatabaseSync;
  readonly #checkpoints: Checkpoints;
  readonly #log: TurnLog;
  readonly #memory: Memory;
  readonly #statements = new Map<string, StatementSync>();
  readonly #backlog: Backlog;
  readonly #source: RowSource;
  readonly #packer = new Packer(FRAME_HEAD);
  #declarations: Map<string, number>;
  /** Of those that have no row any more: what the log tells of them by now is nothing. */
  readonly #goneIds = new WeakMap<DeclaredTable, number>();
  /** The highest that was given; by a log that is given up, nothing is known of earlier ones. */
  #latestId: number;
  readonly #entriesTold: EntryCounts = new WeakMap();
  readonly #entriesSettled: EntryCounts = new WeakMap();
  #newest: number;

  constructor({ database, checkpoints, log, memory, newest, pace }: WriterParts) {
    this.#database = database;
    this.#checkpoints = checkpoints;
    this.#log = log;
    this.#memory = memory;
    this.#newest = newest;
    this.#backlog = new Backlog(pace, {
      count: () => memory.calls.size,
      names: () => this.#newCalls(),
    });
    this.#source = { memory, declaration: (table) => this.#declaration(table) };
    this.#declarations = restoreDeclarations(database);
    this.#latestId = [...this.#declarations.values()].reduce(
      (most, id) => Math.max(most, id),
      NO_ID,
    );
    memory.calls.markAll();
    for (const session of memory.sessions.values()) {
      const count = session.seen?.entriesFrom(0).length ?? 0;
      this.#entriesTold.set(session, count);
      this.#entriesSettled.set(session, count);
    }
  }

  /** All of it is kept, or it throws. */
  write(changes: Changes): void {
    this.#writeRare(changes);
    const { inForce, rows: changed, settled, half, timeMs } = changes;
    const rows = inForce === undefined ? changed : [...changed, ...namesOf(inForce)];
    const entriesTold = new Map<Session, number>();
    const packed = this.#pack({ rows, settled, half, timeMs }, entriesTold);
    this.#log.add(packed, this.#newest + 1);
    this.#newest += 1;
    for (const [session, count] of entriesTold) this.#entriesTold.set(session, count);
    this.#note({ rows, settled }, packed.length);
  }

  /** Calls that are marked are in their table: those that came and went meanwhile are not looked for there. */
  #note({ rows, settled }: Pick<Changes, "rows" | "settled">, length: number): void {
    const backlog = this.#backlog;
    const { calls } = this.#memory;
    for (const name of rows) {
      // Those that are open by the end of a stretch are found then.
      if (name.kind !== "calls" || calls.isMarked(name.key)) backlog.add(name);
    }
    for (const key of settled) if (calls.isMarked(key)) backlog.add({ kind: "calls", key });
    if (backlog.note(length, this.#newest)) this.#log.turnOver();
  }

  /** When, and a row after the other. */
  #pack(
    { rows, settled, half, timeMs }: Pick<Changes, "rows" | "settled" | "half" | "timeMs">,
    entriesTold: Map<Session, number>,
  ): Buffer {
    const packer = this.#packer;
    packer.clear();
    packer.number(timeMs);
    const told = new Set<object>();
    for (const name of rows) {
      tellOnce(name, this.#source, packer, told);
      if (name.kind !== "sessions") continue;
      for (const row of this.#seenRows(name.key, this.#entriesTold, entriesTold)) packer.json(row);
    }
    for (const row of settledRows(settled, this.#memory, half)) packer.json(row);
    return packer.packed();
  }

  // ── Tables brought up to the log ─────────────────────────────────────────────────────────────────────────

  /** Whether tables are behind a stretch of the log that is to be given up, and can be written. */
  isBehind(): boolean {
    return !this.#checkpoints.isUnderWay() && this.#backlog.next() !== undefined;
  }

  /** One step of it. */
  settle({ half, timeMs }: Pick<Changes, "half" | "timeMs">): void {
    const step = this.#backlog.next();
    if (step === undefined || this.#checkpoints.isUnderWay()) return;
    const { names, upTo } = step;
    const settled = new Map<Session, number>();
    unsynced(this.#database, () =>
      this.#inTransaction(() => {
        this.#settleNames(names, settled);
        if (upTo !== undefined) this.#settleRest(half, timeMs, upTo);
      }),
    );
    this.#noteSettled(names, settled);
    if (upTo === undefined) this.#backlog.written(step);
    if (upTo !== undefined || this.#checkpoints.isDue()) {
      this.#checkpoints.begin(() => this.#onDisk(step));
    }
  }

  #onDisk(step: Step): void {
    if (step.upTo === undefined) return;
    // What the log told is on the disk before the log tells it no more.
    this.#log.emptyOlder();
    this.#backlog.written(step);
  }

  /** Everything, so that there need be no log; nothing can be written afterwards. */
  settleAll({ half, timeMs }: Pick<Changes, "half" | "timeMs">): void {
    const names = this.#backlog.all();
    synced(this.#database, () =>
      this.#inTransaction(() => {
        this.#settleNames(names, new Map());
        this.#settleRest(half, timeMs, this.#newest);
        this.#run("UPDATE log SET open = 0");
      }),
    );
  }

  #settleNames(names: readonly Name[], settled: Map<Session, number>): void {
    for (const name of names) {
      const call = name.kind === "calls" ? this.#memory.calls.packed(name.key) : undefined;
      if (name.kind === "calls" && call !== undefined) runCall(name.key, call, this.#run);
      else runRow(rowOf(name, this.#source), this.#run);
      if (name.kind === "declarations") this.#noteGone(name.table);
      if (name.kind !== "sessions") continue;
      for (const row of this.#seenRows(name.key, this.#entriesSettled, settled)) {
        runRow(row, this.#run);
      }
    }
  }

  #noteGone(table: DeclaredTable): void {
    const id = this.#declarations.get(table.meaning);
    if (id === undefined || !isGone(table, this.#memory)) return;
    this.#declarations.delete(table.meaning);
    this.#goneIds.set(table, id);
  }

  #settleRest(half: number, timeMs: number, upTo: number): void {
    const { settled, settledBefore } = this.#memory;
    const ids = [...settledBefore.keys(), ...settled.keys()];
    for (const row of settledRows(ids, this.#memory, half)) runRow(row, this.#run);
    runRow(["settled", half - 1], this.#run);
    this.#run("UPDATE clock SET ms = ?", timeMs);
    this.#run("UPDATE log SET settled = ?", upTo);
  }

  /** Open, and not in their table. */
  *#newCalls(): Generator<Name | undefined, void, undefined> {
    for (const key of this.#memory.calls.unmarked()) {
      yield key === undefined ? undefined : { kind: "calls", key };
    }
  }

  #noteSettled(names: readonly Name[], settled: ReadonlyMap<Session, number>): void {
    for (const [session, count] of settled) this.#entriesSettled.set(session, count);
    const { calls } = this.#memory;
    for (const name of names) {
      if (name.kind === "calls") calls.mark(name.key);
    }
  }

  /** What a session has seen since `counts`, or `now`, which then says how many there are: only appended to. */
  #seenRows(id: string, counts: EntryCounts, now: Map<Session, number>): readonly Row[] {
    const session = this.#memory.sessions.get(id);
    const start = session && (now.get(session) ?? counts.get(session));
    const rows: Row[] = [];
    // Another session of this name was forgotten, and this one may have come back: also where it has seen nothing yet.
    if (start === undefined) rows.push(["seen", id, 0]);
    if (session === undefined) return rows;
    const from = start ?? 0;
    const entries = session.seen?.entriesFrom(from) ?? [];
    for (const [at, entry] of entries.entries())
      rows.push(["seen", id, from + at, spellEntry(entry)]);
    now.set(session, from + entries.length);
    return rows;
  }

  // ── What is seldom written: at once, and before what refers to it ────────────────────────────────────────

  #writeRare({ inForce, sequences }: Changes): void {
    if (inForce === undefined && sequences.length === 0) return;
    synced(this.#database, () =>
      this.#inTransaction(() => {
        if (inForce !== undefined) this.#writeBeginning(inForce);
        for (const meaning of new Set(sequences)) this.#writeSequence(meaning);
      }),
    );
    // Where policies come again and again and little is decided, nothing else would.
    if (this.#checkpoints.isDue()) this.#checkpoints.begin(() => {});
  }

  /** And the numbers of what is declared, all at once. */
  #writeBeginning(inForce: ReadonlySet<DeclaredTable>): void {
    this.#run("UPDATE clock SET began_ms = ?", this.#memory.beganMs ?? null);
    for (const table of inForce) this.#declaration(table);
  }

  #declaration(table: DeclaredTable): number {
    const known = this.#declarations.get(table.meaning);
    if (known !== undefined) return known;
    if (isGone(table, this.#memory)) return this.#goneIds.get(table) ?? NO_ID;
    if (this.#database.isTransaction) return this.#declare(table);
    return synced(this.#database, () => this.#inTransaction(() => this.#declare(table)));
  }

  #declare({ meaning, declared }: DeclaredTable): number {
    // None that was ever given: the log may still tell of what went.
    const id = ++this.#latestId;
    const insert = "INSERT INTO declarations (id, meaning, declared) VALUES (?, ?, ?)";
    this.#run(insert, id, meaning, JSON.stringify(declared));
    this.#declarations.set(meaning, id);
    return id;
  }

  #writeSequence(meaning: string): void {
    const sequence = this.#memory.sequences.get(meaning);
    this.#run("DELETE FROM sequences WHERE meaning = ?", meaning);
    if (sequence === undefined) return;
    const program = JSON.stringify(sequence.program);
    this.#run("INSERT INTO sequences (meaning, program) VALUES (?, ?)", meaning, program);
  }

  #inTransaction<Result>(write: () => Result): Result {
    this.#checkpoints.finish();
    try {
      this.#statement("BEGIN IMMEDIATE").run();
      const result = write();
      this.#statement("COMMIT").run();
      return result;
    } catch (fault) {
      this.#undo();
      throw fault;
    }
  }

  #undo(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      this.#declarations = restoreDeclarations(this.#database);
    } catch {
      // The fault that led here is the one to tell; a broken file is found by the next flush.
    }
  }

  readonly #run = (query: string, ...values: SQLInputValue[]): void => {
    this.#statement(query).run(...values);
  };

  #statement(query: string): StatementSync {
    const known = this.#statements.get(query) ?? this.#database.prepare(query);
    this.#statements.set(query, known);
    return known;
  }
}

/**
 * Also of one that came and went since the last turn. Told with what they count by then: one that was said to count
 * what is not in the log would miss it, and nobody would know.
 */
function namesOf(inForce: ReadonlySet<DeclaredTable>): readonly NameOf<"declarations">[] {
  return [...inForce].map((table) => ({ kind: "declarations", table }));
}
