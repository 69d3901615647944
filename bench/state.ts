/**
 * Decisions with state, in process: opened, decided, committed as `engine.ts` does, on a store that has seen so many
 * calls that it must forget old ones to keep new ones. With two counters read and reserved, and with a latch and a
 * task's sequence as well.
 */
import { effectsOf } from "../engine/answering.ts";
import { makeBundle } from "../engine/bundle.ts";
import { matchOf } from "../engine/decide/task.ts";
import { decide } from "../engine/decide.ts";
import { createEngine } from "../engine/engine.ts";
import { generateEvaluator } from "../engine/evaluate/javascript.ts";
import { createIds } from "../engine/ids.ts";
import { preparePolicy } from "../engine/policy.ts";
import { type AcceptedRequest, createRequestReader } from "../engine/request-reader.ts";
import { createMemoryStore } from "../engine/state/memory.ts";
import type { Program } from "../lang/ir.ts";
import { quantile } from "./quantile.ts";
import { COUNTERS_ALONE, IN_TASK, PARTIES, paymentOf, programFrom, STATEFUL } from "./stateful.ts";

export interface StateSpeed {
  readonly name: string;
  readonly title: string;
  /** Means of batches. */
  readonly p50Us: number;
  readonly p99Us: number;
}

const BATCH = 64;
/** More than the store keeps of calls, so that what is measured goes on for ever. */
const WARM_UP_CALLS = 150_000;
const START_MS = Date.UTC(2026, 0, 2, 12);

export function measureState(seconds: number): readonly StateSpeed[] {
  const counters = programFrom(COUNTERS_ALONE);
  const all = programFrom(STATEFUL);
  return [
    ...measureParts(counters, seconds, {
      decide: {
        name: "state-decide-reserve",
        title: "two counters read and reserved: validated request in, decision out, committed",
      },
      settle: { name: "state-settle", title: "the outcome of such a call reported" },
    }),
    {
      name: "state-engine",
      title: "the same through `engine.decide`: JSON value in, read and checked",
      ...measureEngine(counters, {}, seconds),
    },
    ...measureParts(all, seconds, {
      more: IN_TASK,
      decide: {
        name: "state-all-decide",
        title:
          "two counters, a latch and a sequence: validated request in, decision out, committed",
      },
      settle: { name: "state-all-settle", title: "the outcome of such a call reported" },
    }),
    {
      name: "state-all-engine",
      title: "the same through `engine.decide`",
      ...measureEngine(all, IN_TASK, seconds),
    },
  ];
}

interface Case {
  /** Members of requests besides those that all have. */
  readonly more?: object;
  readonly decide: Pick<StateSpeed, "name" | "title">;
  readonly settle: Pick<StateSpeed, "name" | "title">;
}

function measureParts(
  program: Program,
  seconds: number,
  { more = {}, decide: deciding, settle: settling }: Case,
): readonly StateSpeed[] {
  const { digest } = makeBundle({ program });
  const evaluator = generateEvaluator(program);
  const policy = preparePolicy(program, { digest }, evaluator);
  const state = createMemoryStore().open(program);
  const ids = createIds();
  const read = createRequestReader(program);
  const task = "intent" in more ? 0 : undefined;
  const accepted = Array.from({ length: PARTIES }, (_, party) => {
    const reading = read(paymentOf(party, more), { nowMs: START_MS, session: state.session });
    if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
    return reading as AcceptedRequest;
  });
  const time = clock();
  const match = (index: number) => matchOf(policy, index);
  const open: string[] = [];
  let next = 0;
  const decideOne = () => {
    const request = accepted[next++ % PARTIES] as AcceptedRequest;
    const sessionId = request.sessionId ?? "";
    const view = state.begin({ nowMs: time(), sessionId, task });
    const call = ids.call();
    const input = { id: ids.decision(), call, approvals: [], digest: () => "" };
    const verdict = decide(policy, request, view, input);
    const kept = state.commit(effectsOf(verdict, request, view.nowMs, call, policy));
    if (verdict.decision.decision !== "allow" || kept !== "ok") {
      throw new Error(`a call was refused: ${JSON.stringify(verdict.decision)}`);
    }
    open.push(call);
  };
  const settleAll = () => {
    for (const call of open) {
      const outcome = { call, nowMs: time(), status: "ok", labels: [], parts: [] } as const;
      if (!state.settle(outcome, match).ok) throw new Error("a call was not settled");
    }
    open.length = 0;
  };
  for (let call = 0; call < WARM_UP_CALLS; call += BATCH) {
    for (let at = 0; at < BATCH; at += 1) decideOne();
    settleAll();
  }
  const decided: number[] = [];
  const settled: number[] = [];
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    decided.push(
      microseconds(() => {
        for (let at = 0; at < BATCH; at += 1) decideOne();
      }),
    );
    settled.push(microseconds(settleAll));
  }
  return [
    { ...deciding, ...spread(decided) },
    { ...settling, ...spread(settled) },
  ];
}

/** With the request read and checked, and the outcome reported outside the clock. */
function measureEngine(
  program: Program,
  more: object,
  seconds: number,
): Pick<StateSpeed, "p50Us" | "p99Us"> {
  const { digest } = makeBundle({ program });
  const evaluator = generateEvaluator(program);
  const engine = createEngine({ program, digest, evaluator, clock: clock() });
  const requests = Array.from({ length: PARTIES }, (_, party) => paymentOf(party, more));
  const open: string[] = [];
  const times: number[] = [];
  let next = 0;
  const decideBatch = () => {
    for (let at = 0; at < BATCH; at += 1) {
      const answer = engine.decide(requests[next++ % PARTIES]);
      if (answer.kind !== "answer" || answer.value.call === undefined) {
        throw new Error(`a call was refused: ${JSON.stringify(answer)}`);
      }
      open.push(answer.value.call);
    }
  };
  const run = (): number => {
    const took = microseconds(decideBatch);
    for (const call of open) engine.outcome({ call, status: "ok" });
    open.length = 0;
    return took;
  };
  for (let call = 0; call < WARM_UP_CALLS; call += BATCH) run();
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) times.push(run());
  return spread(times);
}

/** A millisecond for every 16 readings, as on a busy machine. */
function clock(): () => number {
  let readings = 0;
  return () => START_MS + (readings++ >> 4);
}

function microseconds(run: () => void): number {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start) / 1_000 / BATCH;
}

function spread(times: readonly number[]): { readonly p50Us: number; readonly p99Us: number } {
  return { p50Us: quantile(times, 0.5), p99Us: quantile(times, 0.99) };
}

if (import.meta.main) {
  const measured = measureState(2);
  if (process.argv.includes("--json")) console.log(JSON.stringify(measured, null, 2));
  else
    for (const { title, p50Us, p99Us } of measured) {
      console.log(
        `${p50Us.toFixed(2).padStart(8)} µs  p99 ${p99Us.toFixed(2).padStart(8)} µs  ${title}`,
      );
    }
}
