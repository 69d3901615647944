/**
 * The decision (SPEC §6): policy + request + facts → allow, deny or hold. Pure: the same always gives the
 * same, so that any decision can be made again from its record. What it leaves behind is the caller's to do.
 */
import type { LimitDecl, SequenceDecl, TaskDecl } from "../lang/ir.ts";
import { DECISION_STEPS_MAX } from "../lang/limits.ts";
import { spellTime } from "../lang/scalar/time.ts";
import { type ApprovalFact, idsOf, isMet, type Wanted } from "./approvals/fact.ts";
import type {
  ApprovalRequest,
  BegunTask,
  Decision,
  DenyCode,
  EvaluationError,
  GivenObligation,
  Reason,
} from "./decision.ts";
import type { Hit, RuleResults, Touch } from "./evaluate/evaluator.ts";
import { NO_FACTS } from "./facts.ts";
import type { DelegationCause } from "./identity/cause.ts";
import { type Named, type Policy, spellPlace } from "./policy.ts";
import type { DecisionRequest } from "./request.ts";
import type { AcceptedRequest } from "./request-reader.ts";
import { type KeptSequence, sequenceIn } from "./state/past.ts";
import {
  type Judgement,
  judge,
  type Match,
  NOT_BEGUN,
  type Progress,
  take,
} from "./state/sequence.ts";
import type { StateView, TaskState } from "./state/store.ts";
import { isList, type RecordValue, Unknown } from "./value.ts";
import type { Problem } from "./value-reader.ts";

/** What a decision needs beside policy, request and facts. */
export interface DecisionInput {
  readonly id: string;
  /** Names the call, should it be allowed. */
  readonly call: string;
  readonly approvals: readonly ApprovalFact[];
  /** Of the exact request; asked for only where approval is. */
  digest(): string;
  /**
   * The request as the policy of a task in flight reads it, and what matches its steps; nothing where that policy
   * does not know it. Missing where no task can have begun under another policy.
   */
  under?(past: KeptSequence): CallInSequence | undefined;
}

/** A call in the terms of a sequence. */
export interface CallInSequence {
  readonly request: DecisionRequest;
  readonly match: Match;
}

export interface Verdict {
  readonly decision: Decision;
  /** What the request is counted by, whatever the answer. */
  readonly touches: readonly Touch[];
  readonly interrupt: boolean;
  /** Where the task stands with this call; only where it is allowed and names one. */
  readonly task: { readonly index: number; readonly state: TaskState } | undefined;
}

const HOLD_MS = 15 * 60_000;

/** What could not be decided in the steps there are is denied, whatever was found until then (SPEC §5.3). */
export function decide(
  policy: Policy,
  accepted: AcceptedRequest,
  view: StateView,
  input: DecisionInput,
): Verdict {
  const { fuel } = policy.evaluator;
  fuel.begin();
  const verdict = decideInOrder(policy, accepted, view, input);
  if (!fuel.isSpent || isCertainDenial(verdict)) return verdict;
  return refuse(SPENT, policy, input, verdict.touches);
}

const SPENT: Refusal = {
  code: "indeterminate",
  because: `deciding takes more than ${DECISION_STEPS_MAX} steps (DECISION_STEPS_MAX)`,
};

function isCertainDenial({ decision: { decision, code } }: Verdict): boolean {
  return decision === "deny" && code !== "indeterminate";
}

/** In the order of SPEC §6.2; the first that speaks decides. */
function decideInOrder(
  policy: Policy,
  accepted: AcceptedRequest,
  view: StateView,
  input: DecisionInput,
): Verdict {
  const { request } = accepted;
  const touches = policy.evaluator.touches(request, view);
  if (request.roots.session?.status === "interrupted") {
    return refuse(INTERRUPTED, policy, input, touches);
  }
  if (accepted.delegationProblem !== undefined) {
    const { code, cause, why } = accepted.delegationProblem;
    return refuse({ code, cause, because: why }, policy, input, touches);
  }
  const rules = policy.evaluator.rules(request, view);
  if (rules.forbids.length > 0) {
    return refuse(forbiddenBy(rules, policy, request), policy, input, touches, rules);
  }
  const task = taskOf(policy, accepted, view, touches, input);
  const verdict = decideInTask(policy, accepted, view, input, touches, rules, task);
  if (task.begun === undefined) return verdict;
  return { ...verdict, decision: { ...verdict.decision, task: task.begun } };
}

function decideInTask(
  policy: Policy,
  { request }: AcceptedRequest,
  view: StateView,
  input: DecisionInput,
  touches: readonly Touch[],
  rules: RuleResults,
  task: TaskStanding,
): Verdict {
  if (task.refusal !== undefined) return refuse(task.refusal, policy, input, touches, rules);
  const permits = certainOf(rules.permits, rules);
  if (permits.length === 0) {
    return refuse(notPermitted(policy, rules.permits), policy, input, touches, rules);
  }
  const nevers = policy.evaluator.nevers(request, view);
  if (nevers.length > 0) {
    return refuse(brokenInvariants(policy, nevers), policy, input, touches, rules, nevers);
  }
  const uncounted = uncountable(policy, touches);
  if (uncounted !== undefined) return refuse(uncounted, policy, input, touches, rules);
  const holding = holdsOf(policy, rules.holds, request, view, input);
  if (holding.refusal !== undefined) return refuse(holding.refusal, policy, input, touches, rules);
  if (holding.by.length > 0) {
    const decision = hold(policy, rules, holding, request, view, input);
    return { decision, touches, interrupt: false, task: undefined };
  }
  return allow(policy, rules, permits, holding.reasons, input, touches, task, view);
}

/** Not one object of parameters: it would be made for every decision, refused or not. */
function refuse(
  refusal: Refusal,
  policy: Policy,
  { id }: DecisionInput,
  touches: readonly Touch[],
  rules?: RuleResults,
  nevers?: readonly Hit[],
): Verdict {
  const decision = denial(policy, id, refusal, errorsOf(policy, rules, nevers));
  return { decision, touches, interrupt: refusal.interrupt === true, task: undefined };
}

/** A denial that no rule was asked for, or that came of what happened after. */
export function deny(policy: Policy, id: string, code: DenyCode, because: string): Decision {
  return denial(policy, id, { code, because }, NO_ERRORS);
}

/** The denial of a request that the policy does not know how to read: the first of what is wrong with it. */
export function invalid(id: string, problems: readonly Problem[], policy: Policy): Decision {
  const shown = problems.slice(0, SHOWN_PROBLEMS).map(({ at, message }) => `${at} ${message}`);
  const more = problems.length - shown.length;
  if (more > 0) shown.push(`and ${more} more`);
  return deny(policy, id, "invalid_request", shown.join("; "));
}

const SHOWN_PROBLEMS = 5;

interface Refusal {
  readonly code: DenyCode;
  readonly cause?: DelegationCause | undefined;
  readonly because?: string | undefined;
  readonly reasons?: readonly Reason[];
  readonly next?: readonly string[];
  readonly interrupt?: boolean;
}

const NO_REASONS: readonly Reason[] = Object.freeze([]);
const NO_ERRORS: readonly EvaluationError[] = Object.freeze([]);
const NO_OBLIGATIONS: readonly GivenObligation[] = Object.freeze([]);

/** Of sessions that operators or rules ended. */
export const INTERRUPTED = {
  code: "session_interrupted",
  because: "the session was ended and has not been reinstated",
} as const satisfies Refusal;

/** The one place where allow is made. */
function allow(
  policy: Policy,
  rules: RuleResults,
  permits: readonly Hit[],
  approved: readonly Reason[],
  { id, call }: DecisionInput,
  touches: readonly Touch[],
  task: TaskStanding,
  { nowMs }: StateView,
): Verdict {
  const reasons = reasonsOf(policy.rules, permits);
  const errors = errorsOf(policy, rules);
  const allowed: Decision = {
    decision: "allow",
    id,
    call,
    reasons: approved.length === 0 ? reasons : [...reasons, ...approved],
    obligations: policy.obligations(permits, rules.obliges),
    policy: policy.identity,
  };
  const decision = errors.length === 0 ? allowed : { ...allowed, errors };
  const taken = task.task && {
    index: task.task.index,
    state: stepTaken(task.task, task.all, nowMs, call),
  };
  return { decision, touches, interrupt: false, task: taken };
}

function denial(
  policy: Policy,
  id: string,
  refusal: Refusal,
  errors: readonly EvaluationError[],
): Decision {
  const { code, cause, because, reasons = NO_REASONS, next, interrupt } = refusal;
  const { identity } = policy;
  const obligations = NO_OBLIGATIONS;
  // Most denials are one of these two; members that are rarely there are not worth their time in each.
  const denied: Decision =
    because === undefined
      ? { decision: "deny", id, code, reasons, obligations, policy: identity }
      : { decision: "deny", id, code, because, reasons, obligations, policy: identity };
  if (errors.length === 0 && next === undefined && !interrupt && cause === undefined) return denied;
  return {
    ...denied,
    ...(cause === undefined ? {} : { cause }),
    ...(errors.length === 0 ? {} : { errors }),
    ...(next === undefined ? {} : { next }),
    ...(interrupt ? { interrupt: true as const } : {}),
  };
}

function hold(
  policy: Policy,
  rules: RuleResults,
  holding: Holding,
  { roots }: DecisionRequest,
  view: StateView,
  input: DecisionInput,
): Decision {
  const errors = errorsOf(policy, rules);
  const because = holding.because;
  return {
    decision: "hold",
    id: input.id,
    ...(because === undefined ? {} : { because }),
    reasons: holding.reasons,
    obligations: [],
    ...(errors.length === 0 ? {} : { errors }),
    approval: {
      by: holding.by,
      except: [...partiesOf(roots.agent, roots.delegation)].map(String).sort(),
      digest: input.digest(),
      until: spellTime(view.nowMs + holding.withinMs),
    },
    policy: policy.identity,
  };
}

// ── Forbids, permits, invariants ───────────────────────────────────────────────────────────────────────────

function forbiddenBy(rules: RuleResults, policy: Policy, { roots }: DecisionRequest): Refusal {
  const { forbids } = rules;
  const certain = certainOf(forbids, rules);
  // What could not be decided forbids; it does not also end a session.
  const interrupt = roots.session !== undefined && interrupts(policy, certain);
  return {
    code: certain.length > 0 ? "forbidden" : unknownCode(forbids),
    because: becauseOf(policy.rules, certain.length > 0 ? certain : forbids),
    reasons: reasonsOf(policy.rules, forbids),
    interrupt,
  };
}

const NOT_PERMITTED: Refusal = { code: "not_permitted", because: "no rule permits this" };

function notPermitted(policy: Policy, permits: readonly Hit[]): Refusal {
  if (permits.length === 0) return NOT_PERMITTED;
  return {
    code: unknownCode(permits),
    because: "no rule permits this, and some that might could not be decided",
    reasons: reasonsOf(policy.rules, permits),
  };
}

function brokenInvariants(policy: Policy, nevers: readonly Hit[]): Refusal {
  return {
    code: nevers.some(isCertain) ? "invariant_broken" : unknownCode(nevers),
    because: becauseOf(policy.nevers, nevers),
    reasons: reasonsOf(policy.nevers, nevers),
  };
}

function interrupts({ program }: Policy, hits: readonly Hit[]): boolean {
  for (let at = 0; at < hits.length; at += 1) {
    if (program.rules[hits[at]?.rule ?? 0]?.interrupt === true) return true;
  }
  return false;
}

function isCertain(hit: Hit): boolean {
  return hit.unknown === undefined;
}

function certainOf(hits: readonly Hit[], { uncertain }: RuleResults): readonly Hit[] {
  return uncertain ? hits.filter(isCertain) : hits;
}

/** What to do about it: repair the store, wait for an outcome, or look at the policy. */
function unknownCode(hits: readonly Hit[]): DenyCode {
  const causes = new Set(hits.map((hit) => hit.unknown?.cause));
  if (causes.size > 1) return "indeterminate";
  if (causes.has("state_unavailable")) return "state_unavailable";
  return causes.has("pending") ? "prerequisite_pending" : "indeterminate";
}

/** An allowed call that a counter cannot count would be one over its limit. What is absent counts nothing. */
function uncountable(policy: Policy, touches: readonly Touch[]): Refusal | undefined {
  for (const { kind, index, key, amount } of touches) {
    const unknown = notKnown(key) ?? notKnown(amount);
    if (unknown === undefined) continue;
    const { counters, latches } = policy.program;
    const name = kind === "counter" ? counters[index]?.name : latches[index]?.name;
    return {
      code: unknownCode([{ rule: 0, unknown }]),
      because: `\`${name}\` cannot count this call: ${unknown.cause}`,
    };
  }
  return undefined;
}

function notKnown(part: Touch["amount"]): Unknown | undefined {
  return part instanceof Unknown && part.cause !== "absent" ? part : undefined;
}

// ── Tasks ──────────────────────────────────────────────────────────────────────────────────────────────────

interface NamedTask {
  readonly index: number;
  readonly declared: TaskDecl;
  readonly state: TaskState;
  /** What it is judged by: of the policy in force, or of the one that it began under. */
  readonly sequence: SequenceDecl | undefined;
  readonly call: CallInSequence;
}

interface TaskStanding {
  readonly refusal?: Refusal;
  readonly task?: NamedTask;
  /** Where the sequence stands with this call; only where there is one. */
  readonly all?: Progress["all"] | undefined;
  /** Set where it began with another sequence than the policy in force has. */
  readonly begun?: BegunTask;
}

const NO_TASK: TaskStanding = {};

function taskOf(
  policy: Policy,
  { request, sessionId, taskProblem }: AcceptedRequest,
  view: StateView,
  touches: readonly Touch[],
  input: DecisionInput,
): TaskStanding {
  const name = request.roots.intent.task;
  if (name === undefined) return NO_TASK;
  const index = policy.program.tasks.findIndex((task) => task.name === name);
  const declared = policy.program.tasks[index];
  if (declared === undefined) throw new Error("a request named no task of the policy");
  const refused = (code: DenyCode, because: string, at = declared.at): TaskStanding => ({
    refusal: { code, because, reasons: [taskReason(policy, declared, at)] },
  });
  if (sessionId === undefined)
    return refused("invalid_request", "a task is kept in a session, and there is none");
  if (taskProblem !== undefined) return refused("out_of_sequence", taskProblem);
  if (view.task === "changed")
    return refused(
      "out_of_sequence",
      "the task began with another sequence than it has now, and that is no longer kept",
    );
  const state = view.task ?? newTask(policy, view);
  const begun = state.past && { name: declared.name, policy: state.policy };
  const among = begun === undefined ? {} : { begun };
  if (begun !== undefined && view.nowMs - state.usedAtMs > PAST_IDLE_MS) {
    const because = "the task's sequence has changed, and it was idle too long to keep the old one";
    return { ...refused("out_of_sequence", because), ...among };
  }
  const task = inSequence(index, declared, state, policy, request, input);
  if (task === undefined) {
    const because = "the policy that the task began under does not know this call";
    return { ...refused("out_of_sequence", because), ...among };
  }
  const { all, refusal: outside } = follow(task, policy);
  const refusal = outside ?? limitsReached(task, policy, view, touches);
  if (refusal !== undefined) return { refusal, ...among };
  return begun === undefined ? { task, all } : { task, all, begun };
}

/** How long after its latest call a task keeps a sequence that the policy in force has no more. */
export const PAST_IDLE_MS = 24 * 3_600_000;

function newTask({ identity }: Policy, { nowMs }: StateView): TaskState {
  return {
    startedAtMs: nowMs,
    usedAtMs: nowMs,
    callCount: 0,
    policy: identity.digest,
    progress: NOT_BEGUN,
  };
}

function inSequence(
  index: number,
  declared: TaskDecl,
  state: TaskState,
  policy: Policy,
  request: DecisionRequest,
  input: DecisionInput,
): NamedTask | undefined {
  const { past } = state;
  if (past === undefined) {
    const call = { request, match: matchOf(policy, index) };
    return { index, declared, state, sequence: declared.sequence, call };
  }
  const call = input.under?.(past);
  return call && { index, declared, state, sequence: sequenceIn(past), call };
}

function taskReason(policy: Policy, { name }: TaskDecl, at: number): Reason {
  return { rule: name, effect: "task", at: spellPlace(policy.program, at) };
}

function follow(
  { declared, state, sequence, call }: NamedTask,
  policy: Policy,
): Pick<TaskStanding, "all" | "refusal"> {
  if (sequence === undefined) return NO_TASK;
  const { request, match } = call;
  const found = judge(sequence, state.progress, request, match);
  if (found.kind === "follows") return { all: found.all };
  return { refusal: outOfSequence(found, declared, policy, request) };
}

function outOfSequence(
  found: Exclude<Judgement, { kind: "follows" }>,
  declared: TaskDecl,
  policy: Policy,
  request: DecisionRequest,
): Refusal {
  const reasons = [taskReason(policy, declared, declared.at)];
  switch (found.kind) {
    case "pending":
      return {
        code: "prerequisite_pending",
        because: "a step before this one has not reported its outcome",
        reasons,
      };
    case "outside":
      return {
        code: "out_of_sequence",
        because: `\`${String(request.roots.tool.name)}\` is not the next step of \`${declared.name}\``,
        reasons,
        next: found.next,
      };
    case "unknown":
      return {
        code: unknownCode([{ rule: 0, unknown: found.unknown }]),
        because: `whether this is a step of \`${declared.name}\` could not be decided`,
        reasons,
      };
  }
}

/** Steps read the call and what earlier ones bound, and never state. */
export function matchOf({ evaluator }: Policy, task: number): Match {
  return (position, bound, request) => evaluator.step(task, position, bound, request, NO_FACTS);
}

/** The same once a call has reported, with the steps of one decision. */
export function matchAgain(policy: Policy, task: number): Match {
  policy.evaluator.fuel.begin();
  return matchOf(policy, task);
}

/** Those of the policy in force, whatever sequence the task is in. */
function limitsReached(
  task: NamedTask,
  policy: Policy,
  view: StateView,
  touches: readonly Touch[],
): Refusal | undefined {
  for (const limit of task.declared.limits) {
    const reached = limitReached(limit, task, policy, view, touches);
    if (reached !== undefined) return reached;
  }
  return undefined;
}

function limitReached(
  limit: LimitDecl,
  { declared, state }: NamedTask,
  policy: Policy,
  view: StateView,
  touches: readonly Touch[],
): Refusal | undefined {
  switch (limit.kind) {
    case "calls":
      if (state.callCount + 1 <= limit.most) return undefined;
      return beyond(limit, `${limit.most} calls`, declared, policy);
    case "duration":
      if (view.nowMs - state.startedAtMs <= limit.mostMs) return undefined;
      return beyond(limit, "time", declared, policy);
    case "counter": {
      const total = totalWith(limit.counter, view, touches);
      if (typeof total === "number" && total <= limit.most) return undefined;
      const counter = policy.program.counters[limit.counter];
      const name = `\`${counter?.name.slice(counter.name.lastIndexOf(".") + 1) ?? ""}\``;
      if (typeof total === "number") return beyond(limit, name, declared, policy);
      return {
        code: total === "unavailable" ? "state_unavailable" : "indeterminate",
        because: `the task's ${name} is not known`,
        reasons: [taskReason(policy, declared, limit.at)],
      };
    }
  }
}

function beyond({ at }: LimitDecl, what: string, declared: TaskDecl, policy: Policy): Refusal {
  return {
    code: "limit_reached",
    because: `the task's limit of ${what} is reached`,
    reasons: [taskReason(policy, declared, at)],
  };
}

/** What the counter would hold with this call; a call that it does not count leaves it as it is. */
function totalWith(
  index: number,
  view: StateView,
  touches: readonly Touch[],
): number | "unavailable" | "unknown" {
  const touch = touches.find((one) => one.kind === "counter" && one.index === index);
  if (touch === undefined) return 0;
  if (touch.key instanceof Unknown) return "unknown";
  const { amount } = touch;
  if (amount instanceof Unknown && amount.cause !== "absent") return "unknown";
  const before = view.counter(index, touch.key);
  if (before === "unavailable") return before;
  return before + (amount instanceof Unknown ? 0 : Math.max(0, Number(amount)));
}

function stepTaken(
  { state, call: { request } }: NamedTask,
  all: TaskStanding["all"],
  nowMs: number,
  call: string,
): TaskState {
  return {
    ...state,
    usedAtMs: nowMs,
    callCount: state.callCount + 1,
    progress: all === undefined ? state.progress : take(state.progress, call, request, all),
  };
}

// ── Holds ──────────────────────────────────────────────────────────────────────────────────────────────────

interface Holding {
  /** Who still has to approve; empty where nobody does. */
  readonly by: ApprovalRequest["by"];
  readonly reasons: readonly Reason[];
  readonly because: string | undefined;
  readonly withinMs: number;
  readonly refusal?: Refusal;
}

const NOT_HELD: Holding = { by: [], reasons: NO_REASONS, because: undefined, withinMs: HOLD_MS };

function holdsOf(
  policy: Policy,
  holds: readonly Hit[],
  request: DecisionRequest,
  view: StateView,
  input: DecisionInput,
): Holding {
  if (holds.length === 0) return NOT_HELD;
  const given = validApprovals(input, request);
  const waiting: Hit[] = [];
  const by: ApprovalRequest["by"][number][] = [];
  for (const hit of inOrder(policy.rules, holds)) {
    const wanted = wantedBy(policy, hit, request, view);
    if (wanted instanceof Unknown) {
      return { ...NOT_HELD, refusal: unapprovable(policy, hit, wanted) };
    }
    if (isMet(wanted, given)) continue;
    waiting.push(hit);
    by.push(wanted);
  }
  const shown = waiting.length > 0 ? waiting : holds;
  const within = waiting.map(
    ({ rule }) => policy.program.rules[rule]?.approval?.withinMs ?? HOLD_MS,
  );
  return {
    by,
    reasons: reasonsOf(policy.rules, shown),
    because: becauseOf(policy.rules, shown),
    withinMs: Math.min(...within),
  };
}

function wantedBy(
  policy: Policy,
  { rule }: Hit,
  request: DecisionRequest,
  view: StateView,
): Wanted | Unknown {
  const name = policy.rules[rule]?.name ?? "";
  const approval = policy.program.rules[rule]?.approval;
  if (approval === undefined) return { group: "", count: 1, rule: name };
  const { approver, count } = approval;
  if (approver.kind === "group") return { group: approver.group, count, rule: name };
  const party = policy.evaluator.approver(rule, request, view);
  return party instanceof Unknown ? party : { party, count, rule: name };
}

function unapprovable(policy: Policy, hit: Hit, unknown: Unknown): Refusal {
  return {
    code: unknownCode([{ rule: hit.rule, unknown }]),
    because: "this needs an approval, and whose could not be decided",
    reasons: reasonsOf(policy.rules, [hit]),
  };
}

/** Of exactly this request, and of nobody who gains by it: not the agent, nor anyone the task passed through. */
function validApprovals(input: DecisionInput, { roots }: DecisionRequest): readonly ApprovalFact[] {
  if (input.approvals.length === 0) return [];
  const digest = input.digest();
  const excluded = partiesOf(roots.agent, roots.delegation);
  return input.approvals.filter(
    (approval) =>
      (approval.digest === undefined || approval.digest === digest) &&
      !idsOf(approval).some((id) => excluded.has(id)),
  );
}

/** Who cannot approve: the agent, and everybody that the task passed through but a person it began with. */
function partiesOf(agent: RecordValue, delegation: RecordValue | undefined): ReadonlySet<unknown> {
  const parties = new Set<unknown>();
  const chain = delegation?.chain;
  for (const hop of isList(chain) ? (chain as readonly RecordValue[]) : []) {
    for (const end of [hop.from, hop.to] as readonly RecordValue[]) parties.add(end.id);
  }
  // The root is there without a chain as well: the principal, or the agent itself.
  const root = delegation?.root as RecordValue | undefined;
  if (root?.kind === "human") parties.delete(root.id);
  else parties.add(root?.id);
  parties.add(agent.id);
  return parties;
}

// ── What is said ───────────────────────────────────────────────────────────────────────────────────────────

function inOrder(names: readonly Named[], hits: readonly Hit[]): readonly Hit[] {
  if (hits.length < 2) return hits;
  return [...hits].sort((a, b) => (names[a.rule]?.rank ?? 0) - (names[b.rule]?.rank ?? 0));
}

function reasonsOf(names: readonly Named[], hits: readonly Hit[]): readonly Reason[] {
  const first = hits[0];
  if (hits.length === 1 && first !== undefined && isCertain(first)) {
    return names[first.rule]?.alone ?? NO_REASONS;
  }
  return inOrder(names, hits).flatMap((hit) => {
    const named = names[hit.rule];
    if (named === undefined) return [];
    return [isCertain(hit) ? named.reason : named.indeterminate];
  });
}

function becauseOf(names: readonly Named[], hits: readonly Hit[]): string | undefined {
  const first = hits[0];
  if (hits.length === 1 && first !== undefined) return names[first.rule]?.because;
  const said = inOrder(names, hits).find((hit) => names[hit.rule]?.because !== undefined);
  return said === undefined ? undefined : names[said.rule]?.because;
}

const NO_HITS: readonly Hit[] = Object.freeze([]);

/** Everything that could not be evaluated, also where it changed nothing. */
function errorsOf(
  policy: Policy,
  rules?: RuleResults,
  nevers: readonly Hit[] = NO_HITS,
): readonly EvaluationError[] {
  if (rules === undefined) return NO_ERRORS;
  if (!rules.uncertain && (nevers.length === 0 || nevers.every(isCertain))) return NO_ERRORS;
  const { forbids, permits, holds, obliges } = rules;
  return [
    ...errorsIn(policy, policy.rules, [...forbids, ...permits, ...holds, ...obliges]),
    ...errorsIn(policy, policy.nevers, nevers),
  ];
}

function errorsIn(
  policy: Policy,
  names: readonly Named[],
  hits: readonly Hit[],
): readonly EvaluationError[] {
  return inOrder(names, hits).flatMap(({ rule, unknown }) => {
    if (unknown === undefined) return [];
    const at = spellPlace(policy.program, unknown.at);
    return [{ rule: names[rule]?.name ?? "", cause: unknown.cause, at }];
  });
}
