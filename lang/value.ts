import type { Cause } from "./ir.ts";

/**
 * Run-time values (SPEC §4.3), as builtins calculate with them. How each type is represented is told in
 * `engine/value.ts`; they stand here because the checker calculates with constants.
 */
export type Scalar = boolean | number | string;
export type Value =
  | Scalar
  | ReadonlySet<Scalar>
  | readonly Value[]
  | ReadonlyMap<string, Value>
  | RecordValue;

export interface RecordValue {
  readonly [name: string]: Value | undefined;
}

/** What a builtin gives where it has no value: the evaluator adds the place. */
export class Failure {
  readonly cause: Cause;

  constructor(cause: Cause) {
    this.cause = cause;
  }
}

/** Names that mean something to JavaScript: no word of a policy is one, and no member of a request (SPEC §12.1). */
export const FORBIDDEN_NAMES: ReadonlySet<string> = new Set([
  "__proto__",
  "constructor",
  "prototype",
]);

/**
 * Records inherit from nothing but this frozen object, which has no members: `constructor` and `__proto__`
 * are as absent in them as any other name. (Objects with no prototype at all are several times slower.)
 */
const BARE = Object.freeze(Object.create(null));

/** An empty record, to be filled by whoever made it and by no one later. */
export function newRecord(): Record<string, Value | undefined> {
  return Object.create(BARE);
}

export function record(members: Readonly<Record<string, Value | undefined>>): RecordValue {
  return Object.freeze(Object.assign(newRecord(), members));
}
