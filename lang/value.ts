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

/** A record without prototype: no name in it is inherited. */
export function record(members: Readonly<Record<string, Value | undefined>>): RecordValue {
  return Object.freeze(Object.assign(Object.create(null), members));
}
