/**
 * Constants (SPEC §4.3): an expression without names that vary, read as a value of a wanted type, both as it
 * would stand on the wire and as run time holds it.
 */
import type * as ast from "./ast.ts";
import type { Report } from "./report.ts";
import { decimalFromNumber, decimalFromText } from "./scalar/decimal.ts";
import { parseEmail } from "./scalar/email.ts";
import { parseCidr, parseIp } from "./scalar/ip.ts";
import { parsePath } from "./scalar/path.ts";
import { parseTime } from "./scalar/time.ts";
import { parseUrl } from "./scalar/url.ts";
import type { Span } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type { Field, Json, RecordType, Type } from "./type.ts";
import { EFFECTS, KINDS, SOURCES, spell, valueSet } from "./type.ts";
import type { Vocabulary } from "./vocabulary.ts";

export interface Literal {
  readonly wire: Json;
  /** The JSON form of the run-time value (see `ir.ts`). */
  readonly value: Json;
}

const MAX = Number.MAX_SAFE_INTEGER;

/** The constant, or undefined after reporting why it is none. */
export function literal(
  expr: ast.Expr,
  type: Type,
  vocabulary: Vocabulary,
  report: Report,
): Literal | undefined {
  const inner = withoutParens(expr);
  switch (type.kind) {
    case "Optional":
      return literal(inner, type.of, vocabulary, report);
    case "Set":
    case "List":
      return listLiteral(inner, type, vocabulary, report);
    case "Map":
      return mapLiteral(inner, type.of, vocabulary, report);
    case "Record":
      return recordLiteral(inner, type, vocabulary, report);
    case "Any":
    case "Party":
      return anyLiteral(inner, report);
    default:
      return scalarLiteral(inner, type, vocabulary, report);
  }
}

function scalarLiteral(
  expr: ast.Expr,
  type: Type,
  vocabulary: Vocabulary,
  report: Report,
): Literal | undefined {
  const number = numberText(expr);
  if (number !== undefined) return numberLiteral(number, expr.span, type, report);
  if (expr.kind === "duration" && type.kind === "Duration") {
    return { wire: expr.text, value: expr.ms };
  }
  if (expr.kind === "bool" && type.kind === "Bool") return same(expr.value);
  if (expr.kind === "string") return textLiteral(expr.value, expr.span, type, report);
  const word = dottedName(expr);
  const words = wordsOf(type, vocabulary);
  if (word !== undefined && words !== undefined) {
    const position = words.indexOf(word);
    if (position >= 0) return { wire: word, value: type.kind === "Level" ? position : word };
    report("E201", expr.span, `\`${word}\` is no ${spell(type)}`, didYouMean(word, words).help);
    return undefined;
  }
  report("E210", expr.span, `a constant of type ${spell(type)} is wanted here`, examples(type));
  return undefined;
}

/** The words that stand for values of an enumerated type; undefined for others. */
export function wordsOf(type: Type, vocabulary: Vocabulary): readonly string[] | undefined {
  switch (type.kind) {
    case "Level":
      return vocabulary.levels.get(type.name)?.values ?? [];
    case "Purpose":
      return [...vocabulary.purposes];
    case "Label":
      return [...vocabulary.labels];
    case "Effect":
      return EFFECTS;
    case "Kind":
      return KINDS;
    case "Source":
      return SOURCES;
    default:
      return undefined;
  }
}

/** A string where `type` is wanted, parsed and normalised as a request's would be. */
export function textLiteral(
  text: string,
  span: Span,
  type: Type,
  report: Report,
): Literal | undefined {
  switch (type.kind) {
    case "String":
    case "Command":
      return same(text);
    case "OneOf":
      if (valueSet(type.values).has(text)) return same(text);
      report(
        "E204",
        span,
        `${JSON.stringify(text)} is none of ${spell(type)}`,
        didYouMean(text, type.values).help,
      );
      return undefined;
    case "Path":
      return parsed(parsePath(text), text, "path", span, report);
    case "Url":
      return parsed(parseUrl(text), text, "URL", span, report);
    case "Email":
      return parsed(parseEmail(text), text, "e-mail address", span, report);
    case "Ip":
      return parsed(parseIp(text), text, "IP address", span, report);
    case "Cidr":
      return parsed(parseCidr(text), text, "range of IP addresses", span, report);
    case "Time":
      return parsed(parseTime(text), text, "time", span, report);
    default:
      report("E204", span, `a string stands where ${spell(type)} is wanted`, examples(type));
      return undefined;
  }
}

type Parsed =
  | { readonly ok: true; readonly value: string | number }
  | { readonly ok: false; readonly why: string };

function parsed(
  result: Parsed,
  text: string,
  what: string,
  span: Span,
  report: Report,
): Literal | undefined {
  if (result.ok) return { wire: text, value: result.value };
  report("E211", span, `${JSON.stringify(text)} is no ${what}: ${result.why}`);
  return undefined;
}

function numberLiteral(text: string, span: Span, type: Type, report: Report): Literal | undefined {
  const whole = !text.includes(".");
  if (type.kind === "Float") return same(Number(text));
  if (type.kind === "Decimal") {
    const scaled = decimalFromText(text);
    // Where a JSON number is not exact, text is.
    const wire = decimalFromNumber(Number(text)).ok ? Number(text) : text;
    if (scaled.ok) return { wire, value: scaled.value };
    report("E211", span, `${text} is no Decimal: ${scaled.why}`);
    return undefined;
  }
  if (type.kind === "Int" && whole) {
    if (Math.abs(Number(text)) <= MAX) return same(Number(text));
    report("E211", span, `${text} is beyond the integers that are exact, ±(2^53−1)`);
    return undefined;
  }
  report("E204", span, `a number stands where ${spell(type)} is wanted`, examples(type));
  return undefined;
}

function listLiteral(
  expr: ast.Expr,
  type: Extract<Type, { kind: "Set" | "List" }>,
  vocabulary: Vocabulary,
  report: Report,
): Literal | undefined {
  if (expr.kind !== "list") return wanted(expr, type, report);
  const items = expr.items.map((item) => literal(item, type.of, vocabulary, report));
  const known = items.filter((item) => item !== undefined);
  if (known.length < items.length) return undefined;
  const values = known.map((item) => item.value);
  const unique = type.kind === "Set" ? [...new Set(values)] : values;
  return { wire: known.map((item) => item.wire), value: unique };
}

function mapLiteral(
  expr: ast.Expr,
  of: Type,
  vocabulary: Vocabulary,
  report: Report,
): Literal | undefined {
  if (expr.kind !== "record") return wanted(expr, { kind: "Map", of }, report);
  refuseRepeated(expr, report);
  const entries = expr.fields.map(
    (field) => [field.name.text, literal(field.value, of, vocabulary, report)] as const,
  );
  return assemble(entries);
}

function recordLiteral(
  expr: ast.Expr,
  type: RecordType,
  vocabulary: Vocabulary,
  report: Report,
): Literal | undefined {
  if (expr.kind !== "record") return wanted(expr, type, report);
  refuseRepeated(expr, report);
  const entries = expr.fields.map((field) => {
    const declared = type.fields.find((candidate) => candidate.name === field.name.text);
    if (declared === undefined) {
      didYouMeanField(field.name, type.fields, report);
      return [field.name.text, undefined] as const;
    }
    const value = literal(field.value, declared.type, vocabulary, report);
    return [declared.name, value, declared.wire] as const;
  });
  const lacking = type.fields.find(
    (field) =>
      field.type.kind !== "Optional" && !expr.fields.some(({ name }) => name.text === field.name),
  );
  if (lacking !== undefined) {
    report("E204", expr.span, `\`${lacking.name}\` is missing, and ${spell(type)} is wanted`);
    return undefined;
  }
  return assemble(entries);
}

/** Fields of a record literal against declared ones; used where missing ones may be left out on purpose. */
export function didYouMeanField(name: ast.Name, fields: readonly Field[], report: Report): void {
  const names = fields.map((field) => field.name);
  report(
    "E206",
    name.span,
    `there is no \`${name.text}\` here`,
    didYouMean(name.text, names).help ?? listed(names),
  );
}

/** One of them would be lost, and which is nothing to guess. */
export function refuseRepeated({ fields }: ast.RecordExpr, report: Report): void {
  const seen = new Set<string>();
  for (const { name } of fields) {
    if (seen.has(name.text)) report("E203", name.span, `\`${name.text}\` stands twice here`);
    seen.add(name.text);
  }
}

/** Entries by name; the third part is the name on the wire, where it is another. */
function assemble(
  entries: readonly (readonly [string, Literal | undefined, (string | undefined)?])[],
): Literal | undefined {
  const wire: Record<string, Json> = Object.create(null);
  const value: Record<string, Json> = Object.create(null);
  let whole = true;
  for (const [name, item, wireName] of entries) {
    if (item === undefined) {
      whole = false;
      continue;
    }
    wire[wireName ?? name] = item.wire;
    value[name] = item.value;
  }
  return whole ? { wire: { ...wire }, value: { ...value } } : undefined;
}

/** Where no type tells what is wanted: words and numbers as they stand. */
export function anyLiteral(expr: ast.Expr, report: Report): Literal | undefined {
  const inner = withoutParens(expr);
  const number = numberText(inner);
  if (number !== undefined) return same(Number(number));
  const word = dottedName(inner);
  if (word !== undefined) return same(word);
  switch (inner.kind) {
    case "bool":
    case "string":
      return same(inner.value);
    case "duration":
      return same(inner.text);
    case "list": {
      const items = inner.items.map((item) => anyLiteral(item, report));
      const known = items.filter((item) => item !== undefined);
      if (known.length < items.length) return undefined;
      return same(known.map((item) => item.wire));
    }
    case "record":
      refuseRepeated(inner, report);
      return assemble(
        inner.fields.map((field) => [field.name.text, anyLiteral(field.value, report)] as const),
      );
    default:
      report("E210", inner.span, "only a constant can stand here");
      return undefined;
  }
}

export function withoutParens(expr: ast.Expr): ast.Expr {
  let inner = expr;
  while (inner.kind === "paren") inner = inner.inner;
  return inner;
}

/** `payments.payroll` where the expression is nothing but words and dots. */
export function dottedName(expr: ast.Expr): string | undefined {
  const parts: string[] = [];
  let inner = withoutParens(expr);
  while (inner.kind === "attribute") {
    parts.unshift(inner.name.text);
    inner = inner.of;
  }
  return inner.kind === "name" ? [inner.name, ...parts].join(".") : undefined;
}

function numberText(expr: ast.Expr): string | undefined {
  if (expr.kind === "number") return expr.text;
  if (expr.kind !== "negate") return undefined;
  const operand = withoutParens(expr.operand);
  return operand.kind === "number" ? `-${operand.text}` : undefined;
}

function same(json: Json): Literal {
  return { wire: json, value: json };
}

function wanted(expr: ast.Expr, type: Type, report: Report): undefined {
  report("E210", expr.span, `a constant of type ${spell(type)} is wanted here`, examples(type));
  return undefined;
}

export function listed(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const shown = names.slice(0, 8).map((name) => `\`${name}\``);
  return `there is ${shown.join(", ")}${names.length > shown.length ? ", …" : ""}`;
}

function examples(type: Type): string | undefined {
  switch (type.kind) {
    case "Duration":
      return "such as `15m`";
    case "Decimal":
      return "such as `12.50`";
    case "Int":
      return "such as `12`";
    case "Bool":
      return "`true` or `false`";
    case "Set":
    case "List":
      return "such as `[a, b]`";
    case "Record":
    case "Map":
      return "such as `{ name: value }`";
    default:
      return undefined;
  }
}
