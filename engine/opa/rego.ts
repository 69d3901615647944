/**
 * Rego's values, as builtins take and give them, and the text in which a module hands them over: JSON, and
 * beyond it sets (`{1, 2}`, `set()`), keys of any kind, and whole numbers of any size. Pure.
 *
 *   null, boolean, string   themselves
 *   number                  number; bigint where it is whole and beyond ±(2^53−1)
 *   array                   array
 *   object, set             RegoObject, RegoSet
 */
import { EVALUATION_LIMITS } from "./limits.ts";

export type Rego =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Rego[]
  | RegoSet
  | RegoObject;

/** Elements by the text that tells them apart. */
export class RegoSet {
  readonly elements: ReadonlyMap<string, Rego>;

  constructor(elements: Iterable<Rego> = []) {
    this.elements = new Map([...elements].map((element) => [spellRego(element), element]));
  }

  has(value: Rego): boolean {
    return this.elements.has(spellRego(value));
  }

  /** In Rego's order. */
  sorted(): readonly Rego[] {
    return [...this.elements.values()].sort(compareRego);
  }
}

export type RegoEntry = readonly [key: Rego, value: Rego];

/** Members by the text that tells their keys apart. */
export class RegoObject {
  readonly members: ReadonlyMap<string, RegoEntry>;

  constructor(entries: Iterable<RegoEntry> = []) {
    this.members = new Map([...entries].map((entry) => [spellRego(entry[0]), entry]));
  }

  get(key: Rego): Rego | undefined {
    return this.members.get(spellRego(key))?.[1];
  }

  /** In Rego's order of keys. */
  sorted(): readonly RegoEntry[] {
    return [...this.members.values()].sort(([a], [b]) => compareRego(a, b));
  }
}

/** An object with these members. */
export function regoObject(members: Readonly<Record<string, Rego | undefined>>): RegoObject {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  return new RegoObject(there as [string, Rego][]);
}

export function isRegoArray(value: Rego | undefined): value is readonly Rego[] {
  return Array.isArray(value);
}

export function equalRego(a: Rego, b: Rego): boolean {
  return a === b || spellRego(a) === spellRego(b);
}

/** The one text of a value: equal values have equal texts. Modules read it. */
export function spellRego(value: Rego): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return spellNumber(value);
    case "object":
      return spellComposite(value);
    default:
      return String(value);
  }
}

function spellComposite(value: Rego & (object | null)): string {
  if (value === null) return "null";
  if (isRegoArray(value)) return `[${value.map(spellRego).join(",")}]`;
  if (value instanceof RegoSet) {
    return value.elements.size === 0 ? "set()" : `{${[...value.elements.keys()].sort().join(",")}}`;
  }
  const members = [...value.members].map(([key, [, member]]) => `${key}:${spellRego(member)}`);
  return `{${members.sort().join(",")}}`;
}

/** −0 is 0, and what is whole is written whole: `1e21` and its digits are one number. */
function spellNumber(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError("no number of JSON");
  return Number.isInteger(value) ? String(BigInt(value)) : String(value);
}

const RANKS = ["null", "boolean", "number", "string", "array", "object", "set"] as const;

/** What `type_name` says. */
export function typeOfRego(value: Rego): (typeof RANKS)[number] {
  if (value === null) return "null";
  if (isRegoArray(value)) return "array";
  if (value instanceof RegoSet) return "set";
  if (value instanceof RegoObject) return "object";
  return typeof value === "bigint" ? "number" : (typeof value as "boolean" | "number" | "string");
}

/** Rego's order of all values: by type, then by what they hold. */
export function compareRego(a: Rego, b: Rego): number {
  const [left, right] = [typeOfRego(a), typeOfRego(b)];
  if (left !== right) return RANKS.indexOf(left) - RANKS.indexOf(right);
  if (isRegoArray(a) && isRegoArray(b)) return compareLists(a, b);
  if (a instanceof RegoSet && b instanceof RegoSet) return compareLists(a.sorted(), b.sorted());
  if (a instanceof RegoObject && b instanceof RegoObject) {
    return compareLists(a.sorted().flat(), b.sorted().flat());
  }
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (a === b || a === null || b === null) return 0;
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareLists(a: readonly Rego[], b: readonly Rego[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    const order = compareRego(left, right);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** By code points, as Go's bytes of UTF-8 are ordered; UTF-16 units would put some emoji elsewhere. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Why a text is no value. */
export class Malformed extends Error {}

/** The value whose text a module wrote; `Malformed` where it is none. */
export function parseRego(text: string): Rego {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.finish();
  return value;
}

class Parser {
  private readonly text: string;
  private position = 0;

  constructor(text: string) {
    this.text = text;
  }

  value(depth: number): Rego {
    if (depth > EVALUATION_LIMITS.valueDepth) throw new Malformed("nested too deeply");
    this.skipSpace();
    switch (this.text[this.position]) {
      case "{":
        return this.braces(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      default:
        return this.word();
    }
  }

  finish(): void {
    this.skipSpace();
    if (this.position < this.text.length) throw new Malformed("something follows the value");
  }

  /** An object or a set: what stands behind the first value tells. */
  private braces(depth: number): Rego {
    this.position += 1;
    if (this.takes("}")) return new RegoObject();
    const first = this.value(depth + 1);
    if (!this.takes(":")) return new RegoSet(this.rest([first], "}", depth));
    const entries: RegoEntry[] = [[first, this.value(depth + 1)]];
    while (!this.takes("}")) {
      this.expect(",");
      const key = this.value(depth + 1);
      this.expect(":");
      entries.push([key, this.value(depth + 1)]);
    }
    return new RegoObject(entries);
  }

  private array(depth: number): Rego {
    this.position += 1;
    return this.takes("]") ? [] : this.rest([this.value(depth + 1)], "]", depth);
  }

  private rest(items: Rego[], close: string, depth: number): Rego[] {
    while (!this.takes(close)) {
      this.expect(",");
      items.push(this.value(depth + 1));
    }
    return items;
  }

  private string(): string {
    STRING.lastIndex = this.position;
    const found = STRING.exec(this.text)?.[0];
    if (found === undefined) throw new Malformed("a string does not end");
    this.position += found.length;
    return JSON.parse(found) as string;
  }

  private word(): Rego {
    WORD.lastIndex = this.position;
    const found = WORD.exec(this.text)?.[0];
    if (found === undefined) throw new Malformed("a value is expected");
    this.position += found.length;
    switch (found) {
      case "null":
        return null;
      case "true":
        return true;
      case "false":
        return false;
      case "set()":
        return new RegoSet();
      default:
        return numberOf(found);
    }
  }

  private takes(sign: string): boolean {
    this.skipSpace();
    if (this.text[this.position] !== sign) return false;
    this.position += 1;
    return true;
  }

  private expect(sign: string): void {
    if (!this.takes(sign)) throw new Malformed(`\`${sign}\` is expected`);
  }

  private skipSpace(): void {
    while (/[ \n\r\t]/.test(this.text[this.position] ?? "")) this.position += 1;
  }
}

// A control character in a string is refused by JSON.parse. Both begin where they are told and never look back, so that they take time in proportion to what they read.
const STRING = /"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /null|true|false|set\(\)|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

function numberOf(text: string): number | bigint {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Malformed("a number is too large");
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  return /^-?[0-9]+$/.test(text) ? BigInt(text) : value;
}

/** A whole number in its one form. */
export function wholeNumber(value: bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** JSON as a value; objects have texts for keys. */
export function regoOfJson(json: unknown): Rego {
  if (Array.isArray(json)) return json.map(regoOfJson);
  if (typeof json !== "object" || json === null) return json as Rego;
  return new RegoObject(Object.entries(json).map(([key, value]) => [key, regoOfJson(value)]));
}

/** The JSON of a value as OPA writes it: sets are arrays in order, keys that are no texts are spelled. */
export function jsonOfRego(value: Rego): unknown {
  if (isRegoArray(value)) return value.map(jsonOfRego);
  if (value instanceof RegoSet) return value.sorted().map(jsonOfRego);
  if (value instanceof RegoObject) {
    const entries = value.sorted().map(([key, member]) => {
      return [typeof key === "string" ? key : spellRego(key), jsonOfRego(member)];
    });
    return Object.fromEntries(entries);
  }
  return value;
}
