/** What a hold waits for, around an engine that holds (SPEC §6.6). */
import { spellTime } from "../../lang/scalar/time.ts";
import type { Answer } from "../answer.ts";
import type { Decision } from "../decision.ts";
import type { Vouched } from "../engine.ts";
import { askedAhead, type DecisionService, leftTo } from "../http/service.ts";
import type { Approval } from "./approval.ts";
import { type Approvals, type Found, factsOf } from "./approvals.ts";

export interface ApprovingParts {
  readonly approvals: Approvals;
  /** Digest of the policy in force. */
  readonly policy: () => string | undefined;
  /** Told of every fault; a hold stays one. */
  readonly onFault: (fault: unknown) => void;
}

/**
 * A request that is held opens an approval. The same request, once that is approved, is decided anew with it: the
 * approval is taken out of use first, and given back only where nothing was allowed.
 */
export function approving(service: DecisionService, parts: ApprovingParts): DecisionService {
  const { preview, ...ahead } = askedAhead(service);
  return {
    ...ahead,
    ...(preview && {
      preview: (input, vouched) => preview(input, toldAhead(input, vouched, parts)),
    }),
    decide(input, vouched) {
      const found = approvedFor(input, vouched, parts);
      if (found !== undefined) return decideApproved(found, input, vouched, service, parts);
      const answer = service.decide(input, vouched);
      const note = (made: Answer<Decision>) => noted(made, input, vouched, parts);
      if (answer instanceof Promise) return answer.then(note);
      return isHold(answer) ? note(answer) : answer;
    },
    ...leftTo(service),
  };
}

function approvedFor(
  input: unknown,
  vouched: Vouched | undefined,
  { approvals, policy, onFault }: ApprovingParts,
): Found | undefined {
  try {
    const found = approvals.approvedOf(input, policy());
    return found?.approval.id === (vouched?.approval ?? found?.approval.id) ? found : undefined;
  } catch (fault) {
    // Without its approval the request is held, as it was.
    onFault(fault);
    return undefined;
  }
}

/** What is approved would be allowed; a question asked ahead uses nothing. */
function toldAhead(
  input: unknown,
  vouched: Vouched | undefined,
  parts: ApprovingParts,
): Vouched | undefined {
  const found = approvedFor(input, vouched, parts);
  return found === undefined ? vouched : withApprovals(vouched, found);
}

function withApprovals(vouched: Vouched = {}, { approval }: Found): Vouched {
  return { ...vouched, approvals: [...(vouched.approvals ?? []), ...factsOf(approval)] };
}

function isHold(answer: Answer<Decision>): boolean {
  return answer.kind === "answer" && answer.value.decision === "hold";
}

async function decideApproved(
  found: Found,
  input: unknown,
  vouched: Vouched | undefined,
  service: DecisionService,
  parts: ApprovingParts,
): Promise<Answer<Decision>> {
  const { approvals, onFault } = parts;
  const used = await approvals.use(found).catch((fault: unknown) => void onFault(fault));
  if (used === undefined) {
    return noted(await service.decide(input, vouched), input, vouched, parts);
  }
  // What throws here leaves the approval used.
  const answer = await service.decide(input, withApprovals(vouched, used));
  if (answer.kind === "answer" && answer.value.decision === "allow") return answer;
  await approvals.giveBack(used).catch(onFault);
  return noted(answer, input, vouched, parts);
}

/** A hold, with the approval that it waits for; where there can be none it stays a hold all the same. */
async function noted(
  answer: Answer<Decision>,
  input: unknown,
  vouched: Vouched | undefined,
  { approvals, onFault }: ApprovingParts,
): Promise<Answer<Decision>> {
  if (answer.kind !== "answer" || answer.value.approval === undefined) return answer;
  const { value } = answer;
  try {
    const opened = await approvals.open(value, input, vouched?.delegation);
    if (opened === undefined) return answer;
    return { kind: "answer", value: withApproval(value, opened) };
  } catch (fault) {
    onFault(fault);
    return answer;
  }
}

/** It ends when the approval does, which may have been opened by an earlier ask. */
function withApproval(held: Decision, { id, untilMs, status: is }: Approval): Decision {
  const { approval } = held;
  if (approval === undefined) return held;
  const status = is === "refused" ? "refused" : "pending";
  return { ...held, approval: { ...approval, until: spellTime(untilMs), id, status } };
}
