/** What a decision does to counters and latches, and what an outcome does to them: as changes of cells. */
import type { Program } from "../../../lang/ir.ts";
import type { Touch } from "../../evaluate/evaluator.ts";
import { keyOfOne, type Scalar, Unknown } from "../../value.ts";
import type { Call, Held, HeldLatch } from "../call.ts";
import type { Effects } from "../store.ts";
import { countedOf, latchTouches } from "../touched.ts";
import type { Cell, CellChange } from "./arguments.ts";
import type { Noted } from "./guess.ts";
import { readTable, spellTable, type Table, type Tables } from "./tables.ts";

/** All cells that were read or are changed, each once, and what an allowed call holds of them. */
export interface Charged {
  readonly cells: readonly Cell[];
  readonly held: readonly Held[];
  readonly latches: readonly HeldLatch[];
}

export function chargesOf(noted: Noted, effects: Effects): Charged {
  const { program, tables } = noted.parts;
  const cells = new Cells(effects.sessionId);
  for (const { table, field, reading, counter } of noted.cells.values()) {
    const range = counter === undefined || reading === "u" ? undefined : noted.ranges.at(counter);
    const expected = range ? [String(range.lo), String(range.hi)] : [reading, reading];
    cells.expect(table, field, expected[0] ?? "", expected[1] ?? "");
  }
  const held: Held[] = [];
  const latches: HeldLatch[] = [];
  for (const touch of effects.touches) {
    if (touch.kind === "counter") count(touch, effects, program, tables, cells, held);
  }
  const { now, completed } = latchTouches(effects.touches, program.latches, effects);
  for (const { index, key, kind, certain } of now) {
    cells.change(latchTable(index, tables), key, changeOf(kind, certain, ""));
  }
  for (const { index, key, kind, certain } of completed) {
    const table = latchTable(index, tables);
    const place = String(latches.length);
    cells.change(table, key, { kind: kind === "latch" ? "pend" : "pend reset", value: place });
    // How many others there were is for the store to say: it keeps it beside the call.
    latches.push({ table: spellTable(table), key, kind, certain, others: 0 });
  }
  return { cells: cells.all(), held, latches };
}

function count(
  touch: Touch,
  effects: Effects,
  { counters }: Program,
  tables: Tables,
  cells: Cells,
  held: Held[],
): void {
  const { index, key } = touch;
  const [declared, table] = [counters[index], tables.counters[index]];
  if (declared === undefined || table === undefined || key instanceof Unknown) return;
  const amount = countedOf(touch, declared, effects);
  if (amount === undefined) return;
  // Nothing negative is ever added: no call makes room for another.
  const added = table.kind === "sum" ? Math.max(0, Number(amount)) : amount;
  cells.change(table, key, { kind: "add", value: spellAmount(added, table) });
  if (declared.calls.base === "attempts") return;
  held.push({ table: spellTable(table), key, bucket: 0, amount: added });
}

function spellAmount(amount: Scalar, { kind }: Table): string {
  return kind === "sum" ? String(amount) : keyOfOne(amount);
}

function latchTable(index: number, { latches }: Tables): Table {
  const table = latches[index];
  if (table === undefined) throw new Error("a latch of no table");
  return table;
}

/** `place`: among the latches that a call holds; empty where it is at once. */
function changeOf(kind: HeldLatch["kind"], certain: boolean, place: string): CellChange {
  const does = kind === "latch" ? "set" : "reset";
  return { kind: certain ? does : `may ${does}`, value: place };
}

/** When it failed, what it held is given back; whatever became of it, its latches are pending no longer. */
export function settlementOf(
  { held, latches, sessionId }: Call,
  succeeded: boolean,
): readonly Cell[] {
  const cells = new Cells(sessionId);
  for (const { table, key, amount } of succeeded ? [] : held) {
    const of = readTable(table);
    cells.change(of, key, { kind: "take", value: spellAmount(amount, of) });
  }
  for (const [place, { table, key, kind, certain }] of latches.entries()) {
    const of = readTable(table);
    cells.change(of, key, { kind: kind === "latch" ? "unpend" : "unpend reset" });
    if (succeeded) cells.change(of, key, changeOf(kind, certain, String(place)));
  }
  return cells.all();
}

/** By table and key; changes of one cell stay in order. */
class Cells {
  readonly #cells = new Map<string, Cell & { readonly changes: CellChange[] }>();
  readonly #sessionId: string | undefined;

  constructor(sessionId: string | undefined) {
    this.#sessionId = sessionId;
  }

  expect(table: Table, field: string, from: string, to: string): void {
    const known = this.#cells.get(nameOf(table, field));
    const changes = known?.changes ?? [];
    // Two declarations that mean the same are one table: both must hold.
    const both = known?.from === undefined ? { from, to } : narrower(known, from, to);
    this.#put({ table, field, ...both, changes });
  }

  change(table: Table, field: string, change: CellChange): void {
    const known = this.#cells.get(nameOf(table, field));
    if (known !== undefined) known.changes.push(change);
    else this.#put({ table, field, changes: [change] });
  }

  all(): readonly Cell[] {
    return [...this.#cells.values()];
  }

  #put(cell: Cell & { readonly changes: CellChange[] }): void {
    const session = cell.table.ofSessions ? this.#sessionId : undefined;
    this.#cells.set(nameOf(cell.table, cell.field), { ...cell, session });
  }
}

function narrower(known: Cell, lo: string, hi: string): Pick<Required<Cell>, "from" | "to"> {
  const { table, from = "", to = "" } = known;
  // What was read twice was guessed alike: only ranges differ.
  if (table.kind === "latch" || from === "u" || lo === "u") return { from: lo, to: hi };
  return {
    from: String(Math.max(Number(from), Number(lo))),
    to: String(Math.min(Number(to), Number(hi))),
  };
}

function nameOf({ kind, meaning }: Table, field: string): string {
  return `${kind} ${meaning} ${field}`;
}
