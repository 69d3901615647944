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

/** What the session knows from now on of what came back; a failed call counts for what it still returned. */
export function labelsFrom(
  { status, labels, parts }: SettledOutcome,
  { returning }: Call,
): readonly string[] {
  const succeeded = status === "ok";
  const returned = succeeded || parts.length > 0;
  return [
    ...(returned ? returning.yields.map(({ label }) => label) : []),
    ...(succeeded ? returning.labels : []),
    ...labels,
    ...parts.flatMap((part) => part.labels),
  ];
}

/** Names of the levels that it is sensitive by. `levels`: those that the outcome was read with. */
export function sensitivityFrom(
  { status, sensitivity }: SettledOutcome,
  { returning }: Call,
  levels: readonly string[],
): readonly string[] {
  const told = sensitivity === undefined ? undefined : levels[sensitivity];
  const own = status === "ok" ? returning.sensitivity : undefined;
  return [told, own].filter((name) => name !== undefined);
}
