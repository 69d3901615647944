/**
 * A cell of a counter of different values, put together from what the table has of it and the log tells: what has become
 * of single values. So one that holds thousands costs a turn no more than any other.
 */
import type { Json } from "../../../lang/type.ts";
import type { Scalar } from "../../value.ts";
import { listOf, memberAt, numberOf, scalarOf, textOf } from "../stored.ts";
import type { DistinctJson, UseJson } from "../window.ts";
import type { Row } from "./rows.ts";

/** Its declaration and key tell which row of counters it changes. */
export type UseRow = readonly ["uses", declaration: number, key: string, ...UseJson];

export interface Use {
  readonly declaration: number;
  readonly key: string;
  readonly head: number;
  readonly overflownAt: number | null;
  /** The value, and its buckets. */
  readonly use: readonly Json[];
}

export function isUse(json: Json): boolean {
  return memberAt(json, 0) === "uses";
}

export function useFrom(json: Json): Use {
  const [, declaration, key, head, overflownAt = null, use] = listOf(json);
  return {
    declaration: numberOf(declaration),
    key: textOf(key),
    head: numberOf(head),
    overflownAt: overflownAt === null ? null : numberOf(overflownAt),
    use: listOf(use),
  };
}

export class ToldCell {
  readonly #declaration: number;
  readonly #key: string;
  #head = Number.NEGATIVE_INFINITY;
  #overflownAt: number | null = null;
  readonly #uses = new Map<Scalar, readonly Json[]>();

  /** `whole`: missing of a new one, and where the table has it no more, which the log tells later. */
  constructor(declaration: number, key: string, whole: Json | undefined) {
    this.#declaration = declaration;
    this.#key = key;
    if (whole === undefined) return;
    const [head, overflownAt = null, uses] = listOf(whole);
    this.#head = numberOf(head);
    this.#overflownAt = overflownAt === null ? null : numberOf(overflownAt);
    for (const use of listOf(uses)) this.#uses.set(scalarOf(memberAt(use, 0)), listOf(use));
  }

  /** The table may have been ahead: to the end of the log, every value is again what it became. */
  tell({ head, overflownAt, use }: Use): void {
    const value = scalarOf(memberAt(use, 0));
    this.#head = head;
    this.#overflownAt = overflownAt;
    if (use.length > 1) this.#uses.set(value, use);
    else this.#uses.delete(value);
  }

  row(): Row {
    const cell: DistinctJson = [this.#head, this.#overflownAt, [...this.#uses.values()]];
    return ["counters", this.#declaration, this.#key, cell];
  }
}
