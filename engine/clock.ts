/**
 * Two clocks (SPEC §7.8). What state is counted by is steady: it begins with the wall clock and goes on by elapsed
 * time, so that setting the wall clock opens no window. What the world agreed on — when a token expires, what
 * `now` is — is the wall clock's to say, as long as the two agree.
 */

export interface Clock {
  /** Milliseconds since the Unix epoch, by elapsed time since the engine began. */
  steadyMs(): number;
  /** The same as the host has it now; anyone who administers the machine can set it. */
  wallMs(): number;
}

export interface ClockParts {
  /** Milliseconds since the Unix epoch; missing = this machine's. */
  readonly wall?: () => number;
  /** Milliseconds from wherever, that nobody sets; missing = this process's. */
  readonly elapsed?: () => number;
  /** The latest time that kept state was written at: it is not earlier now. */
  readonly latestMs?: number;
}

export function createClock(parts: ClockParts = {}): Clock {
  const { wall = Date.now, elapsed = () => performance.now(), latestMs = 0 } = parts;
  const beganMs = Math.max(wall(), latestMs) - elapsed();
  return { steadyMs: () => beganMs + elapsed(), wallMs: wall };
}

/** One reading of both. */
export interface ClockReading {
  /** Steady. */
  readonly nowMs: number;
  /** Set where the clocks disagree: what `now` is cannot be told, and what may have expired by either has. */
  readonly doubt?: ClockDoubt;
}

export interface ClockDoubt {
  /** By which of the two it is later. */
  readonly laterMs: number;
  /** How far the wall clock is ahead of the steady one; negative where it is behind. */
  readonly aheadMs: number;
}

/** By which things end: what has ended by either clock has. */
export function latestOf(clock: Clock | (() => number)): () => number {
  const read = clockReader(clock);
  return () => {
    const { nowMs, doubt } = read();
    return doubt?.laterMs ?? nowMs;
  };
}

/** By which things begin: what has begun by both clocks has. */
export function earliestOf(clock: Clock | (() => number)): () => number {
  const read = clockReader(clock);
  return () => earliestIn(read());
}

/** Of a wall clock that says nothing the other one is all there is. */
export function earliestIn({ nowMs, doubt }: ClockReading): number {
  return nowMs + Math.min(0, doubt?.aheadMs || 0);
}

/** More than slewing and leap seconds make, and less than any window people write. */
const TRUSTED_MS = 5_000;

/** Reads both, and never goes back. A clock that is only a function is both. */
export function clockReader(clock: Clock | (() => number)): () => ClockReading {
  if (typeof clock === "function") {
    const now = neverBackwards(clock);
    return () => ({ nowMs: now() });
  }
  const now = neverBackwards(clock.steadyMs);
  return () => {
    const nowMs = now();
    const wallMs = Math.trunc(clock.wallMs());
    const aheadMs = wallMs - nowMs;
    if (Math.abs(aheadMs) <= TRUSTED_MS) return { nowMs };
    // A wall clock that says nothing says that everything has expired.
    const laterMs = Number.isNaN(wallMs) ? Number.POSITIVE_INFINITY : Math.max(nowMs, wallMs);
    return { nowMs, doubt: { laterMs, aheadMs } };
  };
}

/** A clock that is set back reopens no window and revives nothing that has expired. */
export function neverBackwards(clock: () => number): () => number {
  let latest = 0;
  return () => {
    const now = Math.trunc(clock());
    if (!(now >= latest)) return latest;
    latest = now;
    return now;
  };
}

export function spellDoubt({ aheadMs }: ClockDoubt): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const unknown = "rules cannot tell what `now` is";
  if (aheadMs > 0) {
    return `the wall clock is ${seconds} s ahead of the time that has passed: ${unknown}; set it right, or start again to trust it`;
  }
  // What is kept begins at `latestMs`, whatever the wall clock says by then.
  return `the wall clock is ${seconds} s behind the time that has passed, or that state was kept at: ${unknown}; set it right (after a start, state that a file has goes on from the later time)`;
}
