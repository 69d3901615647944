/** What the search for counterexamples cannot make up, in words: where all is said to hold, this was not looked at. Pure. */
import type { Expr, Program } from "../../lang/ir.ts";
import { childrenOf } from "../explain/walk.ts";
import { standingsIn } from "./task-standing.ts";

export function unseenIn(program: Program): readonly string[] {
  const tasks = program.tasks.filter(({ sequence }) => {
    const behind = (sequence?.follow ?? []).filter((next) => next.length > 0);
    return standingsIn(sequence).length < behind.length;
  });
  const permits = program.rules.filter(
    ({ effect, lets, conditions }) =>
      effect === "permit" && [...lets.map(({ value }) => value), ...conditions].some(asksRego),
  );
  return [
    ...tasks.map(({ name }) => `steps of task \`${name}\` that read what earlier ones bound`),
    ...permits.map(({ name }) => `calls that \`${name}\` permits by what Rego says`),
  ];
}

/** Functions read no modules. */
function asksRego(expr: Expr): boolean {
  return expr.kind === "module" || childrenOf(expr).some(asksRego);
}
