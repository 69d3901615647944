/** Expressions as sums: how many times a counter, plus a constant, plus what the request brings. Pure. */
import type { Expr, Program } from "../../lang/ir.ts";
import { DECIMAL_ONE } from "../../lang/scalar/decimal.ts";
import { childrenOf } from "../explain/walk.ts";

export interface Linear {
  /** Index of the one counter in it. */
  readonly counter?: number;
  /** How many times that counter; 0 where there is none. */
  readonly times: number;
  readonly constant: number;
  /** Something of the request is added, or taken away. */
  readonly adds: boolean;
  readonly takes: boolean;
}

/** What locals and parameters stand for, where that is known. */
export type Bound = ReadonlyMap<number, Expr>;

/** `undefined` where it is no such sum: several counters, or one in a place that cannot be told. */
export function linearOf(expr: Expr, bound: Bound, program: Program): Linear | undefined {
  const inner = (part: Expr) => linearOf(part, bound, program);
  switch (expr.kind) {
    case "const":
      return typeof expr.value === "number" ? { ...NOTHING, constant: expr.value } : OTHER;
    case "counter":
      return { ...NOTHING, counter: expr.counter, times: 1 };
    case "decimal":
      return times(inner(expr.of), DECIMAL_ONE);
    case "negate":
      return times(inner(expr.of), -1);
    case "arithmetic":
      return arithmetic(expr, inner(expr.left), inner(expr.right));
    case "local": {
      const value = bound.get(expr.id);
      return value === undefined ? OTHER : linearOf(value, bound, program);
    }
    case "call": {
      const called = boundOfCall(expr, bound, program);
      return called === undefined ? undefined : linearOf(called.body, called.bound, program);
    }
    default:
      return readsCounter(expr, program) ? undefined : OTHER;
  }
}

/** A function's body, and its parameters bound to what it is called with. */
export function boundOfCall(
  call: Extract<Expr, { kind: "call" }>,
  bound: Bound,
  program: Program,
): { readonly body: Expr; readonly bound: Bound } | undefined {
  const declared = program.functions[call.function];
  if (declared === undefined) return undefined;
  const parameters = declared.params.flatMap((id, at) => {
    const given = call.args[at];
    return given === undefined ? [] : [[id, given] as const];
  });
  return { body: declared.body, bound: new Map([...bound, ...parameters]) };
}

/** `left - right` */
export function difference(left: Linear | undefined, right: Linear | undefined) {
  return plus(left, times(right, -1));
}

const NOTHING: Linear = { times: 0, constant: 0, adds: false, takes: false };
const OTHER: Linear = { ...NOTHING, adds: true };

function arithmetic(
  { op, number }: Extract<Expr, { kind: "arithmetic" }>,
  left: Linear | undefined,
  right: Linear | undefined,
): Linear | undefined {
  if (op === "+") return plus(left, right);
  if (op === "-") return difference(left, right);
  const factor = constantOf(left) ?? constantOf(right);
  const of = constantOf(left) === undefined ? left : right;
  if (factor === undefined) return undefined;
  return times(of, number === "Decimal" ? factor / DECIMAL_ONE : factor);
}

function constantOf(sum: Linear | undefined): number | undefined {
  if (sum === undefined || sum.counter !== undefined || sum.adds || sum.takes) return undefined;
  return sum.constant;
}

function plus(left: Linear | undefined, right: Linear | undefined): Linear | undefined {
  if (left === undefined || right === undefined) return undefined;
  const counter = left.counter ?? right.counter;
  if (right.counter !== undefined && right.counter !== counter) return undefined;
  return {
    ...(counter === undefined ? {} : { counter }),
    times: left.times + right.times,
    constant: left.constant + right.constant,
    adds: left.adds || right.adds,
    takes: left.takes || right.takes,
  };
}

function times(sum: Linear | undefined, factor: number): Linear | undefined {
  if (sum === undefined) return undefined;
  const { adds, takes } = sum;
  return {
    ...sum,
    times: sum.times * factor,
    constant: sum.constant * factor,
    adds: factor < 0 ? takes : adds,
    takes: factor < 0 ? adds : takes,
  };
}

function readsCounter(expr: Expr, program: Program): boolean {
  if (expr.kind === "counter") return true;
  const called = expr.kind === "call" ? program.functions[expr.function] : undefined;
  if (called !== undefined && readsCounter(called.body, program)) return true;
  return childrenOf(expr).some((child) => readsCounter(child, program));
}
