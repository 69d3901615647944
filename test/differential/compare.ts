/** What two evaluators answer to the same question, and the first thing that differs. */
import type { ApprovalFact } from "../../engine/approvals/fact.ts";
import { decide, type Verdict } from "../../engine/decide.ts";
import type { Evaluator, Hit } from "../../engine/evaluate/evaluator.ts";
import type { Facts } from "../../engine/facts.ts";
import { type Policy, preparePolicy } from "../../engine/policy.ts";
import type { DecisionRequest } from "../../engine/request.ts";
import { equal, Unknown, type Value } from "../../engine/value.ts";
import type { Program } from "../../lang/ir.ts";

export interface Question {
  readonly request: DecisionRequest;
  readonly facts: Facts;
  /** By task and position; what earlier steps bound. */
  readonly bound: ReadonlyMap<number, Value>;
  readonly approvals: readonly ApprovalFact[];
}

/** What two evaluators are compared on: the whole decision needs all that a policy is. */
export interface Subject {
  readonly evaluator: Evaluator;
  readonly policy: Policy;
}

export function subjectOf(program: Program, evaluator: Evaluator): Subject {
  return { evaluator, policy: preparePolicy(program, { digest: "sha256:0" }, evaluator) };
}

/** Everything a program can be asked, asked of both: `undefined` where the answers are the same. */
export function difference(
  program: Program,
  expected: Subject,
  actual: Subject,
  question: Question,
): string | undefined {
  for (const [name, ask] of questions(program, question)) {
    const [wanted, given] = [asked(ask, expected), asked(ask, actual)];
    if (!same(wanted, given)) return `${name}: expected ${show(wanted)}, got ${show(given)}`;
  }
  const [wanted, given] = [decisionOf(expected, question), decisionOf(actual, question)];
  if (same(wanted, given)) return undefined;
  return `decision: expected ${show(wanted)}, got ${show(given)}`;
}

export function decisionOf({ policy }: Subject, { request, facts, approvals }: Question): Verdict {
  const view = { ...facts, task: undefined };
  const input = { id: "d", call: "c", approvals, digest: () => "sha256:1" };
  const accepted = {
    nowMs: facts.nowMs,
    request,
    sessionId: "s",
    instruction: undefined,
    delegationProblem: undefined,
    taskProblem: undefined,
  };
  return decide(policy, accepted, view, input);
}

function asked(ask: Ask, { evaluator }: Subject): unknown {
  evaluator.fuel.begin();
  return ask(evaluator);
}

type Ask = (evaluator: Evaluator) => unknown;

function questions(
  program: Program,
  { request, facts, bound }: Question,
): readonly (readonly [string, Ask])[] {
  const approvals = program.rules.flatMap((rule, index) =>
    rule.approval?.approver.kind === "party" ? [index] : [],
  );
  return [
    ["rules", (evaluator) => evaluator.rules(request, facts)],
    ["nevers", (evaluator) => evaluator.nevers(request, facts)],
    ["touches", (evaluator) => evaluator.touches(request, facts)],
    ...approvals.map(
      (rule) =>
        [
          `approver of ${rule}`,
          (evaluator: Evaluator) => evaluator.approver(rule, request, facts),
        ] as const,
    ),
    ...program.tasks.flatMap((task, index) =>
      (task.sequence?.positions ?? []).map(
        (_, position) =>
          [
            `step ${index}/${position}`,
            (evaluator: Evaluator) => evaluator.step(index, position, bound, request, facts),
          ] as const,
      ),
    ),
  ];
}

/** Deep equality of answers; unknowns by cause and place. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Unknown || b instanceof Unknown) {
    return a instanceof Unknown && b instanceof Unknown && a.cause === b.cause && a.at === b.at;
  }
  if (a instanceof Map || a instanceof Set) return equal(a as Value, b as Value);
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, at) => same(item, b[at]));
  }
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => same(Reflect.get(a, key), Reflect.get(b, key)));
}

export function show(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    item instanceof Set ? { set: [...item] } : item instanceof Map ? { map: [...item] } : item,
  );
}

export function unknownOf(hits: readonly Hit[]): readonly Unknown[] {
  return hits.flatMap((hit) => (hit.unknown === undefined ? [] : [hit.unknown]));
}
