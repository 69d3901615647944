/**
 * How fast engines decide. Each is timed in turns with the others, since this machine is never quite its own:
 * ratios within one run can be read, absolute figures of two runs hardly.
 */
import { createHistogram } from "node:perf_hooks";
import Benchmark from "benchmark";
import type { BenchEngine, Loaded } from "./engine.ts";

export interface Contestant {
  readonly engine: BenchEngine;
  readonly decide: (prepared: unknown) => unknown;
  readonly prepared: readonly unknown[];
}

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

export interface Effort {
  /** Seconds that each runs before anything counts: what serves, has long been compiled. */
  readonly warmUpSeconds: number;
  readonly rounds: number;
  /** Seconds, of each round, for each of throughput and latency. */
  readonly roundSeconds: number;
}

/** A clock reading costs some 30 ns: below this, one decision alone would measure the clock. */
const BATCH_BELOW_US = 20;
const BATCH = 64;

/**
 * Of one sample, where a decision does not take longer: much shorter than what the scheduler gives at once, so
 * that most samples are of this process alone, however busy the machine.
 */
const SAMPLE_MS = 0.5;

export function measureAll(
  contestants: readonly Contestant[],
  { warmUpSeconds, rounds, roundSeconds }: Effort,
): readonly Speed[] {
  const timers = contestants.map((one) => timerFor(one, warmUpSeconds));
  for (let round = 0; round < rounds; round += 1) {
    for (const timer of timers) timer.throughput(roundSeconds);
    for (const timer of timers) timer.latency(roundSeconds);
  }
  return timers.map((timer) => timer.speed());
}

interface Timer {
  throughput(seconds: number): void;
  latency(seconds: number): void;
  speed(): Speed;
}

function timerFor({ decide, prepared }: Contestant, warmUpSeconds: number): Timer {
  const loop = loopOver(decide);
  const costUs = roughCostUs(loop, prepared, warmUpSeconds);
  const slices = slicesOf(prepared, (SAMPLE_MS * 1_000) / costUs);
  const batch = costUs < BATCH_BELOW_US ? BATCH : 1;
  const batches = batchesOf(prepared, batch);
  const periods: number[] = [];
  const histogram = createHistogram();
  return {
    throughput: (seconds) => periods.push(...secondsPerDecision(loop, slices, seconds)),
    latency: (seconds) => {
      const end = performance.now() + seconds * 1_000;
      for (let at = 0; performance.now() < end; at = (at + 1) % batches.length) {
        const requests = batches[at] ?? [];
        const start = process.hrtime.bigint();
        loop(requests);
        histogram.record(Math.max(1, Number(process.hrtime.bigint() - start)));
      }
    },
    speed: () => {
      const inOrder = periods.toSorted((a, b) => a - b);
      const rate = (share: number) => 1 / (inOrder[Math.floor(inOrder.length * share)] ?? 0);
      const percentile = (percent: number) => histogram.percentile(percent) / 1_000 / batch;
      return {
        perSecond: rate(0.5),
        perSecondLow: rate(0.75),
        perSecondHigh: rate(0.25),
        p50Us: percentile(50),
        p99Us: percentile(99),
        p999Us: percentile(99.9),
        batch,
      };
    },
  };
}

type Loop = (prepared: readonly unknown[]) => void;

const sink: { last: unknown } = { last: undefined };

/**
 * A loop of its own for each engine, so that none runs code that V8 has made general for the others. Answers
 * go where they could be read, or V8 would not make them.
 */
export function loopOver(decide: (prepared: unknown) => unknown): Loop {
  const source =
    "return (prepared) => { for (let at = 0; at < prepared.length; at += 1) sink.last = decide(prepared[at]); };";
  return new Function("decide", "sink", source)(decide, sink) as Loop;
}

/** Of the last pass over the requests, or of what a slow engine gets through. */
function roughCostUs(loop: Loop, prepared: readonly unknown[], seconds: number): number {
  const end = performance.now() + seconds * 1_000;
  let costUs = 0;
  while (performance.now() < end) {
    let count = 0;
    const start = performance.now();
    for (const one of prepared) {
      loop([one]);
      count += 1;
      if (performance.now() > end) break;
    }
    costUs = ((performance.now() - start) * 1_000) / count;
  }
  return costUs;
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

function secondsPerDecision(
  loop: Loop,
  slices: readonly (readonly unknown[])[],
  seconds: number,
): readonly number[] {
  const options = { maxTime: seconds, minTime: SAMPLE_MS / 1_000, minSamples: 3 };
  let next = 0;
  const bench = new Benchmark(() => loop(slices[next++ % slices.length] ?? []), options);
  bench.run({ async: false });
  if (bench.error !== undefined) throw bench.error;
  return bench.stats.sample.map((period) => period / (slices[0]?.length ?? 1));
}

export function contestant(engine: BenchEngine, loaded: Loaded, prepared: readonly unknown[]) {
  return { engine, decide: (one: unknown) => loaded.decide(one), prepared };
}
