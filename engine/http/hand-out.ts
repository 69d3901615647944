import type { Answer } from "../answer.ts";
import { giveBack } from "../conclude.ts";
import type { Decision, GivenObligation } from "../decision.ts";
import type { Vouched } from "../engine.ts";
import { checked } from "./decide.ts";
import { askedAhead, type DecisionService, leftTo } from "./service.ts";

/** Whether an enforcement point carries out obligations of a type. */
export type Understands = (type: string) => boolean;

/**
 * A decision for an enforcement point that says which obligations it carries out. An allow with any other is
 * none to it: the call is settled as failed, so that what it held is given back, and a denial handed out.
 */
export async function handOut(
  service: DecisionService,
  input: unknown,
  understands: Understands,
  vouched?: Vouched,
): Promise<Answer<Decision>> {
  const answer = checked(await service.decide(input, { ...vouched, understands }));
  if (answer.kind !== "answer" || answer.value.decision !== "allow") return answer;
  const lacking = notUnderstood(answer.value.obligations, understands);
  if (lacking.length === 0) return answer;
  await giveBack(service, answer.value.call);
  return { kind: "answer", value: withheld(answer.value, lacking) };
}

/** The same within a service: whatever records and counts around it, has the denial that is answered. */
export function withholding(service: DecisionService): DecisionService {
  return {
    ...askedAhead(service),
    decide: (input, vouched) =>
      vouched?.understands === undefined
        ? service.decide(input, vouched)
        : handOut(service, input, vouched.understands, vouched),
    ...leftTo(service),
  };
}

/** Types of those that are not carried out, each once. */
export function notUnderstood(
  obligations: readonly GivenObligation[],
  understands: Understands,
): readonly string[] {
  return [...new Set(obligations.map(({ type }) => type))].filter((type) => !understands(type));
}

function withheld({ id, reasons, policy }: Decision, lacking: readonly string[]): Decision {
  const named = lacking.map((type) => `\`${type}\``).join(", ");
  return {
    decision: "deny",
    id,
    code: "unsupported_obligation",
    because: `it is allowed only with ${named}, which the enforcement point does not carry out`,
    reasons,
    obligations: [],
    policy,
  };
}
