/** What a log tells that the tables do not, brought into them. What is not as it was written throws. */
import type { DatabaseSync } from "node:sqlite";
import type { Json } from "../../../lang/type.ts";
import { unpack } from "../pack.ts";
import { listOf, numberOf, textOf, unreadable } from "../stored.ts";
import type { Frame } from "./frame.ts";
import { cellIn, endingsIn } from "./restore.ts";
import { identifyRow, type Row, type Run, rowFrom, runnerOn, runRow } from "./rows.ts";
import { isUse, ToldCell, type Use, useFrom } from "./told-cell.ts";

/**
 * Brings the tables up to what a log tells that is given up then, and gives the number of its newest turn. Of each row
 * the latest word counts, but some are told bit by bit.
 */
export function replay(database: DatabaseSync, frames: readonly Frame[], settled: number): number {
  const told = new Told(database);
  let [newest, newestMs] = [settled, 0];
  for (const { number, packed } of frames) {
    if (number !== ++newest) return unreadable(`turn ${newest}`, null);
    const [nowMs, ...turn] = unpack(packed);
    newestMs = Math.max(newestMs, numberOf(nowMs));
    for (const one of turn) told.take(one);
  }
  const run = runnerOn(database);
  for (const row of told.rows()) runRow(row, run);
  // Of a log whose end is missing: what went must not be found under another name.
  run("DELETE FROM counters WHERE declaration NOT IN (SELECT id FROM declarations)");
  run("DELETE FROM latches WHERE declaration NOT IN (SELECT id FROM declarations)");
  replaySettled(database, told.ended, run);
  run("UPDATE clock SET ms = max(ms, ?)", newestMs);
  run("UPDATE log SET settled = ?, open = 0", newest);
  return newest;
}

class Told {
  /** Of calls. */
  readonly ended: Row[] = [];
  readonly #database: DatabaseSync;
  readonly #latest = new Map<string, Row | ToldCell>();
  /** What sessions have seen, in order. */
  readonly #seen: Row[] = [];

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  take(one: Json): void {
    if (isUse(one)) {
      this.#takeUse(one);
      return;
    }
    const row = rowFrom(one);
    if (row[0] === "seen") this.#seen.push(row);
    else if (row[0] === "settled") this.ended.push(row);
    else this.#latest.set(identifyRow(row), row);
  }

  #takeUse(one: Json): void {
    const use = useFrom(one);
    const name = identifyRow(["counters", use.declaration, use.key]);
    const cell = this.#cellOf(use, this.#latest.get(name));
    this.#latest.set(name, cell);
    cell.tell(use);
  }

  #cellOf({ declaration, key }: Use, known: Row | ToldCell | undefined): ToldCell {
    if (known instanceof ToldCell) return known;
    const whole = known === undefined ? cellIn(this.#database, declaration, key) : known[3];
    return new ToldCell(declaration, key, whole);
  }

  *rows(): Generator<Row, void, undefined> {
    for (const one of this.#latest.values()) yield one instanceof ToldCell ? one.row() : one;
    yield* this.#seen;
  }
}

/** Calls that were settled are none any more; how they ended is remembered of the newest two halves. */
function replaySettled(database: DatabaseSync, told: readonly Row[], run: Run): void {
  const halves = new Map(endingsIn(database).map((endings) => [endings.half, endings]));
  for (const [, half = null, ...lists] of told) {
    const [ok, error] = [new Set<string>(), new Set<string>()];
    const known = halves.get(numberOf(half)) ?? { half: numberOf(half), ok, error };
    halves.set(known.half, known);
    const [succeeded, failed] = lists.map((list) => listOf(list).map(textOf));
    for (const id of succeeded ?? []) known.ok.add(id);
    for (const id of failed ?? []) known.error.add(id);
    for (const id of [...(succeeded ?? []), ...(failed ?? [])]) runRow(["calls", id], run);
  }
  const newest = Math.max(...halves.keys());
  for (const { half, ok, error } of halves.values()) {
    if (half >= newest - 1) runRow(["settled", half, [...ok], [...error]], run);
  }
  run("DELETE FROM settled WHERE half < ?", newest - 1);
}
