/** Writes what one run of the script is given: keys by number, and everything else in the order it is taken. */
import type { MemoryLimits } from "../tables.ts";
import type { Places, Table } from "./tables.ts";

/** A counter or latch as one operation speaks of it. */
export interface Cell {
  readonly table: Table;
  readonly field: string;
  /** What it must read as: a range of a counter, or one reading; missing where nothing was read. */
  readonly from?: string;
  readonly to?: string;
  readonly changes: readonly CellChange[];
}

export type CellChange =
  | { readonly kind: "add"; readonly value: string }
  | { readonly kind: "take"; readonly value: string }
  | { readonly kind: "set" | "reset" | "pend" | "unpend" | "pend reset" | "unpend reset" };

export class Arguments {
  readonly keys: string[] = [];
  readonly values: string[] = [];
  readonly #places: Places;

  constructor(places: Places) {
    this.#places = places;
  }

  text(...values: readonly string[]): this {
    this.values.push(...values);
    return this;
  }

  number(...values: readonly number[]): this {
    for (const value of values) this.values.push(String(value));
    return this;
  }

  /** Its number; the first key is the store's own. */
  key(...keys: readonly string[]): this {
    for (const key of keys) {
      const known = this.keys.indexOf(key);
      if (known < 0) this.keys.push(key);
      this.number((known < 0 ? this.keys.length - 1 : known) + 2);
    }
    return this;
  }

  cells(cells: readonly Cell[]): this {
    this.number(cells.length);
    for (const cell of cells) this.#cell(cell);
    return this;
  }

  #cell({ table, field, from = "", to = "", changes }: Cell): void {
    this.text(table.kind).key(...this.#places.cell(table, field));
    if (table.kind !== "latch") this.number(table.windowMs);
    this.text(field, from, to).number(changes.length);
    for (const change of changes) this.text(change.kind, "value" in change ? change.value : "");
  }

  sessions({ sessionCount, sessionIdleMs }: MemoryLimits): this {
    const { sessions, used, ended, reasons, lengths, seen } = this.#places;
    this.key(sessions, used, ended, reasons, lengths, seen(""));
    return this.number(sessionCount, sessionIdleMs);
  }

  /** A part of an operation that may be missing. */
  part<Part>(part: Part | undefined, write: (part: Part) => unknown): this {
    if (part === undefined) return this.text("");
    this.text("1");
    write(part);
    return this;
  }
}
