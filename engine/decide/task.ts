/** Where the task that a request names stands with it: its sequence and its limits (SPEC §8). Pure. */
import type { LimitDecl, SequenceDecl, TaskDecl } from "../../lang/ir.ts";
import type { DecisionInput } from "../decide.ts";
import type { BegunTask, DenyCode, Reason } from "../decision.ts";
import type { Touch } from "../evaluate/evaluator.ts";
import { NO_FACTS } from "../facts.ts";
import { type Policy, spellPlace } from "../policy.ts";
import type { DecisionRequest } from "../request.ts";
import type { AcceptedRequest } from "../request-reader.ts";
import { sequenceIn } from "../state/past.ts";
import {
  type Judgement,
  judge,
  type Match,
  NOT_BEGUN,
  type Progress,
  take,
} from "../state/sequence.ts";
import type { StateView, TaskState } from "../state/store.ts";
import { Unknown } from "../value.ts";
import { type Refusal, unknownCode } from "./reasons.ts";

/** A call in the terms of a sequence. */
export interface CallInSequence {
  readonly request: DecisionRequest;
  readonly match: Match;
}

interface NamedTask {
  readonly index: number;
  readonly declared: TaskDecl;
  readonly state: TaskState;
  /** What it is judged by: of the policy in force, or of the one that it began under. */
  readonly sequence: SequenceDecl | undefined;
  readonly call: CallInSequence;
}

export interface TaskStanding {
  readonly refusal?: Refusal;
  readonly task?: NamedTask;
  /** Where the sequence stands with this call; only where there is one. */
  readonly all?: Progress["all"] | undefined;
  /** Set where it began with another sequence than the policy in force has. */
  readonly begun?: BegunTask;
}

const NO_TASK: TaskStanding = {};

export function taskOf(
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

export function stepTaken(
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
