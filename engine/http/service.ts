import type { Answer, OutcomeReceipt, Readiness } from "../answer.ts";
import type { Decision } from "../decision.ts";
import type { NamedTool, Vouched } from "../engine.ts";
import type { Foresight } from "../foresight.ts";

/**
 * What the HTTP service asks of an engine, which is one; what verifies, records or measures stands around an
 * engine and is one too. Inputs are JSON that has been read and no more.
 */
export interface DecisionService {
  decide(input: unknown, vouched?: Vouched): Answer<Decision> | Promise<Answer<Decision>>;
  outcome(input: unknown): Answer<OutcomeReceipt> | Promise<Answer<OutcomeReceipt>>;
  /**
   * What would be answered now, and what is known of a call before its arguments are (SPEC §12.8); both leave
   * nothing behind. Missing where the state cannot be asked without being changed: what needs them says so.
   */
  preview?(input: unknown, vouched?: Vouched): Answer<Decision> | Promise<Answer<Decision>>;
  foresee?(input: unknown, vouched?: Vouched): Answer<Foresight> | Promise<Answer<Foresight>>;
  /** Tools of the policy in force. */
  tools?(): readonly NamedTool[];
  /** Whether a decision other than a denial can be expected; asked at every `GET /ready`. */
  readiness(): Readiness;
}

/** Of a service that stands around another, what it leaves as that has it: its outcomes, and whether it is ready. */
export function leftTo(service: DecisionService): Pick<DecisionService, "outcome" | "readiness"> {
  return {
    outcome: (input) => service.outcome(input),
    readiness: () => service.readiness(),
  };
}

/** What is asked without leaving anything behind, for a service that stands around another and adds nothing to it. */
export function askedAhead({
  preview,
  foresee,
  tools,
}: DecisionService): Pick<DecisionService, "preview" | "foresee" | "tools"> {
  return {
    ...(preview === undefined ? {} : { preview }),
    ...(foresee === undefined ? {} : { foresee }),
    ...(tools === undefined ? {} : { tools }),
  };
}
