import type { Decision } from "../decision.ts";

/** What the HTTP service asks of an engine. Inputs are JSON that has been read and no more. */
export interface DecisionService {
  decide(input: unknown): Answer<Decision> | Promise<Answer<Decision>>;
  outcome(input: unknown): Answer<OutcomeReceipt> | Promise<Answer<OutcomeReceipt>>;
  /** Whether a decision other than a denial can be expected; asked at every `GET /ready`. */
  readiness(): Readiness;
}

export type Answer<Value> =
  | { readonly kind: "answer"; readonly value: Value }
  /** No request at all: nothing was decided, and nothing recorded. */
  | { readonly kind: "malformed"; readonly faults: readonly EnvelopeFault[] }
  /** No such call was allowed, or it is long settled. */
  | { readonly kind: "unknown_call"; readonly because: string }
  /** Reported before, and differently. */
  | { readonly kind: "already_settled"; readonly because: string }
  /** Not even a denial can be given, since none can be recorded. */
  | { readonly kind: "unavailable"; readonly because: string };

export interface EnvelopeFault {
  /** JSON pointer (RFC 6901) into the body. */
  readonly at: string;
  /** Reads on from the place: `is missing`. */
  readonly message: string;
}

export interface OutcomeReceipt {
  readonly call: string;
  readonly status: "ok" | "error";
}

export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly because: string };
