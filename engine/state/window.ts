/**
 * What a counter holds for one key (SPEC §7.3). Time is cut into 32 buckets a window, so that memory is
 * bounded whatever the rate, and a reading only ever over-counts:
 *
 *   exact ≤ value ≤ exact over (window + one bucket)
 *
 * A bucket that time has already passed takes nothing: what is recorded with an earlier clock counts as now,
 * and lives longer, never shorter.
 */
import type { Json } from "../../lang/type.ts";
import type { Scalar } from "../value.ts";
import { listOf, numberOf, scalarOf } from "./stored.ts";

const BUCKETS = 32;
/** The window itself, and the bucket that is being filled. */
export const KEPT = BUCKETS + 1;
const MOST = Number.MAX_SAFE_INTEGER;

/** Different values kept for one key; beyond it the number is not known, and a reading says so. */
export const DISTINCT_MOST = 10_000;

/** Which bucket a time falls into. Both are whole numbers, so the quotient is cut off exactly. */
export function bucketOf(nowMs: number, windowMs: number): number {
  return Math.floor((nowMs * BUCKETS) / windowMs);
}

/** For a counter that is kept as long as its key, all time is one bucket. */
export const LIFETIME = 0;

/** A sum of whole numbers in a window, or for a lifetime. Invariant: `total` is what the buckets hold. */
export class Sum {
  /** None for a lifetime. */
  readonly #buckets: Float64Array | undefined;
  #head: number;
  #total = 0;

  constructor(windowed: boolean, bucket: number) {
    this.#buckets = windowed ? new Float64Array(KEPT) : undefined;
    this.#head = bucket;
  }

  read(bucket: number): number {
    this.#advance(bucket);
    return Math.min(this.#total, MOST);
  }

  /** Nothing negative is ever added: no call makes room for another. Gives back where the amount now is. */
  add(bucket: number, amount: number): number {
    this.#advance(bucket);
    this.#change(this.#head, Math.max(0, amount));
    return this.#head;
  }

  /** Of before now: into the bucket that it would have gone to, if that is still kept. */
  addPast(bucket: number, amount: number): void {
    this.#advance(bucket);
    if (bucket > this.#head - KEPT) this.#change(bucket, Math.max(0, amount));
  }

  /** Takes back what `add` put into the bucket it gave, if that is still kept. */
  takeBack(bucket: number, amount: number): void {
    if (bucket > this.#head - KEPT && bucket <= this.#head)
      this.#change(bucket, -Math.max(0, amount));
  }

  isEmpty(bucket: number): boolean {
    return this.read(bucket) === 0;
  }

  /** The newest bucket, then each that holds something and how much: `[7, 5, 100, 7, 20]`. */
  written(): readonly number[] {
    if (this.#buckets === undefined) return [this.#head, this.#head, this.#total];
    const written = [this.#head];
    let bucket = Math.max(0, this.#head - BUCKETS);
    let slot = bucket % KEPT;
    for (; bucket <= this.#head; bucket++) {
      const amount = this.#buckets[slot] ?? 0;
      if (amount !== 0) written.push(bucket, amount);
      slot = slot === BUCKETS ? 0 : slot + 1;
    }
    return written;
  }

  static from(json: Json, windowed: boolean): Sum {
    const [head, ...pairs] = listOf(json).map(numberOf);
    const sum = new Sum(windowed, numberOf(head));
    for (let at = 0; at < pairs.length; at += 2) {
      sum.#change(numberOf(pairs[at]), numberOf(pairs[at + 1]));
    }
    return sum;
  }

  #change(bucket: number, amount: number): void {
    const slot = bucket % KEPT;
    const before = this.#buckets === undefined ? this.#total : (this.#buckets[slot] ?? 0);
    // What has reached the end of the scale may have been more: nothing is taken from it.
    if (amount < 0 && before >= MOST) return;
    const after = clamp(before + amount);
    if (this.#buckets === undefined) {
      this.#total = after;
      return;
    }
    this.#buckets[slot] = after;
    // Beyond the safe integers a running sum would lose units, and one day count too little.
    const total = this.#total + (after - before);
    this.#total = this.#total <= MOST && total <= MOST ? total : this.#recount();
  }

  #advance(bucket: number): void {
    const buckets = this.#buckets;
    if (buckets === undefined || bucket <= this.#head) return;
    if (bucket - this.#head >= KEPT) {
      buckets.fill(0);
      this.#total = 0;
    } else {
      const exact = this.#total <= MOST;
      for (let next = this.#head + 1; next <= bucket; next++) {
        this.#total -= buckets[next % KEPT] ?? 0;
        buckets[next % KEPT] = 0;
      }
      if (!exact) this.#total = this.#recount();
    }
    this.#head = bucket;
  }

  #recount(): number {
    return this.#buckets?.reduce((sum, amount) => sum + amount, 0) ?? this.#total;
  }
}

function clamp(amount: number): number {
  return Math.min(Math.max(amount, 0), MOST);
}

/** As a `Distinct` is `written`, and what of it tells of one value. */
export type DistinctJson = readonly [
  head: number,
  overflownAt: number | null,
  uses: readonly Json[],
];
export type UseJson = readonly [head: number, overflownAt: number | null, use: readonly Json[]];

/** How many different values there were in a window, or for a lifetime. */
export class Distinct {
  readonly #windowed: boolean;
  /** Value → how often in which bucket. In the order of the newest bucket while `#ordered`. */
  readonly #uses = new Map<Scalar, Map<number, number>>();
  #head: number;
  #ordered = true;
  /** Until this bucket has left the window, some value is missing. */
  #overflownAt = Number.NEGATIVE_INFINITY;

  constructor(windowed: boolean, bucket: number) {
    this.#windowed = windowed;
    this.#head = bucket;
  }

  read(bucket: number): number | "unavailable" {
    this.#advance(bucket);
    return this.#overflownAt > this.#head - KEPT ? "unavailable" : this.#uses.size;
  }

  add(bucket: number, value: Scalar): number {
    this.#advance(bucket);
    const uses = this.#uses.get(value);
    if (uses === undefined && this.#uses.size >= DISTINCT_MOST) {
      this.#overflownAt = this.#head;
      return this.#head;
    }
    const counted = uses ?? new Map<number, number>();
    counted.set(this.#head, (counted.get(this.#head) ?? 0) + 1);
    // Set anew, to stand last.
    this.#uses.delete(value);
    this.#uses.set(value, counted);
    return this.#head;
  }

  /** Of before now: into the bucket that it would have gone to, if that is still kept. */
  addPast(bucket: number, value: Scalar): void {
    if (bucket >= this.#head) {
      this.add(bucket, value);
      return;
    }
    if (this.#windowed && bucket <= this.#head - KEPT) return;
    const uses = this.#uses.get(value);
    if (uses === undefined && this.#uses.size >= DISTINCT_MOST) {
      this.#overflownAt = this.#head;
      return;
    }
    const counted = new Map(uses).set(bucket, (uses?.get(bucket) ?? 0) + 1);
    this.#uses.set(value, new Map([...counted].sort(([a], [b]) => a - b)));
    this.#ordered = false;
  }

  takeBack(bucket: number, value: Scalar): void {
    const uses = this.#uses.get(value);
    const count = uses?.get(bucket);
    if (uses === undefined || count === undefined) return;
    if (count > 1) uses.set(bucket, count - 1);
    else uses.delete(bucket);
    // What is left of the value may be older than the window by now.
    this.#forgetOld(value, uses);
    this.#ordered = false;
  }

  isEmpty(bucket: number): boolean {
    return this.read(bucket) === 0;
  }

  /** The newest bucket, the one in which values were too many, and each value with its buckets. */
  written(): DistinctJson {
    return [
      this.#head,
      this.#writtenOverflow(),
      [...this.#uses.keys()].map((value) => this.#use(value)),
    ];
  }

  /** The same with one of the values alone, which may be gone: all that counting it, or taking it back, has changed. */
  writtenUse(value: Scalar): UseJson {
    return [this.#head, this.#writtenOverflow(), this.#use(value)];
  }

  /** `[value, 7, 1, 8, 3]`; `[value]` of one that is gone. */
  #use(value: Scalar): readonly Json[] {
    const written: Json[] = [value];
    for (const [bucket, count] of this.#uses.get(value) ?? []) written.push(bucket, count);
    return written;
  }

  #writtenOverflow(): number | null {
    return Number.isFinite(this.#overflownAt) ? this.#overflownAt : null;
  }

  static from(json: Json, windowed: boolean): Distinct {
    const [head = null, overflownAt = null, uses = null] = listOf(json);
    const distinct = new Distinct(windowed, numberOf(head));
    if (overflownAt !== null) distinct.#overflownAt = numberOf(overflownAt);
    const read = listOf(uses).map(useFrom);
    for (const { value, counted } of read.sort((one, other) => one.newest - other.newest)) {
      distinct.#uses.set(value, counted);
      // Where the log told value by value, the table may still have some that have left the window.
      distinct.#forgetOld(value, counted);
    }
    return distinct;
  }

  #advance(bucket: number): void {
    if (!this.#windowed || bucket <= this.#head) return;
    this.#head = bucket;
    for (const [value, uses] of this.#uses) {
      this.#forgetOld(value, uses);
      if (this.#ordered && uses.size > 0) return;
    }
  }

  #forgetOld(value: Scalar, uses: Map<number, number>): void {
    for (const used of uses.keys()) {
      // A value's buckets ascend, so the first that is kept ends the search.
      if (!this.#windowed || used > this.#head - KEPT) break;
      uses.delete(used);
    }
    if (uses.size === 0) this.#uses.delete(value);
  }
}

function useFrom(json: Json) {
  const [value = null, ...counts] = listOf(json);
  const counted = new Map<number, number>();
  let newest = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < counts.length; at += 2) {
    const bucket = numberOf(counts[at]);
    counted.set(bucket, numberOf(counts[at + 1]));
    newest = Math.max(newest, bucket);
  }
  return { value: scalarOf(value), counted, newest };
}
