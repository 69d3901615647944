/**
 * Rules against folders that a command line gets around (SPEC §5.8): `within` is false of a pattern (`/e?c/shadow`)
 * and of what holds the folder (`tar c /`). Where a folder is allowed that is right; where it is not, `reaches` is meant.
 */
import type { Diagnostic } from "./diagnostic.ts";
import type { Expr, Program } from "./ir.ts";
import { spanOf } from "./pep.ts";

export function warnOfFolders(program: Program): Diagnostic[] {
  const found = [
    // What permits asks the other way round: what it says must not be so.
    ...program.rules.flatMap(({ effect, conditions }) =>
      effect === "oblige"
        ? []
        : conditions.flatMap((condition) => evaded(condition, effect !== "permit", NO_PATHS)),
    ),
    ...program.nevers.flatMap(({ condition }) => evaded(condition, true, NO_PATHS)),
  ];
  return found.map(({ name, at }) => ({
    code: "W305",
    span: spanOf(program, at),
    message: `\`within\` is false of a pattern (\`/e?c\`) and of what holds the folder (\`/\`), and a command may name both`,
    help: `\`reaches(${name}, …)\` is true of them as well`,
  }));
}

interface Evaded {
  /** Of the path. */
  readonly name: string;
  readonly at: number;
}

const NO_PATHS: ReadonlySet<number> = new Set();

/** Each `within` that stops a call where it is true, of what a command names. `paths`: loop variables for that. */
function evaded(expr: Expr, stops: boolean, paths: ReadonlySet<number>): readonly Evaded[] {
  switch (expr.kind) {
    case "and":
    case "or":
      return [...evaded(expr.left, stops, paths), ...evaded(expr.right, stops, paths)];
    case "not":
      return evaded(expr.operand, !stops, paths);
    case "quantifier": {
      const inner = namesPaths(expr.over) ? new Set([...paths, expr.id]) : paths;
      return evaded(expr.body, stops, inner);
    }
    case "within": {
      const { left, at } = expr;
      const isOne = stops && left.kind === "local" && paths.has(left.id);
      return isOne ? [{ name: left.name, at }] : [];
    }
    default:
      return [];
  }
}

const PATHS: ReadonlySet<unknown> = new Set(
  ["paths", "reads", "writes", "deletes"].map((name) => `command.${name}`),
);

function namesPaths(node: unknown): boolean {
  if (typeof node !== "object" || node === null) return false;
  const { kind, name } = node as { readonly kind?: unknown; readonly name?: unknown };
  return (kind === "builtin" && PATHS.has(name)) || Object.values(node).some(namesPaths);
}
