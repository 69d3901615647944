/**
 * JSON → run-time values by declared type (SPEC §12.2). Nothing is coerced, dropped or defaulted but what is
 * declared so; everything wrong is reported with where it stands.
 */

import type { LevelDecl, Program } from "../lang/ir.ts";
import { hiddenCharacter } from "../lang/scalar/characters.ts";
import { decimalFromNumber, decimalFromText } from "../lang/scalar/decimal.ts";
import { parseDuration } from "../lang/scalar/duration.ts";
import { parseEmail } from "../lang/scalar/email.ts";
import { parseCidr, parseIp } from "../lang/scalar/ip.ts";
import type { Parsed } from "../lang/scalar/parsed.ts";
import { parsePath } from "../lang/scalar/path.ts";
import { parseTime } from "../lang/scalar/time.ts";
import { parseUrl } from "../lang/scalar/url.ts";
import {
  EFFECTS,
  type Field,
  KINDS,
  NAMED_LABEL,
  SOURCES,
  spell,
  type Type,
  USER_LABEL,
} from "../lang/type.ts";
import { FORBIDDEN_NAMES } from "../lang/value.ts";
import { ELEMENTS_MAX } from "./limits.ts";
import { sharedSet } from "./shared-sets.ts";
import { NULL, newRecord, type RecordValue, type Scalar, type Value } from "./value.ts";

/** What is wrong with a request, and where: a JSON pointer. */
export interface Problem {
  readonly at: string;
  readonly message: string;
}

/** `undefined` where the value is absent or a problem was reported. */
export type Reader = (json: unknown, at: string, problems: Problem[]) => Value | undefined;

/** Bounds on what a stranger may send; the HTTP edge has tighter ones of its own. */
const LONGEST_TEXT = 1_048_576;
const DEEPEST = 32;

/** What the words of a policy stand for: the closed sets that values are read against. */
export interface Words {
  readonly levels: readonly LevelDecl[];
  readonly purposes: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
}

export function wordsOf(program: Program): Words {
  return {
    levels: program.levels,
    purposes: new Set(program.purposes),
    labels: new Set([...program.labels, USER_LABEL, NAMED_LABEL]),
  };
}

/** A reader of one type, made once for a policy. */
export function readerOf(type: Type, words: Words): Reader {
  switch (type.kind) {
    case "Optional": {
      const reader = readerOf(type.of, words);
      return (json, at, problems) => (json === null ? undefined : reader(json, at, problems));
    }
    case "Set":
      return listReader(readerOf(type.of, words), sharedSet);
    case "List":
      return listReader(readerOf(type.of, words), (items) => items);
    case "Map":
      return mapReader(readerOf(type.of, words));
    case "Record":
      return recordReader(type.fields, type.open, words);
    case "Party":
      return partyReader;
    case "Any":
      return (json, at, problems) => readAny(json, at, problems, 0);
    case "Level":
      return levelReader(type.name, words);
    default:
      return scalarReader(type, words);
  }
}

function scalarReader(type: Exclude<Type, { of: Type }>, words: Words): Reader {
  switch (type.kind) {
    case "Bool":
      return (json, at, problems) =>
        typeof json === "boolean" ? json : wrong(problems, at, "true or false", json);
    case "Int":
      return readInt;
    case "Float":
      return readFloat;
    case "Decimal":
      return readDecimal;
    case "String":
    case "Command":
      return readText;
    case "OneOf":
      return wordReader(new Set(type.values), "value");
    case "Purpose":
      return wordReader(words.purposes, "purpose");
    case "Label":
      return wordReader(words.labels, "label");
    case "Effect":
      return wordReader(new Set(EFFECTS), "effect");
    case "Kind":
      return wordReader(new Set(KINDS), "kind");
    case "Source":
      return wordReader(new Set(SOURCES), "source");
    case "Duration":
      return parsingReader("duration", parseDuration);
    case "Time":
      return parsingReader("time", parseTime);
    case "Ip":
      return parsingReader("IP address", parseIp);
    case "Cidr":
      return parsingReader("range of IP addresses", parseCidr);
    case "Path":
      return parsingReader("path", parsePath);
    case "Url":
      return parsingReader("URL", parseUrl);
    case "Email":
      return parsingReader("mail address", parseEmail);
    default:
      throw new Error(`no reader for ${spell(type)}`);
  }
}

function readInt(json: unknown, at: string, problems: Problem[]): Value | undefined {
  if (typeof json !== "number" || !Number.isInteger(json)) {
    return wrong(problems, at, "a whole number", json);
  }
  if (!Number.isSafeInteger(json)) return report(problems, at, "is beyond ±(2^53−1)");
  return json === 0 ? 0 : json;
}

function readFloat(json: unknown, at: string, problems: Problem[]): Value | undefined {
  if (typeof json !== "number" || !Number.isFinite(json))
    return wrong(problems, at, "a number", json);
  return json === 0 ? 0 : json;
}

function readDecimal(json: unknown, at: string, problems: Problem[]): Value | undefined {
  if (typeof json === "number") return taken(decimalFromNumber(json), at, problems);
  if (typeof json === "string") return taken(decimalFromText(json), at, problems);
  return wrong(problems, at, "a decimal number", json);
}

export function readText(json: unknown, at: string, problems: Problem[]): string | undefined {
  if (typeof json !== "string") return wrong(problems, at, "a string", json);
  if (json.length > LONGEST_TEXT) return report(problems, at, `is longer than ${LONGEST_TEXT}`);
  if (!json.isWellFormed()) return report(problems, at, "holds half a character");
  return json;
}

/** A name that is compared by its characters: short, in normal form, with nothing hidden in it. */
export function readId(json: unknown, at: string, problems: Problem[]): string | undefined {
  if (typeof json !== "string" || json === "") return wrong(problems, at, "an id", json);
  if (json.length > 1024) return report(problems, at, "is longer than 1024");
  const hidden = hiddenCharacter(json);
  return hidden === undefined ? json : report(problems, at, hidden);
}

function parsingReader(what: string, parse: (text: string) => Parsed<Scalar>): Reader {
  return (json, at, problems) =>
    typeof json === "string"
      ? taken(parse(json), at, problems, what)
      : wrong(problems, at, `a string that is a ${what}`, json);
}

function taken<T>(
  read: Parsed<T>,
  at: string,
  problems: Problem[],
  what = "decimal number",
): T | undefined {
  return read.ok ? read.value : report(problems, at, `${read.why}, so it is no ${what}`);
}

function wordReader(words: ReadonlySet<string>, what: string): Reader {
  return (json, at, problems) => {
    if (typeof json !== "string") return wrong(problems, at, "a string", json);
    return words.has(json) ? json : report(problems, at, `is no ${what} that the policy knows`);
  };
}

function levelReader(name: string, words: Words): Reader {
  const values = words.levels.find((level) => level.name === name)?.values ?? [];
  const positions = new Map(values.map((value, position) => [value, position]));
  return (json, at, problems) => {
    if (typeof json !== "string") return wrong(problems, at, "a string", json);
    return positions.get(json) ?? report(problems, at, `is none of the levels of ${name}`);
  };
}

function listReader(reader: Reader, gather: (items: readonly Value[]) => Value): Reader {
  return (json, at, problems) => {
    if (!Array.isArray(json)) return wrong(problems, at, "a list", json);
    const { length } = json;
    if (length > ELEMENTS_MAX)
      return report(problems, at, `has more than ${ELEMENTS_MAX} elements`);
    if (length === 0) return gather(NO_ITEMS);
    // A copy has the room it needs; a list that grows has more.
    const items: Value[] = json.slice();
    let count = 0;
    for (let index = 0; index < length; index++) {
      const item = reader(json[index], `${at}/${index}`, problems);
      if (item !== undefined) items[count++] = item;
    }
    items.length = count;
    return gather(items);
  };
}

const NO_ITEMS: readonly Value[] = Object.freeze([]);

function mapReader(reader: Reader): Reader {
  return (json, at, problems) => {
    if (!isObject(json)) return wrong(problems, at, "an object", json);
    const map = new Map<string, Value>();
    for (const name of namesOf(json, at, problems)) {
      const item = reader(json[name], below(at, name), problems);
      if (item !== undefined) map.set(name, item);
    }
    return map;
  };
}

export interface Member {
  /** In the value made, and on the wire. */
  readonly name: string;
  readonly wire: string;
  /** What is added to a pointer to reach it. */
  readonly step: string;
  readonly read: Reader;
  /** Taken when the member is missing; without it, a missing member is a problem unless `optional`. */
  readonly missing?: Value;
  readonly optional: boolean;
}

export function memberOf(field: Field, words: Words): Member {
  const read = readerOf(field.type, words);
  const wire = field.wire ?? field.name;
  const optional = field.type.kind === "Optional";
  const member = { name: field.name, wire, step: below("", wire), read, optional };
  if (field.default === undefined) return member;
  const problems: Problem[] = [];
  const missing = read(field.default, `/${wire}`, problems);
  if (problems.length > 0) throw new Error(`the default of ${field.name} is not of its type`);
  if (missing === undefined) return member;
  if (!optional) return { ...member, missing };
  // `null` is absence where a value may be absent, and so the default stands in for it as well.
  const readOrTake: Reader = (json, at, found) => (json === null ? missing : read(json, at, found));
  return { ...member, missing, read: readOrTake };
}

function recordReader(fields: readonly Field[], open: boolean, words: Words): Reader {
  return membersReader(
    fields.map((field) => memberOf(field, words)),
    open,
  );
}

/** An object with these members; what else it holds is a problem unless `open`. */
export function membersReader(members: readonly Member[], open: boolean): Reader {
  const wires = new Set(members.map((member) => member.wire));
  return (json, at, problems) => {
    if (!isObject(json)) return wrong(problems, at, "an object", json);
    checkNames(json, wires, open, at, problems);
    const made = newRecord();
    for (const member of members) {
      const value = readMember(member, json, at, problems);
      if (value !== undefined) made[member.name] = value;
    }
    return made;
  };
}

/** What is not declared is refused, or, where it may stand, at least no word of JavaScript's. */
export function checkNames(
  json: Readonly<Record<string, unknown>>,
  declared: ReadonlySet<string>,
  open: boolean,
  at: string,
  problems: Problem[],
): void {
  // Without a list of names. What an object inherits, and JSON has none, is refused as well.
  for (const name in json) {
    if (declared.has(name)) continue;
    if (!open) report(problems, below(at, name), "is not declared");
    else if (FORBIDDEN_NAMES.has(name)) report(problems, below(at, name), "is a forbidden name");
  }
}

export function readMember(
  member: Member,
  json: Readonly<Record<string, unknown>>,
  at: string,
  problems: Problem[],
): Value | undefined {
  const given = json[member.wire];
  if (given !== undefined && Object.hasOwn(json, member.wire)) {
    return member.read(given, at + member.step, problems);
  }
  if (member.missing !== undefined || member.optional) return member.missing;
  return report(problems, at + member.step, "is missing");
}

/** `"alice"` or `{ id, kind }`; a kind that is not told is the least trusted one. */
export function partyReader(json: unknown, at: string, problems: Problem[]): RecordValue {
  const party = newRecord();
  if (!isObject(json)) {
    party.id = readId(json, at, problems);
    return party;
  }
  for (const name in json) {
    if (name !== "id" && name !== "kind") report(problems, below(at, name), "is not declared");
  }
  party.id = readId(json.id, `${at}/id`, problems);
  if (json.kind !== undefined) party.kind = readKind(json.kind, `${at}/kind`, problems);
  return party;
}

export const readKind: Reader = wordReader(new Set(KINDS), "kind");

function readAny(json: unknown, at: string, problems: Problem[], depth: number): Value | undefined {
  if (depth > DEEPEST) return report(problems, at, `is nested deeper than ${DEEPEST}`);
  if (json === null) return NULL;
  if (typeof json === "string") return readText(json, at, problems);
  if (typeof json === "number") return readFloat(json, at, problems);
  if (typeof json === "boolean") return json;
  if (Array.isArray(json)) {
    return listReader(
      (item, where, sink) => readAny(item, where, sink, depth + 1),
      (items) => items,
    )(json, at, problems);
  }
  if (!isObject(json)) return wrong(problems, at, "JSON", json);
  const made = newRecord();
  for (const name of namesOf(json, at, problems)) {
    made[name] = readAny(json[name], below(at, name), problems, depth + 1);
  }
  return made;
}

/** A plain object: what JSON makes, and nothing that may run code when read. */
export function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function namesOf(
  json: Readonly<Record<string, unknown>>,
  at: string,
  problems: Problem[],
): readonly string[] {
  const names = Object.keys(json);
  if (names.length > ELEMENTS_MAX) report(problems, at, `has more than ${ELEMENTS_MAX} members`);
  for (const name of names) {
    if (FORBIDDEN_NAMES.has(name)) report(problems, below(at, name), "is a forbidden name");
    if (!name.isWellFormed()) report(problems, at, "has a name that holds half a character");
  }
  return names;
}

/** RFC 6901. */
export function below(at: string, name: string): string {
  return `${at}/${/[~/]/.test(name) ? name.replaceAll("~", "~0").replaceAll("/", "~1") : name}`;
}

export function wrong(problems: Problem[], at: string, wanted: string, json: unknown): undefined {
  const is = json === undefined ? "is missing" : `is not ${wanted} but ${nameOf(json)}`;
  return report(problems, at, is);
}

function nameOf(json: unknown): string {
  if (json === null) return "null";
  if (Array.isArray(json)) return "a list";
  switch (typeof json) {
    case "object":
      return "an object";
    case "string":
      return json === "" ? "an empty string" : "a string";
    case "number":
      return `the number ${json}`;
    default:
      return String(json);
  }
}

export function report(problems: Problem[], at: string, message: string): undefined {
  problems.push({ at, message });
}

/** An object of which no member has another name. */
export function onlyMembers<Name extends string>(
  json: Readonly<Record<string, unknown>>,
  names: readonly Name[],
  at: string,
  problems: Problem[],
): { readonly [name in Name]?: unknown } {
  for (const name in json) {
    if (!(names as readonly string[]).includes(name)) {
      report(problems, below(at, name), "is no member that a request has");
    }
  }
  return json as { readonly [name in Name]?: unknown };
}

export function optionally<T>(
  read: (json: unknown, at: string, problems: Problem[]) => T | undefined,
  json: unknown,
  at: string,
  problems: Problem[],
): T | undefined {
  return json === undefined ? undefined : read(json, at, problems);
}

export function textIn(record: RecordValue | undefined, name: string): string | undefined {
  const value = record?.[name];
  return typeof value === "string" ? value : undefined;
}
