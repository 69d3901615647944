/** What has changed since the last flush, each once, and how it is written: as it is by then. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { scalarsOfKey } from "../../value.ts";
import { encodeCall } from "../codec.ts";
import type { Seen } from "../origin.ts";
import {
  type CounterTable,
  type LatchTable,
  type Memory,
  type Session,
  writtenTask,
} from "../tables.ts";
import { restoreDeclarations } from "./restore.ts";
import { column, spellEntry, spellSession } from "./spell.ts";

/** Names of what changed, by the table it is in; as often as it changed, since decisions wait for this to be noted. */
export class Changes {
  readonly counters: Changed<CounterTable>[] = [];
  readonly latches: Changed<LatchTable>[] = [];
  readonly sessions: string[] = [];
  /** By session and name. */
  readonly tasks: string[] = [];
  readonly sequences: string[] = [];
  readonly calls: string[] = [];
  readonly settled: string[] = [];
  /** Numbers the half that settled calls are remembered in now; the one before it is kept too. */
  half: number;
  isHalfNew = false;
  /** Where other counters are in force by now, or one counts from another time. */
  inForce: readonly CounterTable[] | undefined;
  timeMs = 0;

  constructor(half: number) {
    this.half = half;
  }
}

interface Changed<Table> {
  readonly table: Table;
  readonly key: string;
}

/** Each once. */
function byTable<Table>(changed: readonly Changed<Table>[]): Map<Table, Set<string>> {
  const keys = new Map<Table, Set<string>>();
  for (const { table, key } of changed) {
    const known = keys.get(table);
    if (known === undefined) keys.set(table, new Set([key]));
    else known.add(key);
  }
  return keys;
}

/** Writes changes in one transaction each: all of them, or none. */
export class Writer {
  readonly #database: DatabaseSync;
  readonly #memory: Memory;
  readonly #statements = new Map<string, StatementSync>();
  #declarations: Map<string, number>;
  /** How many entries of what a session has seen are in the file. */
  #entryCounts = new WeakMap<Seen, number>();

  constructor(database: DatabaseSync, memory: Memory) {
    this.#database = database;
    this.#memory = memory;
    this.#declarations = restoreDeclarations(database);
    for (const { seen } of memory.sessions.values()) {
      if (seen !== undefined) this.#entryCounts.set(seen, seen.entriesFrom(0).length);
    }
  }

  declarationOf(meaning: string): number | undefined {
    return this.#declarations.get(meaning);
  }

  write(changes: Changes): void {
    const entryCounts = new Map<Seen, number>();
    try {
      this.#statement("BEGIN IMMEDIATE").run();
      this.#writeAll(changes, entryCounts);
      this.#statement("COMMIT").run();
    } catch (fault) {
      this.#undo();
      throw fault;
    }
    for (const [seen, count] of entryCounts) this.#entryCounts.set(seen, count);
  }

  #undo(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      this.#declarations = restoreDeclarations(this.#database);
    } catch {
      // The fault that led here is the one to tell; a broken file is found by the next flush.
    }
  }

  #writeAll(changes: Changes, entryCounts: Map<Seen, number>): void {
    this.#run(
      "INSERT INTO clock VALUES (1, ?, ?) ON CONFLICT DO UPDATE SET ms = excluded.ms, began_ms = excluded.began_ms",
      changes.timeMs,
      this.#memory.beganMs ?? null,
    );
    if (changes.inForce !== undefined) this.#writeSince(changes.inForce, changes.timeMs);
    for (const [table, keys] of byTable(changes.counters)) this.#writeCounters(table, keys);
    for (const [table, keys] of byTable(changes.latches)) this.#writeLatches(table, keys);
    for (const id of new Set(changes.sessions)) this.#writeSession(id, entryCounts);
    for (const meaning of new Set(changes.sequences)) this.#writeSequence(meaning);
    for (const key of new Set(changes.tasks)) this.#writeTask(key);
    for (const id of new Set(changes.calls)) this.#writeCall(id);
    this.#writeSettled(changes);
  }

  #writeSince(inForce: readonly CounterTable[], timeMs: number): void {
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

  #writeCounters(table: CounterTable, keys: ReadonlySet<string>): void {
    const declaration = this.#declaration(table);
    for (const key of keys) {
      const cell = table.cells.get(key);
      if (cell === undefined) {
        this.#run(
          "DELETE FROM counters WHERE declaration = ? AND key = ?",
          declaration,
          column(key),
        );
        continue;
      }
      this.#run(
        "INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET cell = excluded.cell",
        declaration,
        column(key),
        JSON.stringify(cell.written()),
      );
    }
  }

  #writeLatches(table: LatchTable, keys: ReadonlySet<string>): void {
    const declaration = this.#declaration(table);
    for (const key of keys) {
      const cell = table.cells.get(key);
      if (cell === undefined) {
        this.#run(
          "DELETE FROM latches WHERE declaration = ? AND key = ?",
          declaration,
          column(key),
        );
        continue;
      }
      this.#run(
        "INSERT INTO latches VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET bit = excluded.bit, pending = excluded.pending, resetting = excluded.resetting",
        declaration,
        column(key),
        cell.set ? 1 : 0,
        cell.pending,
        cell.resetting,
      );
    }
  }

  #declaration({ meaning, declared }: CounterTable | LatchTable): number {
    const known = this.#declarations.get(meaning);
    if (known !== undefined) return known;
    const insert = this.#statement("INSERT INTO declarations (meaning, name) VALUES (?, ?)");
    const id = Number(insert.run(meaning, declared.name).lastInsertRowid);
    this.#declarations.set(meaning, id);
    return id;
  }

  #writeSession(id: string, entryCounts: Map<Seen, number>): void {
    const session = this.#memory.sessions.get(id);
    if (session === undefined) {
      this.#run("DELETE FROM sessions WHERE id = ?", column(id));
      this.#run("DELETE FROM seen WHERE session = ?", column(id));
      return;
    }
    this.#run(
      "INSERT INTO sessions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET used_ms = excluded.used_ms, session = excluded.session",
      column(id),
      session.usedAtMs,
      spellSession(session),
    );
    this.#writeSeen(id, session, entryCounts);
  }

  /** Appended to, never rewritten. */
  #writeSeen(id: string, { seen }: Session, entryCounts: Map<Seen, number>): void {
    if (seen === undefined) return;
    const start = this.#entryCounts.get(seen);
    // A session of this name was forgotten, and came back.
    if (start === undefined) this.#run("DELETE FROM seen WHERE session = ?", column(id));
    const entries = seen.entriesFrom(start ?? 0);
    for (const [index, entry] of entries.entries()) {
      const number = (start ?? 0) + index;
      this.#run("INSERT INTO seen VALUES (?, ?, ?)", column(id), number, spellEntry(entry));
    }
    entryCounts.set(seen, (start ?? 0) + entries.length);
  }

  #writeTask(key: string): void {
    const [session, name] = scalarsOfKey(key, 2).map(String);
    const entry = this.#memory.sessions.get(session ?? "")?.tasks?.get(name ?? "");
    if (entry === undefined) {
      this.#run("DELETE FROM tasks WHERE key = ?", column(key));
      return;
    }
    this.#run(
      "INSERT INTO tasks VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET meaning = excluded.meaning, state = excluded.state",
      column(key),
      entry.meaning,
      JSON.stringify(writtenTask(entry)),
    );
  }

  #writeSequence(meaning: string): void {
    const sequence = this.#memory.sequences.get(meaning);
    this.#run("DELETE FROM sequences WHERE meaning = ?", meaning);
    if (sequence === undefined) return;
    const program = JSON.stringify(sequence.program);
    this.#run("INSERT INTO sequences (meaning, program) VALUES (?, ?)", meaning, program);
  }

  #writeCall(id: string): void {
    const call = this.#memory.calls.get(id);
    if (call === undefined) this.#run("DELETE FROM calls WHERE id = ?", column(id));
    else {
      const text = JSON.stringify(encodeCall(call));
      this.#run("INSERT OR REPLACE INTO calls VALUES (?, ?, ?)", column(id), call.atMs, text);
    }
  }

  #writeSettled({ settled, half, isHalfNew }: Changes): void {
    const { settled: newer, settledBefore: older } = this.#memory;
    for (const id of settled) {
      const inNewer = newer.get(id);
      const status = inNewer ?? older.get(id);
      if (status === undefined) continue;
      const query = "INSERT OR REPLACE INTO settled VALUES (?, ?, ?)";
      this.#run(query, column(id), inNewer === undefined ? half - 1 : half, status);
    }
    if (isHalfNew) this.#run("DELETE FROM settled WHERE half < ?", half - 1);
  }

  #run(query: string, ...values: SQLInputValue[]): void {
    this.#statement(query).run(...values);
  }

  #statement(query: string): StatementSync {
    const known = this.#statements.get(query) ?? this.#database.prepare(query);
    this.#statements.set(query, known);
    return known;
  }
}
