/** How long things took, in buckets that grow by a quarter: a reading is at most so much above the truth. Pure. */
const GROWTH = 1.25;
const LOG_GROWTH = Math.log(GROWTH);
const SMALLEST_MS = 0.001;
/** The last takes whatever is longer: some 13 seconds. */
const BUCKETS = 76;

/** Upper edges in milliseconds, ascending; the last is infinite. */
export const BUCKET_EDGES_MS: readonly number[] = Array.from({ length: BUCKETS }, (_, index) =>
  index === BUCKETS - 1 ? Number.POSITIVE_INFINITY : SMALLEST_MS * GROWTH ** index,
);

export class Histogram {
  /** How many fell into each bucket. */
  readonly counts = new Float64Array(BUCKETS);
  sumMs = 0;

  record(ms: number): void {
    this.sumMs += ms;
    const steps = Math.ceil(Math.log(ms / SMALLEST_MS) / LOG_GROWTH);
    const bucket = Math.min(Math.max(steps, 0), BUCKETS - 1);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
  }

  add(other: Histogram): void {
    this.sumMs += other.sumMs;
    for (const [bucket, count] of other.counts.entries()) {
      this.counts[bucket] = (this.counts[bucket] ?? 0) + count;
    }
  }

  clear(): void {
    this.counts.fill(0);
    this.sumMs = 0;
  }

  /** The edge below which this share of all lies; `undefined` of none. */
  quantile(share: number): number | undefined {
    const total = this.counts.reduce((sum, count) => sum + count, 0);
    if (total === 0) return undefined;
    let below = 0;
    for (const [bucket, count] of this.counts.entries()) {
      below += count;
      if (below >= total * share && count > 0) return BUCKET_EDGES_MS[bucket];
    }
    return BUCKET_EDGES_MS.at(-1);
  }
}
