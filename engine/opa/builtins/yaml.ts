/** `yaml.*`, with the scalars that OPA's reader knows: those of YAML 1.2, numbers of 1.1, and merged keys. Pure. */
import { type Document, parseDocument, type ScalarTag, stringify } from "yaml";
import { EVALUATION_LIMITS } from "../limits.ts";
import { jsonOfRego, type Rego, RegoObject, wholeNumber } from "../rego.ts";
import { type Builtin, BuiltinError, fail, textOf } from "./builtin.ts";
import { utf8 } from "./percent.ts";

export const YAML: readonly (readonly [string, Builtin])[] = [
  [
    "yaml.marshal",
    ([value]) => stringify(jsonOfRego(value ?? null), { sortMapEntries: true, lineWidth: 0 }),
  ],
  ["yaml.unmarshal", ([text]) => parseYaml(textOf(text))],
  ["yaml.is_valid", ([text]) => typeof text === "string" && isYaml(text)],
];

function isYaml(text: string): boolean {
  try {
    parseYaml(text);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}

/** Neither blanks nor signs that are printed (YAML 1.2 §5.1). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\0-\x08\v\f\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

/** Of a text in YAML; `BuiltinError` where it is none. */
export function parseYaml(text: string): Rego {
  if (CONTROL.test(text)) fail("control characters are not allowed");
  return regoOf(plain(documentOf(text)), 0);
}

function documentOf(text: string): Document.Parsed {
  const document = parseDocument(text, {
    schema: "core",
    version: "1.2",
    merge: true,
    // Of two members of one name the last counts.
    uniqueKeys: false,
    customTags: (tags) => [...tags.filter((tag) => !isNumberTag(tag)), ...NUMBERS],
  });
  // Of several documents the first counts.
  if (document.errors.some(({ code }) => code !== "MULTIPLE_DOCS")) fail("no YAML");
  return document;
}

/** Aliases are counted, so that a small text does not become a large one. */
function plain(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 100, mapAsMap: true }) ?? null;
  } catch {
    return fail("no YAML");
  }
}

/** An alias may stand within what it names: such a value has no end. */
function regoOf(value: unknown, depth: number): Rego {
  if (depth > EVALUATION_LIMITS.valueDepth) return fail("values stand too deep in each other");
  if (Array.isArray(value)) return value.map((one) => regoOf(one, depth + 1));
  if (value instanceof Map) {
    return new RegoObject([...value].map(([key, one]) => [nameOf(key), regoOf(one, depth + 1)]));
  }
  if (value instanceof Uint8Array) return utf8(value);
  if (typeof value === "bigint") return wholeNumber(value);
  if (typeof value === "object" && value !== null) return fail("no value of JSON");
  return typeof value === "number" && !Number.isFinite(value)
    ? fail("no number of JSON")
    : (value as Rego);
}

function nameOf(key: unknown): string {
  if (typeof key === "object" && key !== null) fail("a name is expected");
  return String(key);
}

const isNumberTag = (tag: unknown) =>
  typeof tag === "object" && /:(?:int|float)$/.test((tag as ScalarTag).tag ?? "");

/** By digits, underscores between them, and the prefixes of Go: `010` is 8, and `08`, which is no octal, 8 as well. */
const NUMBERS: readonly ScalarTag[] = ["int", "float"].map((name) => ({
  default: true,
  tag: `tag:yaml.org,2002:${name}`,
  test: /^(?:[-+]?[0-9.][0-9a-fA-FxXoO_.eE+-]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
  resolve: numberOr,
}));

function numberOr(text: string): string | number | bigint {
  if (/^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/.test(text)) return Number.NaN;
  const digits = text.replaceAll("_", "");
  const [, sign = "", prefixed, octal, decimal] =
    /^([-+]?)(?:(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)|0([0-7]+)|(0|[1-9][0-9]*))$/.exec(
      digits,
    ) ?? [];
  const spelled = prefixed?.toLowerCase() ?? (octal && `0o${octal}`) ?? decimal;
  const whole = spelled === undefined ? undefined : BigInt(spelled) * (sign === "-" ? -1n : 1n);
  if (whole !== undefined && whole >= -(2n ** 63n) && whole < 2n ** 64n) return whole;
  const isFloat = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(digits);
  const float = isFloat ? Number(digits) : Number.POSITIVE_INFINITY;
  if (!Number.isFinite(float)) return text;
  // A double's digits, as Go writes them: zeros where it says no more.
  return /^-?[0-9]+$/.test(String(float)) ? BigInt(String(float)) : float;
}
