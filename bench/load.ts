/**
 * How long an engine takes to load and what it holds then, measured in a process of its own:
 * `node --expose-gc bench/load.ts <engine> <rules> [file]`, where `file` is what was built before.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { engineNamed } from "./engines.ts";
import { makeWorkload, type Workload } from "./workload.ts";

export interface LoadCost {
  readonly loadMs: number;
  /** The first of all decisions. */
  readonly firstMs: number;
  /** More than before loading, after deciding the requests once. */
  readonly heapMb: number;
  readonly rssMb: number;
}

/** Deciding the requests once is cut off here: slow engines fill no caches that count. */
const DECIDING_MS_MOST = 2_000;

const TIMEOUT_MS = 60_000;

/** `undefined` when it failed or took longer than a minute. */
export function measureLoad(
  engine: string,
  ruleCount: number,
  built?: string,
): LoadCost | undefined {
  const script = new URL(import.meta.url).pathname;
  const args = ["--expose-gc", script, engine, String(ruleCount), ...(built ? [built] : [])];
  const run = spawnSync(process.execPath, args, { encoding: "utf8", timeout: TIMEOUT_MS });
  if (run.status !== 0) {
    console.error(`  ${engine} did not load ${ruleCount} rules: ${run.stderr.slice(0, 500)}`);
    return undefined;
  }
  return JSON.parse(run.stdout) as LoadCost;
}

if (import.meta.main) {
  const [name = "", rules = "20", built] = process.argv.slice(2);
  console.log(JSON.stringify(await measureHere(name, makeWorkload(Number(rules)), built)));
}

async function measureHere(name: string, workload: Workload, built?: string): Promise<LoadCost> {
  const engine = engineNamed(name);
  const before = memory();
  const start = performance.now();
  const text = built === undefined ? undefined : readFileSync(built, "utf8");
  const loaded = text === undefined ? await engine.load(workload) : await engine.built?.load(text);
  const loadMs = performance.now() - start;
  if (loaded === undefined) throw new Error(`${name} loads nothing that was built`);
  let firstMs = 0;
  const end = performance.now() + DECIDING_MS_MOST;
  for (const request of workload.requests) {
    const prepared = loaded.prepare(request);
    const began = performance.now();
    loaded.decide(prepared);
    if (firstMs === 0) firstMs = performance.now() - began;
    if (performance.now() > end) break;
  }
  const after = memory();
  // Kept until here, or it could be collected before it was counted.
  if (typeof loaded.decide !== "function") throw new Error("unreachable");
  return {
    loadMs,
    firstMs,
    heapMb: (after.heap - before.heap) / 1_048_576,
    rssMb: (after.rss - before.rss) / 1_048_576,
  };
}

function memory(): { readonly heap: number; readonly rss: number } {
  for (let time = 0; time < 3; time += 1) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}
