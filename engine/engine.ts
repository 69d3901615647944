/**
 * The shell around `decide.ts`: reads requests, asks state, commits what a decision leaves behind. One
 * decision runs to its end before the next begins. Whatever goes wrong is a deny.
 */

import type { Program, ToolDecl } from "../lang/ir.ts";
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
import type { ApprovalFact } from "./approvals/fact.ts";
import type { Clock } from "./clock.ts";
import { matchAgain } from "./decide/task.ts";
import { decide, deny, invalid, type Verdict } from "./decide.ts";
import type { Decision, Refused } from "./decision.ts";
import type { Evaluator } from "./evaluate/evaluator.ts";
import { createInterpreter } from "./evaluate/interpret.ts";
import type { Observer } from "./evaluate/interpret-expression.ts";
import { generateEvaluator } from "./evaluate/javascript.ts";
import type { EvidenceSink } from "./evidence.ts";
import { type Foresight, foresee, refusedAhead, untold } from "./foresight.ts";
import type { DelegationRefusal } from "./identity/cause.ts";
import type { VouchedDelegation } from "./identity/vouched.ts";
import type { Ids } from "./ids.ts";
import { createInspection, type Inspection } from "./inspect/inspection.ts";
import type { ModuleAnswers, ModuleRunner } from "./opa/answer.ts";
import { readOutcome } from "./outcome-reader.ts";
import { type Policy, preparePolicy, spellPlace } from "./policy.ts";
import type { AcceptedRequest, RequestContext } from "./request-reader.ts";
import { createMemoryStore } from "./state/memory.ts";
import type { Backfill, Missing } from "./state/past-uses.ts";
import type { Interruption } from "./state/report.ts";
import type { PolicyState, StateStore } from "./state/store.ts";
import { toJson, Unknown } from "./value.ts";

export interface EngineParts {
  readonly program: Program;
  /** Names the policy in every decision, and binds approvals to it. */
  readonly digest: string;
  /** What its maker calls this state of the policy: decisions name it. */
  readonly revision?: string | undefined;
  /** Missing = code generated from the program. */
  readonly evaluator?: Evaluator;
  /** Missing, or a function = one clock for all: milliseconds since the Unix epoch, held where it steps back. */
  readonly clock?: Clock | (() => number) | undefined;
  readonly ids?: Ids;
  /** Missing = in this process, and forgotten with it. */
  readonly store?: StateStore | undefined;
  /** Asks imported modules while deciding. Missing = they say nothing, unless `Vouched` brings their answers. */
  readonly modules?: ModuleRunner | undefined;
  /** Told of every fault that became a deny. */
  readonly onFault?: (fault: unknown) => void;
  /** Told what each answer rests on, before it is given. */
  readonly evidence?: EvidenceSink | undefined;
}

/** What the host vouches for, and no request may say of itself. */
export interface Vouched {
  readonly approvals?: readonly ApprovalFact[];
  /** The id of the one approval that may be used for it, `""` for none; missing = whichever there is of this very request. */
  readonly approval?: string;
  /** The hops that the request asserts are as it says. */
  readonly delegationVerified?: boolean;
  /** What the tokens came to that the request, or what carried it, brought. */
  readonly delegation?: VouchedDelegation;
  /** Somebody or something that the request names was revoked: whatever else is vouched for, it is denied. */
  readonly refused?: DelegationRefusal;
  /** Whether whoever asks carries out obligations of a type; missing = they are told of all, and do. */
  readonly understands?: (type: string) => boolean;
  /** What is done on an allow before it is answered, by whoever asks; gives why it is none after all. */
  readonly conclude?: (allowed: Decision) => Promise<Refused | undefined>;
  /** What imported modules say of this request, asked before: by who cannot be waited for while deciding. */
  readonly modules?: ModuleAnswers;
}

export interface Engine {
  decide(input: unknown, vouched?: Vouched): Answer<Decision>;
  outcome(input: unknown): Answer<OutcomeReceipt>;
  /** What would be decided now; leaves nothing behind, and an allow names no call that can be reported. */
  preview(input: unknown, vouched?: Vouched): Answer<Decision>;
  /**
   * What every call of a tool would be answered now: a request without `tool.args`, and with a `resource` only
   * where calls can have no other (SPEC §12.8). Leaves nothing behind.
   */
  foresee(input: unknown, vouched?: Vouched): Answer<Foresight>;
  /** Every tool that the policy declares, as requests name it. */
  tools(): readonly NamedTool[];
  /** What would be decided now and how it comes about; leaves nothing behind. */
  explain(input: unknown, vouched?: Vouched): Answer<Explanation>;
  readonly sessions: Sessions;
  readonly backfill: Backfill;
  /** What is remembered, for operators to look at. */
  readonly inspection: Inspection;
  readiness(): Readiness;
  /**
   * Makes beforehand what the first requests would wait for: code of policies with hundreds of rules. In short steps,
   * between which others have their turn. Requests may come at any time.
   */
  warmUp(): Promise<void>;
}

/** What decides requests one after the other. */
export type DecidingEngine = Pick<Engine, "decide" | "outcome">;

export type MakeDeciding = (parts: {
  readonly clock: () => number;
  readonly ids: Ids;
}) => DecidingEngine;

export interface NamedTool {
  readonly name: string;
  readonly server?: string;
  readonly digest?: string;
}

export interface Sessions {
  interrupt(id: string, why?: Interruption): void;
  /** Whether it was interrupted. */
  reinstate(id: string): boolean;
  /** Whether the session had the label. */
  declassify(id: string, label: string): boolean;
}

export interface Explanation {
  readonly decision: Decision;
  /** In the order of evaluation: where, and what it came to. */
  readonly steps: readonly ExplainedStep[];
  /** How many came after these: loops may take as many as a decision has (SPEC §5.3). */
  readonly more: number;
}

export interface ExplainedStep {
  readonly at: string;
  readonly expression: string;
  /** As constants of a program hold it (SPEC §11.4): a Decimal in ten-thousandths, a Level by its position. */
  readonly value?: unknown;
  readonly unknown?: string;
}

export function createEngine(parts: EngineParts): Engine {
  const { program } = parts;
  const shell: Shell = {
    ...answeringOf(parts, parts.evaluator ?? generateEvaluator(program)),
    state: (parts.store ?? createMemoryStore()).open(program),
  };
  return {
    decide: (input, vouched = NOTHING_VOUCHED) => answer(input, vouched, shell),
    outcome: (input) => settle(input, shell),
    preview: (input, vouched = NOTHING_VOUCHED) =>
      preview("preview", input, vouched, shell.policy, shell),
    foresee: (input, vouched = NOTHING_VOUCHED) => ahead(input, vouched, shell),
    tools: () => program.tools.map(nameTool),
    explain: (input, vouched = NOTHING_VOUCHED) => explain(input, vouched, shell),
    sessions: {
      interrupt: (id, why = BY_HOST) => shell.state.interrupt(id, shell.now(), why),
      reinstate: (id) => shell.state.reinstate(id),
      declassify: (id, label) => shell.state.declassify(id, label),
    },
    backfill: {
      missing: () => missingFrom(shell),
      since: () => shell.state.late(shell.now()),
      fill: (past) => shell.state.fill(past, shell.now()),
    },
    inspection: createInspection({
      program,
      digest: parts.digest,
      report: shell.state.report,
      now: shell.now,
    }),
    readiness: () => clockReadiness(shell.time()),
    warmUp: () => warmUp(shell),
  };
}

function missingFrom({ state, policy, now }: Shell): Missing | undefined {
  const nowMs = now();
  const late = state.late(nowMs);
  if (late === undefined) return undefined;
  const indices = [...late.counters.keys()];
  const windows = indices.map((index) => policy.program.counters[index]?.windowMs);
  const reaches = windows.map((windowMs) => (windowMs === undefined ? 0 : nowMs - windowMs));
  const latches = state.lacking(nowMs);
  return { fromMs: Math.min(nowMs, ...reaches), counters: new Set(indices), latches };
}

interface Shell extends Answering {
  readonly state: PolicyState;
}

function answer(input: unknown, vouched: Vouched, shell: Shell): Answer<Decision> {
  const asked: Asked = { id: "unnamed", input, vouched, beganMs: beginning(shell) };
  try {
    asked.id = shell.ids.decision();
    asked.time = shell.time();
    const context = contextFor(asked.time, shell.state.session, vouched);
    const reading = shell.read(input, context);
    if (reading.ok) {
      return { kind: "answer", value: decideAndCommit(asked, reading, context, shell) };
    }
    if (reading.kind === "malformed") return { kind: "malformed", faults: reading.problems };
    const decision = invalid(asked.id, reading.problems, shell.policy);
    hand(asked, decision, shell, { problems: reading.problems });
    return { kind: "answer", value: decision };
  } catch (fault) {
    const decision = denyFault(asked.id, fault, shell);
    return { kind: "answer", value: handFaulted(asked, decision, shell) };
  }
}

function decideAndCommit(
  asked: Asked,
  accepted: AcceptedRequest,
  context: RequestContext,
  shell: Shell,
): Decision {
  const { policy, state } = shell;
  const { id, input, vouched } = asked;
  const begun = viewFor(state.begin(scopeOf(accepted, shell)), input, vouched, shell);
  const late = state.late(begun.nowMs);
  const watched = watchedBy(begun, late, shell);
  const view = watched ?? begun;
  const call = shell.ids.call();
  const verdict = decide(policy, accepted, view, inputFor(id, call, asked, context, policy));
  const kept = commit(verdict, accepted, view.nowMs, call, shell);
  if (kept !== "full") {
    const made = kept === "free" ? namedFree(verdict.decision) : verdict.decision;
    const decision = sayingSince(made, late, watched, accepted, policy);
    hand(asked, decision, shell, { accepted, facts: watched });
    return decision;
  }
  const refused = deny(policy, id, "state_unavailable", NO_ROOM);
  commit({ ...verdict, decision: refused }, accepted, view.nowMs, call, shell);
  hand(asked, refused, shell, { accepted });
  return refused;
}

function commit(
  verdict: Verdict,
  accepted: AcceptedRequest,
  nowMs: number,
  call: string,
  { policy, state }: Shell,
): ReturnType<PolicyState["commit"]> {
  return state.commit(effectsOf(verdict, accepted, nowMs, call, policy));
}

function settle(input: unknown, shell: Shell): Answer<OutcomeReceipt> {
  const { policy, state, now } = shell;
  try {
    const reading = readOutcome(input, policy.program);
    if (!reading.ok) return { kind: "malformed", faults: reading.problems };
    const { report } = reading;
    const nowMs = now();
    const settled = state.settle({ ...report, nowMs }, (task) => matchAgain(policy, task));
    return settledAs(settled, report, nowMs, { program: policy.program, evidence: shell.evidence });
  } catch (fault) {
    return notSettled(fault, shell);
  }
}

const STEPS_TOLD = 10_000;

function explain(input: unknown, vouched: Vouched, shell: Shell): Answer<Explanation> {
  const steps: ExplainedStep[] = [];
  let more = 0;
  const { program, identity } = shell.policy;
  const observer: Observer = (expr, value) => {
    if (steps.length >= STEPS_TOLD) {
      more += 1;
      return;
    }
    const at = spellPlace(program, expr.at);
    const came = value instanceof Unknown ? { unknown: value.cause } : { value: toJson(value) };
    steps.push({ at, expression: expr.kind, ...came });
  };
  const watched = preparePolicy(program, identity, createInterpreter(program, observer));
  const answer = preview("explained", input, vouched, watched, shell);
  return answer.kind === "answer"
    ? { kind: "answer", value: { decision: answer.value, steps, more } }
    : answer;
}

function preview(
  id: string,
  input: unknown,
  vouched: Vouched,
  policy: Policy,
  shell: Shell,
): Answer<Decision> {
  try {
    const context = contextFor(shell.time(), shell.state.session, vouched);
    const reading = shell.read(input, context);
    if (!reading.ok) return notRead(id, reading, policy, (denial) => denial);
    const view = viewFor(peek(reading, shell.state, shell), input, vouched, shell);
    const asked = inputFor(id, id, { input, vouched }, context, policy);
    return { kind: "answer", value: decide(policy, reading, view, asked).decision };
  } catch (fault) {
    return { kind: "answer", value: denyFault(id, fault, shell) };
  }
}

function ahead(input: unknown, vouched: Vouched, shell: Shell): Answer<Foresight> {
  const { policy } = shell;
  try {
    const context = contextFor(shell.time(), shell.state.session, vouched);
    const reading = shell.read(input, { ...context, ahead: true });
    if (!reading.ok) return notRead("ahead", reading, policy, refusedAhead);
    const view = peek(reading, shell.state, shell);
    const found = foresee(foreseeing(policy, reading), policy.evaluator, reading, view);
    return { kind: "answer", value: found };
  } catch (fault) {
    return { kind: "answer", value: untold(denyFault("ahead", fault, shell)) };
  }
}

export function nameTool({ wire, server, digest }: ToolDecl): NamedTool {
  return {
    name: wire,
    ...(server === undefined ? {} : { server }),
    ...(digest === undefined ? {} : { digest }),
  };
}
