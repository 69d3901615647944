/** What a checked expression is, and what every part of the checker asks of one (SPEC §5.2). */
import type * as ast from "./ast.ts";
import type { Context } from "./context.ts";
import type { Expr } from "./ir.ts";
import { type Known, knownKey, NOTHING } from "./known.ts";
import { withoutParens } from "./literal.ts";
import { isRoot } from "./roots.ts";
import type { Span } from "./source.ts";
import { assignable, optional, present, sameType, spell, type Type } from "./type.ts";

/** A checked expression, and what is known where it was true, and where it was false. */
export interface Typed {
  readonly ir: Expr;
  readonly type: Type;
  readonly then: Known;
  readonly otherwise: Known;
}

export const BOOL: Type = { kind: "Bool" };

export function typed(ir: Expr, type: Type, then = NOTHING, otherwise = NOTHING): Typed {
  return { ir, type, then, otherwise };
}

/** An expression that must be a Bool. */
export function condition(expr: ast.Expr, context: Context): Typed | undefined {
  return solid(expr, context, BOOL);
}

/** An expression whose value must be there, and of type `wanted` where that is given. */
export function solid(expr: ast.Expr, context: Context, wanted?: Type): Typed | undefined {
  const result = context.around.check(expr, context, wanted);
  if (result === undefined) return undefined;
  if (result.type.kind === "Optional" && wanted?.kind !== "Optional") {
    const written = sourceOf(result.ir);
    const message = written === undefined ? "this may be absent" : `\`${written}\` may be absent`;
    const help =
      written === undefined
        ? "ask `has` of the same first, or give a value for that case with `??`"
        : `test \`has ${written}\` first, or give a value for that case with \`??\``;
    context.around.report("E205", expr.span, message, help);
    return undefined;
  }
  if (wanted !== undefined && !assignable(result.type, wanted)) {
    mismatch(expr.span, result.type, wanted, context);
    return undefined;
  }
  return result;
}

export function mismatch(span: Span, found: Type, wanted: Type, context: Context): void {
  const convertible = found.kind === "Int" && present(wanted).kind === "Decimal";
  const help = convertible ? "write `decimal(…)` around it" : undefined;
  context.around.report(
    "E204",
    span,
    `this is ${spell(found)}, and ${spell(wanted)} is wanted`,
    help,
  );
}

/** A path as its author wrote it, for messages. */
function sourceOf(expr: Expr): string | undefined {
  switch (expr.kind) {
    case "root":
    case "local":
      return expr.name;
    case "attribute": {
      const of = sourceOf(expr.of);
      return of === undefined ? undefined : `${of}.${expr.name}`;
    }
    default:
      return undefined;
  }
}

/** Literals and words: what is around them tells their type. */
export function isFlexible(expr: ast.Expr, context: Context): boolean {
  const inner = withoutParens(expr);
  switch (inner.kind) {
    case "number":
    case "string":
      return true;
    case "negate":
      return isFlexible(inner.operand, context);
    case "list":
      return inner.items.every((item) => isFlexible(item, context));
    case "name":
    case "attribute":
      return isWord(inner, context);
    default:
      return false;
  }
}

/** A word, perhaps dotted, that names no variable: it can only be a value of an enumeration. */
export function isWord(expr: ast.Expr, context: Context): boolean {
  const whole = withoutParens(expr);
  let head = whole;
  while (head.kind === "attribute") head = withoutParens(head.of);
  if (head.kind !== "name") return false;
  // A root by itself is no value, so `agent` alone can only be the source of that name.
  if (head === whole && isRoot(head.name)) return !context.locals.has(head.name);
  return !isVariable(head.name, context);
}

export function isVariable(word: string, context: Context): boolean {
  const { counters, latches } = context.around;
  return context.locals.has(word) || isRoot(word) || counters.has(word) || latches.has(word);
}

export function refuseShadowing(name: ast.Name, context: Context): void {
  if (!isVariable(name.text, context)) return;
  context.around.report(
    "E203",
    name.span,
    `\`${name.text}\` has a meaning here already`,
    "choose another name",
  );
}

export function numberKind(
  type: Type,
): "Int" | "Decimal" | "Float" | "Duration" | "Time" | undefined {
  switch (type.kind) {
    case "Int":
    case "Decimal":
    case "Float":
    case "Duration":
    case "Time":
      return type.kind;
    default:
      return undefined;
  }
}

/** The type both fit into. */
export function joinTypes(a: Type, b: Type): Type | undefined {
  if (sameType(a, b)) return a;
  if (a.kind === "Optional" || b.kind === "Optional") {
    const joined = joinTypes(present(a), present(b));
    return joined === undefined ? undefined : optional(joined);
  }
  if (assignable(a, b)) return b;
  if (assignable(b, a)) return a;
  if (a.kind === "OneOf" && b.kind === "OneOf") {
    return { kind: "OneOf", values: [...new Set([...a.values, ...b.values])] };
  }
  return undefined;
}

/** The type of an expression here: present where that is known. */
export function narrowed(ir: Expr, type: Type, context: Context): Type {
  if (type.kind !== "Optional") return type;
  return context.known.present.has(knownKey(ir)) ? type.of : type;
}
