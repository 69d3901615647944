import type { Answer, OutcomeReceipt, Readiness } from "../answer.ts";
import type { Decision } from "../decision.ts";
import type { Vouched } from "../engine.ts";

/**
 * What the HTTP service asks of an engine, which is one; what verifies, records or measures stands around an
 * engine and is one too. Inputs are JSON that has been read and no more.
 */
export interface DecisionService {
  decide(input: unknown, vouched?: Vouched): Answer<Decision> | Promise<Answer<Decision>>;
  outcome(input: unknown): Answer<OutcomeReceipt> | Promise<Answer<OutcomeReceipt>>;
  /** Whether a decision other than a denial can be expected; asked at every `GET /ready`. */
  readiness(): Readiness;
}
