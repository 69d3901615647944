/** An answer leaves when what it rests on is kept (SPEC §7.7); until then it is none. */
import { type Answer, bothReady, type OutcomeReceipt } from "./answer.ts";
import type { Decision } from "./decision.ts";
import { askedAhead, type DecisionService } from "./http/service.ts";
import type { Journal } from "./state/journal.ts";

export function durable(
  service: DecisionService,
  journal: Pick<Journal, "flushed" | "readiness">,
): DecisionService {
  return {
    ...askedAhead(service),
    async decide(input, vouched) {
      const answer = await service.decide(input, vouched);
      return (await isKept(journal)) ? answer : refused(answer);
    },
    async outcome(input) {
      const answer = await service.outcome(input);
      return (await isKept(journal)) ? answer : unrecorded(answer);
    },
    readiness: () => bothReady(journal.readiness(), service.readiness()),
  };
}

async function isKept(journal: Pick<Journal, "flushed">): Promise<boolean> {
  try {
    await journal.flushed();
    return true;
  } catch {
    // The journal has told whoever runs it; readiness says it to everyone else.
    return false;
  }
}

/** What was to be allowed stays counted in this process: the share of a call that is not made is lost, not given. */
function refused(answer: Answer<Decision>): Answer<Decision> {
  if (answer.kind !== "answer") return answer;
  // Whoever hears that the session was ended may rely on it.
  if (answer.value.interrupt === true) {
    return { kind: "unavailable", because: "that the session was ended could not be kept" };
  }
  if (answer.value.decision !== "allow") return answer;
  const { id, policy } = answer.value;
  const value: Decision = {
    decision: "deny",
    id,
    code: "state_unavailable",
    because: "what this call leaves behind could not be kept",
    reasons: [],
    obligations: [],
    policy,
  };
  return { kind: "answer", value };
}

function unrecorded(answer: Answer<OutcomeReceipt>): Answer<OutcomeReceipt> {
  if (answer.kind !== "answer") return answer;
  return { kind: "unavailable", because: "the outcome could not be kept; report it again" };
}
