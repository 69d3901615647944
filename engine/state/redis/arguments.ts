/** Writes what one run of the script is given: keys, and everything else, in the order in which it takes them. */
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
  /** Whose it is, where its table has keys of sessions. */
  readonly session?: string | undefined;
}

export type CellChange =
  | { readonly kind: "add"; readonly value: string }
  | { readonly kind: "take"; readonly value: string }
  /** By the store's time. */
  | { readonly kind: "past"; readonly atMs: number; readonly value: string }
  /** Of a latch that changes on a call's success: where it stands among those that the call holds. */
  | { readonly kind: "set" | "reset" | "may set" | "may reset"; readonly value: string }
  | { readonly kind: "pend" | "pend reset"; readonly value: string }
  | { readonly kind: "unpend" | "unpend reset" };

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

  /** In the order in which the script takes them, each as often. */
  key(...keys: readonly string[]): this {
    this.keys.push(...keys);
    return this;
  }

  cells(cells: readonly Cell[]): this {
    this.number(cells.length);
    for (const cell of cells) this.#cell(cell);
    return this;
  }

  #cell({ table, field, from = "", to = "", changes, session = "" }: Cell): void {
    this.text(table.kind).key(...this.#places.cell(table, field));
    if (table.kind !== "latch") this.number(table.windowMs);
    this.text(session, field, from, to).number(changes.length);
    for (const change of changes) {
      this.text(change.kind === "past" ? String(change.atMs) : change.kind);
      this.text("value" in change ? change.value : "");
    }
  }

  sessions({ sessionCount, sessionIdleMs }: MemoryLimits): this {
    const { sessions, used, ended, reasons, lengths, seen, owned, tasks } = this.#places;
    this.key(sessions, used, ended, reasons, lengths, seen(""), owned(""), tasks);
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
