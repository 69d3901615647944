/**
 * Where a program compares counters, and where it does anything else with them: found once, of its text. A
 * *form* is a sum in which counters stand with whole factors, beside numbers that no counter is in.
 */
import type { Expr, Never, Program, Rule } from "../../lang/ir.ts";
import { DECIMAL_ONE } from "../../lang/scalar/decimal.ts";
import { childrenOf } from "../explain/walk.ts";

/** Counter → its factor, never 0. */
export type Form = ReadonlyMap<number, number>;

export interface Compared {
  readonly op: "<" | "<=" | ">" | ">=" | "==";
  readonly left: Expr;
  readonly right: Expr;
  /** Of left − right. */
  readonly form: Form;
}

export interface Terms {
  readonly comparisons: ReadonlyMap<Expr, Compared>;
  /** The sides of these. */
  readonly operands: ReadonlySet<Expr>;
  /** Sums on the way to a comparison, which may overflow. */
  readonly sums: ReadonlyMap<Expr, Form>;
  /** Expressions whose number goes anywhere else, with the counters that are in it. */
  readonly used: ReadonlyMap<Expr, readonly number[]>;
}

export function createTerms(program: Program): Terms {
  const found: Finding = {
    comparisons: new Map(),
    operands: new Set(),
    sums: new Map(),
    used: new Map(),
  };
  for (const rule of program.rules) readRule(rule, found);
  for (const never of program.nevers) readNever(never, found);
  return found;
}

/** Of an expression by itself; locals are not followed. */
export function countersIn(expr: Expr): ReadonlySet<number> {
  const counters = new Set<number>();
  const visit = (inner: Expr): void => {
    if (inner.kind === "counter") counters.add(inner.counter);
    for (const child of childrenOf(inner)) visit(child);
  };
  visit(expr);
  return counters;
}

interface Finding {
  readonly comparisons: Map<Expr, Compared>;
  readonly operands: Set<Expr>;
  readonly sums: Map<Expr, Form>;
  readonly used: Map<Expr, readonly number[]>;
}

/** Forms of the values that `let` named; those without a counter in them are not there. */
type Named = ReadonlyMap<number, Form>;

const NO_COUNTER: Form = new Map();

function readRule({ lets, conditions, approval }: Rule, found: Finding): void {
  const named = new Map<number, Form>();
  for (const { id, value } of lets) {
    const form = formOf(value, named);
    if (form === undefined) read(value, named, found);
    else {
      readSums(value, named, found);
      if (form.size > 0) named.set(id, form);
    }
  }
  for (const condition of conditions) read(condition, named, found);
  if (approval?.approver.kind === "party") read(approval.approver.party, named, found);
}

function readNever({ condition }: Never, found: Finding): void {
  read(condition, new Map(), found);
}

function read(expr: Expr, named: Named, found: Finding): void {
  if (expr.kind === "counter") found.used.set(expr, [expr.counter]);
  if (expr.kind === "local") {
    const form = named.get(expr.id);
    if (form !== undefined) found.used.set(expr, [...form.keys()]);
  }
  if (expr.kind === "less" || expr.kind === "equal") {
    const { left, right } = expr;
    const form = difference(formOf(left, named), formOf(right, named));
    if (form !== undefined) {
      const op = expr.kind === "less" ? expr.op : "==";
      readSums(left, named, found);
      readSums(right, named, found);
      if (form.size === 0) return;
      found.comparisons.set(expr, { op, left, right, form });
      found.operands.add(left).add(right);
      return;
    }
  }
  for (const child of childrenOf(expr)) read(child, named, found);
}

/** Every sum on the way to a form. What is in it beside sums has no counter in it, or is one. */
function readSums(expr: Expr, named: Named, found: Finding): void {
  const form = formOf(expr, named);
  if (form === undefined || !isSum(expr)) return;
  if (form.size > 0) found.sums.set(expr, form);
  for (const child of childrenOf(expr)) readSums(child, named, found);
}

function isSum({ kind }: Expr): boolean {
  return kind === "arithmetic" || kind === "decimal" || kind === "negate";
}

/** `undefined` where a counter is in it in any other way. */
function formOf(expr: Expr, named: Named): Form | undefined {
  switch (expr.kind) {
    case "counter":
      return new Map([[expr.counter, 1]]);
    case "local":
      return named.get(expr.id) ?? NO_COUNTER;
    case "negate":
      return scaled(formOf(expr.of, named), -1);
    case "decimal":
      return scaled(formOf(expr.of, named), DECIMAL_ONE);
    case "arithmetic": {
      const [left, right] = [formOf(expr.left, named), formOf(expr.right, named)];
      if (left?.size === 0 && right?.size === 0) return NO_COUNTER;
      if (expr.number === "Float" || expr.op === "*") return undefined;
      return expr.op === "+" ? difference(left, scaled(right, -1)) : difference(left, right);
    }
    default:
      return mentions(expr, named) ? undefined : NO_COUNTER;
  }
}

function mentions(expr: Expr, named: Named): boolean {
  if (expr.kind === "counter" || (expr.kind === "local" && named.has(expr.id))) return true;
  return childrenOf(expr).some((child) => mentions(child, named));
}

/** In `a + 1 - a` no counter is left; `a + 1` is among the sums all the same. */
function difference(left: Form | undefined, right: Form | undefined): Form | undefined {
  if (left === undefined || right === undefined) return undefined;
  const result = new Map(left);
  for (const [counter, factor] of right) {
    const rest = (result.get(counter) ?? 0) - factor;
    if (rest === 0) result.delete(counter);
    else result.set(counter, rest);
  }
  return result;
}

function scaled(form: Form | undefined, by: number): Form | undefined {
  return form && new Map([...form].map(([counter, factor]) => [counter, factor * by]));
}
