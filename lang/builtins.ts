/**
 * The one table of derived attributes and builtin functions (SPEC §5.8): the checker asks it for types, both
 * evaluators for results, and SPEC's table is compared with it.
 */

import { atomsIn } from "./scalar/atoms.ts";
import { commandAttributes } from "./scalar/command.ts";
import { spellDecimal } from "./scalar/decimal.ts";
import { asciiLower, emailDomain, emailLocal, parseEmail } from "./scalar/email.ts";
import { parseCidr, parseIp } from "./scalar/ip.ts";
import type { Parsed } from "./scalar/parsed.ts";
import {
  parsePath,
  pathExtension,
  pathName,
  pathParent,
  pathReaches,
  pathSegments,
} from "./scalar/path.ts";
import { parseTime, timeDate, timeHour, timeWeekday, WEEKDAYS } from "./scalar/time.ts";
import {
  hostWithin,
  parseUrl,
  urlHost,
  urlPath,
  urlPort,
  urlQuery,
  urlScheme,
} from "./scalar/url.ts";
import { assignable, isScalar, optional, type ScalarName, spell, type Type } from "./type.ts";
import { Failure, record, type Scalar, type Value } from "./value.ts";

export interface Builtin {
  /** How IR names it: `length`, or `email.domain` for an attribute. */
  readonly name: string;
  /** Written `x.domain` where x is of this type; else it is a function, written `name(…)`. */
  readonly attributeOf?: ScalarName;
  /** As SPEC's table shows it: `Email → String`, `(String, String) → List<String>`. */
  readonly signature: string;
  /** What it gives, in one line. */
  readonly doc: string;
  /** Steps that it takes (SPEC §5.3). */
  readonly cost: Cost;
  /** How many arguments it takes, all of them present (none of type `T?`). */
  readonly arity: number;
  /** What texts that are written out are taken for, where they are no texts. */
  readonly takes?: readonly Type[];
  /** The type of the result, or what is wrong with the arguments, of which there are `arity`. */
  result(types: readonly Type[]): Type | { readonly message: string };
  /** Arguments are of types that `result` accepted. `undefined` is an absent value; never throws. */
  apply(args: readonly Value[]): Value | Failure | undefined;
}

export interface Cost {
  /** Whatever its arguments are. */
  readonly base: number;
  /**
   * And one for so much of their size: characters of a text, and of a list, set or map eight for each element and
   * the characters of those that are texts. 0 = none.
   */
  readonly each: number;
}

const FREE: Cost = { base: 0, each: 0 };
/** As fast as memory is read. */
const QUICK: Cost = { base: 0, each: 64 };

function costs(base: number, each = 0): Cost {
  return { base, each };
}

const ABS_LIMIT = Number.MAX_SAFE_INTEGER;

/** Where it is not as of a text that is read once. */
const ATTRIBUTE_COSTS: Readonly<Record<string, Cost>> = {
  "email.local": FREE,
  "email.domain": FREE,
  "path.segments": costs(1, 8),
  "url.host": costs(16, 64),
  "url.port": costs(1, 64),
  "url.path": costs(1, 64),
  "url.query": costs(1, 64),
  "decimal.text": costs(1),
  "time.hour": FREE,
  "time.weekday": FREE,
  "time.date": costs(4),
};

const ATTRIBUTES: readonly Builtin[] = [
  attribute("Email", "local", type("String"), "what stands before the `@`", emailLocal),
  attribute(
    "Email",
    "domain",
    type("String"),
    "what stands after the `@`, lower case",
    emailDomain,
  ),
  attribute("Path", "name", type("String"), "the last segment; empty for `/`", pathName),
  attribute(
    "Path",
    "extension",
    type("String"),
    "what follows the last dot of the name; empty where there is none",
    pathExtension,
  ),
  attribute("Path", "parent", type("Path"), "the folder it is in; `/` for `/`", pathParent),
  attribute("Path", "segments", list(type("String")), "names from the top", pathSegments),
  attribute("Url", "scheme", type("String"), "`https`", urlScheme),
  attribute(
    "Url",
    "host",
    type("String"),
    "name or address, lower case; empty where none",
    urlHost,
  ),
  attribute(
    "Url",
    "port",
    optional(type("Int")),
    "the one written, else the one its scheme means",
    urlPort,
  ),
  attribute("Url", "path", type("String"), "`/a/b`, percent-encoded where it must be", urlPath),
  attribute("Url", "query", type("String"), "what follows `?`; empty where none", urlQuery),
  attribute("Decimal", "text", type("String"), "as written: `98.7`", spellDecimal),
  attribute("Time", "hour", type("Int"), "0 to 23, UTC", timeHour),
  attribute("Time", "weekday", { kind: "OneOf", values: WEEKDAYS }, "`monday` …, UTC", timeWeekday),
  attribute("Time", "date", type("String"), "`2026-01-02`, UTC", timeDate),
  ...Object.entries(commandAttributes).map(([name, { type: gives, doc, get }]) =>
    attribute("Command", name, gives, doc, get),
  ),
];

const FUNCTIONS: readonly Builtin[] = [
  {
    name: "lower",
    signature: "String → String",
    doc: "`A` to `Z` made small; nothing else is folded",
    cost: costs(1, 16),
    arity: 1,
    result: (types) => accept(types, [type("String")], type("String")),
    apply: ([text]) => asciiLower(String(text)),
  },
  {
    name: "trim",
    signature: "String → String",
    doc: "without blanks, tabs and line ends at either end",
    cost: costs(1, 64),
    arity: 1,
    result: (types) => accept(types, [type("String")], type("String")),
    apply: ([text]) => trim(String(text)),
  },
  {
    name: "length",
    signature: "String → Int",
    doc: "number of code points",
    cost: QUICK,
    arity: 1,
    result: (types) => accept(types, [type("String")], type("Int")),
    apply: ([text]) => codePoints(String(text)),
  },
  {
    name: "split",
    signature: "(String, String) → List<String>",
    doc: "the parts between separators; the whole text where the separator is empty",
    cost: costs(1, 4),
    arity: 2,
    result: (types) => accept(types, [type("String"), type("String")], list(type("String"))),
    apply: ([text, separator]) =>
      separator === "" ? [String(text)] : String(text).split(String(separator)),
  },
  {
    name: "words",
    signature: "String → List<String>",
    doc: "the parts between blanks, tabs and line ends, none of them empty",
    cost: costs(1, 8),
    arity: 1,
    result: (types) => accept(types, [type("String")], list(type("String"))),
    apply: ([text]) => wordsIn(String(text)),
  },
  {
    name: "text",
    signature: "Path | Url | Email | Ip | Cidr | Command | Purpose | Label | … → String",
    doc: "a scalar in its canonical form, as a String",
    cost: FREE,
    arity: 1,
    result: ([from]) => (from && isText(from) ? type("String") : misfit([from], "a kind of text")),
    apply: ([value]) => value,
  },
  {
    name: "count",
    signature: "List<T> | Set<T> | Map<T> → Int",
    doc: "number of elements",
    cost: FREE,
    arity: 1,
    result: ([from]) =>
      from?.kind === "List" || from?.kind === "Set" || from?.kind === "Map"
        ? type("Int")
        : misfit([from], "a List, Set or Map"),
    apply: ([of]) => (Array.isArray(of) ? of.length : (of as ReadonlySet<Scalar>).size),
  },
  {
    name: "sum",
    signature: "List<N> → N for Int, Decimal and Duration",
    doc: "all elements added; 0 of nothing",
    cost: QUICK,
    arity: 1,
    result: ([from]) => elementOf(from, ["Int", "Decimal", "Duration"]),
    apply: ([of]) => sum(elements(of)),
  },
  {
    name: "min",
    signature: "List<N> | Set<N> → N? for Int, Decimal, Float, Duration, Time and levels",
    doc: "the least element; absent where there is none",
    cost: QUICK,
    arity: 1,
    result: ([from]) => optionalElementOf(from),
    apply: ([of]) => best(elements(of), (a, b) => a < b),
  },
  {
    name: "max",
    signature: "List<N> | Set<N> → N? for Int, Decimal, Float, Duration, Time and levels",
    doc: "the greatest element; absent where there is none",
    cost: QUICK,
    arity: 1,
    result: ([from]) => optionalElementOf(from),
    apply: ([of]) => best(elements(of), (a, b) => a > b),
  },
  {
    name: "abs",
    signature: "N → N for Int, Decimal, Float and Duration",
    doc: "without its sign",
    cost: FREE,
    arity: 1,
    result: ([from]) =>
      from && ["Int", "Decimal", "Float", "Duration"].includes(from.kind)
        ? from
        : misfit([from], "a number or Duration"),
    apply: ([number]) => Math.abs(Number(number)),
  },
  {
    name: "keys",
    signature: "Map<T> → Set<String>",
    doc: "the names a map has values for",
    cost: costs(1, 32),
    arity: 1,
    result: ([from]) =>
      from?.kind === "Map" ? { kind: "Set", of: type("String") } : misfit([from], "a Map"),
    apply: ([map]) => new Set((map as ReadonlyMap<string, Value>).keys()),
  },
  {
    name: "values",
    signature: "Map<T> → List<T>",
    doc: "the values a map has, those of names that are whole numbers first, by number, the others in the order they were sent",
    cost: QUICK,
    arity: 1,
    result: ([from]) => (from?.kind === "Map" ? list(from.of) : misfit([from], "a Map")),
    apply: ([map]) => [...(map as ReadonlyMap<string, Value>).values()],
  },
  {
    name: "zip",
    signature: "(List<A>, List<B>) → List<{ first: A, second: B }>",
    doc: "elements at the same place, in pairs; unknown (`length_mismatch`) where one list is longer",
    cost: costs(1, 8),
    arity: 2,
    result: ([left, right]) =>
      left?.kind === "List" && right?.kind === "List"
        ? list(pairOf(left.of, right.of))
        : misfit([left, right], "two Lists"),
    apply: ([left, right]) => zip(elements(left), elements(right)),
  },
  {
    name: "neighbours",
    signature: "List<T> → List<{ first: T, second: T }>",
    doc: "each element with the next; none where there are fewer than two",
    cost: costs(1, 8),
    arity: 1,
    result: ([from]) =>
      from?.kind === "List" ? list(pairOf(from.of, from.of)) : misfit([from], "a List"),
    apply: ([of]) => zip(elements(of).slice(0, -1), elements(of).slice(1)),
  },
  {
    name: "take",
    signature: "(List<T>, Int) → List<T>",
    doc: "so many elements from the front, or all; none for a number below 1",
    cost: QUICK,
    arity: 2,
    result: partOfList,
    apply: ([of, count]) => elements(of).slice(0, Math.max(0, Number(count))),
  },
  {
    name: "skip",
    signature: "(List<T>, Int) → List<T>",
    doc: "what is left behind so many elements; all for a number below 1",
    cost: QUICK,
    arity: 2,
    result: partOfList,
    apply: ([of, count]) => elements(of).slice(Math.max(0, Number(count))),
  },
  {
    name: "distinct",
    signature: "List<T> → Set<T>",
    doc: "the elements, each once",
    cost: costs(1, 32),
    arity: 1,
    result: ([from]) =>
      from?.kind === "List" && isScalar(from.of)
        ? { kind: "Set", of: from.of }
        : misfit([from], "a List of scalars"),
    apply: ([of]) => new Set(elements(of) as readonly Scalar[]),
  },
  {
    name: "union",
    signature: "(Set<T>, Set<T>) → Set<T>",
    doc: "what is in either",
    cost: costs(3, 32),
    arity: 2,
    result: sameSets,
    apply: ([left, right]) => new Set([...setOf(left), ...setOf(right)]),
  },
  {
    name: "intersection",
    signature: "(Set<T>, Set<T>) → Set<T>",
    doc: "what is in both",
    cost: costs(3, 32),
    arity: 2,
    result: sameSets,
    apply: ([left, right]) => filterSet(setOf(left), (value) => setOf(right).has(value)),
  },
  {
    name: "difference",
    signature: "(Set<T>, Set<T>) → Set<T>",
    doc: "what is in the first and not in the second",
    cost: costs(3, 32),
    arity: 2,
    result: sameSets,
    apply: ([left, right]) => filterSet(setOf(left), (value) => !setOf(right).has(value)),
  },
  {
    name: "host_within",
    signature: "(String, String) → Bool",
    doc: "whether a host or mail domain is a domain or below it",
    cost: QUICK,
    arity: 2,
    result: (types) => accept(types, [type("String"), type("String")], type("Bool")),
    apply: ([host, domain]) => hostWithin(String(host), String(domain)),
  },
  {
    name: "reaches",
    signature: "(Path, Path) → Bool",
    doc: "whether a path is within a folder or holds it, or a pattern or `$x` in it may stand for one that does: for what nobody may touch",
    cost: QUICK,
    arity: 2,
    takes: [type("Path"), type("Path")],
    result: (types) => accept(types, [type("Path"), type("Path")], type("Bool")),
    apply: ([path, folder]) => pathReaches(String(path), String(folder)),
  },
  {
    name: "atoms",
    signature: "String → Set<String>",
    doc: "mail addresses, URLs and account numbers that stand in a text",
    cost: costs(2, 1),
    arity: 1,
    result: (types) => accept(types, [type("String")], { kind: "Set", of: type("String") }),
    apply: ([text]) => atomsIn(String(text)),
  },
  parser("path", "Path", costs(4, 8), parsePath),
  parser("url", "Url", costs(8, 2), parseUrl),
  parser("email", "Email", costs(4, 16), parseEmail),
  parser("ip", "Ip", costs(16, 16), parseIp),
  parser("cidr", "Cidr", costs(16, 16), parseCidr),
  parser("time", "Time", costs(8, 64), parseTime),
  {
    name: "command",
    signature: "String → Command",
    doc: "the text as a shell command line, or as a script of several",
    cost: FREE,
    arity: 1,
    result: (types) => accept(types, [type("String")], type("Command")),
    apply: ([text]) => String(text),
  },
  {
    name: "date_time",
    signature: "(String, String) → Time?",
    doc: "a date and a time of day, `2026-01-02` and `15:04` or `15:04:05+01:00`, as one Time; absent where they are none",
    cost: costs(8, 64),
    arity: 2,
    result: (types) => accept(types, [type("String"), type("String")], optional(type("Time"))),
    apply: ([date, clock]) => dateTime(String(date), String(clock)),
  },
];

/** By the name IR uses. */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  [...ATTRIBUTES, ...FUNCTIONS].map((builtin) => [builtin.name, builtin]),
);

/** What a value of the type has behind a dot: the builtin of `email.domain` for `Email` and `domain`. */
export function attributeOf(of: Type, name: string): Builtin | undefined {
  const found = BUILTINS.get(`${of.kind.toLowerCase()}.${name}`);
  return found?.attributeOf === of.kind ? found : undefined;
}

/** Names that may stand behind a dot, for suggestions. */
export function attributesOf(of: Type): readonly string[] {
  return [...BUILTINS.values()]
    .filter((builtin) => builtin.attributeOf === of.kind)
    .map((builtin) => builtin.name.slice(builtin.name.indexOf(".") + 1));
}

/** The function of that name; attributes are none. */
export function functionNamed(name: string): Builtin | undefined {
  const found = BUILTINS.get(name);
  return found?.attributeOf === undefined ? found : undefined;
}

function attribute<Held extends Scalar>(
  of: ScalarName,
  name: string,
  gives: Type,
  doc: string,
  read: (value: Held) => Value | undefined,
): Builtin {
  return {
    name: `${of.toLowerCase()}.${name}`,
    attributeOf: of,
    signature: `${of} → ${spell(gives)}`,
    doc,
    cost: ATTRIBUTE_COSTS[`${of.toLowerCase()}.${name}`] ?? QUICK,
    arity: 1,
    result: (types) => accept(types, [type(of)], gives),
    apply: ([value]) => read(value as Held),
  };
}

function parser(
  name: string,
  gives: ScalarName,
  cost: Cost,
  parse: (text: string) => Parsed<Scalar>,
): Builtin {
  return {
    name,
    signature: `String → ${gives}?`,
    doc: `the text as ${gives === "Email" || gives === "Ip" ? "an" : "a"} ${gives}; absent where it is none`,
    cost,
    arity: 1,
    result: (types) => accept(types, [type("String")], optional(type(gives))),
    apply: ([text]) => {
      const read = parse(String(text));
      return read.ok ? read.value : undefined;
    },
  };
}

type Misfit = { readonly message: string };

function accept(given: readonly Type[], wanted: readonly Type[], gives: Type): Type | Misfit {
  const fits = wanted.every((want, at) => {
    const have = given[at];
    return have !== undefined && assignable(have, want);
  });
  return fits ? gives : misfit(given, wanted.map(spell).join(", "));
}

function misfit(given: readonly (Type | undefined)[], wanted: string): Misfit {
  const spelled = given.map((have) => (have === undefined ? "nothing" : `\`${spell(have)}\``));
  return { message: `takes ${wanted}, not ${spelled.join(" and ")}` };
}

function elementOf(from: Type | undefined, kinds: readonly Type["kind"][]): Type | Misfit {
  if ((from?.kind === "List" || from?.kind === "Set") && kinds.includes(from.of.kind))
    return from.of;
  return misfit([from], `a List of ${kinds.join(", ")}`);
}

function partOfList([from, count]: readonly Type[]): Type | Misfit {
  const fits = from?.kind === "List" && count?.kind === "Int";
  return fits ? from : misfit([from, count], "a List and an Int");
}

function optionalElementOf(from: Type | undefined): Type | Misfit {
  const kinds = ["Int", "Decimal", "Float", "Duration", "Time", "Level"] as const;
  const found = elementOf(from, kinds);
  return "message" in found ? found : optional(found);
}

function sameSets(types: readonly Type[]): Type | Misfit {
  const [left, right] = types;
  if (left?.kind === "Set" && right?.kind === "Set") {
    if (assignable(left, right)) return right;
    if (assignable(right, left)) return left;
  }
  return misfit(types, "two Sets of one type");
}

/** Types whose values are strings at run time. */
function isText(from: Type): boolean {
  switch (from.kind) {
    case "OneOf":
      return true;
    case "Bool":
    case "Int":
    case "Decimal":
    case "Float":
    case "Duration":
    case "Time":
    case "Level":
      return false;
    default:
      return isScalar(from);
  }
}

/** Seconds may be left out, as people do. */
function dateTime(date: string, clock: string): number | undefined {
  const whole = clock.length === 5 ? `${clock}:00` : clock;
  const read = /^\d{4}-\d{2}-\d{2}$/.test(date) ? parseTime(`${date}T${whole}`) : undefined;
  return read?.ok ? read.value : undefined;
}

function pairOf(first: Type, second: Type): Type {
  const fields = [
    { name: "first", type: first },
    { name: "second", type: second },
  ];
  return { kind: "Record", fields, open: false };
}

function type(kind: ScalarName): Type {
  return { kind };
}

function list(of: Type): Type {
  return { kind: "List", of };
}

function elements(of: Value | undefined): readonly Value[] {
  return Array.isArray(of) ? of : [...(of as ReadonlySet<Scalar>)];
}

function setOf(of: Value | undefined): ReadonlySet<Scalar> {
  return of as ReadonlySet<Scalar>;
}

function filterSet(
  set: ReadonlySet<Scalar>,
  keeps: (value: Scalar) => boolean,
): ReadonlySet<Scalar> {
  return new Set([...set].filter(keeps));
}

function trim(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function wordsIn(text: string): readonly string[] {
  const words: string[] = [];
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && !isBlank(text.charCodeAt(at))) continue;
    if (at > start) words.push(text.slice(start, at));
    start = at + 1;
  }
  return words;
}

/** Blank, tab, line feed, carriage return. */
function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09 || unit === 0x0a || unit === 0x0d;
}

/** Halves that are no pair count each. */
function codePoints(text: string): number {
  let count = text.length;
  for (let at = 1; at < text.length; at++) {
    if ((text.charCodeAt(at) & 0xfc00) !== 0xdc00) continue;
    if ((text.charCodeAt(at - 1) & 0xfc00) === 0xd800) count--;
  }
  return count;
}

function sum(numbers: readonly Value[]): number | Failure {
  let total = 0;
  for (const number of numbers) {
    total += Number(number);
    if (Math.abs(total) > ABS_LIMIT) return new Failure("overflow");
  }
  return total;
}

function best(
  values: readonly Value[],
  better: (a: Value, b: Value) => boolean,
): Value | undefined {
  let found = values[0];
  for (const value of values) if (found !== undefined && better(value, found)) found = value;
  return found;
}

function zip(left: readonly Value[], right: readonly Value[]): readonly Value[] | Failure {
  if (left.length !== right.length) return new Failure("length_mismatch");
  return left.map((first, at) => record({ first, second: right[at] }));
}
