/**
 * Decides a recorded trace again, call by call, as if each were asked now: the same engine, a clock that the
 * trace sets, and state of its own. What was recorded of the outcomes is what later calls have seen.
 */
import type { Program } from "../lang/ir.ts";
import type { Json } from "../lang/type.ts";
import type { ApprovalFact } from "./approvals/fact.ts";
import { type Decision, denied } from "./decision.ts";
import { createEngine, type DecidingEngine, type MakeDeciding } from "./engine.ts";
import type { Evaluator } from "./evaluate/evaluator.ts";
import type { ModuleRunner } from "./opa/answer.ts";
import { containedModules } from "./opa/programs.ts";
import { type OutcomeReport, readOutcome } from "./outcome-reader.ts";
import { createRequestReader, type RequestReader } from "./request-reader.ts";
import { createMemoryStore } from "./state/memory.ts";
import type { PolicyState } from "./state/store.ts";

export interface ReplayPolicy {
  readonly program: Program;
  readonly digest: string;
  /** Kept between runs: making one takes longer than a short run. */
  readonly evaluator: Evaluator;
  /** Asks imported modules; missing = those of the program, contained. */
  readonly modules?: ModuleRunner | undefined;
  /** Decides in place of the program's rules: Rego alone. */
  readonly engine?: MakeDeciding | undefined;
}

export interface ReplayStep {
  /** As it would stand on the wire. */
  readonly request: Json;
  readonly outcome?: ReplayOutcome;
  /** Milliseconds since the Unix epoch; without it, a second after the step before. */
  readonly atMs?: number;
  readonly approvals?: readonly ApprovalFact[];
  /** The recorded delegation had been verified. */
  readonly verified?: boolean;
}

export interface ReplayOutcome {
  readonly status: "ok" | "error";
  readonly labels?: readonly string[];
  readonly sensitivity?: string;
  readonly values?: Json;
  readonly parts?: Json;
}

export interface Replayed {
  readonly decision: Decision;
  /** What was returned could not be labelled, since the call is none that the policy knows. */
  readonly unseen: boolean;
  /** Why the policy cannot read what was recorded of the outcome, such as a label that it does not declare. */
  readonly unread?: string;
  /** The step tells a time before that of a step before it. No clock does, and it was decided at a later one. */
  readonly early?: true;
}

export interface Replay {
  step(step: ReplayStep): Replayed;
}

/** Where a trace that tells no times begins. */
const BEGIN_MS = Date.UTC(2026, 0, 1);
const STEP_MS = 1_000;

/** State begins empty: one replay for what belongs together. */
export function openReplay({ program, digest, evaluator, ...policy }: ReplayPolicy): Replay {
  const store = createMemoryStore();
  const time = { nowMs: BEGIN_MS - STEP_MS };
  const parts = { ids: countingIds(), clock: () => time.nowMs };
  const modules = () => policy.modules ?? containedModules(program);
  const playing: Playing = {
    program,
    time,
    engine:
      policy.engine?.(parts) ??
      createEngine({ program, digest, evaluator, modules: modules(), store, ...parts }),
    state: store.open(program),
    read: createRequestReader(program),
    remembers: policy.engine === undefined,
    seenCount: 0,
    toldMs: Number.NEGATIVE_INFINITY,
  };
  return { step: (step) => play(step, playing) };
}

interface Playing {
  readonly program: Program;
  readonly time: { nowMs: number };
  readonly engine: DecidingEngine;
  /** The engine's own: tables are found by what they mean. */
  readonly state: PolicyState;
  readonly read: RequestReader;
  /** Rego alone has no labels, nor anything else that outcomes are read for. */
  readonly remembers: boolean;
  seenCount: number;
  /** The latest that a step has told. */
  toldMs: number;
}

/** The same trace gives the same answers, to the letter. */
function countingIds() {
  let count = 0;
  return { decision: () => `d-${++count}`, call: () => `c-${count}` };
}

function play(step: ReplayStep, playing: Playing): Replayed {
  const { atMs = playing.toldMs } = step;
  if (atMs < playing.toldMs) return { ...playNow(step, playing), early: true };
  playing.toldMs = atMs;
  playing.time.nowMs = step.atMs ?? playing.time.nowMs + STEP_MS;
  return playNow(step, playing);
}

function playNow(step: ReplayStep, playing: Playing): Replayed {
  const decision = decide(step, playing);
  const { outcome } = step;
  if (outcome === undefined || !playing.remembers) return { decision, unseen: false };
  const call = decision.call ?? `seen-${++playing.seenCount}`;
  const returned = readOutcome({ ...outcome, call }, playing.program);
  if (!returned.ok) {
    const unread = returned.problems.map(({ at, message }) => `${at} ${message}`).join("; ");
    return { decision, unseen: false, unread };
  }
  if (decision.call === undefined) {
    return { decision, unseen: !witness(step, returned.report, playing) };
  }
  playing.engine.outcome({ call, ...outcome });
  return { decision, unseen: false };
}

function decide(
  { request, approvals, verified }: ReplayStep,
  { engine, program }: Playing,
): Decision {
  const answer = engine.decide(request, {
    ...(approvals === undefined ? {} : { approvals }),
    delegationVerified: verified === true,
  });
  if (answer.kind === "answer") return answer.value;
  const why =
    answer.kind === "malformed"
      ? answer.faults.map(({ at, message }) => `${at} ${message}`).join("; ")
      : answer.because;
  const because = `it is no request: ${why}`;
  const policy = { package: program.package, digest: "" };
  return denied("malformed", { code: "invalid_request", because }, policy);
}

/**
 * A stopped call returns nothing, but when it was recorded it did, and whoever made the next recorded call had
 * read it. So it joins what the session has seen, as a failed call would: nothing is counted. It can only add
 * labels. False where the request cannot be read, and so has no tool that labels could come from.
 */
function witness(step: ReplayStep, returned: OutcomeReport, playing: Playing): boolean {
  const { parts, labels, sensitivity, call } = returned;
  if (parts.length + labels.length === 0 && sensitivity === undefined) return true;
  const { state, time } = playing;
  const reading = playing.read(step.request, { nowMs: time.nowMs, session: state.session });
  if (!reading.ok || reading.sessionId === undefined) return false;
  const { sessionId, request } = reading;
  state.commit({ nowMs: time.nowMs, request, touches: [], sessionId, allowed: { call } });
  const failed = { ...returned, status: "error", nowMs: time.nowMs } as const;
  state.settle(failed, () => () => ({ matches: false }));
  return true;
}
