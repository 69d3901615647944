/** What is written out: constants, lists and records, typed by what is wanted where they stand (SPEC §4.3). */
import type * as ast from "./ast.ts";
import { type Context, elementOf } from "./context.ts";
import type { Expr } from "./ir.ts";
import { TYPE_PARTS_MAX } from "./limits.ts";
import { literal, refuseRepeated, textLiteral, withoutParens } from "./literal.ts";
import { assignable, extent, type Field, present, type RecordType, type Type } from "./type.ts";
import { isFlexible, solid, type Typed, typed } from "./typed.ts";

export function checkConstant(
  expr: Extract<ast.Expr, { kind: "number" | "duration" | "string" }>,
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  const { report, vocabulary, place } = context.around;
  const own: Type =
    expr.kind === "string"
      ? { kind: "String" }
      : expr.kind === "duration"
        ? { kind: "Duration" }
        : { kind: expr.text.includes(".") ? "Decimal" : "Int" };
  const type = wanted !== undefined && takes(present(wanted), own) ? present(wanted) : own;
  const value =
    expr.kind === "string"
      ? textLiteral(expr.value, expr.span, type, report)
      : literal(expr, type, vocabulary, report);
  if (value === undefined) return undefined;
  return typed({ kind: "const", type, value: value.value, at: place(expr.span) }, type);
}

/** Whether a literal of type `own` may stand where `type` is wanted and take that type. */
function takes(type: Type, own: Type): boolean {
  if (own.kind === "Int")
    return type.kind === "Int" || type.kind === "Decimal" || type.kind === "Float";
  if (own.kind === "Decimal") return type.kind === "Decimal" || type.kind === "Float";
  if (own.kind !== "String") return false;
  switch (type.kind) {
    case "OneOf":
    case "Path":
    case "Url":
    case "Email":
    case "Ip":
    case "Cidr":
    case "Time":
    case "Command":
      return true;
    default:
      return false;
  }
}

export function checkList(
  expr: Extract<ast.Expr, { kind: "list" }>,
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  const container = wanted === undefined ? undefined : present(wanted);
  let element = container === undefined ? undefined : elementOf(container);
  // An item that is no literal settles the type of those that are.
  const first =
    element === undefined ? expr.items.find((item) => !isFlexible(item, context)) : undefined;
  const settled = first === undefined ? undefined : solid(first, context);
  // Of numbers alone, one with a point makes all of them Decimals.
  element ??= settled?.type ?? (expr.items.some(isDecimal) ? { kind: "Decimal" } : undefined);
  const items: Expr[] = [];
  for (const item of expr.items) {
    const checked = item === first ? settled : solid(item, context, element);
    if (checked === undefined) continue;
    element ??= checked.type;
    items.push(checked.ir);
  }
  if (items.length < expr.items.length) return undefined;
  if (element === undefined) {
    context.around.report("E210", expr.span, "nothing tells what this empty list is a list of");
    return undefined;
  }
  const as = container?.kind === "Set" ? "Set" : "List";
  const type: Type = { kind: as, of: element };
  return typed({ kind: "list", items, as, at: context.around.place(expr.span) }, type);
}

export function checkRecord(
  expr: Extract<ast.Expr, { kind: "record" }>,
  context: Context,
  around: Type | undefined,
): Typed | undefined {
  const wanted = around === undefined ? undefined : present(around);
  if (wanted?.kind === "Map") {
    const table = literal(expr, wanted, context.around.vocabulary, context.around.report);
    const at = context.around.place(expr.span);
    return table && typed({ kind: "const", type: wanted, value: table.value, at }, wanted);
  }
  refuseRepeated(expr, context.around.report);
  const declared = wanted?.kind === "Record" ? wanted.fields : [];
  const fields = expr.fields.map((field) => {
    const type = declared.find((candidate) => candidate.name === field.name.text)?.type;
    const value = solid(field.value, context, type);
    return { name: field.name.text, value };
  });
  const known = fields.flatMap(({ name, value }) => (value === undefined ? [] : [{ name, value }]));
  if (known.length < fields.length) return undefined;
  const ir = known.map(({ name, value }) => ({ name, value: value.ir }));
  const types = known.map(({ name, value }) => ({ name, type: value.type }));
  const own: Type = { kind: "Record", fields: types, open: false };
  if (extent(own).size > TYPE_PARTS_MAX) {
    const message = `a record is made of ${TYPE_PARTS_MAX} at most, everything counted out`;
    context.around.report("E122", expr.span, message);
    return undefined;
  }
  return typed(
    { kind: "record", fields: ir, at: context.around.place(expr.span) },
    wanted?.kind === "Record" && isWhole(types, wanted) ? wanted : own,
  );
}

/** Whether a record with these members is one of type `wanted`, whose other members may be absent. */
function isWhole(given: readonly Field[], wanted: RecordType): boolean {
  const fits = given.every(({ name, type }) => {
    const field = wanted.fields.find((candidate) => candidate.name === name);
    return field !== undefined && assignable(type, field.type);
  });
  return (
    fits &&
    wanted.fields.every(
      ({ name, type }) =>
        type.kind === "Optional" || given.some((candidate) => candidate.name === name),
    )
  );
}

function isDecimal(expr: ast.Expr): boolean {
  const inner = withoutParens(expr);
  if (inner.kind === "negate") return isDecimal(inner.operand);
  return inner.kind === "number" && inner.text.includes(".");
}
