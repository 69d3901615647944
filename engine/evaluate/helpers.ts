/** What generated code calls by name: the list in `emit.ts` names these and no others. */
import { multiplyDecimals } from "../../lang/scalar/decimal.ts";
import { globMatches } from "../../lang/scalar/glob.ts";
import { ipWithin } from "../../lang/scalar/ip.ts";
import { pathWithin } from "../../lang/scalar/path.ts";
import { purposeWithin } from "../../lang/scalar/purpose.ts";
import { placeIn } from "../../lang/scalar/search.ts";
import { Failure, record } from "../../lang/value.ts";
import {
  equal,
  isRecord,
  keyOf,
  keyOfOne,
  type RecordValue,
  type Scalar,
  Unknown,
  type Value,
} from "../value.ts";
import {
  bindingSteps,
  builtinSteps,
  containsSteps,
  edgeSteps,
  inSteps,
  keySteps,
  likeSteps,
  originSteps,
  sameSteps,
  setSteps,
  subsetSteps,
  textSteps,
} from "./costs.ts";
import type { HelperName } from "./emit.ts";
import type { Bindings, Hit } from "./evaluator.ts";
import type { Fuel } from "./fuel.ts";

export type Helpers = Readonly<Record<HelperName, unknown>>;

export function makeHelpers(fuel: Fuel): Helpers {
  return {
    Failure,
    Unknown,
    addHit,
    addUnknown,
    bindMore,
    bindingSteps,
    builtinSteps,
    containsSteps,
    edgeSteps,
    equal,
    fuel,
    globMatches,
    inSteps,
    ipWithin,
    isSubset,
    keySteps,
    likeSteps,
    makeRecord,
    multiplyDecimals,
    originSteps,
    partyId,
    pathWithin,
    placeIn,
    purposeWithin,
    sameSteps,
    setSteps,
    subsetSteps,
    textSteps,
    keyOf,
    keyOfOne,
  };
}

/** `alone` is the list of one hit only, made once for each rule. */
function addHit(hits: Hit[], alone: readonly [Hit]): readonly Hit[] {
  return hits.length === 0 ? alone : addTo(hits, alone[0]);
}

function addUnknown(hits: Hit[], rule: number, unknown: Unknown): Hit[] {
  return addTo(hits, { rule, unknown });
}

/** Lists of none or one are shared by all requests; longer ones were made here, for this one. */
function addTo(hits: Hit[], hit: Hit): Hit[] {
  if (hits.length < 2) return [...hits, hit];
  hits.push(hit);
  return hits;
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

/** Who must approve: the id of a party, or a text that is one. */
function partyId(party: Value, at: number): string | Unknown {
  const id = isRecord(party) ? party.id : party;
  return typeof id === "string" ? id : new Unknown("absent", at);
}
