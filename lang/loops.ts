/** `any`, `all` and what goes through a list (SPEC §5.5). */
import type * as ast from "./ast.ts";
import { type Context, elementOf, knowing, withLocal } from "./context.ts";
import type { Expr } from "./ir.ts";
import { NOTHING } from "./known.ts";
import { LOOP_DEPTH_MAX } from "./limits.ts";
import type { Span } from "./source.ts";
import { optional, spell, type Type } from "./type.ts";
import { BOOL, condition, numberKind, refuseShadowing, solid, type Typed, typed } from "./typed.ts";

/** The element type and an inner context for a loop over `over`; undefined after reporting. */
function loop(
  expr: { readonly over: ast.Expr; readonly variable: ast.Name; readonly span: Span },
  context: Context,
):
  | { readonly over: Expr; readonly id: number; readonly element: Type; readonly inner: Context }
  | undefined {
  const { around } = context;
  const over = solid(expr.over, context);
  if (context.loops >= LOOP_DEPTH_MAX) {
    around.report("E222", expr.span, `loops stand in each other ${LOOP_DEPTH_MAX} deep at most`);
    return undefined;
  }
  if (over === undefined) return undefined;
  const element = elementOf(over.type);
  if (element === undefined) {
    const help = over.type.kind === "Map" ? "go through `values(…)` or `keys(…)`" : undefined;
    around.report(
      "E208",
      expr.over.span,
      `${spell(over.type)} has no elements to go through`,
      help,
    );
    return undefined;
  }
  refuseShadowing(expr.variable, context);
  const id = around.fresh();
  const inner = withLocal(
    { ...context, loops: context.loops + 1 },
    expr.variable.text,
    id,
    element,
  );
  return { over: over.ir, id, element, inner };
}

export function checkQuantifier(
  expr: Extract<ast.Expr, { kind: "quantifier" }>,
  context: Context,
): Typed | undefined {
  const entered = loop(expr, context);
  if (entered === undefined) return undefined;
  const body = condition(expr.body, entered.inner);
  if (body === undefined) return undefined;
  const { over, id } = entered;
  const at = context.around.place(expr.span);
  return typed(
    { kind: "quantifier", op: expr.op, id, name: expr.variable.text, over, body: body.ir, at },
    BOOL,
  );
}

export function checkAggregate(
  expr: Extract<ast.Expr, { kind: "aggregate" }>,
  context: Context,
): Typed | undefined {
  const entered = loop(expr, context);
  if (entered === undefined) return undefined;
  const where = expr.where === undefined ? undefined : condition(expr.where, entered.inner);
  if (expr.where !== undefined && where === undefined) return undefined;
  const inner = knowing(entered.inner, where?.then ?? NOTHING);
  const body =
    expr.body === undefined
      ? undefined
      : solid(expr.body, inner, expr.op === "count" ? BOOL : undefined);
  if (expr.body !== undefined && body === undefined) return undefined;
  if (body === undefined && expr.op !== "count") {
    context.around.report(
      "E208",
      expr.span,
      `\`${expr.op}\` needs what to take of each`,
      `\`${expr.op}(x in xs: x)\``,
    );
    return undefined;
  }
  const type = aggregateType(expr, body?.type, context);
  if (type === undefined) return undefined;
  return typed(aggregateIr(expr, entered, where, body, context), type);
}

function aggregateIr(
  expr: Extract<ast.Expr, { kind: "aggregate" }>,
  entered: { readonly over: Expr; readonly id: number },
  where: Typed | undefined,
  body: Typed | undefined,
  context: Context,
): Expr {
  const at = context.around.place(expr.span);
  // `count(x in xs: c)` is `count(x in xs where c)`.
  const counted = expr.op === "count" ? body : undefined;
  const filter =
    where !== undefined && counted !== undefined
      ? ({ kind: "and", left: where.ir, right: counted.ir, at } as const)
      : (where ?? counted)?.ir;
  const number = body === undefined ? undefined : numberKind(body.type);
  return {
    kind: "aggregate",
    op: expr.op,
    ...(number === undefined || expr.op === "count" ? {} : { number }),
    id: entered.id,
    name: expr.variable.text,
    over: entered.over,
    ...(filter === undefined ? {} : { where: filter }),
    ...(body === undefined || expr.op === "count" ? {} : { body: body.ir }),
    at,
  };
}

function aggregateType(
  expr: Extract<ast.Expr, { kind: "aggregate" }>,
  body: Type | undefined,
  context: Context,
): Type | undefined {
  const span = expr.body?.span ?? expr.span;
  switch (expr.op) {
    case "count":
      return { kind: "Int" };
    case "sum":
      if (
        body !== undefined &&
        numberKind(body) !== undefined &&
        body.kind !== "Time" &&
        body.kind !== "Float"
      )
        return body;
      context.around.report(
        "E208",
        span,
        `${spell(body ?? BOOL)} cannot be summed`,
        "Int, Decimal and Duration can",
      );
      return undefined;
    case "min":
    case "max":
      if (body !== undefined && (numberKind(body) !== undefined || body.kind === "Level"))
        return optional(body);
      context.around.report("E208", span, `${spell(body ?? BOOL)} has no least or greatest`);
      return undefined;
    case "first":
    case "last":
      return optional(body ?? BOOL);
    case "list":
      return { kind: "List", of: body ?? BOOL };
    case "set":
      return setOf(body ?? BOOL, span, context);
  }
}

function setOf(element: Type, span: Span, context: Context): Type | undefined {
  const holds = !["Set", "List", "Map", "Record", "Party", "Any", "Optional"].includes(
    element.kind,
  );
  if (holds) return { kind: "Set", of: element };
  context.around.report("E208", span, `a Set cannot hold ${spell(element)}`, "make a `list(…)`");
  return undefined;
}
