/** What counters would have counted of calls that were decided before they were declared (SPEC §7.9). */
import type { Scalar } from "../value.ts";
import type { LateCounters } from "./store.ts";

export interface PastUse {
  /** Of the counter in its program. */
  readonly index: number;
  readonly key: string;
  /** Of the decision: milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** As `Touch.amount`. */
  readonly amount: Scalar;
}

export interface PastUses {
  /** In order of time. */
  readonly uses: readonly PastUse[];
  /** From then on nothing is missing. */
  readonly fromMs: number;
}

export interface Backfill {
  /** How far back the counters reach that are late, and which they are, by index; `undefined` where none is. */
  missing(): { readonly fromMs: number; readonly counters: ReadonlySet<number> } | undefined;
  /** Since when those count that are late. */
  since(): LateCounters | undefined;
  /** Counts them where they belong in time, all at once; where there is no room for all, none of that counter. */
  fill(past: PastUses): void;
}
