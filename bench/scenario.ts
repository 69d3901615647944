/**
 * One scenario for a while, in a process of its own: `node bench/scenario.ts <name> <rules> <seconds>` prints
 * nanoseconds. `compare.ts` runs it against two revisions.
 */
import { engineNamed } from "./engines.ts";
import { loopOver } from "./measure.ts";
import { compileWorkload } from "./peers/writ.ts";
import { quantile } from "./quantile.ts";
import { measureState } from "./state.ts";
import { makeWorkload } from "./workload.ts";

export const SCENARIOS = {
  /** A decision, as `peers/writ.ts` makes it. */
  decide: (rules: number, seconds: number) => decideNs("writ", rules, seconds),
  interpret: (rules: number, seconds: number) => decideNs("writ-interpreter", rules, seconds),
  /** A decision that reads and reserves two counters. */
  reserve: async (_: number, seconds: number) => stateNs("state-decide-reserve", seconds),
  /** From a JSON value, as `engine.decide` makes it. */
  engine: async (_: number, seconds: number) => stateNs("state-engine", seconds),
  /** From text to IR. */
  compile: async (rules: number, seconds: number) => compileNs(rules, seconds),
} as const satisfies Record<string, (rules: number, seconds: number) => Promise<number>>;

export type Scenario = keyof typeof SCENARIOS;

export function isScenario(name: string): name is Scenario {
  return Object.hasOwn(SCENARIOS, name);
}

if (import.meta.main) {
  const [name = "", rules = "20", seconds = "1"] = process.argv.slice(2);
  if (!isScenario(name)) throw new Error(`there is no scenario \`${name}\``);
  console.log(await SCENARIOS[name](Number(rules), Number(seconds)));
}

/** The first half warms up. */
async function decideNs(engine: string, rules: number, seconds: number): Promise<number> {
  const workload = makeWorkload(rules);
  const loaded = await engineNamed(engine).load(workload);
  const prepared = workload.requests.map((request) => loaded.prepare(request));
  const loop = loopOver((one) => loaded.decide(one));
  const pass = (): number => nanoseconds(() => loop(prepared)) / prepared.length;
  repeat(pass, seconds / 2);
  return quantile(repeat(pass, seconds / 2), 0.5);
}

function stateNs(name: string, seconds: number): number {
  const found = measureState(seconds).find((one) => one.name === name);
  return (found?.p50Us ?? Number.NaN) * 1_000;
}

function compileNs(rules: number, seconds: number): number {
  const workload = makeWorkload(rules, 0);
  const pass = (): number => nanoseconds(() => compileWorkload(workload));
  repeat(pass, seconds / 2);
  return quantile(repeat(pass, seconds / 2), 0.5);
}

function repeat(pass: () => number, seconds: number): number[] {
  const end = performance.now() + seconds * 1_000;
  const times: number[] = [];
  do times.push(pass());
  while (performance.now() < end);
  return times;
}

function nanoseconds(run: () => void): number {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start);
}
