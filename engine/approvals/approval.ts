/** One request that waits for somebody, from the hold to its use (SPEC §6.6). Pure. */
import { spellTime } from "../../lang/scalar/time.ts";
import type { ApprovalRequest, PolicyIdentity, Reason } from "../decision.ts";
import { fits, idsOf, isMet } from "./fact.ts";

export const APPROVAL_STATUSES = [
  "pending",
  "approved",
  "refused",
  "used",
  "withdrawn",
  "expired",
  "revoked",
] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

/** As it is kept: JSON. What has expired is told by the clock, and what was revoked by revocations; neither is kept. */
export interface Approval {
  readonly id: string;
  /** Of the exact request under the exact policy. */
  readonly digest: string;
  readonly status: Exclude<ApprovalStatus, "expired" | "revoked">;
  readonly by: ApprovalRequest["by"];
  readonly except: readonly string[];
  readonly openedAtMs: number;
  readonly untilMs: number;
  readonly shown?: Shown;
  /** The request as approvers see it: without tokens. */
  readonly request: unknown;
  readonly because?: string;
  readonly reasons: readonly Reason[];
  readonly policy: PolicyIdentity;
  /** In the order in which they came; of each approver one. */
  readonly verdicts: readonly GivenVerdict[];
}

/** What tokens showed, which approvers are not: the request need not say it again. */
export interface Shown {
  /** For whom; missing in what was kept before this was. */
  readonly root?: string;
  /** Who handed the call on, the agent first. */
  readonly actors: readonly string[];
  readonly issuers: readonly string[];
}

export interface GivenVerdict {
  readonly by: string;
  readonly also: readonly string[];
  readonly groups: readonly string[];
  readonly verdict: Verdict;
  readonly atMs: number;
  readonly because?: string;
  /** What was signed: it shows that they said so, and is good for nothing else. */
  readonly statement: string;
}

export type Verdict = "approve" | "refuse";

/** By the clock alone. */
export function statusAt(
  { status, untilMs }: Pick<Approval, "status" | "untilMs">,
  nowMs: number,
): Exclude<ApprovalStatus, "revoked"> {
  if (untilMs > nowMs) return status;
  return status === "pending" || status === "approved" ? "expired" : status;
}

/** Nothing comes of it any more: who asks again opens another. */
export function revokedUnless(
  status: Exclude<ApprovalStatus, "revoked">,
  isRevoked: () => boolean,
): ApprovalStatus {
  return (status === "pending" || status === "approved") && isRevoked() ? "revoked" : status;
}

export type Taken =
  | { readonly ok: true; readonly approval: Approval }
  | { readonly ok: false; readonly problem: TakingProblem; readonly why: string };

export type TakingProblem = "unknown_approval" | "approval_refused" | "approval_closed";

export function refuseTaking(problem: TakingProblem, why: string): Taken {
  return { ok: false, problem, why };
}

/** What somebody says of it. One refusal ends it; it is approved once every hold has the approvals it asks for. */
export function takeVerdict(approval: Approval, given: GivenVerdict, nowMs: number): Taken {
  const status = statusAt(approval, nowMs);
  if (status !== "pending") return refuseTaking("approval_closed", `it is ${status}`);
  if (idsOf(given).some((id) => approval.except.includes(id))) {
    return refuseTaking("approval_refused", `the request came through ${given.by}`);
  }
  if (!approval.by.some((wanted) => fits(wanted, given))) {
    return refuseTaking("approval_refused", `it does not wait for ${given.by}`);
  }
  if (approval.verdicts.some(({ by }) => by === given.by) && given.verdict === "approve") {
    return refuseTaking("approval_closed", `${given.by} has approved it already`);
  }
  const verdicts = [...approval.verdicts, given];
  if (given.verdict === "refuse") {
    return { ok: true, approval: { ...approval, verdicts, status: "refused" } };
  }
  return { ok: true, approval: { ...approval, verdicts, status: statusBy(approval.by, verdicts) } };
}

/** Of one that nobody has refused. */
export function statusBy(
  by: Approval["by"],
  approvals: Approval["verdicts"],
): "approved" | "pending" {
  return by.every((wanted) => isMet(wanted, approvals)) ? "approved" : "pending";
}

/** What operators see. */
export interface ApprovalView {
  readonly id: string;
  readonly status: ApprovalStatus;
  readonly digest: string;
  readonly by: Approval["by"];
  readonly except: readonly string[];
  /** RFC 3339. */
  readonly opened: string;
  readonly until: string;
  readonly because?: string;
  readonly reasons: readonly Reason[];
  readonly request: unknown;
  readonly shown?: Shown;
  readonly policy: PolicyIdentity;
  readonly verdicts: readonly VerdictView[];
}

export interface VerdictView {
  readonly by: string;
  readonly verdict: Verdict;
  readonly at: string;
  readonly because?: string;
}

/** `status`: with what was revoked. */
export function viewOf(approval: Approval, status: ApprovalStatus): ApprovalView {
  const { id, digest, by, except, openedAtMs, untilMs, because, reasons, policy } = approval;
  const { request, shown } = approval;
  return {
    id,
    status,
    digest,
    by,
    except,
    opened: spellTime(openedAtMs),
    until: spellTime(untilMs),
    ...(because === undefined ? {} : { because }),
    reasons,
    request,
    ...(shown === undefined ? {} : { shown }),
    policy,
    verdicts: approval.verdicts.map((given) => ({
      by: given.by,
      verdict: given.verdict,
      at: spellTime(given.atMs),
      ...(given.because === undefined ? {} : { because: given.because }),
    })),
  };
}
