/**
 * One engine with one workload, in a process of its own, doing what it is told: engines in one process would
 * share what V8 has learnt about common code, and the garbage of all of them.
 */
import { readFileSync } from "node:fs";
import { disagreement } from "./agree.ts";
import type { Loaded } from "./engine.ts";
import { engineNamed } from "./engines.ts";
import { type Speed, Timer } from "./measure.ts";
import { makeWorkload, type Workload } from "./workload.ts";

export interface LoadCost {
  readonly loadMs: number;
  /** The first of all decisions. */
  readonly firstMs: number;
  /** More than before loading, after deciding the requests once. */
  readonly heapMb: number;
  readonly rssMb: number;
}

export type Order =
  /** `built` is a file with what was built before. */
  | {
      readonly kind: "load";
      readonly engine: string;
      readonly rules: number;
      readonly built?: string;
    }
  | { readonly kind: "agree"; readonly forMs: number }
  | { readonly kind: "warm-up" | "throughput" | "latency"; readonly seconds: number }
  | { readonly kind: "speed" };

export interface Report {
  readonly cost?: LoadCost;
  readonly speed?: Speed;
  /** Ends the run. */
  readonly failed?: string;
}

/** Deciding the requests once is cut off here: slow engines fill no caches that count. */
const DECIDING_MS_MOST = 2_000;

let held: { readonly loaded: Loaded; readonly workload: Workload } | undefined;
let timer: Timer | undefined;

process.on("message", (order: Order) => {
  obey(order).then(
    (report) => process.send?.(report),
    (fault: unknown) => process.send?.({ failed: String(fault) }),
  );
});

async function obey(order: Order): Promise<Report> {
  if (order.kind === "load") return { cost: await load(order) };
  if (held === undefined) throw new Error("nothing is loaded");
  const { loaded, workload } = held;
  if (order.kind === "agree") {
    const failed = disagreement(loaded, workload, performance.now() + order.forMs);
    return failed === undefined ? {} : { failed };
  }
  timer ??= new Timer(
    (one) => loaded.decide(one),
    workload.requests.map((request) => loaded.prepare(request)),
  );
  if (order.kind === "warm-up") timer.warmUp(order.seconds);
  if (order.kind === "throughput") timer.throughput(order.seconds);
  if (order.kind === "latency") timer.latency(order.seconds);
  return order.kind === "speed" ? { speed: timer.speed() } : {};
}

async function load(order: Extract<Order, { kind: "load" }>): Promise<LoadCost> {
  const engine = engineNamed(order.engine);
  const workload = makeWorkload(order.rules);
  const before = memory();
  const start = performance.now();
  const loaded =
    order.built === undefined
      ? await engine.load(workload)
      : await engine.built?.load(readFileSync(order.built, "utf8"));
  const loadMs = performance.now() - start;
  if (loaded === undefined) throw new Error(`${engine.name} loads nothing that was built`);
  held = { loaded, workload };
  const firstMs = decideOnce(loaded, workload);
  const after = memory();
  return {
    loadMs,
    firstMs,
    heapMb: (after.heap - before.heap) / 1_048_576,
    rssMb: (after.rss - before.rss) / 1_048_576,
  };
}

/** Every request, and how long the first took. */
function decideOnce(loaded: Loaded, workload: Workload): number {
  const end = performance.now() + DECIDING_MS_MOST;
  let firstMs: number | undefined;
  for (const request of workload.requests) {
    const prepared = loaded.prepare(request);
    const start = performance.now();
    loaded.decide(prepared);
    firstMs ??= performance.now() - start;
    if (performance.now() > end) break;
  }
  return firstMs ?? 0;
}

function memory(): { readonly heap: number; readonly rss: number } {
  for (let time = 0; time < 3; time += 1) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}
