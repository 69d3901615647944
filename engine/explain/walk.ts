import type { Expr } from "../../lang/ir.ts";
import { unreachable } from "../../lang/unreachable.ts";

/** The expressions an expression is made of, in the order they are evaluated. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "const":
    case "root":
    case "local":
    case "module":
    case "counter":
    case "latch":
      return [];
    case "attribute":
    case "has":
    case "decimal":
    case "negate":
    case "origin":
      return [expr.of];
    case "index":
      return [expr.of, expr.index];
    case "coalesce":
    case "and":
    case "or":
    case "equal":
    case "less":
    case "arithmetic":
    case "in":
    case "subset":
    case "within":
    case "text":
      return [expr.left, expr.right];
    case "like":
      return [expr.left, expr.pattern];
    case "not":
      return [expr.operand];
    case "if":
      return [expr.condition, expr.then, expr.else];
    case "quantifier":
      return [expr.over, expr.body];
    case "aggregate":
      return [expr.over, expr.where, expr.body].filter((child) => child !== undefined);
    case "list":
      return expr.items;
    case "record":
      return expr.fields.map(({ value }) => value);
    case "builtin":
    case "call":
      return expr.args;
    default:
      return unreachable(expr);
  }
}

/** The sides of an `and`, and of those that are one. */
export function conjuncts(expr: Expr): readonly Expr[] {
  return expr.kind === "and" ? [...conjuncts(expr.left), ...conjuncts(expr.right)] : [expr];
}
