/** Out of the file, into the tables of this process. What is not as it was written throws. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { CounterDecl, Program } from "../../../lang/ir.ts";
import type { Json } from "../../../lang/type.ts";
import { scalarsOfKey } from "../../value.ts";
import { decodeCall, decodeLatchCell } from "../codec.ts";
import type { LatchCell } from "../latch.ts";
import { Seen } from "../origin.ts";
import { ShardedMap } from "../sharded-map.ts";
import { listOf, numberOf, objectOf, textOf, unreadable } from "../stored.ts";
import type { InForce, Memory } from "../tables.ts";
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

/** Since when declarations are in force, or until when they were, by meaning. */
export function restoreInForce(database: DatabaseSync): Map<string, InForce> {
  const time = (stored: Json) => (stored === null ? undefined : numberOf(stored));
  const query = "SELECT meaning, since_ms, left_ms FROM declarations";
  return new Map(
    rows(database, query).map(({ meaning, since_ms = null, left_ms = null }) => [
      textOf(meaning),
      { sinceMs: time(since_ms), leftMs: time(left_ms) },
    ]),
  );
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

export function restoreCounters(
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

export function restoreLatches(database: DatabaseSync, declaration: number): ShardedMap<LatchCell> {
  const query = "SELECT key, cell FROM latches WHERE declaration = ?";
  const cells = new ShardedMap<LatchCell>();
  for (const { key, cell } of rows(database, query, declaration)) {
    cells.set(fromColumn(key), decodeLatchCell(unpacked(cell)));
  }
  return cells;
}

/** As it was packed; missing where there is none. */
export function cellIn(database: DatabaseSync, declaration: number, key: string): Json | undefined {
  const query = "SELECT cell FROM counters WHERE declaration = ? AND key = ?";
  const [row] = rows(database, query, declaration, column(key));
  return row && unpacked(row.cell);
}

/** All that belongs to no declaration. */
export function restoreMemory(database: DatabaseSync, memory: Memory): void {
  for (const { id, used_ms, session } of rows(database, "SELECT * FROM sessions")) {
    memory.sessions.set(fromColumn(id), sessionFrom(unpacked(session), numberOf(used_ms)));
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
  for (const { id, call } of rows(database, "SELECT * FROM calls")) {
    memory.calls.set(fromColumn(id), decodeCall(unpacked(call)));
  }
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
