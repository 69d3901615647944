/** An allow that is one only once something else is done, as a grant kept (SPEC §16.1). */
import type { Answer } from "./answer.ts";
import { type Decision, denied, type Refused } from "./decision.ts";
import type { Vouched } from "./engine.ts";
import { askedAhead, type DecisionService, leftTo } from "./http/service.ts";

/**
 * Around a service whose answers are kept: whatever records and counts around this has the denial that is answered. What the
 * call held is given back then.
 */
export function concluding(service: DecisionService): DecisionService {
  return {
    ...askedAhead(service),
    decide: (input, vouched) =>
      vouched?.conclude === undefined
        ? service.decide(input, vouched)
        : concluded(service, input, vouched, vouched.conclude),
    ...leftTo(service),
  };
}

async function concluded(
  service: DecisionService,
  input: unknown,
  vouched: Vouched,
  conclude: NonNullable<Vouched["conclude"]>,
): Promise<Answer<Decision>> {
  const answer = await service.decide(input, vouched);
  if (answer.kind !== "answer" || answer.value.decision !== "allow") return answer;
  const { id, call, policy } = answer.value;
  const refused = await conclude(answer.value).catch((): Refused => FAILED);
  if (refused === undefined) return answer;
  await giveBack(service, call);
  return { kind: "answer", value: denied(id, refused, policy) };
}

const FAILED: Refused = {
  code: "internal_error",
  because: "what the allow was for could not be done",
};

/** Whatever comes of it, the call is not made: at worst it stays counted. */
export async function giveBack(service: DecisionService, call: string | undefined): Promise<void> {
  try {
    await service.outcome({ call, status: "error" });
  } catch {
    // The reservation ends by itself.
  }
}
