/** What a builtin function of Rego is that a module asks its host for. Pure. */
import { EVALUATION_LIMITS } from "../limits.ts";
import { isRegoArray, type Rego, RegoObject, RegoSet } from "../rego.ts";

/** `undefined` where Rego's result is undefined; throws `BuiltinError` where OPA has an error. */
export type Builtin = (args: readonly Rego[], context: BuiltinContext) => Rego | undefined;

/** What one evaluation may know of the world: the same for all its calls. */
export interface BuiltinContext {
  /** Nanoseconds since the Unix epoch, one reading for each decision. */
  readonly nowNs: bigint;
  /** Bytes nobody can guess. */
  readonly random: (count: number) => Uint8Array;
  /** What `uuid.rfc4122` and `rand.intn` gave for a key: the same for the same key. */
  readonly kept: Map<string, Rego>;
}

/** Undefined, unless a policy asks for strict errors, which compiled ones cannot. */
export class BuiltinError extends Error {}

export function fail(why: string): never {
  throw new BuiltinError(why);
}

export function textOf(value: Rego | undefined): string {
  return typeof value === "string" ? value : fail("a string is expected");
}

/** A whole number that a double holds. */
export function intOf(value: Rego | undefined): number {
  return typeof value === "number" && Number.isSafeInteger(value)
    ? value
    : fail("an integer is expected");
}

export function bigOf(value: Rego | undefined): bigint {
  if (typeof value === "bigint") return value;
  return BigInt(intOf(value));
}

export function arrayOf(value: Rego | undefined): readonly Rego[] {
  return isRegoArray(value) ? value : fail("an array is expected");
}

export function objectOf(value: Rego | undefined): RegoObject {
  return value instanceof RegoObject ? value : fail("an object is expected");
}

export function booleanOf(value: Rego | undefined): boolean {
  return typeof value === "boolean" ? value : fail("a boolean is expected");
}

/** Elements of an array, or of a set in Rego's order. */
export function elementsOf(value: Rego | undefined): readonly Rego[] {
  if (value instanceof RegoSet) return value.sorted();
  return isRegoArray(value) ? value : fail("an array or set is expected");
}

/** Texts of an array or set; or the one text that is given. */
export function textsOf(value: Rego | undefined): readonly string[] {
  return typeof value === "string" ? [value] : elementsOf(value).map(textOf);
}

/** Refuses to make more than a decision can want. */
export function bounded(count: number): void {
  if (!(count <= EVALUATION_LIMITS.madeCount)) fail("the result is too large");
}
