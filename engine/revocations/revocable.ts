/** Around an engine: what was revoked is denied by it, and counted and recorded as any other denial. */
import { bothReady } from "../answer.ts";
import type { Vouched } from "../engine.ts";
import { askedAhead, type DecisionService } from "../http/service.ts";
import type { Revocations } from "./revocations.ts";

/** Looks at the last moment: nothing waits between this and the decision. */
export function revocable(
  service: DecisionService,
  revocations: Pick<Revocations, "refusalOf" | "readiness">,
): DecisionService {
  const told = (input: unknown, vouched: Vouched | undefined): Vouched | undefined => {
    const refused = revocations.refusalOf(input);
    return refused === undefined ? vouched : { ...vouched, refused };
  };
  const { preview, foresee, ...ahead } = askedAhead(service);
  return {
    ...ahead,
    decide: (input, vouched) => service.decide(input, told(input, vouched)),
    outcome: (input) => service.outcome(input),
    readiness: () => bothReady(revocations.readiness(), service.readiness()),
    ...(preview && { preview: (input, vouched) => preview(input, told(input, vouched)) }),
    ...(foresee && { foresee: (input, vouched) => foresee(input, told(input, vouched)) }),
  };
}
