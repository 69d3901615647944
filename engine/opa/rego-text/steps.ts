/** The most steps that evaluating may take (SPEC §5.3, `fuel`): Rego does not count them, so they must never run out. */
import type { Expr, Program } from "../../../lang/ir.ts";
import { childrenOf } from "../../explain/walk.ts";

/** Elements of a list in a request, and the longest text. */
const ELEMENTS_MOST = 10_000;
const TEXT_MOST = 1_048_576;

export function stepsAtMost(expr: Expr, program: Program): number {
  const inside = (child: Expr | undefined): number =>
    child === undefined ? 0 : stepsAtMost(child, program);
  switch (expr.kind) {
    case "quantifier":
      return inside(expr.over) + elementsAtMost(expr.over) * (1 + inside(expr.body));
    case "aggregate":
      return (
        inside(expr.over) + elementsAtMost(expr.over) * (1 + inside(expr.where) + inside(expr.body))
      );
    case "call":
      return (
        1 +
        expr.args.reduce((sum, arg) => sum + inside(arg), 0) +
        inside(program.functions[expr.function]?.body)
      );
    default:
      return childrenOf(expr).reduce((sum, child) => sum + inside(child), 0);
  }
}

function elementsAtMost(over: Expr): number {
  switch (over.kind) {
    case "const":
      return Array.isArray(over.value) ? over.value.length : ELEMENTS_MOST;
    case "list":
      return over.items.length;
    case "attribute":
      return ELEMENTS_MOST;
    case "builtin":
      if (over.name === "split" || over.name === "words") return TEXT_MOST;
      return over.args.reduce((sum, arg) => sum + elementsAtMost(arg), 0);
    default:
      return ELEMENTS_MOST;
  }
}
