/**
 * Counters and latches that were declared when calls had been made already: counters until their window is over, latches
 * for good know less than they should, and say so (SPEC §7.9).
 */
import type { Late } from "./store.ts";

export interface Counting {
  /** Missing = for the key's lifetime; of every latch. */
  readonly windowMs?: number | undefined;
  /** Missing where it begins with what is decided now. */
  readonly sinceMs: number | undefined;
}

export interface Declared {
  readonly counters: readonly Counting[];
  readonly latches: readonly Counting[];
}

/** `beganMs`: when the first call was decided on this state; missing where none was. */
export function lateAmong(
  { counters, latches }: Declared,
  beganMs: number | undefined,
  nowMs: number,
): Late | undefined {
  if (beganMs === undefined) return undefined;
  const late = {
    counters: sinceOf(counters, beganMs, nowMs),
    latches: sinceOf(latches, beganMs, nowMs),
  };
  return late.counters === NONE && late.latches === NONE ? undefined : late;
}

function sinceOf(
  all: readonly Counting[],
  beganMs: number,
  nowMs: number,
): ReadonlyMap<number, number> {
  let late: Map<number, number> | undefined;
  for (let index = 0; index < all.length; index++) {
    const { windowMs, sinceMs = nowMs } = all[index] ?? NEVER_LATE;
    const reachesTo = Math.max(beganMs, windowMs === undefined ? beganMs : nowMs - windowMs);
    if (sinceMs <= reachesTo) continue;
    late ??= new Map();
    late.set(index, sinceMs);
  }
  return late ?? NONE;
}

const NONE: ReadonlyMap<number, number> = new Map();
const NEVER_LATE: Counting = { sinceMs: Number.NEGATIVE_INFINITY };
