/**
 * Expressions: names resolved, types checked, presence followed, IR built, in one walk (SPEC §5). A part that
 * is wrong is reported once and gives undefined, which silences what is around it.
 */
import type * as ast from "./ast.ts";
import { checkCall } from "./calls.ts";
import { type Context, knowing } from "./context.ts";
import { checkIs } from "./is.ts";
import { both, either, NOTHING } from "./known.ts";
import { checkAggregate, checkQuantifier } from "./loops.ts";
import { checkName } from "./names.ts";
import { checkBinary } from "./operators.ts";
import { checkAttribute, checkHas, checkIndex } from "./paths.ts";
import { present, spell, type Type } from "./type.ts";
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
import { checkConstant, checkList, checkRecord } from "./written.ts";

/** `wanted` gives literals and words their type; whether the result fits is for the caller to ask. */
export function check(expr: ast.Expr, context: Context, wanted?: Type): Typed | undefined {
  const { around } = context;
  const at = around.place(expr.span);
  switch (expr.kind) {
    case "paren":
      return check(expr.inner, context, wanted);
    case "bool":
      return typed({ kind: "const", type: BOOL, value: expr.value, at }, BOOL);
    case "number":
    case "duration":
    case "string":
      return checkConstant(expr, context, wanted);
    case "list":
      return checkList(expr, context, wanted);
    case "record":
      return checkRecord(expr, context, wanted);
    case "name":
      return checkName(expr, context, wanted);
    case "attribute":
      return checkAttribute(expr, context, wanted);
    case "index":
      return checkIndex(expr, context);
    case "call":
      return checkCall(expr, context);
    case "aggregate":
      return checkAggregate(expr, context);
    case "quantifier":
      return checkQuantifier(expr, context);
    case "not": {
      const operand = condition(expr.operand, context);
      if (operand === undefined) return undefined;
      return typed({ kind: "not", operand: operand.ir, at }, BOOL, operand.otherwise, operand.then);
    }
    case "negate":
      return checkNegate(expr, context, wanted);
    case "has":
      return checkHas(expr, context);
    case "is":
      return checkIs(expr, context);
    case "if":
      return checkIf(expr, context, wanted);
    case "binary":
      return checkBinary(expr, context, wanted);
  }
}

function checkNegate(
  expr: Extract<ast.Expr, { kind: "negate" }>,
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  const operand = solid(expr.operand, context, wanted === undefined ? undefined : present(wanted));
  if (operand === undefined) return undefined;
  const kind = numberKind(operand.type);
  if (kind === undefined || kind === "Time" || (kind === "Float" && operand.ir.kind !== "const")) {
    context.around.report("E208", expr.span, `${spell(operand.type)} has no negative`);
    return undefined;
  }
  const at = context.around.place(expr.span);
  if (operand.ir.kind === "const" && typeof operand.ir.value === "number") {
    return typed({ ...operand.ir, value: 0 - operand.ir.value, at }, operand.type);
  }
  return typed({ kind: "negate", of: operand.ir, at }, operand.type);
}

function checkIf(
  expr: Extract<ast.Expr, { kind: "if" }>,
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  const test = condition(expr.condition, context);
  const thenContext = knowing(context, test?.then ?? NOTHING);
  const elseContext = knowing(context, test?.otherwise ?? NOTHING);
  const leads = !isFlexible(expr.then, context) || isFlexible(expr.else, context);
  const lead = leads
    ? check(expr.then, thenContext, wanted)
    : check(expr.else, elseContext, wanted);
  const type = wanted ?? lead?.type;
  const other = leads ? check(expr.else, elseContext, type) : check(expr.then, thenContext, type);
  if (test === undefined || lead === undefined || other === undefined) return undefined;
  const [then, otherwise] = leads ? [lead, other] : [other, lead];
  const joined = joinTypes(then.type, otherwise.type);
  if (joined === undefined) {
    mismatch(expr.else.span, otherwise.type, then.type, context);
    return undefined;
  }
  const at = context.around.place(expr.span);
  return typed(
    { kind: "if", condition: test.ir, then: then.ir, else: otherwise.ir, at },
    joined,
    either(both(test.then, then.then), both(test.otherwise, otherwise.then)),
    either(both(test.then, then.otherwise), both(test.otherwise, otherwise.otherwise)),
  );
}
