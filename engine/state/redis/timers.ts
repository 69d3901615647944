/** What waits for time to pass; a simulation has its own. */
export interface Timers {
  /** `act` once, after so long. What comes back calls that off. */
  after(ms: number, act: () => void, more?: AfterOptions): () => void;
}

export interface AfterOptions {
  /** The process need not stay for it. */
  readonly idle?: boolean;
}

export const MACHINE_TIMERS: Timers = {
  after(ms, act, { idle = false } = {}) {
    // When this process was busy for as long, what is waited for may be here and not yet read.
    const timer = setTimeout(() => setImmediate(act), ms);
    if (idle) timer.unref();
    return () => clearTimeout(timer);
  },
};

export function pause(timers: Timers, ms: number, more?: AfterOptions): Promise<void> {
  return new Promise((resolve) => void timers.after(ms, resolve, more));
}
