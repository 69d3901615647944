/** Checks again and again: at intervals that differ a little, so that services which began together do not ask together. */

export interface Polling {
  /** Between two checks that went well; milliseconds. */
  readonly intervalMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Whether it went well. */
  readonly check: () => Promise<boolean>;
  /** Calls back after `ms`; gives what stops it. */
  readonly after: (ms: number, then: () => void) => () => void;
}

/** After a check that failed; twice as long each time, up to the interval. */
const RETRY_MS = 1_000;
const JITTER = 0.1;

/** Stops when what it gives is called. */
export function poll({ intervalMs, random, check, after }: Polling): () => void {
  let failures = 0;
  let stopped = false;
  let stopWaiting = () => {};
  const wait = () => {
    if (stopped) return;
    stopWaiting = after(delayMs(failures, intervalMs, random()), () => {
      void check().then((good) => {
        failures = good ? 0 : failures + 1;
        wait();
      });
    });
  };
  wait();
  return () => {
    stopped = true;
    stopWaiting();
  };
}

/** `chance` from 0 to 1 moves it by a tenth at most, either way. */
export function delayMs(failures: number, intervalMs: number, chance: number): number {
  const backedOff = RETRY_MS * 2 ** Math.min(failures - 1, 30);
  const base = failures === 0 ? intervalMs : Math.min(intervalMs, backedOff);
  return Math.round(base * (1 - JITTER + 2 * JITTER * chance));
}
