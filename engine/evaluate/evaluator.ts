/**
 * What a policy answers about one request, before effects are combined. Two implementations give it:
 * `interpret.ts`, written to be checked against SPEC by eye, and `javascript.ts`, which generates code.
 */

import type { Facts } from "../facts.ts";
import type { DecisionRequest } from "../request.ts";
import type { Scalar, Unknown, Value } from "../value.ts";
import type { Fuel } from "./fuel.ts";

export interface Evaluator {
  /** Who asks for a decision, begins it there; without that, all answers together have the steps of one. */
  readonly fuel: Fuel;
  /**
   * Makes what the first requests would wait long for. Each step is short, so that others can be answered between
   * two of them. Missing = there is nothing to be made.
   */
  readonly warmUp?: () => Iterable<undefined>;
  /** Rules that apply or might: SPEC §6.1. Lists are in ascending rule index. */
  rules(request: DecisionRequest, facts: Facts): RuleResults;
  /** Invariants whose condition is true or unknown for this request. */
  nevers(request: DecisionRequest, facts: Facts): readonly Hit[];
  /** Every counter and latch that this request is counted by, with its key (SPEC §7.2). */
  touches(request: DecisionRequest, facts: Facts): readonly Touch[];
  /** Who must approve for hold rule `rule`: the party's id, or unknown. */
  approver(rule: number, request: DecisionRequest, facts: Facts): string | Unknown;
  /** Whether step `position` of task `task` matches, with the values bound so far by local id. */
  step(
    task: number,
    position: number,
    bound: Bindings,
    request: DecisionRequest,
    facts: Facts,
  ): StepResult;
}

export interface RuleResults {
  readonly permits: readonly Hit[];
  readonly forbids: readonly Hit[];
  readonly holds: readonly Hit[];
  readonly obliges: readonly Hit[];
  /** Some hit is unknown. */
  readonly uncertain: boolean;
}

/** `unknown` is missing where the rule applies; where it is there, the rule could not be decided. */
export interface Hit {
  readonly rule: number;
  readonly unknown?: Unknown;
}

export interface Touch {
  readonly kind: "counter" | "latch" | "reset";
  /** Index of the counter or latch. */
  readonly index: number;
  /** Of the `per` values; unknown when one of them is (then the declaration cannot be kept for this call). */
  readonly key: string | Unknown;
  /** For `sum` the number to add, for `distinct` the value to tell apart, for `count` 1. */
  readonly amount: Scalar | Unknown;
  /** The declaration's `where` could not be decided: counted all the same. */
  readonly uncertain: boolean;
}

export type Bindings = ReadonlyMap<number, Value>;

export type StepResult =
  | { readonly matches: false }
  | { readonly matches: true; readonly bound: Bindings }
  | { readonly matches: "unknown"; readonly unknown: Unknown };
