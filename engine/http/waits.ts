/** How long something was waited for, over and over: how far a disk or a server is behind. */
import { Histogram } from "./histogram.ts";

export class Waits {
  readonly #clock: () => number;
  readonly #latency = new Histogram();
  #under = 0;
  #failed = 0;
  #latest: Awaiting | undefined;

  /** `clock`: milliseconds that only go forward. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Gives the very promise it was given: looking on delays nothing, and hides no rejection. */
  time<Result>(waiting: Promise<Result>): Promise<Result> {
    this.#under += 1;
    if (this.#latest?.waiting === waiting) this.#latest.beganMs.push(this.#clock());
    else this.#await(waiting);
    return waiting;
  }

  /** All of one turn wait for one promise, which is looked at once. */
  #await(waiting: Promise<unknown>): void {
    const awaited: Awaiting = { waiting, beganMs: [this.#clock()] };
    this.#latest = awaited;
    waiting.then(
      () => this.#end(awaited),
      () => {
        this.#failed += awaited.beganMs.length;
        this.#end(awaited);
      },
    );
  }

  #end(awaited: Awaiting): void {
    const nowMs = this.#clock();
    for (const beganMs of awaited.beganMs) this.#latency.record(nowMs - beganMs);
    this.#under -= awaited.beganMs.length;
    if (this.#latest === awaited) this.#latest = undefined;
  }

  read(): WaitsReading {
    const { counts, sumMs } = this.#latency;
    return { latency: { counts: [...counts], sumMs }, waiting: this.#under, failed: this.#failed };
  }
}

export interface WaitsReading {
  /** By `BUCKET_EDGES_MS`. */
  readonly latency: { readonly counts: readonly number[]; readonly sumMs: number };
  readonly waiting: number;
  readonly failed: number;
}

interface Awaiting {
  readonly waiting: Promise<unknown>;
  /** When each began who waits for it. */
  readonly beganMs: number[];
}
