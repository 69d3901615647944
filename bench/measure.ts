/**
 * How fast an engine decides. Samples are short and many, and what counts is their median: this machine is
 * never quite its own, and a mean would measure the others on it.
 */
import { createHistogram } from "node:perf_hooks";
import Benchmark from "benchmark";

export interface Speed {
  /** Decisions a second: the median of all samples of all rounds, and the quarters around it. */
  readonly perSecond: number;
  readonly perSecondLow: number;
  readonly perSecondHigh: number;
  /** Of single decisions; where `batch` is more than 1, of the mean of so many in a row. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly batch: number;
}

/** A clock reading costs some 30 ns: below this, one decision alone would measure the clock. */
const BATCH_BELOW_US = 20;
const BATCH = 64;

/** Of one sample, where a decision does not take longer: much shorter than what the scheduler gives at once. */
const SAMPLE_MS = 0.5;

export class Timer {
  readonly #loop: Loop;
  readonly #prepared: readonly unknown[];
  readonly #periods: number[] = [];
  readonly #histogram = createHistogram();
  /** Of a decision, roughly: set by warming up. */
  #costUs = 1_000;

  constructor(decide: (prepared: unknown) => unknown, prepared: readonly unknown[]) {
    this.#loop = loopOver(decide);
    this.#prepared = prepared;
  }

  /** Until what serves for long has been compiled. */
  warmUp(seconds: number): void {
    const end = performance.now() + seconds * 1_000;
    while (performance.now() < end) {
      let count = 0;
      const start = performance.now();
      for (const one of this.#prepared) {
        this.#loop([one]);
        count += 1;
        if (performance.now() > end) break;
      }
      this.#costUs = ((performance.now() - start) * 1_000) / count;
    }
  }

  throughput(seconds: number): void {
    const slices = slicesOf(this.#prepared, (SAMPLE_MS * 1_000) / this.#costUs);
    const size = slices[0]?.length ?? 1;
    const options = { maxTime: seconds, minTime: SAMPLE_MS / 1_000, minSamples: 3 };
    let next = 0;
    const bench = new Benchmark(() => this.#loop(slices[next++ % slices.length] ?? []), options);
    bench.run({ async: false });
    if (bench.error !== undefined) throw bench.error;
    this.#periods.push(...bench.stats.sample.map((period) => period / size));
  }

  latency(seconds: number): void {
    const batches = batchesOf(this.#prepared, this.#batch());
    const end = performance.now() + seconds * 1_000;
    for (let at = 0; performance.now() < end; at = (at + 1) % batches.length) {
      const requests = batches[at] ?? [];
      const start = process.hrtime.bigint();
      this.#loop(requests);
      this.#histogram.record(Math.max(1, Number(process.hrtime.bigint() - start)));
    }
  }

  speed(): Speed {
    const inOrder = this.#periods.toSorted((a, b) => a - b);
    const rate = (share: number) => 1 / (inOrder[Math.floor(inOrder.length * share)] ?? 0);
    const batch = this.#batch();
    const percentile = (percent: number) => this.#histogram.percentile(percent) / 1_000 / batch;
    return {
      perSecond: rate(0.5),
      perSecondLow: rate(0.75),
      perSecondHigh: rate(0.25),
      p50Us: percentile(50),
      p99Us: percentile(99),
      p999Us: percentile(99.9),
      batch,
    };
  }

  #batch(): number {
    return this.#costUs < BATCH_BELOW_US ? BATCH : 1;
  }
}

type Loop = (prepared: readonly unknown[]) => void;

const sink: { last: unknown } = { last: undefined };

/** Answers go where they could be read, or V8 would not make them. */
export function loopOver(decide: (prepared: unknown) => unknown): Loop {
  return (prepared) => {
    for (let at = 0; at < prepared.length; at += 1) sink.last = decide(prepared[at]);
  };
}

/** All requests in turns, so many at once; in each slice kinds of requests are mixed. */
function slicesOf(prepared: readonly unknown[], most: number): readonly (readonly unknown[])[] {
  const count = Math.ceil(prepared.length / Math.max(1, Math.min(most, prepared.length)));
  const size = Math.floor(prepared.length / count);
  return Array.from({ length: count }, (_, slice) =>
    Array.from({ length: size }, (_, at) => prepared[at * count + slice]),
  );
}

function batchesOf(prepared: readonly unknown[], size: number): readonly (readonly unknown[])[] {
  return prepared.map((_, from) =>
    Array.from({ length: size }, (_, at) => prepared[(from + at) % prepared.length]),
  );
}
