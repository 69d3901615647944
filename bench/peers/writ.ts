/**
 * Writ, as `engine/engine.ts` puts it together, from a request that has been read to the decision: the view
 * on state is opened and the counter read for each. Nothing is written; `state.ts` measures that.
 */
import { loadBundle, makeBundle, serializeBundle } from "../../engine/bundle.ts";
import { type DecisionInput, decide } from "../../engine/decide.ts";
import type { Decision } from "../../engine/decision.ts";
import type { Evaluator } from "../../engine/evaluate/evaluator.ts";
import { createInterpreter } from "../../engine/evaluate/interpret.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import { preparePolicy } from "../../engine/policy.ts";
import { type AcceptedRequest, createRequestReader } from "../../engine/request-reader.ts";
import { createMemoryStore } from "../../engine/state/memory.ts";
import type { PolicyState } from "../../engine/state/store.ts";
import { compile } from "../../lang/compile.ts";
import type { Program } from "../../lang/ir.ts";
import type { BenchEngine, Loaded } from "../engine.ts";
import type { BenchRequest, Workload } from "../workload.ts";
import { SENSITIVITIES } from "../workload.ts";
import { writSources } from "./writ-text.ts";

/** Counters are filled and requests decided at this time, so that no window moves under a measurement. */
export const NOW_MS = Date.UTC(2026, 0, 2, 12);

export const writ: BenchEngine = writWith({
  name: "writ",
  title: "Writ, generated JavaScript",
  how: "the evaluator that serves",
  evaluator: generateEvaluator,
});

export const writInterpreter: BenchEngine = writWith({
  name: "writ-interpreter",
  title: "Writ, reference interpreter",
  how: "the evaluator that defines the meaning: visits every rule",
  evaluator: (program) => createInterpreter(program),
});

interface Variant {
  readonly name: string;
  readonly title: string;
  readonly how: string;
  readonly evaluator: (program: Program) => Evaluator;
}

function writWith({ evaluator, ...named }: Variant): BenchEngine {
  return {
    ...named,
    reasons: "all rules",
    load: (workload) => {
      const { program, digest } = readBuilt(buildText(workload));
      return ready(program, digest, evaluator(program)).loaded;
    },
    built: {
      build: buildText,
      load: (built) => {
        const { program, digest } = readBuilt(built);
        return ready(program, digest, evaluator(program)).loaded;
      },
    },
  };
}

export function compileWorkload(workload: Workload): Program {
  const { program, diagnostics } = compile({ directory: "bench", files: writSources(workload) });
  if (program === undefined) throw new Error(`the policy is wrong: ${diagnostics[0]?.message}`);
  return program;
}

function buildText(workload: Workload): string {
  return serializeBundle(makeBundle({ program: compileWorkload(workload) }));
}

function readBuilt(built: string): { readonly program: Program; readonly digest: string } {
  const loading = loadBundle(JSON.parse(built));
  if (!loading.ok) throw new Error(loading.why);
  return loading.bundle;
}

export const INPUT: DecisionInput = {
  id: "d-0",
  call: "c-0",
  approvals: [],
  digest: () => "",
};

interface Prepared {
  readonly accepted: AcceptedRequest;
  readonly scope: { readonly nowMs: number; readonly sessionId: string };
}

export function ready(program: Program, digest: string, evaluator = generateEvaluator(program)) {
  const policy = preparePolicy(program, { digest }, evaluator);
  const read = createRequestReader(program);
  const state = createMemoryStore().open(program);
  const begun = new Set<string>();
  const prepare = (request: BenchRequest): Prepared => {
    const reading = read(writRequest(request), { nowMs: NOW_MS, session: state.session });
    if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
    if (!begun.has(request.session)) callBefore(request.calls, reading, evaluator, state);
    begun.add(request.session);
    return { accepted: reading, scope: { nowMs: NOW_MS, sessionId: request.session } };
  };
  const engine: Loaded<Prepared, Decision> = {
    prepare,
    decide: ({ accepted, scope }) => decide(policy, accepted, state.begin(scope), INPUT).decision,
    read: ({ decision, reasons }) => ({
      allowed: decision === "allow",
      reasons: reasons.map(({ rule }) => rule).sort(),
    }),
  };
  return { policy, state, loaded: engine };
}

/** As often as the workload says, the session has made a call that was denied. */
function callBefore(
  count: number,
  { request, sessionId = "" }: AcceptedRequest,
  evaluator: Evaluator,
  state: PolicyState,
): void {
  const touches = evaluator.touches(request, state.begin({ nowMs: NOW_MS, sessionId }));
  for (let call = 0; call < count; call += 1) {
    state.commit({ nowMs: NOW_MS, request, touches, sessionId });
  }
}

/** As a host would send it. */
export function writRequest(request: BenchRequest): object {
  const { agent, tool, amount, resource, session } = request;
  const chain = chainOf(request);
  return {
    agent: { ...agent, clearance: SENSITIVITIES[agent.clearance] },
    principal: { id: "alice", kind: "human" },
    ...(chain.length === 0 ? {} : { delegation: { chain } }),
    tool: { name: tool, args: amount === undefined ? {} : { amount } },
    resource: { ...resource, sensitivity: SENSITIVITIES[resource.sensitivity] },
    session: { id: session },
  };
}

/** From alice through other agents to the one that acts. */
function chainOf({ agent, depth }: BenchRequest): object[] {
  return Array.from({ length: depth }, (_, hop) => ({
    from: hop === 0 ? { id: "alice" } : { id: `relay-${hop}` },
    to: hop === depth - 1 ? { id: agent.id } : { id: `relay-${hop + 1}` },
    scope: [],
  }));
}
