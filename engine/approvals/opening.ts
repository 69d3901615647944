/** What a hold makes of an approval: a new one, or more of one that waits (SPEC §6.6). */
import { randomBytes } from "node:crypto";
import { canonicalJson } from "../canonical-json.ts";
import type { ApprovalRequest, Decision } from "../decision.ts";
import type { VouchedDelegation } from "../identity/vouched.ts";
import { type Approval, statusBy } from "./approval.ts";

export function openedBy(
  { because, reasons, policy }: Decision,
  { by, except, digest, until }: ApprovalRequest,
  input: unknown,
  nowMs: number,
): Approval {
  return {
    id: `a-${randomBytes(12).toString("base64url")}`,
    digest,
    status: "pending",
    by,
    except,
    openedAtMs: nowMs,
    untilMs: Date.parse(until),
    request: withoutTokens(input),
    reasons,
    policy,
    verdicts: [],
    ...(because === undefined ? {} : { because }),
  };
}

export function shownBy(delegation: VouchedDelegation | undefined): Pick<Approval, "shown"> {
  if (delegation?.ok !== true) return {};
  const { chain, self, tokens } = delegation;
  const [first] = chain;
  const root = self?.party.id ?? first?.from.id;
  const actors = self === undefined ? chain.map(({ to }) => to.id).reverse() : [self.party.id];
  const issuers = tokens.map(({ issuer }) => issuer);
  return { shown: { ...(root === undefined ? {} : { root }), actors, issuers } };
}

/** Tokens are good for more than to look at. */
function withoutTokens(input: unknown): unknown {
  const { delegation, ...request } = input as Readonly<Record<string, unknown>>;
  if (delegation === undefined) return request;
  const { tokens: _, ...rest } = delegation as Readonly<Record<string, unknown>>;
  return Object.keys(rest).length === 0 ? request : { ...request, delegation: rest };
}

/**
 * By the time of the retry more may hold it than did before: what was said still counts, and waits for whoever has not
 * spoken. It ends no later than any of them says.
 */
export function widened(approval: Approval, { by, until }: ApprovalRequest): Approval {
  const known = new Set(approval.by.map(canonicalJson));
  const more = by.filter((one) => !known.has(canonicalJson(one)));
  if (more.length === 0 || approval.status === "refused") return approval;
  const untilMs = Math.min(approval.untilMs, Date.parse(until));
  const wanted = [...approval.by, ...more];
  return { ...approval, by: wanted, untilMs, status: statusBy(wanted, approval.verdicts) };
}
