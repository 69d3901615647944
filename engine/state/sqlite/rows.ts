/**
 * Rows of tables as turns tell them: a list of the table, what the row is found by, and what stands in it;
 * without the last, that the row is gone. The latest word on a row is the one that counts.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Json } from "../../../lang/type.ts";
import { packed } from "../pack.ts";
import { listOf, memberAt, unreadable } from "../stored.ts";
import { column } from "./spell.ts";

export type Row = readonly [table: TableName, ...columns: Json[]];

interface Table {
  /** How many columns a row is found by. */
  readonly keyCount: number;
  readonly columnCount: number;
  readonly put: string;
  readonly remove: string;
}

const TABLES = {
  counters: {
    keyCount: 2,
    columnCount: 3,
    put: "INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET cell = excluded.cell",
    remove: "DELETE FROM counters WHERE declaration = ? AND key = ?",
  },
  latches: {
    keyCount: 2,
    columnCount: 3,
    put: "INSERT INTO latches VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET cell = excluded.cell",
    remove: "DELETE FROM latches WHERE declaration = ? AND key = ?",
  },
  sessions: {
    keyCount: 1,
    columnCount: 3,
    put: "INSERT INTO sessions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET used_ms = excluded.used_ms, session = excluded.session",
    remove: "DELETE FROM sessions WHERE id = ?",
  },
  tasks: {
    keyCount: 1,
    columnCount: 3,
    put: "INSERT INTO tasks VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET meaning = excluded.meaning, state = excluded.state",
    remove: "DELETE FROM tasks WHERE key = ?",
  },
  // Made before any row refers to it; only since when it counts changes, until it goes with nothing left in it.
  declarations: {
    keyCount: 1,
    columnCount: 3,
    put: "UPDATE declarations SET since_ms = ?2, left_ms = ?3 WHERE id = ?1",
    remove: "DELETE FROM declarations WHERE id = ?",
  },
  calls: {
    keyCount: 1,
    columnCount: 2,
    put: "INSERT OR REPLACE INTO calls VALUES (?, ?)",
    remove: "DELETE FROM calls WHERE id = ?",
  },
  seen: {
    keyCount: 2,
    columnCount: 3,
    put: "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)",
    remove: "DELETE FROM seen WHERE session = ? AND number >= ?",
  },
  settled: {
    keyCount: 1,
    columnCount: 3,
    put: "INSERT OR REPLACE INTO settled VALUES (?, ?, ?)",
    remove: "DELETE FROM settled WHERE half < ?",
  },
} as const satisfies Record<string, Table>;

type TableName = keyof typeof TABLES;

/** Runs a query, prepared once for all that run it. */
export type Run = (query: string, ...values: SQLInputValue[]) => void;

export function runnerOn(database: DatabaseSync): Run {
  const statements = new Map<string, StatementSync>();
  return (query, ...values) => {
    const statement = statements.get(query) ?? database.prepare(query);
    statements.set(query, statement);
    statement.run(...values);
  };
}

/** Into its table, or out of it. */
export function runRow([name, ...columns]: Row, run: Run): void {
  const { keyCount, put, remove } = TABLES[name];
  const values = columns.map((value, at) => columnOf(value, at < keyCount));
  run(values.length === keyCount ? remove : put, ...values);
}

/** The row of a call, which is packed in memory as it is here. */
export function runCall(id: string, call: Uint8Array, run: Run): void {
  run(TABLES.calls.put, column(id), call);
}

/** Texts that rows are found by must stay apart; others are words of ours. */
function columnOf(value: Json, isKey: boolean): SQLInputValue {
  if (typeof value === "string") return isKey ? column(value) : value;
  return typeof value === "number" || value === null ? value : packed(value);
}

export function rowFrom(json: Json): Row {
  const name = memberAt(json, 0);
  const columns = listOf(json).slice(1);
  if (typeof name !== "string" || !isTable(name)) return unreadable("a table", name);
  const { keyCount, columnCount } = TABLES[name];
  const isWhole = columns.length === keyCount || columns.length === columnCount;
  const isFound = columns.slice(0, keyCount).every((key) => typeof key !== "object");
  return isWhole && isFound ? [name, ...columns] : unreadable("a row", json);
}

function isTable(name: string): name is TableName {
  return Object.hasOwn(TABLES, name);
}

/** The same for every word on one row. */
export function identifyRow([name, ...columns]: Row): string {
  return JSON.stringify([name, ...columns.slice(0, TABLES[name].keyCount)]);
}
