/**
 * What an allowed call holds until its outcome is reported, as plain data: settling needs nothing of the
 * policy under which the call was made, which may be another by then.
 */
import type { Scalar } from "../value.ts";
import type { Returning } from "./origin.ts";

export interface Call {
  readonly atMs: number;
  /** As requests call it. */
  readonly tool: string;
  readonly sessionId: string | undefined;
  readonly held: readonly Held[];
  readonly latches: readonly HeldLatch[];
  readonly task: { readonly key: string; readonly name: string } | undefined;
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
}
