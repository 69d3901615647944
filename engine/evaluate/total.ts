/** Which expressions always have a value: no code is written for the case that they have none. */
import type { Expr, RootName } from "../../lang/ir.ts";
import { isScalar } from "../../lang/type.ts";
import { unreachable } from "../../lang/unreachable.ts";
import { type Binary, costOf, isShort } from "./spending.ts";
import type { Frame } from "./unit.ts";

export const ALWAYS_THERE: ReadonlySet<RootName> = new Set([
  "agent",
  "intent",
  "tool",
  "args",
  "environment",
]);

/** Whether the expression has a value on every request, and its code is one fragment without statements. */
export function isTotal(frame: Frame, expr: Expr): boolean {
  const known = frame.totals.get(expr);
  if (known !== undefined) return known;
  const total = decideTotal(frame, expr);
  frame.totals.set(expr, total);
  return total;
}

function decideTotal(frame: Frame, expr: Expr): boolean {
  switch (expr.kind) {
    case "const":
      return frame.unit.constantOf(expr) !== undefined;
    case "root":
      return ALWAYS_THERE.has(expr.name);
    case "local": {
      const local = frame.locals.get(expr.id);
      return local !== undefined && local.unknown === undefined && !local.optional;
    }
    case "has":
      return isPlainRead(expr.of);
    case "coalesce":
      return isPlainRead(expr.left) && isTotal(frame, expr.right);
    case "not":
      return isTotal(frame, expr.operand);
    case "negate":
      return isTotal(frame, expr.of);
    case "if":
      return [expr.condition, expr.then, expr.else].every((part) => isTotal(frame, part));
    case "equal":
    case "in":
    case "subset":
    case "within":
    case "text":
      if (costOf(expr) !== undefined || isDeep(expr)) return false;
      return isTotal(frame, expr.left) && isTotal(frame, expr.right);
    case "and":
    case "or":
    case "less":
      return isTotal(frame, expr.left) && isTotal(frame, expr.right);
    case "list":
      if (expr.as === "Set" && !expr.items.every(isShort)) return false;
      return expr.items.every((item) => isTotal(frame, item));
    case "record":
      return expr.fields.every((field) => isTotal(frame, field.value));
    case "attribute":
    case "index":
    case "like":
    case "arithmetic":
    case "decimal":
    case "quantifier":
    case "aggregate":
    case "builtin":
    case "call":
    case "module":
    case "counter":
    case "latch":
    case "origin":
      return false;
    default:
      return unreachable(expr);
  }
}

function isDeep(expr: Binary): boolean {
  return expr.kind === "equal" && !isScalar(expr.type);
}

function isPlainRead(expr: Expr): boolean {
  return expr.kind === "root" || (expr.kind === "attribute" && expr.of.kind === "root");
}
