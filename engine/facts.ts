import type { Scalar, Value } from "./value.ts";

/**
 * What must be looked up before deciding (SPEC §7.1), as a view on state that does not change while one
 * decision is made. Keys are those of `keyOf`.
 */
export interface Facts {
  /** The host's clock: milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** What counter `index` had recorded for `key` before this request; `unavailable` when the store is out of reach. */
  counter(index: number, key: string): number | "unavailable";
  /** `pending`: a call under way would change it, or calls that set and reset it were under way together. */
  latch(index: number, key: string): boolean | "pending" | "unavailable";
  /** Labels of everything this session has seen that holds the value verbatim (SPEC §7.5). */
  origin(value: Value): ReadonlySet<Scalar> | "unavailable";
  /** What imported module `index` says of the request; `undefined`, or no such member, when it says nothing. */
  module?(index: number): ModuleReading | undefined;
}

/** For what reads the request alone. */
export const NO_FACTS: Facts = {
  nowMs: 0,
  counter: () => "unavailable",
  latch: () => "unavailable",
  origin: () => "unavailable",
};

/** Of the type that the import declares; without a value where that admits being absent. */
export interface ModuleReading {
  readonly value: Value | undefined;
}
