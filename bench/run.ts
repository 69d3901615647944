/**
 * `npm run bench`: every engine on one policy and the same requests, at four sizes, in one run. `--quick` takes
 * less than a minute and writes nothing; `--no-write` runs in full and writes nothing; `--sizes 20,1000` and
 * `--engines writ,cel` choose.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { disagreement } from "./agree.ts";
import type { BenchEngine } from "./engine.ts";
import { ENGINES, enginesFor } from "./engines.ts";
import { measureLoad } from "./load.ts";
import { type Contestant, contestant, type Effort, measureAll } from "./measure.ts";
import { chart } from "./report/chart.ts";
import { document, summary } from "./report/table.ts";
import type { Result, Results } from "./results.ts";
import { measureState } from "./state.ts";
import { makeWorkload, type Workload } from "./workload.ts";

const FULL = {
  sizes: [20, 100, 1_000, 10_000],
  warmUpSeconds: 0.4,
  rounds: 3,
  roundSeconds: 0.25,
  stateSeconds: 3,
};
const QUICK = {
  sizes: [20, 1_000],
  warmUpSeconds: 0.2,
  rounds: 1,
  roundSeconds: 0.1,
  stateSeconds: 0.5,
};

/** Answers of slow engines are compared for so long, of all others to the last request. */
const AGREEING_MS_MOST = 4_000;

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    "no-write": { type: "boolean", default: false },
    sizes: { type: "string" },
    engines: { type: "string" },
  },
});

await main();

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
  console.log("state …");
  const results: Results = {
    machine: machineFacts(),
    measured,
    state: measureState(effort.stateSeconds),
    seconds: Math.round((performance.now() - started) / 1_000),
  };
  console.log(`\n${summary(results)}`);
  const isComplete = options.sizes === undefined && options.engines === undefined;
  if (isComplete && !options.quick && !options["no-write"]) write(results);
}

async function measureSize(
  ruleCount: number,
  engines: readonly BenchEngine[],
  effort: Effort,
): Promise<Result[]> {
  const workload = makeWorkload(ruleCount);
  console.log(`${ruleCount} rules: load …`);
  const costs = new Map(engines.map((engine) => [engine.name, loadCosts(engine, workload)]));
  console.log(`${ruleCount} rules: compare answers …`);
  const contestants: Contestant[] = [];
  for (const engine of engines) contestants.push(await agreeing(engine, workload));
  console.log(`${ruleCount} rules: decide …`);
  const speeds = measureAll(contestants, effort);
  return contestants.map(({ engine }, index) => {
    const speed = speeds[index];
    if (speed === undefined) throw new Error("an engine was not measured");
    const { name, title, reasons, how } = engine;
    return { engine: name, title, reasons, how, ruleCount, speed, ...costs.get(name) };
  });
}

function loadCosts(engine: BenchEngine, workload: Workload): Pick<Result, "load" | "fromBuilt"> {
  const ruleCount = workload.rules.length;
  const load = measureLoad(engine.name, ruleCount);
  const fromBuilt =
    engine.built && measureBuilt(engine.name, engine.built.build(workload), ruleCount);
  return { ...(load && { load }), ...(fromBuilt && { fromBuilt }) };
}

function measureBuilt(engine: string, text: string, ruleCount: number): Result["fromBuilt"] {
  const directory = mkdtempSync(join(tmpdir(), "writ-bench-"));
  const file = join(directory, "built.json");
  writeFileSync(file, text);
  const cost = measureLoad(engine, ruleCount, file);
  rmSync(directory, { recursive: true });
  return cost;
}

/** Loaded here, and its answers found equal to what the policy means. */
async function agreeing(engine: BenchEngine, workload: Workload): Promise<Contestant> {
  const loaded = await engine.load(workload);
  const wrong = disagreement(loaded, workload, performance.now() + AGREEING_MS_MOST);
  if (wrong !== undefined) throw new Error(`${engine.name} disagrees at ${wrong}`);
  const prepared = workload.requests.map((request) => loaded.prepare(request));
  return contestant(engine, loaded, prepared);
}

function machineFacts(): Results["machine"] {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1_073_741_824),
    node: process.version,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
  };
}

function write(results: Results): void {
  const root = new URL("../", import.meta.url);
  mkdirSync(new URL("bench/results", root), { recursive: true });
  writeFileSync(
    new URL("bench/results/latest.json", root),
    `${JSON.stringify(results, null, 2)}\n`,
  );
  mkdirSync(new URL("docs", root), { recursive: true });
  writeFileSync(new URL("docs/benchmarks.md", root), document(results));
  writeFileSync(new URL("docs/benchmarks.svg", root), chart(results));
  console.log("written: bench/results/latest.json, docs/benchmarks.md, docs/benchmarks.svg");
}
