import type { Expr, Rule } from "../../lang/ir.ts";
import { childrenOf } from "../explain/walk.ts";

type Let = Rule["lets"][number];

/**
 * The values named by `let` that an expression reads, those that they read before them, each once: they are
 * calculated in front of the first condition that reads them (SPEC §5.3).
 */
export function letsReadBy(expr: Expr, lets: readonly Let[]): readonly Let[] {
  const found = new Set<Let>();
  const visit = (inner: Expr): void => {
    if (inner.kind === "local") {
      const named = lets.find(({ id }) => id === inner.id);
      if (named === undefined || found.has(named)) return;
      visit(named.value);
      found.add(named);
    }
    for (const child of childrenOf(inner)) visit(child);
  };
  if (lets.length > 0) visit(expr);
  return [...found];
}
