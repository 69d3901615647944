/** `agent is autonomous`, `resource is account`, `tool is send_money` (SPEC §5.4). */
import type * as ast from "./ast.ts";
import type { Context } from "./context.ts";
import type { Expr } from "./ir.ts";
import { type Known, NOTHING } from "./known.ts";
import { withoutParens } from "./literal.ts";
import { isRoot, resourcesHere } from "./roots.ts";
import type { Span } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import { KINDS, type Type } from "./type.ts";
import { BOOL, solid, type Typed, typed } from "./typed.ts";

/** `agent is autonomous`, `resource is account`, `tool is send_money`. */
export function checkIs(
  expr: Extract<ast.Expr, { kind: "is" }>,
  context: Context,
): Typed | undefined {
  const of = withoutParens(expr.of);
  const root =
    of.kind === "name" && isRoot(of.name) && !context.locals.has(of.name) ? of.name : undefined;
  const positive =
    root === "tool"
      ? isTool(expr, of.span, context)
      : root === "resource"
        ? isResource(expr, of.span, context)
        : isKind(expr, root, of, context);
  if (positive === undefined || !expr.not) return positive;
  const at = context.around.place(expr.span);
  return typed({ kind: "not", operand: positive.ir, at }, BOOL, positive.otherwise, positive.then);
}

function isTool(
  expr: Extract<ast.Expr, { kind: "is" }>,
  span: Span,
  context: Context,
): Typed | undefined {
  const { vocabulary, place, report } = context.around;
  const index = vocabulary.toolIndex.get(expr.what.text);
  const tool = index === undefined ? undefined : vocabulary.tools[index];
  if (index === undefined || tool === undefined) {
    const near = didYouMean(expr.what.text, vocabulary.toolIndex.keys()).help;
    report("E207", expr.what.span, `unknown tool \`${expr.what.text}\``, near);
    return undefined;
  }
  const at = place(expr.span);
  const root: Expr = { kind: "root", name: "tool", at: place(span) };
  const named = equalText({ kind: "attribute", of: root, name: "name", at }, tool.wire, at);
  const then: Known = { present: new Set(), tools: [index] };
  const others = context.tools.filter((other) => other !== index);
  const otherwise: Known = { present: new Set(), tools: others };
  const server: Expr = { kind: "attribute", of: root, name: "server", at };
  const there: Expr = { kind: "has", of: server, at };
  if (tool.server === undefined) {
    // Calls of another server's tool of the name are none of this one.
    const ir = vocabulary.tools
      .filter((other) => other.wire === tool.wire && other.server !== undefined)
      .reduce<Expr>((before, { server: elsewhere = "" }) => {
        const right = equalText(server, elsewhere, at);
        const rival: Expr = { kind: "and", left: there, right, at };
        return { kind: "and", left: before, right: { kind: "not", operand: rival, at }, at };
      }, named);
    return typed(ir, BOOL, then, otherwise);
  }
  const same: Expr = { kind: "and", left: there, right: equalText(server, tool.server, at), at };
  return typed({ kind: "and", left: named, right: same, at }, BOOL, then, otherwise);
}

function equalText(left: Expr, text: string, at: number): Expr {
  const type: Type = { kind: "String" };
  return { kind: "equal", left, right: { kind: "const", type, value: text, at }, type, at };
}

function isResource(
  expr: Extract<ast.Expr, { kind: "is" }>,
  span: Span,
  context: Context,
): Typed | undefined {
  const { vocabulary, place, report } = context.around;
  const name = expr.what.text;
  if (!vocabulary.resources.has(name)) {
    report(
      "E207",
      expr.what.span,
      `unknown resource \`${name}\``,
      didYouMean(name, vocabulary.resources.keys()).help,
    );
    return undefined;
  }
  const at = place(expr.span);
  const root: Expr = { kind: "root", name: "resource", at: place(span) };
  const named = equalText({ kind: "attribute", of: root, name: "type", at }, name, at);
  // "The resource is an account" is false, not unknown, of a request without a resource.
  const ir: Expr = { kind: "and", left: { kind: "has", of: root, at }, right: named, at };
  const others = resourcesHere(context).flatMap((other) => (other.name === name ? [] : other.name));
  // Where there is no other type, what is read of the resource is unknown, and no error.
  const otherwise: Known = others.length === 0 ? NOTHING : { ...NOTHING, resources: others };
  return typed(ir, BOOL, { present: new Set(["resource"]), resources: [name] }, otherwise);
}

function isKind(
  expr: Extract<ast.Expr, { kind: "is" }>,
  root: string | undefined,
  of: ast.Expr,
  context: Context,
): Typed | undefined {
  const { place, report } = context.around;
  const at = place(expr.span);
  let owner: Expr | undefined;
  if (root === "agent" || root === "principal")
    owner = { kind: "root", name: root, at: place(of.span) };
  else if (root === undefined) {
    const party = solid(of, context, { kind: "Party" });
    if (party === undefined) return undefined;
    owner = party.ir;
  }
  if (owner === undefined) {
    report(
      "E208",
      of.span,
      `\`${root}\` has no kind`,
      "an agent, a principal and `delegation.root` have",
    );
    return undefined;
  }
  if (!(KINDS as readonly string[]).includes(expr.what.text)) {
    report(
      "E201",
      expr.what.span,
      `\`${expr.what.text}\` is no kind of actor`,
      `there is ${KINDS.join(", ")}`,
    );
    return undefined;
  }
  const type: Type = { kind: "Kind" };
  const left: Expr = { kind: "attribute", of: owner, name: "kind", at };
  const right: Expr = { kind: "const", type, value: expr.what.text, at };
  return typed({ kind: "equal", left, right, type, at }, BOOL);
}
