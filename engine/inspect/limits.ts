/**
 * Up to where a counter may go: found where a rule compares it with a constant, alone or with what the call at
 * hand would add. For people to see how near it is; nothing is decided by it. Pure.
 */
import type { Expr, Never, Program, Rule, TaskDecl } from "../../lang/ir.ts";
import type { Reason } from "../decision.ts";
import { ruleName } from "../policy.ts";
import { type Bound, boundOfCall, difference, linearOf } from "./linear.ts";

export interface Limit {
  /** As the author wrote it; a Decimal in ten-thousandths. */
  readonly most: number;
  /** Whether a reading of exactly `most` has reached it. */
  readonly reachedAtMost: boolean;
  /** Rule, invariant or task. */
  readonly name: string;
  readonly effect: Reason["effect"];
  /** Place of the comparison: an index of `program.places`. */
  readonly at: number;
}

/** By index of the counter; the lowest first, each once. */
export function limitsOf(program: Program): ReadonlyMap<number, readonly Limit[]> {
  const found = new Map<number, Limit[]>();
  const all = [
    ...program.rules.flatMap((rule) => limitsOfRule(rule, program)),
    ...program.nevers.flatMap((never) => limitsOfNever(never, program)),
    ...program.tasks.flatMap(limitsOfTask),
  ];
  for (const { counter, limit } of all) {
    const limits = found.get(counter) ?? [];
    const known = limits.some(({ most, name }) => most === limit.most && name === limit.name);
    if (!known)
      found.set(
        counter,
        [...limits, limit].sort((a, b) => a.most - b.most),
      );
  }
  return found;
}

interface Found {
  readonly counter: number;
  readonly limit: Limit;
}

function limitsOfRule(rule: Rule, program: Program): readonly Found[] {
  const { effect, lets, conditions } = rule;
  if (effect === "oblige") return [];
  const said = { name: ruleName(program, rule), effect };
  const bound = new Map(lets.map(({ id, value }) => [id, value]));
  return conditions
    .flatMap((condition) => comparisonsIn(condition, effect === "permit", bound, program))
    .flatMap((comparison) => limitBy(comparison, said, program));
}

function limitsOfNever(never: Never, program: Program): readonly Found[] {
  const said = { name: ruleName(program, never), effect: "never" } as const;
  return comparisonsIn(never.condition, false, new Map(), program).flatMap((comparison) =>
    limitBy(comparison, said, program),
  );
}

function limitsOfTask({ name, limits }: TaskDecl): readonly Found[] {
  return limits.flatMap((limit) => {
    if (limit.kind !== "counter") return [];
    const { counter, most, at } = limit;
    return [{ counter, limit: { most, reachedAtMost: true, name, effect: "task", at } }];
  });
}

interface Comparison {
  readonly expr: Extract<Expr, { kind: "less" }>;
  /** Whether the call goes through while it is true, or while it is false. */
  readonly wanted: boolean;
  readonly bound: Bound;
}

function comparisonsIn(
  expr: Expr,
  wanted: boolean,
  bound: Bound,
  program: Program,
): readonly Comparison[] {
  switch (expr.kind) {
    case "not":
      return comparisonsIn(expr.operand, !wanted, bound, program);
    case "and":
    case "or":
      return [expr.left, expr.right].flatMap((part) => comparisonsIn(part, wanted, bound, program));
    case "quantifier":
      return comparisonsIn(expr.body, wanted, bound, program);
    case "local": {
      const value = bound.get(expr.id);
      return value === undefined ? [] : comparisonsIn(value, wanted, bound, program);
    }
    case "call": {
      const called = boundOfCall(expr, bound, program);
      return called === undefined ? [] : comparisonsIn(called.body, wanted, called.bound, program);
    }
    case "less":
      return [{ expr, wanted, bound }];
    default:
      return [];
  }
}

/** With everything on the left, a limit is a sum with the counter that must stay below nothing. */
function limitBy(
  { expr: { op, left, right, at }, wanted, bound }: Comparison,
  said: Pick<Limit, "name" | "effect">,
  program: Program,
): readonly Found[] {
  const sum = difference(linearOf(left, bound, program), linearOf(right, bound, program));
  if (sum?.counter === undefined || sum.times === 0) return [];
  const rising = sum.times > 0;
  const staysBelow = (op === "<" || op === "<=") === (rising === wanted);
  // Something of the request stands on the other side: the limit is another for each.
  const moves = rising ? sum.takes : sum.adds;
  const most = -sum.constant / sum.times;
  if (!staysBelow || moves) return [];
  const strict = (op === "<" || op === ">") === wanted;
  const isAddedTo = rising ? sum.adds : sum.takes;
  const reachedAtMost = strict || isAddedTo;
  // What is reached before anything was counted is no limit, but a rule that is always so.
  if (most < 0 || (most === 0 && reachedAtMost)) return [];
  return [{ counter: sum.counter, limit: { ...said, most, reachedAtMost, at } }];
}
