import type { Program } from "../../lang/ir.ts";

/** What searching for a counterexample of one `never` came to. */
export type Verdict =
  | {
      readonly kind: "held";
      readonly name: string;
      readonly at: number;
      readonly tried: number;
      /** Requests that made the condition true, and were not allowed. */
      readonly reached: number;
    }
  | {
      readonly kind: "not reached";
      readonly name: string;
      readonly at: number;
      readonly tried: number;
    }
  | {
      readonly kind: "broken";
      readonly name: string;
      readonly at: number;
      readonly tried: number;
      readonly counterexample: Counterexample;
    };

export interface Counterexample {
  readonly permits: readonly string[];
  readonly request: unknown;
  /** What earlier calls must have left: `spend is 480.00`. */
  readonly state: readonly string[];
}

export interface SearchParts {
  readonly program: Program;
  /** Requests evaluated for each invariant. */
  readonly budget: number;
  readonly seed: number;
}

export function searchInvariants(_parts: SearchParts): readonly Verdict[] {
  return [];
}
