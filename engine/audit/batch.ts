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
 * Calls back once for each batch that is under way for so much time in which events were looked at: while the
 * process itself is busy, the disk cannot say that it is done. It looks now and then, so that a write costs nothing.
 */
export function watchLateness(
  mostMs: number,
  underway: () => Batch | undefined,
  onLate: (batch: Batch) => void,
): NodeJS.Timeout {
  const stepMs = mostMs / LATENESS_STEPS;
  let seen: Batch | undefined;
  let left = 0;
  let lookedMs = performance.now();
  return setInterval(() => {
    const nowMs = performance.now();
    const wasBusy = nowMs - lookedMs >= 2 * stepMs;
    lookedMs = nowMs;
    const batch = underway();
    // It may have begun just after the last look, a step ago.
    if (batch !== seen) left = LATENESS_STEPS - 1;
    else if (!wasBusy) left -= 1;
    seen = batch;
    if (batch !== undefined && left === 0) nextTurn(() => onLate(batch));
  }, stepMs);
}

const LATENESS_STEPS = 4;
