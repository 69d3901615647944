/**
 * Looks through a full table for what may go: a few entries for each that is to be added, one after the other, so that
 * nobody waits for all of it. A flood of new keys makes it look through a large one once a second at most. Pure.
 */

const LOOKED_AT_ONCE = 256;
const ROUND_MS = 1_000;

/** As much of a table as is looked through. */
export interface SweptTable<Key, Value> extends Iterable<readonly [Key, Value]> {
  readonly size: number;
  get(key: Key): Value | undefined;
}

export class Sweep<Value, Key = string> {
  readonly #table: SweptTable<Key, Value>;
  /** Of this round; what is after it. */
  #rest: Iterator<readonly [Key, Value]> | undefined;
  #beganMs = Number.NEGATIVE_INFINITY;

  constructor(table: SweptTable<Key, Value>) {
    this.#table = table;
  }

  /** Calls `forget` with all that it finds and `mayGo` says so of. */
  go(
    nowMs: number,
    mayGo: (value: Value, key: Key) => boolean,
    forget: (key: Key, value: Value) => void,
  ): void {
    for (let looked = 0; looked < LOOKED_AT_ONCE; looked += 1) {
      const next = this.#rest?.next() ?? this.#begin(nowMs)?.next();
      if (next === undefined || next.done === true) {
        this.#rest = undefined;
        return;
      }
      const [key, value] = next.value;
      // It may have gone meanwhile, and something else have come.
      if (mayGo(value, key) && this.#table.get(key) === value) forget(key, value);
    }
  }

  #begin(nowMs: number): Iterator<readonly [Key, Value]> | undefined {
    const isLarge = this.#table.size > LOOKED_AT_ONCE;
    if (isLarge && nowMs - this.#beganMs < ROUND_MS) return undefined;
    this.#beganMs = nowMs;
    this.#rest = this.#table[Symbol.iterator]();
    return this.#rest;
  }
}
