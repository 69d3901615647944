/** What operators come to of values that are known, for the reference evaluator (SPEC §5). Pure. */
import type { Expr } from "../../lang/ir.ts";
import { multiplyDecimals } from "../../lang/scalar/decimal.ts";
import { ipWithin } from "../../lang/scalar/ip.ts";
import { pathWithin } from "../../lang/scalar/path.ts";
import { purposeWithin } from "../../lang/scalar/purpose.ts";
import { placeIn } from "../../lang/scalar/search.ts";
import { unreachable } from "../../lang/unreachable.ts";
import type { Roots } from "../request.ts";
import {
  elementsOf,
  isList,
  type RecordValue,
  type Scalar,
  Unknown,
  type Value,
} from "../value.ts";
import { containsSteps, edgeSteps } from "./costs.ts";

export function orAbsent(value: Value | Unknown | undefined, { at }: Expr): Value | Unknown {
  return value === undefined ? new Unknown("absent", at) : value;
}

export function orOverflow(value: number | undefined, { at }: Expr): number | Unknown {
  return value === undefined ? new Unknown("overflow", at) : value;
}

export function rootOf(roots: Roots, name: keyof Roots): RecordValue | undefined {
  return roots[name];
}

export function elementAt(of: Value | undefined, index: Value | undefined): Value | undefined {
  if (isList(of)) return of[Number(index)];
  return of instanceof Map ? of.get(String(index)) : undefined;
}

export function compare(op: "<" | "<=" | ">" | ">=", left: number, right: number): boolean {
  switch (op) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    default:
      return unreachable(op);
  }
}

type Arithmetic = Extract<Expr, { kind: "arithmetic" }>;

/** `undefined` on overflow. */
export function calculate(expr: Arithmetic, left: number, right: number): number | undefined {
  if (expr.number === "Decimal" && expr.op === "*") return multiplyDecimals(left, right);
  const result = expr.op === "+" ? left + right : expr.op === "-" ? left - right : left * right;
  return expr.number === "Float" ? finite(result) : exact(result);
}

export function exact(result: number): number | undefined {
  // `+ 0` turns −0 into 0.
  return Math.abs(result) <= Number.MAX_SAFE_INTEGER ? result + 0 : undefined;
}

function finite(result: number): number | undefined {
  return Number.isFinite(result) ? result + 0 : undefined;
}

export type Elements = ReadonlySet<Scalar> | readonly Value[];

export function contains(elements: Elements, value: Value | undefined): boolean {
  return isList(elements) ? elements.includes(value as Scalar) : elements.has(value as Scalar);
}

export function isSubset(left: Elements, right: Elements): boolean {
  const wider = isList(right) ? new Set(right) : right;
  return elementsOf(left).every((element) => wider.has(element as Scalar));
}

export const WITHIN = { Purpose: purposeWithin, Path: pathWithin, Ip: ipWithin } as const;

export const TEXT = {
  starts: (text: string, part: string) => text.startsWith(part),
  ends: (text: string, part: string) => text.endsWith(part),
  contains: (text: string, part: string) => placeIn(text, part) >= 0,
} as const;

export function textOpSteps(op: keyof typeof TEXT, text: string, part: string): number {
  return op === "contains" ? containsSteps(text, part) : edgeSteps(text, part);
}

export type Aggregate = Extract<Expr, { kind: "aggregate" }>;

export function combine(expr: Aggregate, values: readonly Value[]): Value | Unknown {
  switch (expr.op) {
    case "count":
      return values.length;
    case "sum":
      return orOverflow(sum(values, expr.number === "Float" ? finite : exact), expr);
    case "min":
      return values.length === 0 ? orAbsent(undefined, expr) : least(values, (a, b) => a < b);
    case "max":
      return values.length === 0 ? orAbsent(undefined, expr) : least(values, (a, b) => a > b);
    case "first":
      return orAbsent(values[0], expr);
    case "last":
      return orAbsent(values.at(-1), expr);
    case "list":
      return values;
    case "set":
      return new Set(values as readonly Scalar[]);
    default:
      return unreachable(expr.op);
  }
}

function sum(
  values: readonly Value[],
  check: (total: number) => number | undefined,
): number | undefined {
  let total: number | undefined = 0;
  for (const value of values)
    total = total === undefined ? undefined : check(total + Number(value));
  return total;
}

function least(values: readonly Value[], before: (a: number, b: number) => boolean): number {
  return values.map(Number).reduce((found, value) => (before(value, found) ? value : found));
}
