/**
 * `npm run bench`: every engine on one policy and the same requests, at four sizes, in one run. `--quick` takes
 * less than a minute and writes nothing; `--no-write` runs in full and writes nothing; `--sizes 20,1000` and
 * `--engines writ,cel` choose; `--redraw` writes table and chart of the last run again.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { LoadCost, Order, Report } from "./child.ts";
import { Contestant } from "./contestant.ts";
import type { BenchEngine } from "./engine.ts";
import { ENGINES, enginesFor } from "./engines.ts";
import { readResults, writeDocument, writeResults } from "./kept.ts";
import { machineFacts } from "./machine.ts";
import { partsAlone } from "./parts.ts";
import { chart } from "./report/chart.ts";
import { document, summary } from "./report/table.ts";
import type { Result, Results } from "./results.ts";
import { measureState } from "./state.ts";
import { makeWorkload } from "./workload.ts";

interface Effort {
  readonly sizes: readonly number[];
  /** Seconds that each runs before anything counts. */
  readonly warmUpSeconds: number;
  readonly rounds: number;
  /** Seconds, of each round, for each of throughput and latency. */
  readonly roundSeconds: number;
  readonly stateSeconds: number;
  readonly partSeconds: number;
}

const FULL: Effort = {
  sizes: [20, 100, 1_000, 10_000],
  warmUpSeconds: 1,
  // Short and many, so that what else the machine does falls on all alike.
  rounds: 10,
  roundSeconds: 0.1,
  stateSeconds: 3,
  partSeconds: 0.5,
};
const QUICK: Effort = {
  sizes: [20, 1_000],
  warmUpSeconds: 0.2,
  rounds: 1,
  roundSeconds: 0.1,
  stateSeconds: 0.5,
  partSeconds: 0.05,
};

/** Answers of slow engines are compared for so long, of all others to the last request. */
const AGREEING_MS_MOST = 4_000;

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    "no-write": { type: "boolean", default: false },
    redraw: { type: "boolean", default: false },
    sizes: { type: "string" },
    engines: { type: "string" },
  },
});

if (options.redraw) publish(readResults<Results>("latest"));
else await main();

async function main(): Promise<void> {
  const effort = options.quick ? QUICK : FULL;
  const sizes = options.sizes?.split(",").map(Number) ?? effort.sizes;
  const chosen = options.engines?.split(",") ?? ENGINES.map(({ name }) => name);
  const started = performance.now();
  const measured: Result[] = [];
  for (const ruleCount of sizes) {
    const engines = enginesFor(ruleCount).filter(({ name }) => chosen.includes(name));
    measured.push(...(await measureSize(ruleCount, engines, effort)));
  }
  console.log("parts, state …");
  const results: Results = {
    machine: { ...machineFacts(), v8: process.versions.v8 },
    measured,
    state: measureState(effort.stateSeconds),
    parts: sizes.map((size) => partsAlone(size, effort.partSeconds)),
    seconds: Math.round((performance.now() - started) / 1_000),
  };
  console.log(`\n${summary(results)}`);
  const isComplete = options.sizes === undefined && options.engines === undefined;
  if (!isComplete || options.quick || options["no-write"]) return;
  writeResults("latest", results);
  publish(results);
}

async function measureSize(
  ruleCount: number,
  engines: readonly BenchEngine[],
  effort: Effort,
): Promise<Result[]> {
  const contestants = engines.map(({ name }) => new Contestant(name));
  try {
    console.log(`${ruleCount} rules: load …`);
    const costs: LoadCost[] = [];
    for (const one of contestants) costs.push(await one.load(ruleCount));
    const built: (LoadCost | undefined)[] = [];
    for (const engine of engines) built.push(await measureBuilt(engine, ruleCount));
    console.log(`${ruleCount} rules: compare answers …`);
    await inTurns(contestants, { kind: "agree", forMs: AGREEING_MS_MOST });
    console.log(`${ruleCount} rules: decide …`);
    await inTurns(contestants, { kind: "warm-up", seconds: effort.warmUpSeconds });
    for (let round = 0; round < effort.rounds; round += 1) {
      await inTurns(contestants, { kind: "throughput", seconds: effort.roundSeconds });
      await inTurns(contestants, { kind: "latency", seconds: effort.roundSeconds });
    }
    const reports = await inTurns(contestants, { kind: "speed" });
    return engines.map(({ name, title, reasons, how }, index) => {
      const [load, fromBuilt, speed] = [costs[index], built[index], reports[index]?.speed];
      if (load === undefined || speed === undefined) throw new Error(`${name} was not measured`);
      const result = { engine: name, title, reasons, how, ruleCount, speed, load };
      return fromBuilt === undefined ? result : { ...result, fromBuilt };
    });
  } finally {
    for (const one of contestants) one.end();
  }
}

async function inTurns(contestants: readonly Contestant[], order: Order): Promise<Report[]> {
  const reports: Report[] = [];
  for (const one of contestants) reports.push(await one.ask(order));
  return reports;
}

async function measureBuilt(
  { name, built }: BenchEngine,
  ruleCount: number,
): Promise<LoadCost | undefined> {
  if (built === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "writ-bench-"));
  const file = join(directory, "built.json");
  writeFileSync(file, built.build(makeWorkload(ruleCount, 0)));
  const contestant = new Contestant(name);
  try {
    return await contestant.load(ruleCount, file);
  } finally {
    contestant.end();
    rmSync(directory, { recursive: true });
  }
}

function publish(results: Results): void {
  writeDocument("docs/benchmarks.md", document(results));
  writeDocument("docs/benchmarks.svg", chart(results));
}
