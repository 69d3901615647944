/**
 * What an allowed call holds until its outcome is reported, as plain data: settling needs nothing of the
 * policy under which the call was made, which may be another by then.
 */
import type { Scalar } from "../value.ts";
import type { Returning } from "./origin/returned.ts";
import type { SettledOutcome } from "./store.ts";

export interface Call {
  readonly atMs: number;
  /** As requests call it. */
  readonly tool: string;
  readonly sessionId: string | undefined;
  readonly held: readonly Held[];
  readonly latches: readonly HeldLatch[];
  /** The run of it (`task-run.ts`). */
  readonly task: string | undefined;
  readonly returning: Returning;
}

/** Its share of a counter. */
export interface Held {
  /** The counter's meaning, and what `per` came to. */
  readonly table: string;
  readonly key: string;
  readonly bucket: number;
  readonly amount: Scalar;
}

/** A latch that its success sets or resets. */
export interface HeldLatch {
  readonly table: string;
  readonly key: string;
  readonly kind: "latch" | "reset";
  /** Whether it is one of those calls: its `where` was known. */
  readonly certain: boolean;
  /** Of a latch to be set, how often it had been reset when the call was decided; of one to be reset, how often set. */
  readonly others: number;
}

/** What joins the labels and levels of a session. */
export interface Joining {
  readonly labels: readonly string[];
  /** Names of levels of `Sensitivity`. */
  readonly sensitivity: readonly string[];
}

/**
 * By what a call may return, as soon as it is allowed: nobody knows when the agent sees it, and an error has a text too
 * (SPEC §7.5).
 */
export function joiningOf({ yields, labels, sensitivity }: Returning): Joining {
  return {
    labels: yields.length === 0 ? labels : [...yields.map(({ label }) => label), ...labels],
    sensitivity: sensitivity === undefined ? NO_NAMES : [sensitivity],
  };
}

/** By its outcome: the same once more, since the session may have lost it, and what is reported. */
export function joiningFrom(
  { labels, sensitivity, parts }: SettledOutcome,
  { returning }: Call,
  levels: readonly string[],
): Joining {
  const own = joiningOf(returning);
  const told = sensitivity === undefined ? undefined : levels[sensitivity];
  return {
    labels: [...own.labels, ...labels, ...parts.flatMap((part) => part.labels)],
    sensitivity: told === undefined ? own.sensitivity : [told, ...own.sensitivity],
  };
}

const NO_NAMES: readonly string[] = [];

/**
 * The name of an allowed call that holds nothing anywhere: its outcome is taken wherever it is reported, and
 * settles nothing.
 */
export function freeCall(call: string): string {
  return `${call}${FREE}`;
}

export function isFreeCall(call: string): boolean {
  return call.endsWith(FREE);
}

const FREE = "-free";
