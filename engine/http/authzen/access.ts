/** Evaluations of a service at which approvals can be asked for (SPEC §12.14): what a hold hands out, and what comes back. */
import type { AccessRequests, Reference } from "../../access/access-requests.ts";
import type { Binder } from "../../access/binding.ts";
import type { Decision } from "../../decision.ts";
import type { Vouched } from "../../engine.ts";
import type { AuthzenDecision } from "./answer.ts";
import { boundBy, type ContextMembers, membersIn, REFERENCE } from "./bound.ts";
import type { Tuple } from "./entities.ts";

export interface Access {
  /** Which enforcement point asks. */
  readonly caller: string;
  readonly requests: AccessRequests;
  readonly binder: Binder;
  /** Where access requests are taken. */
  readonly endpoint: string;
  readonly contextMembers: ContextMembers;
}

/** The approval that an evaluation is asked with, where it names one. */
export interface Claim {
  readonly access: Access;
  readonly reference: Reference | undefined;
  readonly vouched: Vouched;
}

/** What is asked, without what is only said beside it. */
export function withoutReference(tuple: Tuple): Tuple {
  if (tuple.context?.[REFERENCE] === undefined) return tuple;
  const { [REFERENCE]: _, ...context } = tuple.context;
  return { ...tuple, context };
}

/** No approval is used but the one that is named, and that this caller asked for. */
export async function claimIn(
  { context }: Tuple,
  request: unknown,
  access: Access,
): Promise<Claim> {
  const presented = context?.[REFERENCE];
  if (presented === undefined) return { access, reference: undefined, vouched: { approval: "" } };
  const reference = await access.requests.judge(presented, access.caller, request);
  return { access, reference, vouched: { approval: reference.ok ? reference.approval : "" } };
}

/** The answer, and what to do about it. */
export function withAccess(
  answer: AuthzenDecision,
  decision: Decision,
  asked: Tuple,
  { access, reference }: Claim,
): AuthzenDecision {
  const requestable = requestableBy(decision, asked, access);
  const members =
    reference === undefined ? requestable : afterReference(decision, reference, requestable);
  return { ...answer, context: { ...answer.context, ...members } };
}

interface Requestable {
  readonly access_request: {
    readonly endpoint: string;
    readonly expires_at: string;
    readonly binding_token: string;
  };
}

/** Of a hold for which somebody is asked, and has not refused. */
function requestableBy(
  { id: evaluation, decision, approval }: Decision,
  asked: Tuple,
  { caller, requests, binder, endpoint, contextMembers: wanted }: Access,
): Requestable | undefined {
  if (decision !== "hold" || approval?.id === undefined || approval.status !== "pending") return;
  const contextMembers = membersIn(asked.context, wanted);
  const { digest, until: expiresAt, id } = approval;
  const bound = boundBy(asked, contextMembers);
  const binding = { evaluation, caller, approval: id, digest, expiresAt, contextMembers, ...bound };
  return {
    access_request: {
      endpoint,
      expires_at: expiresAt,
      binding_token: binder.issue(binding, requests.now()),
    },
  };
}

/** Seconds after which a call that this one follows may have reported. */
const RETRY_AFTER = 2;

/** ARAP, Completion Semantics: reasons of a re-evaluation that is denied, and what to do next. */
function afterReference(
  { decision, code }: Decision,
  reference: Reference,
  requestable: Requestable | undefined,
): object | undefined {
  if (decision === "allow") {
    if (!reference.ok) return undefined;
    const { id, approved_until } = reference.reference;
    return { approval: { id, approved_until } };
  }
  if (!reference.ok && reference.reason === "approval_unverifiable") return last(reference.reason);
  if (decision === "hold") {
    // What was approved when it was looked at was used by another call since, or is not enough any more.
    const reason = reference.ok ? "approval_expired" : reference.reason;
    if (requestable === undefined) return last(reason);
    return { reason, next_action: "request", ...requestable };
  }
  if (!reference.ok) return last(reference.reason);
  if (code !== "prerequisite_pending" && code !== "state_unavailable") return last("policy_denied");
  return { reason: "grant_pending", next_action: "retry", retry_after: RETRY_AFTER };
}

function last(reason: string): object {
  return { reason, next_action: "none" };
}
