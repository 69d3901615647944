/** Where the time of one decision goes: its steps one by one, on the workload and the requests of the comparison. */
import { execFileSync } from "node:child_process";
import { decide } from "../engine/decide.ts";
import { createRequestReader } from "../engine/request-reader.ts";
import { Timer } from "./measure.ts";
import { compileWorkload, INPUT, NOW_MS, ready, writRequest } from "./peers/writ.ts";
import { makeWorkload } from "./workload.ts";

/** Nanoseconds of one decision; each is the median of short samples. */
export interface PartTimes {
  readonly ruleCount: number;
  readonly view: number;
  readonly touches: number;
  readonly rules: number;
  /** What is left of the whole: effects combined, reasons looked up, the decision and its verdict made. */
  readonly combine: number;
  readonly whole: number;
  /** Before it: a parsed JSON value to a validated request. */
  readonly reading: number;
}

const REQUESTS = 200;

/** In a process of its own: sizes measured in one would share what V8 has learnt. */
export function partsAlone(ruleCount: number, seconds: number): PartTimes {
  const args = [import.meta.filename, String(ruleCount), String(seconds)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as PartTimes;
}

function measureParts(ruleCount: number, seconds: number): PartTimes {
  const workload = makeWorkload(ruleCount, REQUESTS);
  const program = compileWorkload(workload);
  const { policy, state, loaded } = ready(program, "");
  const read = createRequestReader(program);
  const prepared = workload.requests.map(loaded.prepare);
  const views = prepared.map(({ accepted, scope }) => ({ accepted, view: state.begin(scope) }));
  const bodies = workload.requests.map(writRequest);
  const context = { nowMs: NOW_MS, session: state.session };
  const time = <Input>(run: (input: Input) => unknown, inputs: readonly Input[]): number => {
    const timer = new Timer(run as (input: unknown) => unknown, inputs);
    timer.warmUp(seconds);
    timer.throughput(seconds);
    return 1e9 / timer.speed().perSecond;
  };
  const { evaluator } = policy;
  const view = time(({ scope }) => state.begin(scope), prepared);
  const touches = time((one) => evaluator.touches(one.accepted.request, one.view), views);
  const rules = time((one) => evaluator.rules(one.accepted.request, one.view), views);
  const whole = time(
    ({ accepted, scope }) => decide(policy, accepted, state.begin(scope), INPUT),
    prepared,
  );
  const reading = time((body) => read(body, context), bodies);
  const combine = Math.max(0, whole - view - touches - rules);
  return { ruleCount, view, touches, rules, combine, whole, reading };
}

if (import.meta.main) {
  const [ruleCount = 20, seconds = 0.5] = process.argv.slice(2).map(Number);
  console.log(JSON.stringify(measureParts(ruleCount, seconds)));
}
