/**
 * The decision (SPEC §6): policy + request + facts → allow, deny or hold. Pure: the same always gives the
 * same, so that any decision can be made again from its record. What it leaves behind is the caller's to do.
 */
import { DECISION_STEPS_MAX } from "../lang/limits.ts";
import { spellTime } from "../lang/scalar/time.ts";
import type { ApprovalFact } from "./approvals/fact.ts";
import { type Holding, holdsOf, partiesOf } from "./decide/hold.ts";
import {
  becauseOf,
  certainOf,
  errorsOf,
  isCertain,
  NO_ERRORS,
  NO_OBLIGATIONS,
  NO_REASONS,
  type Refusal,
  reasonsOf,
  unknownCode,
} from "./decide/reasons.ts";
import { type CallInSequence, stepTaken, type TaskStanding, taskOf } from "./decide/task.ts";
import type { Decision, DenyCode, EvaluationError, Reason } from "./decision.ts";
import type { Hit, RuleResults, Touch } from "./evaluate/evaluator.ts";
import type { Policy } from "./policy.ts";
import type { DecisionRequest } from "./request.ts";
import type { AcceptedRequest } from "./request-reader.ts";
import type { KeptSequence } from "./state/past.ts";
import type { StateView, TaskState } from "./state/store.ts";
import { Unknown } from "./value.ts";
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

export interface Verdict {
  readonly decision: Decision;
  /** What the request is counted by, whatever the answer. */
  readonly touches: readonly Touch[];
  readonly interrupt: boolean;
  /** Where the task stands with this call; only where it is allowed and names one. */
  readonly task: { readonly index: number; readonly state: TaskState } | undefined;
}

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
  const found = errorsOf(policy, rules, nevers);
  const errors = refusal.errors === undefined ? found : [...found, ...refusal.errors];
  const decision = denial(policy, id, refusal, errors);
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
    because: becauseOf(policy.rules, forbids),
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
