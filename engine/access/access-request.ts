/** What an enforcement point has asked an approval for, and what became of it (SPEC §12.14). Pure. */
import type { Approval } from "../approvals/approval.ts";

export type TaskStatus = "pending" | TerminalStatus;
export type TerminalStatus = "approved" | "denied" | "expired" | "cancelled" | "failed";

/** As it is kept: JSON. */
export interface AccessRequest {
  /** Names the task; who knows it and is not `caller` is told nothing. */
  readonly id: string;
  /** The enforcement point that asked. */
  readonly caller: string;
  /** Digest of the body that it came as. */
  readonly body: string;
  /** The decision that held the call. */
  readonly evaluation: string;
  /** The approval that it waits for, and the digest of the exact request under the exact policy. */
  readonly approval: string;
  readonly digest: string;
  readonly openedAtMs: number;
  /** When the approval ends, unless more hold the call by then. */
  readonly untilMs: number;
  /** Once it was told: what has ended ends no other way. */
  readonly ended?: Ended;
}

export type Ended =
  | { readonly status: Exclude<TerminalStatus, "approved"> }
  | { readonly status: "approved"; readonly approvedAtMs: number };

/** What there is to see of the approval of a digest now; missing = it was forgotten. */
export interface Standing {
  readonly approval: Approval | undefined;
  /** It was opened, or somebody said something of it, at a time that was taken back since. */
  readonly isRevoked: boolean;
}

/** `undefined` while it waits. */
export function endedBy(
  { approval: wanted, untilMs, ended }: AccessRequest,
  { approval, isRevoked }: Standing,
  nowMs: number,
): Ended | undefined {
  if (ended !== undefined) return ended;
  if (approval?.id !== wanted) return { status: untilMs <= nowMs ? "expired" : "failed" };
  switch (approval.status) {
    case "approved":
      if (isRevoked) return { status: "cancelled" };
      return { status: "approved", approvedAtMs: approvedAt(approval) };
    // By another task: nobody was told of this one's approval, which is kept with it.
    case "used":
      return { status: "failed" };
    case "refused":
      return { status: "denied" };
    case "withdrawn":
      return { status: "cancelled" };
    case "pending":
      if (Math.min(untilMs, approval.untilMs) <= nowMs) return { status: "expired" };
      return isRevoked ? { status: "cancelled" } : undefined;
  }
}

/** When the last of those approved whose approval was asked for. */
function approvedAt({ verdicts, openedAtMs }: Approval): number {
  return Math.max(openedAtMs, ...verdicts.map(({ atMs }) => atMs));
}

/** What an approved task comes to, for `context.approval`: it names an approval, and is none. */
export interface ApprovalReference {
  readonly id: string;
  /** RFC 3339. */
  readonly approved_at: string;
  readonly approved_until: string;
}

export function referenceTo(
  { id, untilMs }: Pick<AccessRequest, "id" | "untilMs">,
  approvedAtMs: number,
): ApprovalReference {
  return {
    id: id.replace(TASK_PREFIX, REFERENCE_PREFIX),
    approved_at: new Date(approvedAtMs).toISOString(),
    approved_until: new Date(untilMs).toISOString(),
  };
}

/** The task's id that the id of a reference stands for. */
export function taskOf(reference: string): string | undefined {
  if (!reference.startsWith(REFERENCE_PREFIX)) return undefined;
  return reference.replace(REFERENCE_PREFIX, TASK_PREFIX);
}

export const TASK_PREFIX = "t-";
const REFERENCE_PREFIX = "g-";
