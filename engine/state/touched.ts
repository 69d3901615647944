/** What a decision does to the counters and latches that it touches: every store must say the same of it. */
import type { CallFilter, CounterDecl, LatchDecl } from "../../lang/ir.ts";
import type { Touch } from "../evaluate/evaluator.ts";
import { keyOfOne, type Scalar, Unknown } from "../value.ts";
import type { Effects } from "./store.ts";

/** What is counted; missing where nothing is. */
export function countedOf(
  { amount }: Touch,
  { op, calls }: CounterDecl,
  effects: Effects,
): Scalar | undefined {
  if (!isCounted(calls, effects)) return undefined;
  if (!(amount instanceof Unknown)) return op === "distinct" ? toldApart(amount) : amount;
  // A number too large to be told is the largest there is; one that is not there adds nothing.
  return amount.cause === "overflow" && op === "sum" ? Number.MAX_SAFE_INTEGER : undefined;
}

/** A value among different ones: a long one is known by its digest, as it is in keys. */
export function toldApart(value: Scalar): Scalar {
  return typeof value === "string" ? keyOfOne(value) : value;
}

/** When the latch is set, or reset: at once, or once the call has succeeded; missing where it is not. */
export function latchedWhen(
  { kind, uncertain }: Touch,
  declared: LatchDecl,
  effects: Effects,
): "now" | "completed" | undefined {
  const calls = kind === "reset" ? declared.reset : declared.calls;
  if (calls === undefined || !isCounted(calls, effects)) return undefined;
  // A call that perhaps resets, does not: what a latch holds back must be certain.
  if (kind === "reset" && uncertain) return undefined;
  return calls.base === "completed" ? "completed" : "now";
}

/** Attempts are all that was decided; the others begin to count when the call is allowed. */
function isCounted({ base }: CallFilter, { allowed }: Effects): boolean {
  return base === "attempts" || allowed !== undefined;
}
