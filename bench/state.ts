/**
 * A decision with two counters read and reserved, in process: opened, decided, committed as `engine.ts` does,
 * on a store that has seen so many calls that it must forget old ones to keep new ones.
 */
import { makeBundle } from "../engine/bundle.ts";
import { decide } from "../engine/decide.ts";
import { createEngine } from "../engine/engine.ts";
import { generateEvaluator } from "../engine/evaluate/javascript.ts";
import { createIds } from "../engine/ids.ts";
import { preparePolicy } from "../engine/policy.ts";
import { type AcceptedRequest, createRequestReader } from "../engine/request-reader.ts";
import { createMemoryStore } from "../engine/state/memory.ts";
import { compile } from "../lang/compile.ts";
import type { Program } from "../lang/ir.ts";

export interface StateSpeed {
  readonly name: string;
  readonly title: string;
  /** Means of batches. */
  readonly p50Us: number;
  readonly p99Us: number;
}

const TEXT = `package state

tool send_money { effect write, args { recipient: String, amount: Decimal } }
counter calls = count allowed per session within 1m
counter spend = sum args.amount of allowed send_money per principal within 24h

permit pay
  agent in group "tellers"
  tool  send_money
  when  calls < 1000000
  when  spend + args.amount <= 900000000.00
`;

const PARTIES = 1_000;
const BATCH = 64;
/** More than the store keeps of calls, so that what is measured goes on for ever. */
const WARM_UP_CALLS = 150_000;
const START_MS = Date.UTC(2026, 0, 2, 12);

export function measureState(seconds: number): readonly StateSpeed[] {
  const { program } = compile({ directory: "state", files: [{ path: "state.writ", text: TEXT }] });
  if (program === undefined) throw new Error("the policy of the state benchmark is wrong");
  return [...measureParts(program, seconds), measureEngine(program, seconds)];
}

function measureParts(program: Program, seconds: number): readonly StateSpeed[] {
  const { digest } = makeBundle({ program });
  const evaluator = generateEvaluator(program);
  const policy = preparePolicy(program, { digest }, evaluator);
  const state = createMemoryStore().open(program);
  const ids = createIds();
  const read = createRequestReader(program);
  const accepted = Array.from({ length: PARTIES }, (_, party) => {
    const reading = read(requestOf(party), { nowMs: START_MS, session: state.session });
    if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
    return reading as AcceptedRequest;
  });
  const time = clock();
  const open: string[] = [];
  let next = 0;
  const decideOne = () => {
    const request = accepted[next++ % PARTIES] as AcceptedRequest;
    const sessionId = request.sessionId ?? "";
    const view = state.begin({ nowMs: time(), sessionId });
    const call = ids.call();
    const input = { id: ids.decision(), call, approvals: [], digest: () => "" };
    const { decision, touches } = decide(policy, request, view, input);
    const kept = state.commit({
      nowMs: view.nowMs,
      request: request.request,
      touches,
      sessionId,
      allowed: { call },
    });
    if (decision.decision !== "allow" || kept !== "ok") throw new Error("a call was refused");
    open.push(call);
  };
  const settleAll = () => {
    for (const call of open) {
      const outcome = { call, nowMs: time(), status: "ok", labels: [], parts: [] } as const;
      if (!state.settle(outcome, neverMatches).ok) throw new Error("a call was not settled");
    }
    open.length = 0;
  };
  for (let call = 0; call < WARM_UP_CALLS; call += BATCH) {
    for (let at = 0; at < BATCH; at += 1) decideOne();
    settleAll();
  }
  const deciding: number[] = [];
  const settling: number[] = [];
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    deciding.push(
      microseconds(() => {
        for (let at = 0; at < BATCH; at += 1) decideOne();
      }),
    );
    settling.push(microseconds(settleAll));
  }
  return [
    {
      name: "state-decide-reserve",
      title: "two counters read and reserved: validated request in, decision out, committed",
      ...spread(deciding),
    },
    { name: "state-settle", title: "the outcome of such a call reported", ...spread(settling) },
  ];
}

/** With the request read and checked, and the outcome reported outside the clock. */
function measureEngine(program: Program, seconds: number): StateSpeed {
  const { digest } = makeBundle({ program });
  const evaluator = generateEvaluator(program);
  const engine = createEngine({ program, digest, evaluator, clock: clock() });
  const requests = Array.from({ length: PARTIES }, (_, party) => requestOf(party));
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
  return {
    name: "state-engine",
    title: "the same through `engine.decide`: JSON value in, read and checked",
    ...spread(times),
  };
}

const neverMatches = () => () => ({ matches: false }) as const;

/** A millisecond for every 16 readings, as on a busy machine. */
function clock(): () => number {
  let readings = 0;
  return () => START_MS + (readings++ >> 4);
}

function requestOf(party: number): object {
  return {
    agent: { id: `spiffe://bank.example/agent/${party}`, groups: ["tellers"] },
    principal: { id: `person-${party}`, kind: "human" },
    tool: { name: "send_money", args: { recipient: "GB29NWBK60161331926819", amount: 12.5 } },
    session: { id: `session-${party}` },
  };
}

function microseconds(run: () => void): number {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start) / 1_000 / BATCH;
}

function spread(times: readonly number[]): { readonly p50Us: number; readonly p99Us: number } {
  const inOrder = times.toSorted((a, b) => a - b);
  const at = (share: number) => inOrder[Math.floor((inOrder.length - 1) * share)] ?? 0;
  return { p50Us: at(0.5), p99Us: at(0.99) };
}

if (import.meta.main) {
  for (const { title, p50Us, p99Us } of measureState(2)) {
    console.log(
      `${p50Us.toFixed(2).padStart(8)} µs  p99 ${p99Us.toFixed(2).padStart(8)} µs  ${title}`,
    );
  }
}
