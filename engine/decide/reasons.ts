/** What is said of a decision: by which rules, why, and what could not be decided (SPEC §6.4). Pure. */
import type { DenyCode, EvaluationError, GivenObligation, Reason } from "../decision.ts";
import type { Hit, RuleResults } from "../evaluate/evaluator.ts";
import type { DelegationCause } from "../identity/cause.ts";
import { type Named, type Policy, spellPlace } from "../policy.ts";

export interface Refusal {
  readonly code: DenyCode;
  readonly cause?: DelegationCause | undefined;
  readonly because?: string | undefined;
  readonly reasons?: readonly Reason[];
  /** Beside those of rules and invariants. */
  readonly errors?: readonly EvaluationError[];
  readonly next?: readonly string[];
  readonly interrupt?: boolean;
}

export const NO_REASONS: readonly Reason[] = Object.freeze([]);
export const NO_ERRORS: readonly EvaluationError[] = Object.freeze([]);
export const NO_OBLIGATIONS: readonly GivenObligation[] = Object.freeze([]);

export function isCertain(hit: Hit): boolean {
  return hit.unknown === undefined;
}

export function certainOf(hits: readonly Hit[], { uncertain }: RuleResults): readonly Hit[] {
  return uncertain ? hits.filter(isCertain) : hits;
}

/** What to do about it: repair the store, wait for an outcome, or look at the policy. */
export function unknownCode(hits: readonly Hit[]): DenyCode {
  const causes = new Set(hits.map((hit) => hit.unknown?.cause));
  if (causes.size > 1) return "indeterminate";
  if (causes.has("state_unavailable")) return "state_unavailable";
  return causes.has("pending") ? "prerequisite_pending" : "indeterminate";
}

export function inOrder(names: readonly Named[], hits: readonly Hit[]): readonly Hit[] {
  if (hits.length < 2) return hits;
  return [...hits].sort((a, b) => (names[a.rule]?.rank ?? 0) - (names[b.rule]?.rank ?? 0));
}

export function reasonsOf(names: readonly Named[], hits: readonly Hit[]): readonly Reason[] {
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

/** The first that says why; where of none it is known that it applies, that it could not be decided. */
export function becauseOf(names: readonly Named[], hits: readonly Hit[]): string | undefined {
  const first = hits[0];
  if (hits.length === 1 && first !== undefined && isCertain(first)) {
    return names[first.rule]?.because;
  }
  const ordered = inOrder(names, hits);
  const certain = ordered.filter(isCertain);
  const unsure = ordered[0];
  if (certain.length === 0) return unsure && names[unsure.rule]?.undecided;
  const said = certain.find((hit) => names[hit.rule]?.because !== undefined);
  return said && names[said.rule]?.because;
}

const NO_HITS: readonly Hit[] = Object.freeze([]);

/** Everything that could not be evaluated, also where it changed nothing. */
export function errorsOf(
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

export function errorsIn(
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
