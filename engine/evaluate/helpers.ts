/** What generated code calls by name: the list in `emit.ts` names these and no others. */
import { multiplyDecimals } from "../../lang/scalar/decimal.ts";
import { globMatches } from "../../lang/scalar/glob.ts";
import { ipWithin } from "../../lang/scalar/ip.ts";
import { pathWithin } from "../../lang/scalar/path.ts";
import { purposeWithin } from "../../lang/scalar/purpose.ts";
import { Failure, record } from "../../lang/value.ts";
import { type RecordValue, type Scalar, Unknown, type Value } from "../value.ts";
import type { HelperName } from "./emit.ts";
import type { Bindings, Hit } from "./evaluator.ts";

export type Helpers = Readonly<Record<HelperName, unknown>>;

/** Loop iterations and calls that one question may still take (SPEC §5.9). */
export interface Fuel {
  left: number;
}

export function makeHelpers(fuel: Fuel): Helpers {
  return {
    Failure,
    Unknown,
    addHit,
    addUnknown,
    bindMore,
    equal,
    fuel,
    globMatches,
    ipWithin,
    isSubset,
    makeRecord,
    multiplyDecimals,
    pathWithin,
    purposeWithin,
    stateKey,
  };
}

/** `alone` is the list of `hit` only, made once for each rule. */
function addHit(hits: readonly Hit[], hit: Hit, alone: readonly Hit[]): readonly Hit[] {
  return hits.length === 0 ? alone : [...hits, hit];
}

function addUnknown(hits: readonly Hit[], rule: number, unknown: Unknown): readonly Hit[] {
  return [...hits, { rule, unknown }];
}

/** Deep equality of values of one type; Sets and Maps without order. */
export function equal(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object") return false;
  if (left instanceof Set) return right instanceof Set && sameSet(left, right);
  if (left instanceof Map) return right instanceof Map && sameMap(left, right);
  if (Array.isArray(left)) return Array.isArray(right) && sameList(left, right);
  return sameRecord(left as RecordValue, right as RecordValue);
}

function sameSet(left: ReadonlySet<Scalar>, right: ReadonlySet<Scalar>): boolean {
  return left.size === right.size && isSubset(left, right);
}

function sameMap(left: ReadonlyMap<string, Value>, right: ReadonlyMap<string, Value>): boolean {
  if (left.size !== right.size) return false;
  for (const [key, value] of left) {
    const other = right.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

function sameList(left: readonly Value[], right: readonly Value[]): boolean {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) {
    if (!equal(left[at] as Value, right[at] as Value)) return false;
  }
  return true;
}

/** A member that holds `undefined` is one that is not there. */
function sameRecord(left: RecordValue, right: RecordValue): boolean {
  for (const name of Object.keys(left)) if (!sameMember(left[name], right[name])) return false;
  for (const name of Object.keys(right)) {
    if (right[name] !== undefined && left[name] === undefined) return false;
  }
  return true;
}

function sameMember(left: Value | undefined, right: Value | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return equal(left, right);
}

type Elements = ReadonlySet<Scalar> | readonly Scalar[];

function isSubset(left: Elements, right: Elements): boolean {
  const wider: ReadonlySet<Scalar> = right instanceof Set ? right : new Set(right);
  for (const element of left) if (!wider.has(element)) return false;
  return true;
}

function makeRecord(names: readonly string[], values: readonly Value[]): RecordValue {
  return record(Object.fromEntries(names.map((name, at) => [name, values[at]])));
}

function bindMore(bound: Bindings, id: number, value: Value): Bindings {
  return new Map(bound).set(id, value);
}

function stateKey(parts: readonly Value[]): string {
  return JSON.stringify(parts);
}
