/**
 * Run-time values (SPEC §4.3). Every scalar is one JavaScript primitive, so that equality is `===` and a
 * set is a `Set`:
 *
 *   Bool               boolean
 *   Int, Float         number
 *   Decimal            integer of ten-thousandths, within ±(2^53−1)
 *   Duration, Time     milliseconds; since the Unix epoch
 *   Level              position, lowest 0
 *   all others         string: Path, Url, Email, Ip and Cidr in canonical form
 *   Set<T>             Set · List<T> array · Map<T> Map · record and Party: object that inherits nothing
 *
 * `undefined` is what is absent. Values are never changed once made.
 */
import { hash } from "node:crypto";
import type { Cause, LevelDecl } from "../lang/ir.ts";
import { decimalFromNumber, spellDecimal } from "../lang/scalar/decimal.ts";
import { spellDuration } from "../lang/scalar/duration.ts";
import { spellTime } from "../lang/scalar/time.ts";
import type { Json, Type } from "../lang/type.ts";
import { newRecord, type RecordValue, type Scalar, type Value } from "../lang/value.ts";

export type { RecordValue, Scalar, Value } from "../lang/value.ts";
export { newRecord, record } from "../lang/value.ts";

/**
 * The third truth value, and the result of every operator that could not be calculated (SPEC §5.3). `open` is
 * what has not been told yet, where a policy is asked ahead (SPEC §12.8): it may turn out as any value, or as
 * unknown. No decision rests on it.
 */
export class Unknown {
  readonly cause: Cause | "open";
  /** Place of the expression that failed: an index into `Program.places`. */
  readonly at: number;

  constructor(cause: Cause | "open", at: number) {
    this.cause = cause;
    this.at = at;
  }
}

/** JSON's `null` in a value of type `Any`: a value like no other, itself included in no other form. */
export const NULL: Value = Object.freeze(new Map<string, Value>());

export function isSet(value: Value | undefined): value is ReadonlySet<Scalar> {
  return value instanceof Set;
}

export function isMap(value: Value | undefined): value is ReadonlyMap<string, Value> {
  return value instanceof Map;
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

export function isRecord(value: Value | undefined): value is RecordValue {
  return typeof value === "object" && !isList(value) && !isSet(value) && !isMap(value);
}

/** The elements of a Set or List, in order. */
export function elementsOf(value: ReadonlySet<Scalar> | readonly Value[]): readonly Value[] {
  return isList(value) ? value : [...value];
}

/** Falls by the steps that are taken (SPEC §5.3). */
export interface Meter {
  left: number;
  /** Where `left` is below it, what was found is not to be relied on. */
  readonly floor: number;
}

/** Deep equality (SPEC §5.4): Sets and Maps without order, an absent member like one that is not there. */
export function equal(
  a: Value | undefined,
  b: Value | undefined,
  meter: Meter = { left: Number.POSITIVE_INFINITY, floor: 0 },
): boolean {
  return equalKnowing(a, b, undefined, meter);
}

/**
 * `met` holds objects already found equal. A list may hold another many times over (`let b = [a, a]`), and
 * without it a policy of a few lines would be compared forever.
 */
type Met = Map<object, object>;

function equalKnowing(
  a: Value | undefined,
  b: Value | undefined,
  met: Met | undefined,
  meter: Meter,
): boolean {
  if (typeof a === "string" && typeof b === "string" && a.length === b.length) {
    meter.left -= a.length >> 6;
    return meter.left >= meter.floor && a === b;
  }
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === NULL || b === NULL) return false;
  if (met?.get(a) === b) return true;
  const count = countIn(a);
  if (!isRecord(a) && count !== countIn(b)) return false;
  meter.left -= isRecord(a) ? 2 + count : 1 + (count >> 1);
  if (meter.left < meter.floor) return false;
  if (isSet(a)) return isSet(b) && equalSets(a, b, meter);
  const known = met ?? new Map<object, object>();
  const same = equalParts(a, b, known, meter);
  if (same) known.set(a, b);
  return same;
}

function countIn(value: Value & object): number {
  if (isList(value)) return value.length;
  return isSet(value) || isMap(value) ? value.size : Object.keys(value).length;
}

function equalSets(a: ReadonlySet<Scalar>, b: ReadonlySet<Scalar>, meter: Meter): boolean {
  for (const item of a) if (typeof item === "string") meter.left -= item.length >> 6;
  return meter.left >= meter.floor && [...a].every((item) => b.has(item));
}

type Composite = Exclude<Value, Scalar | ReadonlySet<Scalar>>;

function equalParts(a: Composite, b: Value & object, met: Met, meter: Meter): boolean {
  if (isList(a)) {
    return (
      isList(b) &&
      a.length === b.length &&
      a.every((item, at) => equalKnowing(item, b[at], met, meter))
    );
  }
  if (isMap(a)) {
    if (!isMap(b) || a.size !== b.size) return false;
    return [...a].every(([key, item]) => equalKnowing(item, b.get(key), met, meter));
  }
  return isRecord(b) && equalRecords(a as RecordValue, b, met, meter);
}

function equalRecords(a: RecordValue, b: RecordValue, met: Met, meter: Meter): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => equalKnowing(a[name], b[name], met, meter));
}

/**
 * One text for several scalars, different for different ones (SPEC §7.2). A string alone is its own key, since
 * nearly every counter has such a one, and a text made anew costs more than counting does; several values are
 * each preceded by their length, so that no text can imitate a boundary.
 */
export function keyOf(values: readonly Scalar[]): string {
  const first = values[0];
  if (values.length === 1 && first !== undefined) return keyOfOne(first);
  let key = "";
  for (const value of values) {
    const text = tagged(value);
    key += `${text.length}:${text}`;
  }
  return key;
}

/** `keyOf` for one value. */
export function keyOfOne(value: Scalar): string {
  const isPlain =
    typeof value === "string" && value.length <= KEPT_LENGTH && value.charCodeAt(0) !== 0;
  return isPlain ? value : TAG + tagged(value);
}

/**
 * A longer text is kept as its digest: whoever chooses what is counted must not choose how much of it is remembered.
 * Ids are not longer.
 */
export const KEPT_LENGTH = 1024;

/** What a key begins with that is not simply a string: no text of people does, and one that did is tagged too. */
const TAG = "\u0000";

/** The values, `count` of them, that a key was made of, long ones as digests; throws where it was made of others. */
export function scalarsOfKey(key: string, count: number): readonly Scalar[] {
  if (count === 1) return [key.startsWith(TAG) ? untagged(key.slice(TAG.length)) : key];
  const values: Scalar[] = [];
  for (let at = 0; at < key.length; ) {
    const colon = key.indexOf(":", at);
    const end = colon + 1 + Number(key.slice(at, colon));
    if (colon < 0 || !(end <= key.length)) throw new Error("a key has no such values");
    values.push(untagged(key.slice(colon + 1, end)));
    at = end;
  }
  if (values.length !== count) throw new Error("a key has more or fewer values");
  return values;
}

function untagged(text: string): Scalar {
  const rest = text.slice(1);
  if (text.startsWith("s")) return rest;
  if (text.startsWith("d")) return `sha256:${rest}`;
  return text.startsWith("n") ? Number(rest) : rest === "true";
}

function tagged(value: Scalar): string {
  if (typeof value !== "string") return `${typeof value === "number" ? "n" : "b"}${value}`;
  return value.length <= KEPT_LENGTH ? `s${value}` : `d${hash("sha256", value, "hex")}`;
}

/** The value that a `const` node holds: run-time values in JSON, as `ir.ts` describes them. */
export function fromJson(json: Json, type: Type): Value | undefined {
  switch (type.kind) {
    case "Optional":
      return json === null ? undefined : fromJson(json, type.of);
    case "Set":
      return new Set(listOf(json).map((item) => scalarOf(item)));
    case "List":
      return Object.freeze(listOf(json).map((item) => requiredFromJson(item, type.of)));
    case "Map":
      return new Map(entriesOf(json).map(([key, item]) => [key, requiredFromJson(item, type.of)]));
    case "Record":
      return recordFromJson(json, (name) => type.fields.find((field) => field.name === name)?.type);
    case "Party":
    case "Any":
      return anyFromJson(json);
    default:
      return scalarOf(json);
  }
}

function requiredFromJson(json: Json, type: Type): Value {
  return fromJson(json, type) ?? malformed(json);
}

function recordFromJson(json: Json, typeOf: (name: string) => Type | undefined): RecordValue {
  const made = newRecord();
  for (const [name, item] of entriesOf(json)) {
    made[name] = fromJson(item, typeOf(name) ?? { kind: "Any" });
  }
  return Object.freeze(made);
}

/** A value of type `Any`: JSON as it was sent; objects are records. */
export function anyFromJson(json: Json): Value {
  if (json === null) return NULL;
  if (typeof json !== "object") return json === 0 ? 0 : json;
  if (Array.isArray(json)) return Object.freeze(json.map(anyFromJson));
  const made = newRecord();
  for (const [name, item] of entriesOf(json)) made[name] = anyFromJson(item);
  return Object.freeze(made);
}

function scalarOf(json: Json): Scalar {
  if (typeof json === "object") return malformed(json);
  // −0 and 0 are one number here, and would be two elements of nothing but confusion.
  return json === 0 ? 0 : json;
}

function listOf(json: Json): readonly Json[] {
  return Array.isArray(json) ? json : malformed(json);
}

function entriesOf(json: Json): readonly (readonly [string, Json])[] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return malformed(json);
  return Object.entries(json);
}

function malformed(json: Json): never {
  throw new Error(`not a constant of its type: ${JSON.stringify(json)}`);
}

/** The JSON form of a value, which `fromJson` reads back; absent is `null`. */
export function toJson(value: Value | undefined): Json {
  if (value === undefined || value === NULL) return null;
  if (typeof value !== "object") return value;
  if (isList(value)) return value.map(toJson);
  if (isSet(value)) return [...value];
  const entries = isMap(value) ? [...value] : Object.entries(value);
  const present = entries.filter(([, item]) => item !== undefined);
  return Object.fromEntries(present.map(([name, item]) => [name, toJson(item)]));
}

/** A value as it would stand in a request: for explanations and records. */
export function toWire(value: Value | undefined, type: Type, levels: readonly LevelDecl[]): Json {
  if (value === undefined) return null;
  switch (type.kind) {
    case "Decimal":
      return decimalToWire(Number(value));
    case "Time":
      return spellTime(Number(value));
    case "Duration":
      return spellDuration(Number(value));
    case "Level":
      return (
        levels.find((level) => level.name === type.name)?.values[Number(value)] ?? Number(value)
      );
    case "Optional":
      return toWire(value, type.of, levels);
    case "Set":
    case "List":
      return elementsOf(value as readonly Value[]).map((item) => toWire(item, type.of, levels));
    case "Map": {
      const entries = [...(value as ReadonlyMap<string, Value>)];
      return Object.fromEntries(entries.map(([key, item]) => [key, toWire(item, type.of, levels)]));
    }
    case "Record":
      return Object.fromEntries(
        type.fields.flatMap((field) => {
          const item = (value as RecordValue)[field.name];
          if (item === undefined) return [];
          return [[field.wire ?? field.name, toWire(item, field.type, levels)]];
        }),
      );
    default:
      return toJson(value);
  }
}

/** A number where a number says it exactly, else text. */
function decimalToWire(scaled: number): number | string {
  const text = spellDecimal(scaled);
  const read = decimalFromNumber(Number(text));
  return read.ok && read.value === scaled ? Number(text) : text;
}
