/** What is read of a request: attributes, elements, and whether they are there (SPEC §5.2). */
import type * as ast from "./ast.ts";
import { attributeOf, attributesOf } from "./builtins.ts";
import type { Context } from "./context.ts";
import type { Expr } from "./ir.ts";
import { knownKey, presence, presenceOf } from "./known.ts";
import { dottedName, listed, withoutParens } from "./literal.ts";
import { checkWord } from "./names.ts";
import { isRoot, MAY_LACK, type ROOTS, rootAttribute } from "./roots.ts";
import type { Span } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import { optional, present, spell, type Type } from "./type.ts";
import { BOOL, isWord, narrowed, solid, type Typed, typed } from "./typed.ts";

export function checkAttribute(
  expr: Extract<ast.Expr, { kind: "attribute" }>,
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  const { around } = context;
  const of = withoutParens(expr.of);
  if (of.kind === "name" && isRoot(of.name) && !context.locals.has(of.name)) {
    return checkRootAttribute(expr, of.name, of.span, context);
  }
  const word = dottedName(expr);
  if (word !== undefined && isWord(expr, context))
    return checkWord(word, expr.span, context, wanted);
  const owner = context.lenient ? context.around.check(of, context) : solid(of, context);
  if (owner === undefined) return undefined;
  const type = present(owner.type);
  // Absent where its owner is.
  const within = (of: Type): Type => (owner.type.kind === "Optional" ? optional(of) : of);
  const at = around.place(expr.span);
  const name = expr.name.text;
  const field =
    type.kind === "Record" ? type.fields.find((candidate) => candidate.name === name) : undefined;
  if (field !== undefined) {
    const ir: Expr = { kind: "attribute", of: owner.ir, name, at };
    return typed(ir, narrowed(ir, within(field.type), context));
  }
  if (type.kind === "Party" && (name === "id" || name === "kind")) {
    const part: Type = { kind: name === "id" ? "String" : "Kind" };
    return typed({ kind: "attribute", of: owner.ir, name, at }, within(part));
  }
  const builtin = attributeOf(type, name);
  const result = builtin?.result([type]);
  if (builtin !== undefined && result !== undefined && !("message" in result)) {
    return typed({ kind: "builtin", name: builtin.name, args: [owner.ir], at }, within(result));
  }
  const names =
    type.kind === "Record" ? type.fields.map((candidate) => candidate.name) : attributesOf(type);
  around.report(
    "E206",
    expr.name.span,
    `${spell(type)} has no \`${name}\``,
    didYouMean(name, names).help ?? listed(names),
  );
  return undefined;
}

function checkRootAttribute(
  expr: Extract<ast.Expr, { kind: "attribute" }>,
  root: (typeof ROOTS)[number],
  rootSpan: Span,
  context: Context,
): Typed | undefined {
  const { around } = context;
  if (context.reads === "parameters" && (root === "args" || root === "resource")) {
    around.report("E220", expr.span, `a \`fn\` cannot read \`${root}\``, "make it a parameter");
    return undefined;
  }
  const name = expr.name.text;
  warnIfMissing(root, expr.span, context);
  const lookup = rootAttribute(root, name, context);
  if (!("found" in lookup)) {
    const help = didYouMean(name, lookup.missing).help ?? listed(lookup.missing);
    around.report(
      "E206",
      expr.name.span,
      lookup.why ?? `there is no \`${root}.${name}\` here`,
      help,
    );
    return undefined;
  }
  const owner: Expr = { kind: "root", name: root, at: around.place(rootSpan) };
  const ir: Expr = { kind: "attribute", of: owner, name, at: around.place(expr.span) };
  return typed(ir, narrowed(ir, lookup.found, context));
}

/** A rule that forbids would apply to every request without this root. */
function warnIfMissing(root: (typeof ROOTS)[number], span: Span, context: Context): void {
  const missable = root === "principal" || root === "resource";
  if (!missable || !context.cautious || context.lenient || context.known.present.has(root)) return;
  const message = `a request without a ${root} makes this unknown, and the rule applies`;
  context.around.report("W301", span, message, `if that is not meant, test \`has ${root}\` first`);
}

export function checkIndex(
  expr: Extract<ast.Expr, { kind: "index" }>,
  context: Context,
): Typed | undefined {
  const owner = context.lenient ? context.around.check(expr.of, context) : solid(expr.of, context);
  if (owner === undefined) return undefined;
  const type = present(owner.type);
  if (type.kind !== "Map" && type.kind !== "List") {
    context.around.report(
      "E208",
      expr.of.span,
      `${spell(type)} cannot be looked into by index`,
      "a List or a Map can",
    );
    return undefined;
  }
  const wanted: Type = { kind: type.kind === "Map" ? "String" : "Int" };
  const index = solid(expr.index, { ...context, lenient: false }, wanted);
  if (index === undefined) return undefined;
  const at = context.around.place(expr.span);
  const ir: Expr = { kind: "index", of: owner.ir, index: index.ir, over: type.kind, at };
  return typed(ir, narrowed(ir, optional(type.of), context));
}

export function checkHas(
  expr: Extract<ast.Expr, { kind: "has" }>,
  context: Context,
): Typed | undefined {
  const { around } = context;
  const of = withoutParens(expr.of);
  const at = around.place(expr.span);
  if (of.kind === "name" && isRoot(of.name) && !context.locals.has(of.name)) {
    if (!MAY_LACK.includes(of.name)) {
      around.report("E221", expr.span, `every request has \`${of.name}\``);
      return undefined;
    }
    const root: Expr = { kind: "root", name: of.name, at: around.place(of.span) };
    return typed({ kind: "has", of: root, at }, BOOL, presence(of.name));
  }
  const operand = context.around.check(of, { ...context, lenient: true });
  if (operand === undefined) return undefined;
  const { kind } = operand.ir;
  if (kind === "const" || kind === "list" || kind === "record") {
    const help = "such as `has args.cc`";
    around.report("E221", expr.of.span, "what is written out is there", help);
    return undefined;
  }
  const root = rootOf(operand.ir);
  const always =
    operand.type.kind !== "Optional" &&
    kind !== "local" &&
    !(root !== undefined && MAY_LACK.includes(root));
  if (always && !context.known.present.has(knownKey(operand.ir))) {
    around.report("W302", expr.span, "this is always there", "leave the test out");
  }
  return typed({ kind: "has", of: operand.ir, at }, BOOL, presenceOf(operand.ir));
}

function rootOf(expr: Expr): (typeof ROOTS)[number] | undefined {
  if (expr.kind === "root") return expr.name;
  return expr.kind === "attribute" || expr.kind === "index" ? rootOf(expr.of) : undefined;
}
