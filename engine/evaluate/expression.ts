/**
 * Expressions as code. A value becomes a fragment that is evaluated once, where it is used; what may be
 * unknown becomes statements before it that leave by a jump. Strict operators therefore cost nothing for
 * operands that are known, and operators that look at unknown operands (`and`, `has`, …) catch the jump.
 */
import { BUILTINS, type Builtin } from "../../lang/builtins.ts";
import type { Expr, NumberKind } from "../../lang/ir.ts";
import { DECIMAL_ONE } from "../../lang/scalar/decimal.ts";
import { isScalar } from "../../lang/type.ts";
import { unreachable } from "../../lang/unreachable.ts";
import type { Value } from "../value.ts";
import { callSteps } from "./costs.ts";
import { Block, type Code, code, type HelperName, join } from "./emit.ts";
import {
  bind,
  exceptAbsent,
  type Fail,
  failAbsent,
  failOverflow,
  failUnlessAbsent,
  keeping,
  labelled,
  presentCode,
} from "./leaving.ts";
import {
  constantCode,
  counterCode,
  latchCode,
  localCode,
  moduleCode,
  readOrUndefined,
  rootCode,
} from "./reading.ts";
import {
  type Binary,
  costOf,
  isShort,
  spending,
  spendingOn,
  spendingRound,
  spendOnBuiltin,
  unlessSpent,
  useFuel,
} from "./spending.ts";
import { isTotal } from "./total.ts";
import type { Frame } from "./unit.ts";

/** A fragment for the value of `expr`; to be used once, in the block `out` or inside it. */
export function valueCode(frame: Frame, out: Block, expr: Expr, fail: Fail): Code {
  switch (expr.kind) {
    case "const":
      return constantCode(frame, out, expr, fail);
    case "root":
      return rootCode(frame, out, expr, fail);
    case "local":
      return localCode(frame, out, expr, fail);
    case "attribute":
      return attributeCode(frame, out, expr, fail);
    case "index": {
      const list = valueCode(frame, out, expr.of, fail);
      const at = valueCode(frame, out, expr.index, fail);
      if (expr.over === "List") return presentCode(frame, out, code`${list}[${at}]`, expr.at, fail);
      const [map, key] = [bind(frame, out, list), bind(frame, out, at)];
      if (!isShort(expr.index)) out.add(spendingOn(frame, "textSteps", [key], expr.at, fail));
      return presentCode(frame, out, code`${map}.get(${key})`, expr.at, fail);
    }
    case "has":
      return hasCode(frame, out, expr, fail);
    case "coalesce":
      return coalesceCode(frame, out, expr, fail);
    case "not":
      return code`!(${valueCode(frame, out, expr.operand, fail)})`;
    case "and":
    case "or": {
      if (!isTotal(frame, expr)) return truthCode(frame, out, expr, fail);
      const left = valueCode(frame, out, expr.left, fail);
      const right = valueCode(frame, out, expr.right, fail);
      return expr.kind === "and" ? code`(${left} && ${right})` : code`(${left} || ${right})`;
    }
    case "if":
      return ifCode(frame, out, expr, fail);
    case "equal": {
      if (!isScalar(expr.type)) return deepEqualCode(frame, out, expr, fail);
      const [left, right] = paidOperands(frame, out, expr, [expr.left, expr.right], fail);
      return code`(${left} === ${right})`;
    }
    case "less": {
      const left = valueCode(frame, out, expr.left, fail);
      const right = valueCode(frame, out, expr.right, fail);
      return code`(${left} ${COMPARISONS[expr.op]} ${right})`;
    }
    case "arithmetic":
      return arithmeticCode(frame, out, expr, fail);
    case "decimal": {
      const whole = valueCode(frame, out, expr.of, fail);
      const one = frame.unit.emitter.constant(DECIMAL_ONE);
      const scaled = bind(frame, out, code`${whole} * ${one}`);
      out.add(code`if (${isBeyond(frame, scaled, "Int")}) ${failOverflow(frame, expr.at, fail)}`);
      return scaled;
    }
    case "negate":
      return code`(0 - ${valueCode(frame, out, expr.of, fail)})`;
    case "in": {
      const [element, all] = paidOperands(frame, out, expr, [expr.left, expr.right], fail);
      return expr.over === "Set" ? code`${all}.has(${element})` : code`${all}.includes(${element})`;
    }
    case "subset":
      return helperCode(frame, out, "isSubset", expr, [expr.left, expr.right], fail);
    case "within":
      return helperCode(frame, out, WITHIN[expr.of], expr, [expr.left, expr.right], fail);
    case "like":
      return helperCode(frame, out, "globMatches", expr, [expr.left, expr.pattern], fail);
    case "text": {
      const [text, part] = paidOperands(frame, out, expr, [expr.left, expr.right], fail);
      return textCode(frame, expr, text, part);
    }
    case "quantifier":
      return truthCode(frame, out, expr, fail);
    case "aggregate":
      return aggregateCode(frame, out, expr, fail);
    case "list": {
      const constants = constantsIn(frame, expr);
      if (constants !== undefined) return constantListCode(frame, out, expr, constants, fail);
      const items = expr.items.map((item) => valueCode(frame, out, item, fail));
      const list = code`[${join(items, code`, `)}]`;
      if (expr.as === "List") return list;
      if (!expr.items.every(isShort)) {
        const made = bind(frame, out, list);
        out.add(spendingOn(frame, "setSteps", [made], expr.at, fail));
        return code`new Set(${made})`;
      }
      return code`new Set(${list})`;
    }
    case "record": {
      const names = expr.fields.map((field) => field.name);
      const values = expr.fields.map((field) => valueCode(frame, out, field.value, fail));
      const emitter = frame.unit.emitter;
      return code`${emitter.helper("makeRecord")}(${emitter.constant(names)}, [${join(values, code`, `)}])`;
    }
    case "builtin":
      return builtinCode(frame, out, expr, fail);
    case "call":
      return callCode(frame, out, expr, fail);
    case "module":
      return moduleCode(frame, out, expr, fail);
    case "counter":
      return counterCode(frame, out, expr, fail);
    case "latch":
      return latchCode(frame, out, expr, fail);
    case "origin":
      return originCode(frame, out, expr, fail);
    default:
      return unreachable(expr);
  }
}

/**
 * Statements that go on where `expr` is true, and leave by `onFalse` where it is false. Both jumps may be
 * written any number of times.
 */
export function condition(frame: Frame, out: Block, expr: Expr, onFalse: Code, fail: Fail): void {
  if (isTotal(frame, expr)) {
    out.add(code`if (!(${valueCode(frame, out, expr, fail)})) ${onFalse}`);
    return;
  }
  switch (expr.kind) {
    case "not": {
      const label = frame.unit.emitter.name("l");
      const inner = new Block();
      condition(frame, inner, expr.operand, code`break ${label};`, fail);
      inner.add(onFalse);
      out.add(code`${label}: {\n${inner.toCode()}\n}`);
      return;
    }
    case "and":
      bothCode(frame, out, expr, onFalse, fail);
      return;
    case "or":
      eitherCode(frame, out, expr, onFalse, fail);
      return;
    case "quantifier":
      quantifierCode(frame, out, expr, onFalse, fail);
      return;
    default:
      out.add(code`if (!(${valueCode(frame, out, expr, fail)})) ${onFalse}`);
  }
}

/** The truth of `expr` as a value, for where no jump is wanted. */
function truthCode(frame: Frame, out: Block, expr: Expr, fail: Fail): Code {
  const result = frame.unit.emitter.name("v");
  const label = frame.unit.emitter.name("l");
  const inner = new Block();
  condition(frame, inner, expr, code`break ${label};`, fail);
  out.add(code`let ${result} = false;`);
  out.add(code`${label}: {\n${inner.toCode()}\n${result} = true;\n}`);
  return result;
}

/** `and`: an operand that is unknown is remembered, since the other may be false. */
function bothCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "and" }>,
  onFalse: Code,
  fail: Fail,
): void {
  const kept = keeping(frame);
  const sides = [expr.left, expr.right].map((side) =>
    labelled(frame, (inner, label) => condition(frame, inner, side, onFalse, kept.leaving(label))),
  );
  kept.declare(out);
  for (const side of sides) out.add(side);
  kept.failIfAny(out, fail);
}

function eitherCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "or" }>,
  onFalse: Code,
  fail: Fail,
): void {
  const kept = keeping(frame);
  const whole = labelled(frame, (inner, done) => {
    const sides = [expr.left, expr.right].map((side) =>
      labelled(frame, (one, label) => {
        condition(frame, one, side, code`break ${label};`, kept.leaving(label));
        one.add(code`break ${done};`);
      }),
    );
    kept.declare(inner);
    for (const side of sides) inner.add(side);
    kept.failIfAny(inner, fail);
    inner.add(onFalse);
  });
  out.add(whole);
}

/** Elements in order: one that decides ends it; else the first unknown is the result. */
function quantifierCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "quantifier" }>,
  onFalse: Code,
  fail: Fail,
): void {
  const over = valueCode(frame, out, expr.over, fail);
  const element = frame.unit.emitter.name("v");
  frame.locals.set(expr.id, { value: element });
  const kept = keeping(frame);
  const whole = labelled(frame, (loop, done) => {
    const body = labelled(frame, (inner, next) => {
      const goOn = code`break ${next};`;
      condition(frame, inner, expr.body, expr.op === "any" ? goOn : onFalse, kept.leaving(next));
      if (expr.op === "any") inner.add(code`break ${done};`);
    });
    kept.declare(loop);
    const spend = spendingRound(frame, [expr.body], expr.at, fail);
    loop.add(code`for (const ${element} of ${over}) {\n${spend}\n${body}\n}`);
    kept.failIfAny(loop, fail);
    if (expr.op === "any") loop.add(onFalse);
  });
  out.add(whole);
}

function attributeCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "attribute" }>,
  fail: Fail,
): Code {
  if (expr.of.kind !== "root") {
    const record = valueCode(frame, out, expr.of, fail);
    const read = code`${record}[${frame.unit.emitter.memberName(expr.name)}]`;
    return presentCode(frame, out, read, expr.at, fail);
  }
  const hoisted = frame.hoisted(expr.of.name, expr.name);
  if (hoisted === undefined) {
    const root = rootCode(frame, out, expr.of, fail);
    const read = code`${root}[${frame.unit.emitter.memberName(expr.name)}]`;
    return presentCode(frame, out, read, expr.at, fail);
  }
  const inner = new Block();
  rootCode(frame, inner, expr.of, fail);
  inner.add(failAbsent(frame, expr.at, fail));
  out.add(code`if (${hoisted} === undefined) {\n${inner.toCode()}\n}`);
  return hoisted;
}

function hasCode(frame: Frame, out: Block, expr: Extract<Expr, { kind: "has" }>, fail: Fail): Code {
  const simple = readOrUndefined(frame, expr.of);
  if (simple !== undefined) return code`(${simple} !== undefined)`;
  const result = frame.unit.emitter.name("v");
  const kept = keeping(frame);
  const read = labelled(frame, (inner, label) => {
    valueCode(frame, inner, expr.of, exceptAbsent(kept, label, fail));
    inner.add(code`${result} = true;`);
  });
  out.add(code`let ${result} = false;`);
  kept.declare(out);
  out.add(read);
  failUnlessAbsent(frame, out, kept, fail);
  return result;
}

function coalesceCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "coalesce" }>,
  fail: Fail,
): Code {
  const simple = readOrUndefined(frame, expr.left);
  if (simple !== undefined && isTotal(frame, expr.right)) {
    return code`(${simple} ?? ${valueCode(frame, out, expr.right, fail)})`;
  }
  const result = frame.unit.emitter.name("v");
  const kept = keeping(frame);
  const whole = labelled(frame, (inner, done) => {
    const left = labelled(frame, (one, next) => {
      const taken = valueCode(frame, one, expr.left, exceptAbsent(kept, next, fail));
      one.add(code`${result} = ${taken};\nbreak ${done};`);
    });
    kept.declare(inner);
    inner.add(left);
    failUnlessAbsent(frame, inner, kept, fail);
    inner.add(code`${result} = ${valueCode(frame, inner, expr.right, fail)};`);
  });
  out.add(code`let ${result};\n${whole}`);
  return result;
}

function ifCode(frame: Frame, out: Block, expr: Extract<Expr, { kind: "if" }>, fail: Fail): Code {
  if (isTotal(frame, expr)) {
    const test = valueCode(frame, out, expr.condition, fail);
    const yes = valueCode(frame, out, expr.then, fail);
    return code`(${test} ? ${yes} : ${valueCode(frame, out, expr.else, fail)})`;
  }
  const { emitter } = frame.unit;
  const result = emitter.name("v");
  const done = emitter.name("l");
  const next = emitter.name("l");
  const yes = new Block();
  condition(frame, yes, expr.condition, code`break ${next};`, fail);
  yes.add(code`${result} = ${valueCode(frame, yes, expr.then, fail)};\nbreak ${done};`);
  const no = new Block();
  no.add(code`${result} = ${valueCode(frame, no, expr.else, fail)};`);
  out.add(code`let ${result};\n${done}: {\n${next}: {\n${yes.toCode()}\n}\n${no.toCode()}\n}`);
  return result;
}

function arithmeticCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "arithmetic" }>,
  fail: Fail,
): Code {
  const left = valueCode(frame, out, expr.left, fail);
  const right = valueCode(frame, out, expr.right, fail);
  if (expr.op === "*" && expr.number === "Decimal") {
    const multiply = frame.unit.emitter.helper("multiplyDecimals");
    const product = bind(frame, out, code`${multiply}(${left}, ${right})`);
    out.add(code`if (${product} === undefined) ${failOverflow(frame, expr.at, fail)}`);
    return product;
  }
  const result = code`(${left} ${ARITHMETIC[expr.op]} ${right})`;
  const value = bind(frame, out, result);
  out.add(code`if (${isBeyond(frame, value, expr.number)}) ${failOverflow(frame, expr.at, fail)}`);
  return value;
}

/** Written so that what is not a number is beyond too. */
function isBeyond(frame: Frame, value: Code, number: NumberKind | undefined): Code {
  const limit = number === "Float" ? Number.MAX_VALUE : Number.MAX_SAFE_INTEGER;
  const most = frame.unit.emitter.constant(limit);
  return code`!(${value} <= ${most} && ${value} >= -${most})`;
}

type ListExpr = Extract<Expr, { kind: "list" }>;

/** All of its elements, where each is a constant that has a value. */
function constantsIn(frame: Frame, { items }: ListExpr): readonly Value[] | undefined {
  const values = items.map((item) =>
    item.kind === "const" ? frame.unit.constantOf(item) : undefined,
  );
  return values.every((value) => value !== undefined) ? values : undefined;
}

/** Made once: with an element a word of code, a policy with long lists would be compiled for seconds. */
function constantListCode(
  frame: Frame,
  out: Block,
  expr: ListExpr,
  values: readonly Value[],
  fail: Fail,
): Code {
  const { emitter } = frame.unit;
  const list = emitter.constant(Object.freeze(values));
  if (expr.as === "List") return list;
  if (!expr.items.every(isShort)) out.add(spendingOn(frame, "setSteps", [list], expr.at, fail));
  return emitter.constant(new Set(values));
}

function helperCode(
  frame: Frame,
  out: Block,
  name: HelperName,
  expr: Binary,
  operands: readonly [Expr, Expr],
  fail: Fail,
): Code {
  const values = paidOperands(frame, out, expr, operands, fail);
  return code`${frame.unit.emitter.helper(name)}(${join(values, code`, `)})`;
}

/** Both operands; what comes of them is paid for, wherever it may cost anything (`costs.ts`). */
function paidOperands(
  frame: Frame,
  out: Block,
  expr: Binary,
  operands: readonly [Expr, Expr],
  fail: Fail,
): readonly [Code, Code] {
  const cost = costOf(expr);
  const [left, right] = [
    valueCode(frame, out, operands[0], fail),
    valueCode(frame, out, operands[1], fail),
  ];
  if (cost === undefined) return [left, right];
  const bound = [bind(frame, out, left), bind(frame, out, right)] as const;
  out.add(spendingOn(frame, cost, bound, expr.at, fail));
  return bound;
}

function textCode(
  frame: Frame,
  { op, right }: Extract<Expr, { kind: "text" }>,
  text: Code,
  part: Code,
): Code {
  if (op !== "contains" || isShort(right)) return code`${text}.${TEXT[op]}(${part})`;
  const { emitter } = frame.unit;
  return code`(${emitter.helper("placeIn")}(${text}, ${part}) >= ${emitter.constant(0)})`;
}

/** It counts its steps while it compares. */
function deepEqualCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "equal" }>,
  fail: Fail,
): Code {
  const { emitter } = frame.unit;
  const left = valueCode(frame, out, expr.left, fail);
  const right = valueCode(frame, out, expr.right, fail);
  const fuel = useFuel(frame);
  const same = bind(frame, out, code`${emitter.helper("equal")}(${left}, ${right}, ${fuel})`);
  out.add(unlessSpent(frame, expr.at, fail));
  return same;
}

/** Strict in every part: `where` and body of each element in order, whatever the operator needs of it. */
function aggregateCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "aggregate" }>,
  fail: Fail,
): Code {
  const { emitter } = frame.unit;
  const over = valueCode(frame, out, expr.over, fail);
  const element = emitter.name("v");
  const result = emitter.name("v");
  const next = emitter.name("l");
  frame.locals.set(expr.id, { value: element });
  const body = new Block();
  if (expr.where !== undefined) condition(frame, body, expr.where, code`break ${next};`, fail);
  const taken = expr.body === undefined ? element : valueCode(frame, body, expr.body, fail);
  body.add(collect(frame, expr, result, taken, fail));
  out.add(code`let ${result} = ${EMPTY[expr.op]};`);
  out.add(
    code`for (const ${element} of ${over}) {\n${spendingRound(frame, [expr.where, expr.body], expr.at, fail)}\n${next}: {\n${body.toCode()}\n}\n}`,
  );
  if (expr.op === "sum") {
    // Not before all elements were looked at: what is unknown in one of them comes first.
    const beyond = isBeyond(frame, result, expr.number);
    out.add(code`if (${beyond}) ${failOverflow(frame, expr.at, fail)}`);
  }
  if (isAbsentWhenEmpty(expr.op)) {
    out.add(code`if (${result} === undefined) ${failAbsent(frame, expr.at, fail)}`);
  }
  return result;
}

const EMPTY = {
  count: code`0`,
  sum: code`0`,
  min: code`undefined`,
  max: code`undefined`,
  first: code`undefined`,
  last: code`undefined`,
  list: code`[]`,
  set: code`new Set()`,
} as const;

function isAbsentWhenEmpty(op: Extract<Expr, { kind: "aggregate" }>["op"]): boolean {
  return op === "min" || op === "max" || op === "first" || op === "last";
}

function collect(
  frame: Frame,
  expr: Extract<Expr, { kind: "aggregate" }>,
  result: Code,
  taken: Code,
  fail: Fail,
): Code {
  switch (expr.op) {
    case "count":
      return code`${result} = ${result} + 1;`;
    case "sum": {
      const beyond = isBeyond(frame, result, expr.number);
      const nothing = frame.unit.emitter.constant(Number.NaN);
      return code`${result} = ${result} + ${taken};\nif (${beyond}) ${result} = ${nothing};`;
    }
    case "min":
    case "max": {
      const value = frame.unit.emitter.name("v");
      const better = expr.op === "min" ? code`<` : code`>`;
      return code`const ${value} = ${taken};\nif (${result} === undefined || ${value} ${better} ${result}) ${result} = ${value};`;
    }
    case "first": {
      const value = frame.unit.emitter.name("v");
      return code`const ${value} = ${taken};\nif (${result} === undefined) ${result} = ${value};`;
    }
    case "last":
      return code`${result} = ${taken};`;
    case "list":
      return code`${result}.push(${taken});`;
    case "set": {
      const value = frame.unit.emitter.name("v");
      const spend = spendingOn(frame, "textSteps", [value], expr.at, fail);
      return code`const ${value} = ${taken};\n${spend}\n${result}.add(${value});`;
    }
    default:
      return unreachable(expr.op);
  }
}

function builtinCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "builtin" }>,
  fail: Fail,
): Code {
  const { emitter } = frame.unit;
  const builtin = builtinOf(expr.name);
  const args = expr.args.map((arg) => bind(frame, out, valueCode(frame, out, arg, fail)));
  spendOnBuiltin(frame, out, expr, builtin, args, fail);
  const apply = emitter.constant(builtin.apply);
  const result = bind(frame, out, code`${apply}([${join(args, code`, `)}])`);
  out.add(code`if (${result} === undefined) ${failAbsent(frame, expr.at, fail)}`);
  const at = emitter.constant(expr.at);
  const failure = fail(code`new ${emitter.helper("Unknown")}(${result}.cause, ${at})`);
  out.add(code`if (${result} instanceof ${emitter.helper("Failure")}) ${failure}`);
  return result;
}

function builtinOf(name: string): Builtin {
  const found = BUILTINS.get(name);
  if (found === undefined) throw new Error(`no builtin ${JSON.stringify(name)}`);
  return found;
}

function callCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "call" }>,
  fail: Fail,
): Code {
  const { emitter } = frame.unit;
  const called = frame.unit.function(expr.function);
  const args = expr.args.map((arg) => bind(frame, out, valueCode(frame, out, arg, fail)));
  out.add(spending(frame, callSteps(expr.function, frame.unit.program), expr.at, fail));
  const result = bind(frame, out, code`${called}(${join([code`q`, code`f`, ...args], code`, `)})`);
  out.add(code`if (${result} instanceof ${emitter.helper("Unknown")}) ${fail(result)}`);
  return result;
}

function originCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "origin" }>,
  fail: Fail,
): Code {
  const value = bind(frame, out, valueCode(frame, out, expr.of, fail));
  const fuel = useFuel(frame);
  const enough = code`${fuel}.left - ${fuel}.floor`;
  out.add(spendingOn(frame, "originSteps", [value, enough], expr.at, fail));
  const labels = bind(frame, out, code`f.origin(${value})`);
  out.add(
    code`if (${labels} === ${frame.unit.emitter.constant("unavailable")}) ${fail(frame.unit.unknown("state_unavailable", expr.at), "state_unavailable")}`,
  );
  return labels;
}

const COMPARISONS = { "<": code`<`, "<=": code`<=`, ">": code`>`, ">=": code`>=` } as const;
const ARITHMETIC = { "+": code`+`, "-": code`-`, "*": code`*` } as const;
const TEXT = { starts: code`startsWith`, ends: code`endsWith`, contains: code`includes` } as const;
const WITHIN = { Purpose: "purposeWithin", Path: "pathWithin", Ip: "ipWithin" } as const;
