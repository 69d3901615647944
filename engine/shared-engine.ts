import type { Answer, OutcomeReceipt, Readiness } from "./answer.ts";
import {
  type Answering,
  type Asked,
  answeringOf,
  BY_HOST,
  beginning,
  clockReadiness,
  contextFor,
  denyFault,
  effectsOf,
  foreseeing,
  hand,
  handFaulted,
  inputFor,
  NO_ROOM,
  NOTHING_VOUCHED,
  namedFree,
  notRead,
  notSettled,
  peek,
  sayingSince,
  scopeOf,
  settledAs,
  viewFor,
  warmUp,
  watchedBy,
} from "./answering.ts";
import type { ClockReading } from "./clock.ts";
import { matchAgain } from "./decide/task.ts";
import { decide, deny, invalid, type Verdict } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { type EngineParts, type NamedTool, nameTool, type Vouched } from "./engine.ts";
import { generateEvaluator } from "./evaluate/javascript.ts";
import type { WatchedView } from "./evidence.ts";
import { type Foresight, foresee, refusedAhead, untold } from "./foresight.ts";
import { createInspection, type Inspection } from "./inspect/inspection.ts";
import { readOutcome } from "./outcome-reader.ts";
import type { AcceptedRequest, Reading, RequestContext } from "./request-reader.ts";
import type { Backfill } from "./state/past-uses.ts";
import type { Interruption } from "./state/report.ts";
import type { Attempt, Guess, SharedState, SharedStore } from "./state/shared.ts";
import type { Effects, Late } from "./state/store.ts";
import type { Problem } from "./value-reader.ts";

export interface SharedEngineParts extends Omit<EngineParts, "store"> {
  readonly store: SharedStore;
}

export interface SharedEngine {
  decide(input: unknown, vouched?: Vouched): Promise<Answer<Decision>>;
  outcome(input: unknown): Promise<Answer<OutcomeReceipt>>;
  /** As `Engine.preview` and `Engine.foresee`. */
  preview(input: unknown, vouched?: Vouched): Promise<Answer<Decision>>;
  foresee(input: unknown, vouched?: Vouched): Promise<Answer<Foresight>>;
  tools(): readonly NamedTool[];
  readonly sessions: SharedSessions;
  readonly backfill: Backfill;
  readonly inspection: Inspection;
  readiness(): Readiness;
  /** As `Engine.warmUp`. */
  warmUp(): Promise<void>;
}

export interface SharedSessions {
  interrupt(id: string, why?: Interruption): Promise<void>;
  /** Whether it was interrupted. */
  reinstate(id: string): Promise<boolean>;
  /** Whether the session had the label. */
  declassify(id: string, label: string): Promise<boolean>;
}

interface Shell extends Answering {
  readonly state: SharedState;
}

function readinessOf(store: SharedStore, time: ClockReading): Readiness {
  const clock = clockReadiness(time);
  return clock.ready ? store.readiness() : clock;
}

export function createSharedEngine(parts: SharedEngineParts): SharedEngine {
  const { program, store } = parts;
  const evaluator = parts.evaluator ?? generateEvaluator(program);
  const state = store.open({ program, digest: parts.digest, evaluator });
  const shell: Shell = { ...answeringOf(parts, state.evaluator), state };
  const { now } = shell;
  return {
    decide: (input, vouched = NOTHING_VOUCHED) => answer(input, vouched, shell),
    outcome: (input) => settle(input, shell),
    preview: (input, vouched = NOTHING_VOUCHED) => preview(input, vouched, shell),
    foresee: (input, vouched = NOTHING_VOUCHED) => ahead(input, vouched, shell),
    tools: () => program.tools.map(nameTool),
    sessions: {
      interrupt: (id, why = BY_HOST) => state.interrupt(id, now(), why),
      reinstate: (id) => state.reinstate(id),
      declassify: (id, label) => state.declassify(id, label),
    },
    backfill: {
      missing: () => state.missing(now()),
      since: () => state.late(now()),
      fill: (past) => state.fill(past, now()),
    },
    inspection: createInspection({ program, digest: parts.digest, report: state.report, now }),
    readiness: () => readinessOf(store, shell.time()),
    warmUp: () => warmUp(shell),
  };
}

async function answer(input: unknown, vouched: Vouched, shell: Shell): Promise<Answer<Decision>> {
  const asked: Asked = { id: "unnamed", input, vouched, beganMs: beginning(shell) };
  try {
    asked.id = shell.ids.decision();
    const time = shell.time();
    asked.time = time;
    const call = shell.ids.call();
    const decided = (guess: Guess) => decideOn(guess, time, asked, call, shell);
    const { made, result } = await shell.state.attempt(decided);
    if (made.kind !== "decided") {
      if (made.kind === "malformed") return { kind: "malformed", faults: made.problems };
      return refuseInvalid(asked, made.problems, shell);
    }
    const { verdict, accepted, watched } = made;
    if (result === "full" && verdict.decision.decision === "allow") {
      return await refuseFull(asked, decided, call, shell);
    }
    if (result === "full") return noRoom(asked, accepted, shell);
    const decision = result === "free" ? namedFree(verdict.decision) : verdict.decision;
    hand(asked, decision, shell, { accepted, facts: watched });
    return { kind: "answer", value: decision };
  } catch (fault) {
    return { kind: "answer", value: handFaulted(asked, denyFault(asked.id, fault, shell), shell) };
  }
}

type Made = NotDecided | Decided;

interface NotDecided extends Attempt {
  readonly kind: Extract<Reading, { ok: false }>["kind"];
  readonly problems: readonly Problem[];
}

interface Decided extends Attempt {
  readonly kind: "decided";
  readonly accepted: AcceptedRequest;
  readonly verdict: Verdict;
  readonly nowMs: number;
  readonly watched: WatchedView | undefined;
}

function decideOn(
  guess: Guess,
  time: ClockReading,
  asked: Asked,
  call: string,
  shell: Shell,
): Made {
  const { policy, state } = shell;
  const { id, input, vouched } = asked;
  const context = contextOn(guess, time, vouched);
  const reading = shell.read(input, context);
  if (!reading.ok) return reading;
  let watched: WatchedView | undefined;
  let late: Late | undefined;
  const view = guess.begin(scopeOf(reading, shell), (begun) => {
    const whole = viewFor(begun, input, vouched, shell);
    late = state.late(begun.nowMs);
    watched = watchedBy(whole, late, shell);
    return watched ?? whole;
  });
  const decided = decide(policy, reading, view, inputFor(id, call, asked, context, policy));
  const decision = sayingSince(decided.decision, late, watched, reading, policy);
  const verdict = { ...decided, decision };
  const effects = effectsOf(verdict, reading, view.nowMs, call, policy);
  return { kind: "decided", accepted: reading, verdict, effects, nowMs: view.nowMs, watched };
}

function contextOn(guess: Guess, time: ClockReading, vouched: Vouched): RequestContext {
  return contextFor(time, (id) => guess.session(id), vouched);
}

function refuseInvalid(asked: Asked, problems: readonly Problem[], shell: Shell): Answer<Decision> {
  const decision = invalid(asked.id, problems, shell.policy);
  hand(asked, decision, shell, { problems });
  return { kind: "answer", value: decision };
}

/** Nothing of the allow was kept: it is still counted as an attempt, on whatever state there is by now. */
async function refuseFull(
  asked: Asked,
  decided: (guess: Guess) => Made,
  call: string,
  shell: Shell,
): Promise<Answer<Decision>> {
  const { policy, state } = shell;
  const refused = deny(policy, asked.id, "state_unavailable", NO_ROOM);
  const { made } = await state.attempt((guess) => {
    const again = decided(guess);
    if (again.kind !== "decided") return again;
    const { accepted, nowMs } = again;
    const verdict = { ...again.verdict, decision: refused };
    return { ...again, effects: effectsOf(verdict, accepted, nowMs, call, policy) };
  });
  return noRoom(asked, made.kind === "decided" ? made.accepted : undefined, shell);
}

/** A denial that ends a session for which there is no room is counted by then, as every denial is. */
function noRoom(
  asked: Asked,
  accepted: AcceptedRequest | undefined,
  shell: Shell,
): Answer<Decision> {
  const refused = deny(shell.policy, asked.id, "state_unavailable", NO_ROOM);
  hand(asked, refused, shell, { accepted });
  return { kind: "answer", value: refused };
}

async function settle(input: unknown, shell: Shell): Promise<Answer<OutcomeReceipt>> {
  const { policy, state, now } = shell;
  try {
    const reading = readOutcome(input, policy.program);
    if (!reading.ok) return { kind: "malformed", faults: reading.problems };
    const { report } = reading;
    const nowMs = now();
    const settled = await state.settle({ ...report, nowMs }, (task) => matchAgain(policy, task));
    return settledAs(settled, report, nowMs, { program: policy.program, evidence: shell.evidence });
  } catch (fault) {
    return notSettled(fault, shell);
  }
}

// ── Asked ahead: nothing is kept ───────────────────────────────────────────────────────────────────────────

async function preview(input: unknown, vouched: Vouched, shell: Shell): Promise<Answer<Decision>> {
  const { policy, state } = shell;
  try {
    const time = shell.time();
    const { answer } = await state.look((guess) => {
      const context = contextOn(guess, time, vouched);
      const reading = shell.read(input, context);
      if (!reading.ok) return { answer: notRead("preview", reading, policy, (denial) => denial) };
      const view = viewFor(peek(reading, guess, shell), input, vouched, shell);
      const asked = inputFor("preview", "preview", { input, vouched }, context, policy);
      const { decision } = decide(policy, reading, view, asked);
      const value: Answer<Decision> = { kind: "answer", value: decision };
      return { answer: value, effects: nothingOf(reading, view.nowMs) };
    });
    return answer;
  } catch (fault) {
    return { kind: "answer", value: denyFault("preview", fault, shell) };
  }
}

async function ahead(input: unknown, vouched: Vouched, shell: Shell): Promise<Answer<Foresight>> {
  const { policy, state } = shell;
  try {
    const time = shell.time();
    const { answer } = await state.look((guess) => {
      const context = { ...contextOn(guess, time, vouched), ahead: true };
      const reading = shell.read(input, context);
      if (!reading.ok) return { answer: notRead("preview", reading, policy, refusedAhead) };
      const view = peek(reading, guess, shell);
      const found = foresee(foreseeing(policy, reading), policy.evaluator, reading, view);
      const value: Answer<Foresight> = { kind: "answer", value: found };
      return { answer: value, effects: nothingOf(reading, view.nowMs) };
    });
    return answer;
  } catch (fault) {
    return { kind: "answer", value: untold(denyFault("ahead", fault, shell)) };
  }
}

/** That a session was looked at must still be checked. */
function nothingOf({ request, sessionId }: AcceptedRequest, nowMs: number): Effects {
  return { nowMs, request, sessionId, touches: [] };
}
