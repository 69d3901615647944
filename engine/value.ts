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
 *   Set<T>             Set · List<T> array · Map<T> Map · record and Party: object without prototype
 *
 * `undefined` is what is absent. Values are never changed once made.
 */
import type { Cause } from "../lang/ir.ts";

export type { RecordValue, Scalar, Value } from "../lang/value.ts";

/** The third truth value, and the result of every operator that could not be calculated (SPEC §5.3). */
export class Unknown {
  readonly cause: Cause;
  /** Place of the expression that failed: an index into `Program.places`. */
  readonly at: number;

  constructor(cause: Cause, at: number) {
    this.cause = cause;
    this.at = at;
  }
}
