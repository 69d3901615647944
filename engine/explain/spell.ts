/** Values and expressions as the language writes them. Pure. */
import type { Expr, LevelDecl, Program } from "../../lang/ir.ts";
import { spellDecimal } from "../../lang/scalar/decimal.ts";
import { spellTime } from "../../lang/scalar/time.ts";
import type { Type } from "../../lang/type.ts";
import { unreachable } from "../../lang/unreachable.ts";
import {
  elementsOf,
  fromJson,
  isList,
  isMap,
  isRecord,
  isSet,
  NULL,
  Unknown,
  type Value,
} from "../value.ts";

/** Elements of a list shown, and characters of a text: the rest is counted. */
const ELEMENTS_SHOWN = 8;
const CHARS_SHOWN = 120;

/** `12.50`, `15m`, `confidential`, `["a", "b"]`, `unknown (absent)`. */
export function spellValue(
  value: Value | Unknown,
  type: Type | undefined,
  levels: readonly LevelDecl[],
): string {
  if (value instanceof Unknown) return `unknown (${value.cause})`;
  switch (type?.kind) {
    case "Decimal":
      return spellAmount(Number(value));
    case "Duration":
      return spellLength(Number(value));
    case "Time":
      return JSON.stringify(spellTime(Number(value)));
    case "Level": {
      const level = levels.find(({ name }) => name === type.name);
      return level?.values[Number(value)] ?? String(value);
    }
    case "Purpose":
    case "Label":
    case "Effect":
    case "Kind":
    case "Source":
      return String(value);
    default:
      return typeof value === "object"
        ? spellContainer(value, type, levels)
        : spellScalar(value as string | number | boolean);
  }
}

function spellScalar(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  if (value.length <= CHARS_SHOWN) return JSON.stringify(value);
  return `${JSON.stringify(value.slice(0, CHARS_SHOWN))}… (${value.length} characters)`;
}

function spellContainer(
  value: Exclude<Value, string | number | boolean>,
  type: Type | undefined,
  levels: readonly LevelDecl[],
): string {
  if (value === NULL) return "null";
  if (isList(value) || isSet(value)) {
    const of = type?.kind === "List" || type?.kind === "Set" ? type.of : undefined;
    const items = elementsOf(value);
    const shown = items.slice(0, ELEMENTS_SHOWN).map((item) => spellValue(item, of, levels));
    const rest = items.length - shown.length;
    return `[${[...shown, ...(rest > 0 ? [`… ${rest} more`] : [])].join(", ")}]`;
  }
  const typeOf = (name: string): Type | undefined => {
    if (type?.kind === "Record") return type.fields.find((field) => field.name === name)?.type;
    return type?.kind === "Map" ? type.of : undefined;
  };
  const entries = isMap(value) ? [...value] : isRecord(value) ? Object.entries(value) : [];
  const present = entries.flatMap(([name, item]) =>
    item === undefined
      ? []
      : [`${spellKey(name)}: ${spellValue(item, withoutOptional(typeOf(name)), levels)}`],
  );
  const shown = present.slice(0, ELEMENTS_SHOWN);
  const rest = present.length - shown.length;
  return `{ ${[...shown, ...(rest > 0 ? [`… ${rest} more`] : [])].join(", ")} }`;
}

/** Whoever sends a map names its keys: none of them is to look like several. */
function spellKey(name: string): string {
  return /^\w{1,40}$/.test(name) ? name : spellScalar(name);
}

function withoutOptional(type: Type | undefined): Type | undefined {
  return type?.kind === "Optional" ? type.of : type;
}

/** With at least two fraction digits, as people write amounts. */
function spellAmount(scaled: number): string {
  const text = spellDecimal(scaled);
  const [whole, fraction = ""] = text.split(".");
  return `${whole}.${fraction.padEnd(2, "0")}`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
];

/** In the largest unit that divides it. */
export function spellLength(ms: number): string {
  if (ms === 0) return "0s";
  const [unit, size] = UNITS.find(([, size]) => ms % size === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}

/** An expression as an author could have written it: for programs that come without their text. */
export function spellExpr(expr: Expr, program: Program): string {
  const spell = (inner: Expr): string => {
    const text = spellExpr(inner, program);
    return COMPOUND.has(inner.kind) ? `(${text})` : text;
  };
  switch (expr.kind) {
    case "const":
      return spellConst(expr, program);
    case "root":
    case "local":
      return expr.name;
    case "attribute":
      return expr.of.kind === "root" && expr.of.name === "args"
        ? `args.${expr.name}`
        : `${spell(expr.of)}.${expr.name}`;
    case "index":
      return `${spell(expr.of)}[${spellExpr(expr.index, program)}]`;
    case "has":
      return `has ${spell(expr.of)}`;
    case "coalesce":
      return `${spell(expr.left)} ?? ${spell(expr.right)}`;
    case "not":
      return `not ${spell(expr.operand)}`;
    case "and":
    case "or":
      return `${spell(expr.left)} ${expr.kind} ${spell(expr.right)}`;
    case "if":
      return `if ${spell(expr.condition)} then ${spell(expr.then)} else ${spell(expr.else)}`;
    case "equal":
      return `${spell(expr.left)} == ${spell(expr.right)}`;
    case "less":
    case "arithmetic":
      return `${spell(expr.left)} ${expr.op} ${spell(expr.right)}`;
    case "decimal":
      return spell(expr.of);
    case "negate":
      return `-${spell(expr.of)}`;
    case "in":
    case "within":
      return `${spell(expr.left)} ${expr.kind} ${spell(expr.right)}`;
    case "subset":
      return `${spell(expr.left)} subset of ${spell(expr.right)}`;
    case "like":
      return `${spell(expr.left)} like ${spell(expr.pattern)}`;
    case "text": {
      const op = expr.op === "contains" ? expr.op : `${expr.op} with`;
      return `${spell(expr.left)} ${op} ${spell(expr.right)}`;
    }
    case "quantifier":
      return `${expr.op} ${expr.name} in ${spell(expr.over)}: ${spellExpr(expr.body, program)}`;
    case "aggregate": {
      const where = expr.where === undefined ? "" : ` where ${spellExpr(expr.where, program)}`;
      const body = expr.body === undefined ? "" : `: ${spellExpr(expr.body, program)}`;
      return `${expr.op}(${expr.name} in ${spell(expr.over)}${where}${body})`;
    }
    case "list":
      return `[${expr.items.map((item) => spellExpr(item, program)).join(", ")}]`;
    case "record":
      return `{ ${expr.fields.map(({ name, value }) => `${name}: ${spellExpr(value, program)}`).join(", ")} }`;
    case "builtin":
      return spellBuiltin(expr, program, spell);
    case "call":
      return `${program.functions[expr.function]?.name}(${expr.args.map((arg) => spellExpr(arg, program)).join(", ")})`;
    case "module":
      return `${program.modules[expr.module]?.name}(input)`;
    case "counter":
      return program.counters[expr.counter]?.name ?? "";
    case "latch":
      return program.latches[expr.latch]?.name ?? "";
    case "origin":
      return `origin(${spellExpr(expr.of, program)})`;
    default:
      return unreachable(expr);
  }
}

const COMPOUND: ReadonlySet<Expr["kind"]> = new Set([
  "coalesce",
  "not",
  "and",
  "or",
  "if",
  "equal",
  "less",
  "arithmetic",
  "negate",
  "in",
  "within",
  "subset",
  "like",
  "text",
  "quantifier",
]);

function spellConst(expr: Extract<Expr, { kind: "const" }>, { levels }: Program): string {
  const value = fromJson(expr.value, expr.type);
  return value === undefined ? "absent" : spellValue(value, expr.type, levels);
}

/** `email.domain` is written after what it is of. */
function spellBuiltin(
  expr: Extract<Expr, { kind: "builtin" }>,
  program: Program,
  spell: (inner: Expr) => string,
): string {
  const [first] = expr.args;
  const dot = expr.name.lastIndexOf(".");
  if (dot >= 0 && first !== undefined) return `${spell(first)}.${expr.name.slice(dot + 1)}`;
  return `${expr.name}(${expr.args.map((arg) => spellExpr(arg, program)).join(", ")})`;
}
