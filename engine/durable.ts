/** An answer leaves when what it rests on is kept (SPEC §7.7); until then it is none. */
import { type Answer, bothReady, type OutcomeReceipt } from "./answer.ts";
import { type Decision, denied } from "./decision.ts";
import { askedAhead, type DecisionService } from "./http/service.ts";
import type { Journal } from "./state/journal.ts";

export function durable(
  service: DecisionService,
  journal: Pick<Journal, "flushed" | "readiness">,
): DecisionService {
  const whenKept = <Value>(
    given: Answer<Value> | Promise<Answer<Value>>,
    instead: (answer: Answer<Value>) => Answer<Value>,
  ): Promise<Answer<Value>> => {
    if (given instanceof Promise) return given.then((answer) => whenKept(answer, instead));
    return journal.flushed().then(
      () => given,
      // The journal has told whoever runs it; readiness says it to everyone else.
      () => instead(given),
    );
  };
  return {
    ...askedAhead(service),
    decide: (input, vouched) => whenKept(service.decide(input, vouched), refused),
    outcome: (input) => whenKept(service.outcome(input), unrecorded),
    readiness: () => bothReady(journal.readiness(), service.readiness()),
  };
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
  const because = "what this call leaves behind could not be kept";
  return { kind: "answer", value: denied(id, { code: "state_unavailable", because }, policy) };
}

function unrecorded(answer: Answer<OutcomeReceipt>): Answer<OutcomeReceipt> {
  if (answer.kind !== "answer") return answer;
  return { kind: "unavailable", because: "the outcome could not be kept; report it again" };
}
