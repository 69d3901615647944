/** Whether an access request is about what was held, and comes from whom that was said to (ARAP, Processing Rules). */
import type { AccessRequests } from "../../access/access-requests.ts";
import type { Binder, Binding } from "../../access/binding.ts";
import type { Approval } from "../../approvals/approval.ts";
import { boundBy } from "./bound.ts";
import type { ClaimedActor, SubmittedBody } from "./submission.ts";

export type Judged =
  | { readonly ok: true; readonly binding: Binding }
  | {
      readonly ok: false;
      readonly problem: "invalid_denial_binding" | "expired_denial" | "not_requestable";
      readonly why: string;
    };

export interface Judging {
  readonly caller: string;
  readonly binder: Binder;
  readonly requests: AccessRequests;
}

export async function judgeSubmission(
  { tuple, denial, actors }: SubmittedBody,
  { caller, binder, requests }: Judging,
): Promise<Judged> {
  if (denial.bindingToken === undefined) return unbound("`denial.binding_token` is missing");
  const read = await binder.verify(denial.bindingToken);
  if (!read.ok) return unbound(`\`denial.binding_token\`: ${read.why}`);
  const { binding } = read;
  // Before anything that would tell another caller what this one was told.
  if (binding.caller !== caller) return unbound("it was handed to another enforcement point");
  if (denial.expiresAt !== binding.expiresAt) {
    return unbound("`denial.expires_at` is not what was handed out");
  }
  if ((denial.evaluation ?? binding.evaluation) !== binding.evaluation) {
    return unbound("`denial.evaluation_id` is not what was handed out");
  }
  if (Date.parse(binding.expiresAt) <= requests.now()) {
    return { ok: false, problem: "expired_denial", why: "evaluate again" };
  }
  const { hash, actorHash = binding.actorHash } = boundBy(tuple, binding.contextMembers);
  if (hash !== binding.hash || actorHash !== binding.actorHash) {
    return unbound("subject, resource, action or context is not what was held");
  }
  const approval = await approvalFor(binding, requests);
  if (approval === undefined) {
    return { ok: false, problem: "not_requestable", why: "evaluate again: the hold is over" };
  }
  const unverified = unverifiedAmong(actors, approval);
  return unverified === undefined ? { ok: true, binding } : unbound(unverified);
}

async function approvalFor({ digest, approval }: Binding, requests: AccessRequests) {
  const known = requests.approvalOf(digest, approval);
  if (known !== undefined) return known;
  await requests.catchUp();
  return requests.approvalOf(digest, approval);
}

function unbound(why: string): Judged {
  return { ok: false, problem: "invalid_denial_binding", why };
}

/** Whoever is claimed to act must be who the tokens of the held call showed to act, from the agent outward. */
function unverifiedAmong(actors: readonly ClaimedActor[], { shown }: Approval): string | undefined {
  const at = actors.findIndex(
    ({ id, issuer }, index) =>
      shown?.actors[index] !== id || (issuer !== undefined && !shown.issuers.includes(issuer)),
  );
  if (at < 0) return undefined;
  const where = `\`client.actor${".act".repeat(at)}\``;
  return `${where} is not who the tokens of the held call show: leave out \`client.actor\``;
}
