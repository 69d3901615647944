/** What a decision does to the counters and latches that it touches: every store must say the same of it. */
import type { CallFilter, CounterDecl, LatchDecl, Program } from "../../lang/ir.ts";
import type { Touch } from "../evaluate/evaluator.ts";
import { keyOfOne, type Scalar, Unknown } from "../value.ts";
import type { HeldLatch } from "./call.ts";
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

/** Whether the outcome of an allowed call can change anything; if not, nobody has to remember the call. */
export function isAwaited(
  { touches, sessionId }: Pick<Effects, "touches" | "sessionId">,
  { counters, latches }: Pick<Program, "counters" | "latches">,
): boolean {
  if (sessionId !== undefined) return true;
  return touches.some(({ kind, index, key }) => {
    if (key instanceof Unknown) return false;
    if (kind === "counter") return counters[index]?.calls.base !== "attempts";
    const declared = latches[index];
    return (kind === "reset" ? declared?.reset : declared?.calls)?.base === "completed";
  });
}

/** What a decision does to one latch. */
export interface LatchTouch {
  /** Of the latch in its program. */
  readonly index: number;
  readonly key: string;
  readonly kind: HeldLatch["kind"];
  readonly certain: boolean;
}

export interface LatchTouches {
  /** At once. */
  readonly now: readonly LatchTouch[];
  /** Once the call has succeeded. */
  readonly completed: readonly LatchTouch[];
}

/** `now` is before all that one call does later. A call that would both set a latch and reset it at its end resets it. */
export function latchTouches(
  touches: readonly Touch[],
  latches: readonly LatchDecl[],
  effects: Pick<Effects, "allowed">,
): LatchTouches {
  if (latches.length === 0) return NO_LATCHES;
  const now: LatchTouch[] = [];
  const completed: LatchTouch[] = [];
  for (const { kind, index, key, uncertain } of touches) {
    const declared = latches[index];
    if (kind === "counter" || declared === undefined || key instanceof Unknown) continue;
    const calls = kind === "reset" ? declared.reset : declared.calls;
    if (calls === undefined || !isCounted(calls, effects)) continue;
    const touch = { index, key, kind, certain: !uncertain };
    (calls.base === "completed" ? completed : now).push(touch);
  }
  const resets = completed.filter(isCertainReset);
  if (resets.length === 0) return { now, completed };
  const isLeft = ({ kind, index }: LatchTouch) =>
    kind === "reset" || !resets.some((reset) => reset.index === index);
  return { now, completed: completed.filter(isLeft) };
}

const NO_LATCHES: LatchTouches = { now: [], completed: [] };

function isCertainReset({ kind, certain }: LatchTouch): boolean {
  return kind === "reset" && certain;
}

/** Attempts are all that was decided; the others begin to count when the call is allowed. */
function isCounted({ base }: CallFilter, { allowed }: Pick<Effects, "allowed">): boolean {
  return base === "attempts" || allowed !== undefined;
}
