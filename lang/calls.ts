/** What is written `name(…)`: builtins, declared functions, imported modules (SPEC §5.8). */
import type * as ast from "./ast.ts";
import { BUILTINS, functionNamed } from "./builtins.ts";
import type { Context } from "./context.ts";
import type { Expr } from "./ir.ts";
import { dottedName } from "./literal.ts";
import { didYouMean } from "./suggest.ts";
import { present, spell, type Type } from "./type.ts";
import { narrowed, solid, type Typed, typed } from "./typed.ts";

type Call = Extract<ast.Expr, { kind: "call" }>;

export function checkCall(expr: Call, context: Context): Typed | undefined {
  const { around } = context;
  const name = expr.name.text;
  if (around.functions.has(name)) return checkFunction(expr, context);
  if (around.modules.has(name)) return checkModule(expr, context);
  if (name === "origin") return checkOrigin(expr, context);
  if (name === "decimal") return checkDecimal(expr, context);
  // `max(a, b)` is `max([a, b])`.
  if ((name === "min" || name === "max") && expr.arguments.length > 1) {
    const items = { kind: "list", span: expr.span, items: expr.arguments } as const;
    return checkCall({ ...expr, arguments: [items] }, context);
  }
  const builtin = functionNamed(name);
  if (builtin === undefined) {
    const functions = [...BUILTINS.values()]
      .filter((one) => one.attributeOf === undefined)
      .map((one) => one.name);
    const known = [...functions, ...UNLISTED, ...around.functions.keys(), ...around.modules.keys()];
    around.report(
      "E201",
      expr.name.span,
      `unknown function \`${name}\``,
      ELSEWHERE.get(name) ?? didYouMean(name, known).help,
    );
    return undefined;
  }
  if (!arity(expr, builtin.arity, context)) return undefined;
  const checked = expr.arguments.map((argument, at) =>
    solid(argument, context, builtin.takes?.[at]),
  );
  const known = checked.filter((argument) => argument !== undefined);
  if (known.length < checked.length) return undefined;
  const result = builtin.result(known.map((argument) => argument.type));
  if ("message" in result) {
    around.report("E208", expr.span, `\`${name}\` ${result.message}`, `it is ${builtin.signature}`);
    return undefined;
  }
  const at = around.place(expr.span);
  const args = known.map((argument) => argument.ir);
  const [first] = args;
  // The least of a list that is written out is there.
  const there = first?.kind === "list" && first.items.length > 0 && args.length === 1;
  const ir: Expr = { kind: "builtin", name: builtin.name, args, at };
  return typed(ir, there ? present(result) : narrowed(ir, result, context));
}

/** The two that are no `BUILTINS` take more than a value. */
const UNLISTED = ["origin", "decimal"] as const;

export function isBuiltInFunction(name: string): boolean {
  return functionNamed(name) !== undefined || UNLISTED.some((one) => one === name);
}

/** What people call things that are here called otherwise. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["len", "`count(…)` of elements, `length(…)` of a text"],
  ["size", "`count(…)` of elements, `length(…)` of a text"],
  ["exists", "`has x`, or `any x in xs: …`"],
  ["contains", "write `a contains b`, or `x in xs`"],
  ["matches", 'write `text like "glob*"`; there are no regular expressions'],
  ["regex", 'write `text like "glob*"`; there are no regular expressions'],
  ["now", "`environment.now`"],
  ["lowercase", "`lower(…)`"],
  ["int", "only an Int can be made a Decimal: `decimal(…)`"],
  ["map", "`list(x in xs: …)`"],
  ["filter", "`list(x in xs where …: x)`"],
]);

function arity(expr: Call, wanted: number, context: Context): boolean {
  if (expr.arguments.length === wanted) return true;
  const takes = wanted === 1 ? "1 argument" : `${wanted} arguments`;
  context.around.report(
    "E223",
    expr.span,
    `\`${expr.name.text}\` takes ${takes}, not ${expr.arguments.length}`,
  );
  return false;
}

function checkFunction(expr: Call, context: Context): Typed | undefined {
  const { around } = context;
  const signature = around.functions.get(expr.name.text);
  if (signature === undefined || !arity(expr, signature.params.length, context)) return undefined;
  const args = expr.arguments.map((argument, at) =>
    solid(argument, context, signature.params[at]?.type),
  );
  const known = args.filter((argument) => argument !== undefined);
  if (known.length < args.length) return undefined;
  const at = around.place(expr.span);
  return typed(
    { kind: "call", function: signature.index, args: known.map((argument) => argument.ir), at },
    signature.result,
  );
}

/** `legacy(input)`: the one argument a module takes is the whole request. */
function checkModule(expr: Call, context: Context): Typed | undefined {
  const { around } = context;
  const module = around.modules.get(expr.name.text);
  if (module === undefined || !arity(expr, 1, context)) return undefined;
  const [argument] = expr.arguments;
  if (argument === undefined || dottedName(argument) !== "input") {
    around.report(
      "E208",
      expr.span,
      "an imported module is asked about the whole request",
      `write \`${expr.name.text}(input)\``,
    );
    return undefined;
  }
  if (context.reads !== "everything") {
    around.report(
      "E220",
      expr.span,
      "an imported module can be asked only in rules and invariants",
    );
    return undefined;
  }
  return typed({ kind: "module", module: module.index, at: around.place(expr.span) }, module.type);
}

function checkOrigin(expr: Call, context: Context): Typed | undefined {
  const { around } = context;
  if (!arity(expr, 1, context)) return undefined;
  const [argument] = expr.arguments;
  const of = argument === undefined ? undefined : solid(argument, context);
  if (of === undefined) return undefined;
  const traced = traceable(of, around.place(expr.span));
  if (traced === undefined) {
    const help = "ask it of a text, an Int or a Decimal, or of each element";
    around.report("E208", expr.span, `where ${spell(of.type)} comes from cannot be told`, help);
    return undefined;
  }
  const type: Type = { kind: "Set", of: { kind: "Label" } };
  return typed({ kind: "origin", of: traced, at: around.place(expr.span) }, type);
}

/** What is looked for is text as it was sent: a Decimal is spelled, an instant could have been sent in many ways. */
function traceable(of: Typed, at: number): Expr | undefined {
  if (of.type.kind === "Decimal")
    return { kind: "builtin", name: "decimal.text", args: [of.ir], at };
  return isTraceable(of.type) ? of.ir : undefined;
}

function isTraceable(type: Type): boolean {
  switch (type.kind) {
    case "Bool":
    case "Decimal":
    case "Float":
    case "Duration":
    case "Time":
    case "Level":
      return false;
    case "Set":
    case "List":
    case "Map":
      return isTraceable(type.of);
    case "Record":
      return type.fields.every((field) => isTraceable(present(field.type)));
    default:
      return true;
  }
}

function checkDecimal(expr: Call, context: Context): Typed | undefined {
  const { around } = context;
  if (!arity(expr, 1, context)) return undefined;
  const [argument] = expr.arguments;
  const of = argument === undefined ? undefined : context.around.check(argument, context);
  if (of === undefined) return undefined;
  if (of.type.kind !== "Int") {
    around.report("E208", expr.span, `\`decimal\` takes an Int, not ${spell(of.type)}`);
    return undefined;
  }
  return typed({ kind: "decimal", of: of.ir, at: around.place(expr.span) }, { kind: "Decimal" });
}
