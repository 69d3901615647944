/** What counters and latches would know of calls that were decided before they were declared (SPEC §7.9). */
import type { Scalar } from "../value.ts";
import type { PastLatch } from "./past-latches.ts";
import type { Awaitable } from "./report.ts";
import type { Late } from "./store.ts";

export interface PastUse {
  /** Of the counter in its program. */
  readonly index: number;
  readonly key: string;
  /** Of the decision: milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** As `Touch.amount`. */
  readonly amount: Scalar;
}

/** Which decisions a latch may lack: milliseconds since the Unix epoch, both included. */
export interface Lacking {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface PastUses {
  /** In order of time. */
  readonly uses: readonly PastUse[];
  readonly latches: readonly PastLatch[];
  /** From then on nothing is missing. */
  readonly fromMs: number;
  /** The number of the last line that was looked into. */
  readonly through: number;
}

/** What is to be looked for. */
export interface Missing {
  /** How far back the counters reach. */
  readonly fromMs: number;
  /** By index. */
  readonly counters: ReadonlySet<number>;
  readonly latches: ReadonlyMap<number, Lacking>;
  /** Whether a decision of this policy in this line was counted by this counter; missing where only its own policy's were. */
  readonly isCounted?: (index: number, digest: string, line: number) => boolean;
}

export interface Backfill {
  /** `undefined` where nothing is. */
  missing(): Awaitable<Missing | undefined>;
  /** What is late, and since when it knows all. */
  since(): Late | undefined;
  /** Counts them where they belong in time, all at once; where there is no room for all, none of that counter. */
  fill(past: PastUses): Awaitable<void>;
}
