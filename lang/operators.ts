/** Binary operators (SPEC §5.4): the types each takes and gives, and the IR each becomes. */
import type * as ast from "./ast.ts";
import { type Context, elementOf, knowing } from "./context.ts";
import type { Expr, NumberKind } from "./ir.ts";
import { both, either, type Known } from "./known.ts";
import { withoutParens } from "./literal.ts";
import {
  assignable,
  isOrdered,
  isScalar,
  optional,
  present,
  sameType,
  spell,
  type Type,
  valueSet,
} from "./type.ts";
import {
  BOOL,
  condition,
  isFlexible,
  joinTypes,
  mismatch,
  numberKind,
  solid,
  type Typed,
  typed,
} from "./typed.ts";

type Binary = Extract<ast.Expr, { kind: "binary" }>;

const STRING: Type = { kind: "String" };

export function checkBinary(
  expr: Binary,
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  switch (expr.op) {
    case "and":
    case "or":
      return checkLogic(expr, expr.op, context);
    case "==":
    case "!=":
      return checkEqual(expr, context);
    case "<":
    case "<=":
    case ">":
    case ">=":
      return checkLess(expr, expr.op, context);
    case "in":
    case "not in":
      return negated(expr, checkIn(expr, expr.left, expr.right, context), context);
    case "within":
    case "not within":
      return negated(expr, checkWithin(expr, context), context);
    case "like":
    case "not like":
      return negated(expr, checkLike(expr, context), context);
    case "subset of":
      return checkSubset(expr, context);
    case "starts with":
    case "ends with":
      return checkText(expr, expr.op === "starts with" ? "starts" : "ends", context);
    case "contains":
      return checkContains(expr, context);
    case "+":
    case "-":
    case "*":
      return checkArithmetic(expr, expr.op, context, wanted);
    case "??":
      return checkCoalesce(expr, context, wanted);
  }
}

function checkLogic(expr: Binary, op: "and" | "or", context: Context): Typed | undefined {
  const left = condition(expr.left, context);
  const gained = op === "and" ? left?.then : left?.otherwise;
  const right = condition(expr.right, gained === undefined ? context : knowing(context, gained));
  if (left === undefined || right === undefined) return undefined;
  const ir: Expr = {
    kind: op,
    left: left.ir,
    right: right.ir,
    at: context.around.place(expr.span),
  };
  if (op === "and") {
    const failed = either(left.otherwise, both(left.then, right.otherwise));
    return typed(ir, BOOL, both(left.then, right.then), failed);
  }
  const held: Known = either(left.then, both(left.otherwise, right.then));
  return typed(ir, BOOL, held, both(left.otherwise, right.otherwise));
}

function negated(expr: Binary, positive: Typed | undefined, context: Context): Typed | undefined {
  if (positive === undefined || !expr.op.startsWith("not ")) return positive;
  const at = context.around.place(expr.span);
  return typed({ kind: "not", operand: positive.ir, at }, BOOL, positive.otherwise, positive.then);
}

interface Pair {
  readonly left: Typed;
  readonly right: Typed;
}

/** Both operands; the one that is no literal settles the type of the one that is. */
function pair(expr: Binary, context: Context, wanted?: Type): Pair | undefined {
  const leads = !isFlexible(expr.left, context) || isFlexible(expr.right, context);
  const lead = leads ? solid(expr.left, context, undefined) : solid(expr.right, context, undefined);
  const settled = lead?.type ?? wanted;
  const other = leads ? follow(expr.right, settled, context) : follow(expr.left, settled, context);
  if (lead === undefined || other === undefined) return undefined;
  return leads ? { left: lead, right: other } : { left: other, right: lead };
}

/** Literals take the other side's type; whether the operator takes both is for it to say. */
function follow(expr: ast.Expr, type: Type | undefined, context: Context): Typed | undefined {
  const result = context.around.check(expr, context, type);
  return result === undefined || result.type.kind !== "Optional" ? result : solid(expr, context);
}

function checkEqual(expr: Binary, context: Context): Typed | undefined {
  const sides = pair(expr, context);
  if (sides === undefined) return undefined;
  const { left, right } = sides;
  const disjoint =
    left.type.kind === "OneOf" &&
    right.type.kind === "OneOf" &&
    apart(left.type.values, right.type.values);
  const type = disjoint ? undefined : joinTypes(left.type, right.type);
  const at = context.around.place(expr.span);
  if (type === undefined || type.kind === "Any" || type.kind === "Float") {
    const why =
      type === undefined
        ? `${spell(left.type)} and ${spell(right.type)} are never equal`
        : `values of type ${spell(type)} cannot be compared for equality`;
    const convertible = numberKind(left.type) !== undefined && numberKind(right.type) !== undefined;
    context.around.report(
      "E204",
      expr.span,
      why,
      convertible && type === undefined ? "write `decimal(…)` around the Int" : undefined,
    );
    return undefined;
  }
  if (type.kind === "Party") return partyEqual(expr, sides, context);
  const equal: Expr = { kind: "equal", left: left.ir, right: right.ir, type, at };
  return typed(expr.op === "==" ? equal : { kind: "not", operand: equal, at }, BOOL);
}

function apart(a: readonly string[], b: readonly string[]): boolean {
  const values = valueSet(b);
  return !a.some((value) => values.has(value));
}

/** Actors are the same when their ids are. */
function partyEqual(expr: Binary, { left, right }: Pair, context: Context): Typed {
  const at = context.around.place(expr.span);
  const id = (of: Expr): Expr => ({ kind: "attribute", of, name: "id", at });
  const equal: Expr = { kind: "equal", left: id(left.ir), right: id(right.ir), type: STRING, at };
  return typed(expr.op === "==" ? equal : { kind: "not", operand: equal, at }, BOOL);
}

function checkLess(expr: Binary, op: "<" | "<=" | ">" | ">=", context: Context): Typed | undefined {
  const sides = pair(expr, context);
  if (sides === undefined) return undefined;
  const { left, right } = sides;
  if (!sameType(left.type, right.type) || !isOrdered(left.type)) {
    const why = sameType(left.type, right.type)
      ? `values of type ${spell(left.type)} have no order`
      : `${spell(left.type)} cannot be compared with ${spell(right.type)}`;
    const convertible = [left.type.kind, right.type.kind].sort().join() === "Decimal,Int";
    context.around.report(
      "E204",
      expr.span,
      why,
      convertible ? "write `decimal(…)` around the Int" : undefined,
    );
    return undefined;
  }
  const at = context.around.place(expr.span);
  return typed({ kind: "less", op, left: left.ir, right: right.ir, at }, BOOL);
}

function checkIn(
  expr: Binary,
  element: ast.Expr,
  container: ast.Expr,
  context: Context,
): Typed | undefined {
  const leads = !isFlexible(element, context) || isFlexible(container, context);
  const first = leads ? solid(element, context) : undefined;
  const wanted: Type | undefined =
    first === undefined ? undefined : { kind: "List", of: first.type };
  const right = solidAs(container, context, wanted);
  if (right === undefined || (leads && first === undefined)) return undefined;
  const of = elementOf(right.type);
  if (of === undefined || !isScalar(of)) {
    const help = right.type.kind === "Map" ? "ask `has table[key]`" : undefined;
    context.around.report(
      "E208",
      container.span,
      `${spell(right.type)} is no Set or List of simple values`,
      help,
    );
    return undefined;
  }
  const left = first ?? solid(element, context, of);
  if (left === undefined) return undefined;
  if (joinTypes(left.type, of) === undefined) {
    context.around.report(
      "E204",
      expr.span,
      `${spell(left.type)} is never in ${spell(right.type)}`,
    );
    return undefined;
  }
  const over = right.type.kind === "Set" ? "Set" : "List";
  const at = context.around.place(expr.span);
  return typed({ kind: "in", left: left.ir, right: right.ir, over, at }, BOOL);
}

function checkWithin(expr: Binary, context: Context): Typed | undefined {
  const leads = !isFlexible(expr.left, context);
  const left = leads ? solid(expr.left, context) : undefined;
  if (leads && left === undefined) return undefined;
  const inner = left?.type;
  const single = inner?.kind === "Ip" ? ({ kind: "Cidr" } as const) : inner;
  const list = expr.right.kind === "list";
  const wanted: Type | undefined =
    single === undefined ? undefined : list ? { kind: "List", of: single } : single;
  const right = solidAs(expr.right, context, wanted);
  if (right === undefined) return undefined;
  const outer = elementOf(right.type) ?? right.type;
  const subject = left ?? solid(expr.left, context, outer);
  if (subject === undefined) return undefined;
  const of = withinKind(subject.type, outer);
  if (of === undefined) {
    const help = "purposes, paths and IP addresses can be within one another";
    context.around.report(
      "E208",
      expr.span,
      `${spell(subject.type)} cannot be within ${spell(outer)}`,
      help,
    );
    return undefined;
  }
  const at = context.around.place(expr.span);
  if (elementOf(right.type) === undefined) {
    return typed({ kind: "within", left: subject.ir, right: right.ir, of, at }, BOOL);
  }
  return typed(withinOneOf(subject.ir, right.ir, of, at, context), BOOL);
}

/** Within one of several. Where there may be none, the left side is still asked for: unknown is not false. */
function withinOneOf(
  subject: Expr,
  folders: Expr,
  of: "Purpose" | "Path" | "Ip",
  at: number,
  { around }: Context,
): Expr {
  const anyOf = (over: Expr, body: (it: Expr) => Expr): Expr => {
    const id = around.fresh();
    const inner = body({ kind: "local", id, name: "it", at });
    return { kind: "quantifier", op: "any", id, name: "it", over, body: inner, at };
  };
  const isWithinOne = (left: Expr): Expr =>
    anyOf(folders, (right) => ({ kind: "within", left, right, of, at }));
  if (folders.kind === "list" && folders.items.length > 0) return isWithinOne(subject);
  return anyOf({ kind: "list", items: [subject], as: "List", at }, isWithinOne);
}

/** A literal takes the wanted type; anything else keeps its own. */
function solidAs(expr: ast.Expr, context: Context, wanted: Type | undefined): Typed | undefined {
  return isFlexible(expr, context) ? follow(expr, wanted, context) : solid(expr, context);
}

function withinKind(inner: Type, outer: Type): "Purpose" | "Path" | "Ip" | undefined {
  if (inner.kind === "Purpose" && outer.kind === "Purpose") return "Purpose";
  if (inner.kind === "Path" && outer.kind === "Path") return "Path";
  const address = inner.kind === "Ip" || inner.kind === "Cidr";
  return address && outer.kind === "Cidr" ? "Ip" : undefined;
}

/** Texts and what is a text underneath. */
function isText(type: Type): boolean {
  switch (type.kind) {
    case "String":
    case "OneOf":
    case "Path":
    case "Url":
    case "Email":
    case "Command":
      return true;
    default:
      return false;
  }
}

function checkLike(expr: Binary, context: Context): Typed | undefined {
  const sides = texts(expr, context);
  if (sides === undefined) return undefined;
  const at = context.around.place(expr.span);
  return typed({ kind: "like", left: sides.left.ir, pattern: sides.right.ir, at }, BOOL);
}

function checkText(
  expr: Binary,
  op: "starts" | "ends" | "contains",
  context: Context,
): Typed | undefined {
  const sides = texts(expr, context);
  if (sides === undefined) return undefined;
  const at = context.around.place(expr.span);
  return typed({ kind: "text", op, left: sides.left.ir, right: sides.right.ir, at }, BOOL);
}

/** The right side stays a String as written: a part of a Path or Url need not be one. */
function texts(expr: Binary, context: Context): Pair | undefined {
  const left = solid(expr.left, context, isFlexible(expr.left, context) ? STRING : undefined);
  const right = solid(expr.right, context, isFlexible(expr.right, context) ? STRING : undefined);
  if (left === undefined || right === undefined) return undefined;
  for (const [side, written] of [
    [left, expr.left],
    [right, expr.right],
  ] as const) {
    if (isText(side.type)) continue;
    context.around.report("E208", written.span, `${spell(side.type)} is no text`);
    return undefined;
  }
  return { left, right };
}

/** `text contains "x"`, or `set contains x`, which is `x in set`. */
function checkContains(expr: Binary, context: Context): Typed | undefined {
  if (withoutParens(expr.left).kind === "list") {
    return checkIn(expr, expr.right, expr.left, context);
  }
  const left = solid(expr.left, context, isFlexible(expr.left, context) ? STRING : undefined);
  if (left === undefined) return undefined;
  if (elementOf(left.type) !== undefined) return checkIn(expr, expr.right, expr.left, context);
  return checkText(expr, "contains", context);
}

function checkSubset(expr: Binary, context: Context): Typed | undefined {
  const sides = pair(expr, context);
  if (sides === undefined) return undefined;
  const left = elementOf(sides.left.type);
  const right = elementOf(sides.right.type);
  if (
    left === undefined ||
    right === undefined ||
    !isScalar(left) ||
    joinTypes(left, right) === undefined
  ) {
    const why = `${spell(sides.left.type)} cannot be a subset of ${spell(sides.right.type)}`;
    context.around.report(
      "E208",
      expr.span,
      why,
      "two Sets or Lists of the same simple values can be",
    );
    return undefined;
  }
  const at = context.around.place(expr.span);
  return typed({ kind: "subset", left: sides.left.ir, right: sides.right.ir, at }, BOOL);
}

function checkArithmetic(
  expr: Binary,
  op: "+" | "-" | "*",
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  const sides = operands(expr, op, context, wanted);
  if (sides === undefined) return undefined;
  const found = arithmeticType(op, sides.left.type, sides.right.type);
  const at = context.around.place(expr.span);
  if (found === undefined) {
    const convertible =
      [sides.left.type.kind, sides.right.type.kind].sort().join() === "Decimal,Int";
    const why = `\`${op}\` does not take ${spell(sides.left.type)} and ${spell(sides.right.type)}`;
    context.around.report(
      "E208",
      expr.span,
      why,
      convertible ? "write `decimal(…)` around the Int" : undefined,
    );
    return undefined;
  }
  const scaled = op === "*" && found === "Decimal";
  const side = (operand: Typed): Expr =>
    scaled && operand.type.kind === "Int"
      ? { kind: "decimal", of: operand.ir, at: operand.ir.at }
      : operand.ir;
  const ir: Expr = {
    kind: "arithmetic",
    op,
    number: found,
    left: side(sides.left),
    right: side(sides.right),
    at,
  };
  return typed(ir, { kind: found });
}

/** A number written beside a Time or a Duration is no Time: only then does the literal keep its own type. */
function operands(
  expr: Binary,
  op: string,
  context: Context,
  wanted: Type | undefined,
): Pair | undefined {
  if (op !== "*") return pair(expr, context, wanted);
  const left = solid(expr.left, context);
  const right = solid(expr.right, context);
  return left === undefined || right === undefined ? undefined : { left, right };
}

function arithmeticType(op: "+" | "-" | "*", left: Type, right: Type): NumberKind | undefined {
  const kinds = `${left.kind} ${op} ${right.kind}`;
  switch (kinds) {
    case "Int + Int":
    case "Int - Int":
    case "Int * Int":
      return "Int";
    case "Decimal + Decimal":
    case "Decimal - Decimal":
    case "Decimal * Decimal":
    case "Decimal * Int":
    case "Int * Decimal":
      return "Decimal";
    case "Duration + Duration":
    case "Duration - Duration":
    case "Duration * Int":
    case "Int * Duration":
    case "Time - Time":
      return "Duration";
    case "Time + Duration":
    case "Duration + Time":
    case "Time - Duration":
      return "Time";
    default:
      return undefined;
  }
}

function checkCoalesce(
  expr: Binary,
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  const left = context.around.check(expr.left, { ...context, lenient: true }, wanted);
  if (left === undefined) {
    context.around.check(expr.right, context, wanted);
    return undefined;
  }
  const inner = present(left.type);
  const right = context.around.check(expr.right, context, inner);
  if (right === undefined) return undefined;
  if (
    !assignable(present(right.type), inner) &&
    joinTypes(inner, present(right.type)) === undefined
  ) {
    mismatch(expr.right.span, right.type, inner, context);
    return undefined;
  }
  const at = context.around.place(expr.span);
  const joined = joinTypes(inner, present(right.type)) ?? inner;
  const type = right.type.kind === "Optional" ? optional(joined) : joined;
  return typed({ kind: "coalesce", left: left.ir, right: right.ir, at }, type);
}
