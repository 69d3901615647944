/**
 * How changes get into the file. What a turn changed becomes one row of the journal, which costs little and is all
 * that an answer waits for. Tables are brought up to it bit by bit, beside the changes of later turns: what changed a
 * hundred times meanwhile is written there once, and what came and went not at all.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Seen } from "../origin.ts";
import type { DeclaredTable, Memory } from "../tables.ts";
import { Backlog, type Pace, type Step } from "./backlog.ts";
import { type Changes, type Name, Names, type RowSource, rowOf } from "./changes.ts";
import { restoreDeclarations } from "./restore.ts";
import { type Row, runRow } from "./rows.ts";
import { column, spellEntry } from "./spell.ts";

/** Writes changes in one transaction each: all of them, or none. */
export class Writer {
  readonly #database: DatabaseSync;
  readonly #memory: Memory;
  readonly #statements = new Map<string, StatementSync>();
  readonly #backlog: Backlog;
  #declarations: Map<string, number>;
  /** How many entries of what a session has seen are in the file. */
  readonly #entryCounts = new WeakMap<Seen, number>();
  /** Calls that are in their table: those that came and went meanwhile are not looked for there. */
  readonly #calls: Set<string>;
  /** Of the newest row of the journal. */
  #number = 0;

  /** The tables are what `memory` was restored from, and the journal is empty. */
  constructor(database: DatabaseSync, memory: Memory, pace: Pace) {
    this.#database = database;
    this.#memory = memory;
    this.#backlog = new Backlog(pace);
    this.#declarations = restoreDeclarations(database);
    this.#calls = new Set(memory.calls.keys());
    for (const { seen } of memory.sessions.values()) {
      if (seen !== undefined) this.#entryCounts.set(seen, seen.entriesFrom(0).length);
    }
  }

  declarationOf(meaning: string): number | undefined {
    return this.#declarations.get(meaning);
  }

  write(changes: Changes): void {
    const entryCounts = new Map<Seen, number>();
    let [length, step]: [number, Step | undefined] = [0, undefined];
    this.#inTransaction(() => {
      this.#writeRare(changes, entryCounts);
      const rows = this.#rowsOf(changes);
      const text = JSON.stringify(rows);
      const insert = this.#statement("INSERT INTO journal (ms, rows) VALUES (?, ?)");
      this.#number = Number(insert.run(changes.timeMs, text).lastInsertRowid);
      length = text.length;
      step = this.#backlog.next(rows.length);
      if (step !== undefined) this.#settle(step, changes);
    });
    for (const [seen, count] of entryCounts) this.#entryCounts.set(seen, count);
    this.#noteCalls(step);
    this.#backlog.note(changes, length, this.#number, step);
  }

  /** Everything, so that nothing is left in the journal; nothing can be written afterwards. */
  settleAll(changes: Pick<Changes, "half" | "timeMs">): void {
    this.#inTransaction(() => {
      this.#settle(this.#backlog.all(this.#number), changes);
      this.#run("UPDATE clock SET ms = ?", changes.timeMs);
    });
  }

  #inTransaction(write: () => void): void {
    try {
      this.#statement("BEGIN IMMEDIATE").run();
      write();
      this.#statement("COMMIT").run();
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

  // ── The journal, and tables brought up to it ─────────────────────────────────────────────────────────────

  #rowsOf(changes: Changes): readonly Row[] {
    const names = new Names();
    names.add(changes.rows);
    const source = this.#source(changes);
    const rows: Row[] = [];
    for (const name of names) {
      const row = rowOf(name, source);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  #settle({ names, upTo }: Step, changes: Pick<Changes, "half">): void {
    const source = this.#source(changes);
    for (const name of names) {
      const row = rowOf(name, source);
      if (row !== undefined && this.#isNews(name)) runRow(row, this.#run);
    }
    if (upTo !== undefined) this.#run("DELETE FROM journal WHERE number <= ?", upTo);
  }

  #source({ half }: Pick<Changes, "half">): RowSource {
    return { memory: this.#memory, half, declaration: (table) => this.#declaration(table) };
  }

  /** Not of a call that is gone, and was never in its table. */
  #isNews({ kind, key }: Name): boolean {
    return kind !== "calls" || this.#memory.calls.has(key) || this.#calls.has(key);
  }

  #noteCalls(step: Step | undefined): void {
    for (const { kind, key } of step?.names ?? []) {
      if (kind !== "calls") continue;
      if (this.#memory.calls.has(key)) this.#calls.add(key);
      else this.#calls.delete(key);
    }
  }

  // ── What is seldom written, or only added to: at once ────────────────────────────────────────────────────

  #writeRare(changes: Changes, entryCounts: Map<Seen, number>): void {
    const { inForce, timeMs, sequences, isHalfNew, half, rows } = changes;
    if (inForce !== undefined) this.#writeSince(inForce, timeMs);
    for (const meaning of new Set(sequences)) this.#writeSequence(meaning);
    const sessions = rows.flatMap(({ kind, key }) => (kind === "sessions" ? [key] : []));
    for (const id of new Set(sessions)) this.#writeSeen(id, entryCounts);
    if (isHalfNew) this.#run("DELETE FROM settled WHERE half < ?", half - 1);
  }

  #writeSince(inForce: readonly DeclaredTable[], timeMs: number): void {
    this.#run("UPDATE clock SET began_ms = ?", this.#memory.beganMs ?? null);
    this.#run(
      "UPDATE declarations SET since_ms = NULL, left_ms = ? WHERE since_ms IS NOT NULL",
      timeMs,
    );
    for (const table of inForce) {
      const declaration = this.#declaration(table);
      this.#run(
        "UPDATE declarations SET since_ms = ?, left_ms = ? WHERE id = ?",
        table.sinceMs ?? null,
        table.leftMs ?? null,
        declaration,
      );
    }
  }

  #declaration({ meaning, declared }: DeclaredTable): number {
    const known = this.#declarations.get(meaning);
    if (known !== undefined) return known;
    const insert = this.#statement("INSERT INTO declarations (meaning, name) VALUES (?, ?)");
    const id = Number(insert.run(meaning, declared.name).lastInsertRowid);
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

  /** Appended to, never rewritten. */
  #writeSeen(id: string, entryCounts: Map<Seen, number>): void {
    const session = this.#memory.sessions.get(id);
    const seen = session?.seen;
    const start = seen && this.#entryCounts.get(seen);
    // A session of this name was forgotten, and may have come back.
    const isAnew = session === undefined || (seen !== undefined && start === undefined);
    if (isAnew) this.#run("DELETE FROM seen WHERE session = ?", column(id));
    if (seen === undefined) return;
    const entries = seen.entriesFrom(start ?? 0);
    for (const [index, entry] of entries.entries()) {
      const number = (start ?? 0) + index;
      this.#run("INSERT INTO seen VALUES (?, ?, ?)", column(id), number, spellEntry(entry));
    }
    entryCounts.set(seen, (start ?? 0) + entries.length);
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
