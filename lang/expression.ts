/**
 * Expressions: names resolved, types checked, presence followed, IR built, in one walk (SPEC §5). A part that
 * is wrong is reported once and gives undefined, which silences what is around it.
 */
import type * as ast from "./ast.ts";
import { attributeOf, attributesOf } from "./builtins.ts";
import { checkBuiltin } from "./calls.ts";
import {
  type Context,
  elementOf,
  type KeyScope,
  knowing,
  toolsHere,
  withLocal,
} from "./context.ts";
import type { Expr } from "./ir.ts";
import { both, either, type Known, NOTHING, pathKey, presence, presenceOf } from "./known.ts";
import { LOOP_DEPTH_MAX, TYPE_PARTS_MAX } from "./limits.ts";
import { dottedName, listed, literal, textLiteral, withoutParens, wordsOf } from "./literal.ts";
import { checkBinary } from "./operators.ts";
import { isRoot, MAY_LACK, ROOTS, resourcesHere, rootAttribute } from "./roots.ts";
import type { Span } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import {
  assignable,
  EFFECTS,
  extent,
  type Field,
  KINDS,
  optional,
  present,
  type RecordType,
  SOURCES,
  spell,
  type Type,
} from "./type.ts";
import {
  BOOL,
  condition,
  isFlexible,
  isWord,
  joinTypes,
  mismatch,
  numberKind,
  refuseShadowing,
  solid,
  type Typed,
  typed,
} from "./typed.ts";

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
      return checkBuiltin(expr, context);
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

function checkConstant(
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

function checkList(
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

function checkRecord(
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

function checkName(
  expr: Extract<ast.Expr, { kind: "name" }>,
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  const { around } = context;
  const at = around.place(expr.span);
  const local = context.locals.get(expr.name);
  if (local !== undefined) {
    const ir: Expr = { kind: "local", id: local.id, name: expr.name, at };
    return typed(ir, narrowed(ir, local.type, context));
  }
  const state = checkState(expr, context, at);
  if (state !== "none") return state;
  if (isRoot(expr.name) && !standsFor(expr.name, wanted, context)) {
    around.report(
      "E208",
      expr.span,
      `\`${expr.name}\` is no value by itself`,
      `name an attribute: \`${expr.name}.…\``,
    );
    return undefined;
  }
  return checkWord(expr.name, expr.span, context, wanted);
}

/** Whether the wanted enumeration has the word. */
function standsFor(word: string, wanted: Type | undefined, context: Context): boolean {
  if (wanted === undefined) return false;
  return wordsOf(present(wanted), context.around.vocabulary)?.includes(word) ?? false;
}

function checkState(
  expr: Extract<ast.Expr, { kind: "name" }>,
  context: Context,
  at: number,
): Typed | undefined | "none" {
  const { around } = context;
  const counter = around.counters.get(expr.name);
  const latch = around.latches.get(expr.name);
  if (counter === undefined && latch === undefined) return "none";
  if (context.reads !== "everything") {
    const where = context.reads === "parameters" ? "a `fn`" : "what defines state";
    around.report("E220", expr.span, `${where} cannot read \`${expr.name}\`, which is state`);
    return undefined;
  }
  const lacking = keyLacks(around.keys.get(expr.name), context);
  if (lacking !== undefined) {
    const message = `\`${expr.name}\` is kept per something that ${lacking} may lack`;
    const help = "name the tools or resources in a clause, or test with `has` what may be absent";
    around.report("E205", expr.span, message, help);
    return undefined;
  }
  if (counter !== undefined)
    return typed({ kind: "counter", counter: counter.index, at }, { kind: counter.type });
  return typed({ kind: "latch", latch: latch ?? 0, at }, BOOL);
}

/** What a request here can be that has no key: keys are calculated wherever the counter or latch is read. */
function keyLacks(scope: KeyScope | undefined, context: Context): string | undefined {
  if (scope === undefined) return undefined;
  const { tools } = context.around.vocabulary;
  if (scope.tools !== undefined) {
    const covered = new Set(scope.tools);
    const beyond = toolsHere(context).find((tool) => !covered.has(tool));
    if (beyond !== undefined) return `a call of \`${tools[beyond]?.name}\``;
  }
  if (scope.resources !== undefined) {
    const covered = new Set(scope.resources);
    const beyond = resourcesHere(context).find(({ name }) => !covered.has(name));
    if (beyond !== undefined) return `a call on \`${beyond.name}\``;
  }
  return scope.present.every((path) => context.known.present.has(path)) ? undefined : "a call here";
}

/** A word without a variable of that name: a value of the wanted enumeration, or of the one that has it. */
function checkWord(
  word: string,
  span: Span,
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  const { around } = context;
  const type = wanted === undefined ? undefined : present(wanted);
  const words = type === undefined ? undefined : wordsOf(type, around.vocabulary);
  if (type !== undefined && words !== undefined) {
    const position = words.indexOf(word);
    if (position >= 0) return enumerated(type, word, position, span, context);
    around.report(
      "E201",
      span,
      `\`${word}\` is no ${spell(type)}`,
      didYouMean(word, words).help ?? listed(words),
    );
    return undefined;
  }
  const meanings = enumerations(context).filter(([, values]) => values.includes(word));
  const [meaning] = meanings;
  if (meaning !== undefined && meanings.length === 1) {
    return enumerated(meaning[0], word, meaning[1].indexOf(word), span, context);
  }
  if (meanings.length > 1) {
    const types = meanings.map(([of]) => spell(of)).join(" or ");
    around.report("E209", span, `\`${word}\` could be ${types}, and nothing here tells which`);
    return undefined;
  }
  unknownName(word, span, context);
  return undefined;
}

function enumerated(
  type: Type,
  word: string,
  position: number,
  span: Span,
  context: Context,
): Typed {
  const value = type.kind === "Level" ? position : word;
  return typed({ kind: "const", type, value, at: context.around.place(span) }, type);
}

function enumerations(context: Context): [Type, readonly string[]][] {
  const { levels, purposes, labels } = context.around.vocabulary;
  return [
    ...[...levels.values()].map((level): [Type, readonly string[]] => [
      { kind: "Level", name: level.name },
      level.values,
    ]),
    [{ kind: "Purpose" }, [...purposes]],
    [{ kind: "Label" }, [...labels]],
    [{ kind: "Effect" }, EFFECTS],
    [{ kind: "Kind" }, KINDS],
    [{ kind: "Source" }, SOURCES],
  ];
}

function unknownName(word: string, span: Span, context: Context): void {
  const { counters, latches, functions } = context.around;
  const names = [
    ...context.locals.keys(),
    ...counters.keys(),
    ...latches.keys(),
    ...functions.keys(),
    ...ROOTS,
    ...enumerations(context).flatMap(([, words]) => words),
  ];
  const quoted = didYouMean(word, names).help ?? `a text stands in quotes: \`"${word}"\``;
  context.around.report("E201", span, `unknown name \`${word}\``, quoted);
}

function checkAttribute(
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
  const owner = context.lenient ? check(of, context) : solid(of, context);
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

/** The type of a path here: present where that is known. */
function narrowed(ir: Expr, type: Type, context: Context): Type {
  if (type.kind !== "Optional") return type;
  const key = pathKey(ir);
  return key !== undefined && context.known.present.has(key) ? type.of : type;
}

function checkIndex(
  expr: Extract<ast.Expr, { kind: "index" }>,
  context: Context,
): Typed | undefined {
  const owner = context.lenient ? check(expr.of, context) : solid(expr.of, context);
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

function checkQuantifier(
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

function checkAggregate(
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

function checkHas(expr: Extract<ast.Expr, { kind: "has" }>, context: Context): Typed | undefined {
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
  const operand = check(of, { ...context, lenient: true });
  if (operand === undefined) return undefined;
  const key = pathKey(operand.ir);
  if (key === undefined) {
    around.report(
      "E221",
      expr.of.span,
      "only an attribute, an element or a name can be asked for",
      "such as `has args.cc`",
    );
    return undefined;
  }
  const { kind } = operand.ir;
  const root = rootOf(operand.ir);
  const always =
    operand.type.kind !== "Optional" &&
    kind !== "local" &&
    !(root !== undefined && MAY_LACK.includes(root));
  if (always && !context.known.present.has(key)) {
    around.report("W302", expr.span, "this is always there", "leave the test out");
  }
  return typed({ kind: "has", of: operand.ir, at }, BOOL, presenceOf(operand.ir));
}

function rootOf(expr: Expr): (typeof ROOTS)[number] | undefined {
  if (expr.kind === "root") return expr.name;
  return expr.kind === "attribute" || expr.kind === "index" ? rootOf(expr.of) : undefined;
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

/** `agent is autonomous`, `resource is account`, `tool is send_money`. */
function checkIs(expr: Extract<ast.Expr, { kind: "is" }>, context: Context): Typed | undefined {
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
  return typed(ir, BOOL, { present: new Set(["resource"]), resources: [name] });
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
