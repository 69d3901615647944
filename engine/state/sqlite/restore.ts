/** Out of the file, into the tables of this process. What is not as it was written throws. */
import type { DatabaseSync } from "node:sqlite";
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
import { identifyRow, rowFrom, runnerOn, runRow, type Row as ToldRow } from "./rows.ts";
import { entryFrom, fromColumn, parse, sessionFrom } from "./spell.ts";

/** Brings the tables up to what the journal tells, which then is empty. */
export function replay(database: DatabaseSync): void {
  const turns = rows(database, "SELECT * FROM journal ORDER BY number");
  if (turns.length === 0) return;
  const told = new Map<string, ToldRow>();
  let newestMs = 0;
  for (const turn of turns) {
    newestMs = Math.max(newestMs, numberOf(turn.ms));
    for (const one of listOf(parse(turn.rows))) {
      const row = rowFrom(one);
      told.set(identifyRow(row), row);
    }
  }
  const run = runnerOn(database);
  for (const row of told.values()) runRow(row, run);
  // The journal may tell of calls that were settled so long ago that this is forgotten.
  run("DELETE FROM settled WHERE half < (SELECT max(half) FROM settled) - 1");
  run("UPDATE clock SET ms = max(ms, ?)", newestMs);
  run("DELETE FROM journal");
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
    cells.set(fromColumn(key), read(parse(cell), windowMs !== undefined));
  }
  return cells;
}

export function restoreLatches(database: DatabaseSync, declaration: number): ShardedMap<LatchCell> {
  const query = "SELECT key, cell FROM latches WHERE declaration = ?";
  const cells = new ShardedMap<LatchCell>();
  for (const { key, cell } of rows(database, query, declaration)) {
    cells.set(fromColumn(key), decodeLatchCell(parse(cell)));
  }
  return cells;
}

/** All that belongs to no declaration. */
export function restoreMemory(database: DatabaseSync, memory: Memory): void {
  for (const { id, used_ms, session } of rows(database, "SELECT * FROM sessions")) {
    memory.sessions.set(fromColumn(id), sessionFrom(parse(session), numberOf(used_ms)));
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
    session.tasks.set(name, { meaning: textOf(meaning), written: parse(state) });
    memory.taskCount += 1;
  }
  for (const { id, call } of rows(database, "SELECT * FROM calls ORDER BY at_ms, id")) {
    memory.calls.set(fromColumn(id), decodeCall(parse(call)));
  }
}

/** How calls ended, in the halves that they were remembered in. Gives the number of the newer one. */
export function restoreSettled(database: DatabaseSync, memory: Memory): number {
  const found = rows(database, "SELECT * FROM settled");
  const newest = found.reduce((most, { half }) => Math.max(most, numberOf(half)), 0);
  for (const { id, half, status } of found) {
    if (status !== "ok" && status !== "error") return unreadable("`ok` or `error`", status);
    const half_ = half === newest ? memory.settled : memory.settledBefore;
    half_.set(fromColumn(id), status);
  }
  return newest;
}

type Row = Readonly<Record<string, Json>>;

function rows(database: DatabaseSync, query: string, ...values: readonly number[]): readonly Row[] {
  // A decoded boundary: what is in a column is asked for by `stored.ts`.
  return database.prepare(query).all(...values) as unknown as readonly Row[];
}
