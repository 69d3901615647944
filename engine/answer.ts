import type { Problem } from "./value-reader.ts";

/** What the engine says to whoever asks: an answer, or why there is none. */
export type Answer<Value> =
  | {
      readonly kind: "answer";
      readonly value: Value;
      /** Rego alone said it in a record, and not by `true` or `false`. */
      readonly isRecord?: true;
    }
  /** No request at all: nothing was decided, and nothing recorded. */
  | { readonly kind: "malformed"; readonly faults: readonly Problem[] }
  /** No such call was allowed, or it is long settled. */
  | { readonly kind: "unknown_call"; readonly because: string }
  /** Reported before, and differently. */
  | { readonly kind: "already_settled"; readonly because: string }
  /** Not even a denial can be given, since none can be recorded. */
  | { readonly kind: "unavailable"; readonly because: string };

export interface OutcomeReceipt {
  readonly call: string;
  readonly status: "ok" | "error";
}

export type Readiness =
  /** `warnings`: what operators should know while decisions are made all the same. */
  | { readonly ready: true; readonly warnings?: readonly string[] }
  | { readonly ready: false; readonly because: string };

/** Ready when both are; otherwise with the reasons of both. */
export function bothReady(one: Readiness, other: Readiness): Readiness {
  if (one.ready && other.ready) {
    const warnings = [...(one.warnings ?? []), ...(other.warnings ?? [])];
    return warnings.length === 0 ? { ready: true } : { ready: true, warnings };
  }
  const because = [one, other].flatMap((each) => (each.ready ? [] : [each.because]));
  return { ready: false, because: because.join("; ") };
}
