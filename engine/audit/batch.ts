/** Who waits for one write of a log, and for how long. */
import { setImmediate as nextTurn } from "node:timers";

export interface Batch {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(reason: Error): void;
}

export function newBatch(): Batch {
  const batch = Promise.withResolvers<void>();
  // Where nobody waits, nobody is told.
  batch.promise.catch(() => {});
  return batch;
}

/**
 * Calls back once so much time has passed in which events were looked at: while the process itself is busy, the
 * disk cannot say that it is done.
 */
export function watchLateness(afterMs: number, onLate: () => void): { end(): void } {
  const stepMs = afterMs / LATENESS_STEPS;
  let left = LATENESS_STEPS;
  let lookedMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - lookedMs < 2 * stepMs) left -= 1;
    lookedMs = nowMs;
    if (left > 0) return;
    clearInterval(timer);
    nextTurn(onLate);
  }, stepMs);
  return { end: () => clearInterval(timer) };
}

const LATENESS_STEPS = 4;
