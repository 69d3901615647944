/**
 * Counters that were declared when calls had been made already: until their window is over they know less than they
 * should, and say so (SPEC §7.9).
 */
import type { LateCounters } from "./store.ts";

export interface Counting {
  /** Missing = for the key's lifetime. */
  readonly windowMs: number | undefined;
  /** Missing where it begins with what is decided now. */
  readonly sinceMs: number | undefined;
}

/** `beganMs`: when the first call was decided on this state; missing where none was. */
export function lateAmong(
  counters: readonly Counting[],
  beganMs: number | undefined,
  nowMs: number,
): LateCounters | undefined {
  if (beganMs === undefined) return undefined;
  let late: Map<number, number> | undefined;
  for (let index = 0; index < counters.length; index++) {
    const { windowMs, sinceMs = nowMs } = counters[index] ?? NEVER_LATE;
    const reachesTo = Math.max(beganMs, windowMs === undefined ? beganMs : nowMs - windowMs);
    if (sinceMs <= reachesTo) continue;
    late ??= new Map();
    late.set(index, sinceMs);
  }
  return late;
}

const NEVER_LATE: Counting = { windowMs: undefined, sinceMs: Number.NEGATIVE_INFINITY };
