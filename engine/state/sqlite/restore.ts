/** Out of the file, into the tables of this process. What is not as it was written throws. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { CounterDecl, LatchDecl, Program } from "../../../lang/ir.ts";
import type { Json } from "../../../lang/type.ts";
import { scalarsOfKey } from "../../value.ts";
import { decodeCall, decodeLatchCell } from "../codec.ts";
import type { LatchCell } from "../latch.ts";
import { noteHeld } from "../memory/leaving.ts";
import { Seen } from "../origin.ts";
import { keepWithSession } from "../sessions.ts";
import { ShardedMap } from "../sharded-map.ts";
import { listOf, numberOf, objectOf, textOf, unreadable } from "../stored.ts";
import {
  type CounterTable,
  counterTable,
  type LatchTable,
  latchTable,
  type Memory,
} from "../tables.ts";
import { Distinct, Sum } from "../window.ts";
import { column, entryFrom, fromColumn, parse, sessionFrom, unpacked } from "./spell.ts";
import type { LogState } from "./turn-log.ts";

export function restoreLogState(database: DatabaseSync): LogState {
  const [state = {}] = rows(database, "SELECT id, settled, open FROM log");
  const { id, settled, open } = state;
  return { id: textOf(id), settled: numberOf(settled), isOpen: numberOf(open) === 1 };
}

/** How calls ended that one half remembers. */
interface Endings {
  readonly half: number;
  readonly ok: Set<string>;
  readonly error: Set<string>;
}

export function endingsIn(database: DatabaseSync): readonly Endings[] {
  return rows(database, "SELECT * FROM settled").map(({ half = null, ok, error }) => ({
    half: numberOf(half),
    ok: new Set(listOf(unpacked(ok)).map(textOf)),
    error: new Set(listOf(unpacked(error)).map(textOf)),
  }));
}

/** Milliseconds since the Unix epoch, by the clock that the state was written with; 0 in a new file. */
export function restoreTime(database: DatabaseSync): number {
  return numberOf(rows(database, "SELECT ms FROM clock")[0]?.ms ?? 0);
}

/** When the first call was decided on it, if one was. */
export function restoreBeginning(database: DatabaseSync): number | undefined {
  const began = rows(database, "SELECT began_ms FROM clock")[0]?.began_ms ?? null;
  return began === null ? undefined : numberOf(began);
}

/** Row numbers of declarations, by meaning. */
export function restoreDeclarations(database: DatabaseSync): Map<string, number> {
  return new Map(
    rows(database, "SELECT id, meaning FROM declarations").map(({ id, meaning }) => [
      textOf(meaning),
      numberOf(id),
    ]),
  );
}

/**
 * What is kept of every declaration, also of those that no policy makes by now: calls under way may hold some of it, and
 * what is of a session is forgotten with it.
 */
export function restoreTables(database: DatabaseSync, memory: Memory): void {
  for (const row of rows(database, "SELECT * FROM declarations")) {
    const { since_ms = null, left_ms = null } = row;
    const inForce = { sinceMs: timeOf(since_ms), leftMs: timeOf(left_ms) };
    const [id, meaning] = [numberOf(row.id), textOf(row.meaning)];
    // A decoded boundary: a declaration that this program wrote.
    const declared = objectOf(parse(row.declared)) as unknown as CounterDecl | LatchDecl;
    if ("op" in declared) {
      const table = counterTable(meaning, declared, countersOf(database, id, declared), inForce);
      memory.counters.set(meaning, keptWithSessions(table, memory));
    } else {
      const table = latchTable(meaning, declared, latchesOf(database, id), inForce);
      memory.latches.set(meaning, keptWithSessions(table, memory));
    }
  }
}

function timeOf(stored: Json): number | undefined {
  return stored === null ? undefined : numberOf(stored);
}

function countersOf(
  database: DatabaseSync,
  declaration: number,
  { op, windowMs }: CounterDecl,
): ShardedMap<Sum | Distinct> {
  const query = "SELECT key, cell FROM counters WHERE declaration = ?";
  const read = op === "distinct" ? Distinct.from : Sum.from;
  const cells = new ShardedMap<Sum | Distinct>();
  for (const { key, cell } of rows(database, query, declaration)) {
    cells.set(fromColumn(key), read(unpacked(cell), windowMs !== undefined));
  }
  return cells;
}

function latchesOf(database: DatabaseSync, declaration: number): ShardedMap<LatchCell> {
  const query = "SELECT key, cell FROM latches WHERE declaration = ?";
  const cells = new ShardedMap<LatchCell>();
  for (const { key, cell } of rows(database, query, declaration)) {
    cells.set(fromColumn(key), decodeLatchCell(unpacked(cell)));
  }
  return cells;
}

function keptWithSessions<Table extends CounterTable | LatchTable>(
  table: Table,
  memory: Memory,
): Table {
  if (!table.ofSessions) return table;
  for (const key of table.cells.keys()) {
    if (!keepWithSession(table, key, memory)) return unreadable("the session", null);
  }
  return table;
}

/** As it was packed; missing where there is none. */
export function cellIn(database: DatabaseSync, declaration: number, key: string): Json | undefined {
  const query = "SELECT cell FROM counters WHERE declaration = ? AND key = ?";
  const [row] = rows(database, query, declaration, column(key));
  return row && unpacked(row.cell);
}

/** All that belongs to no declaration, but calls. */
export function restoreMemory(database: DatabaseSync, memory: Memory): void {
  const latestMs = restoreTime(database);
  for (const { id, used_ms, session } of rows(database, "SELECT * FROM sessions")) {
    const usedAtMs = Math.min(usedBy(numberOf(used_ms)), latestMs);
    memory.sessions.set(fromColumn(id), sessionFrom(unpacked(session), usedAtMs));
  }
  for (const { session: id, entry } of rows(
    database,
    "SELECT * FROM seen ORDER BY session, number",
  )) {
    const session = memory.sessions.get(fromColumn(id)) ?? unreadable("the session", null);
    session.seen ??= new Seen();
    session.seen.add(entryFrom(parse(entry)));
  }
  for (const { meaning, program } of rows(database, "SELECT * FROM sequences ORDER BY number")) {
    // A decoded boundary: a policy that this program wrote.
    const kept = objectOf(parse(program)) as unknown as Program;
    memory.sequences.set(textOf(meaning), { meaning: textOf(meaning), program: kept });
  }
  for (const { key, meaning, state } of rows(database, "SELECT * FROM tasks")) {
    const [id = "", name = ""] = scalarsOfKey(fromColumn(key), 2).map(String);
    const session = memory.sessions.get(id) ?? unreadable("the session", null);
    session.tasks ??= new Map();
    session.tasks.set(name, { meaning: textOf(meaning), written: unpacked(state) });
    memory.taskCount += 1;
  }
}

/** After the tables that they hold a share of. */
export function restoreCalls(database: DatabaseSync, memory: Memory): void {
  for (const row of rows(database, "SELECT * FROM calls")) {
    const call = decodeCall(unpacked(row.call));
    memory.calls.set(fromColumn(row.id), call);
    noteHeld(call.latches, 1, memory);
  }
}

/** Sessions are used at every call; when they were last is written this often. */
export const USED_EVERY_MS = 60_000;

/** It was used until then at the latest: a session in use is not forgotten, as calls of it count on. */
function usedBy(writtenMs: number): number {
  return (Math.floor(writtenMs / USED_EVERY_MS) + 1) * USED_EVERY_MS - 1;
}

/** How calls ended, in the halves that they were remembered in. Gives the number of the newer one. */
export function restoreSettled(database: DatabaseSync, memory: Memory): number {
  const all = endingsIn(database);
  const newest = all.reduce((most, { half }) => Math.max(most, half), 0);
  for (const { half, ok, error } of all) {
    const remembered = half === newest ? memory.settled : memory.settledBefore;
    for (const id of ok) remembered.set(id, "ok");
    for (const id of error) remembered.set(id, "error");
  }
  return newest;
}

type Row = Readonly<Record<string, Json>>;

function rows(
  database: DatabaseSync,
  query: string,
  ...values: readonly SQLInputValue[]
): readonly Row[] {
  // A decoded boundary: what is in a column is asked for by `stored.ts`.
  return database.prepare(query).all(...values) as unknown as readonly Row[];
}
