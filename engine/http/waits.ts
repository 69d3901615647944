/** How long something was waited for, over and over: how far a disk or a server is behind. */
import { Histogram } from "./histogram.ts";

export class Waits {
  readonly #clock: () => number;
  readonly #latency = new Histogram();
  #under = 0;
  #failed = 0;

  /** `clock`: milliseconds that only go forward. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Gives the very promise it was given: looking on delays nothing, and hides no rejection. */
  time<Result>(waiting: Promise<Result>): Promise<Result> {
    const beganMs = this.#clock();
    this.#under += 1;
    const ended = (failed: number) => {
      this.#failed += failed;
      this.#under -= 1;
      this.#latency.record(this.#clock() - beganMs);
    };
    waiting.then(
      () => ended(0),
      () => ended(1),
    );
    return waiting;
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
