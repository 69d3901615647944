/**
 * Why a delegation is refused (SPEC §12.6): what the decision's `cause` says beside the code
 * `delegation_invalid`. The first group is about one token, the second about how hops join, the third about the
 * call that the chain should cover.
 */
export const DELEGATION_CAUSES = [
  "tokens_not_accepted",
  "token_malformed",
  "token_type",
  "header_refused",
  "algorithm_refused",
  "issuer_unknown",
  "key_unknown",
  "key_refused",
  "keys_unavailable",
  "signature_invalid",
  "claims_invalid",
  "audience_mismatch",
  "token_expired",
  "token_not_yet_valid",
  "token_used",
  "status_not_accepted",
  "status_unavailable",
  "status_invalid",
  "status_suspended",
  "status_refused",
  "task_unknown",
  "tokens_conflict",
  "parent_mismatch",
  "not_the_delegate",
  "root_not_vouched",
  "chain_empty",
  "chain_too_long",
  "chain_broken",
  "cycle",
  "root_mismatch",
  "agent_mismatch",
  "kind_conflict",
  "identity_conflict",
  "scope_widened",
  "purpose_widened",
  "expiry_widened",
  "audience_widened",
  "tools_widened",
  "depth_widened",
  "depth_exceeded",
  "hop_expired",
  "hop_not_yet_valid",
  "scope_lacking",
  "purpose_outside",
  "tool_outside",
  "argument_outside",
  "task_mismatch",
] as const;
export type DelegationCause = (typeof DELEGATION_CAUSES)[number];

/** A refusal as the engine takes it: in words, and as a code that programs can tell apart. */
export interface DelegationRefusal {
  readonly ok: false;
  /**
   * The others have no cause: what was revoked stands in `why`, and a fault of the engine is told elsewhere.
   */
  readonly code: "delegation_invalid" | "revoked" | "state_unavailable" | "internal_error";
  readonly cause?: DelegationCause;
  readonly why: string;
}

export function refuseDelegation(cause: DelegationCause, why: string): DelegationRefusal {
  return { ok: false, code: "delegation_invalid", cause, why };
}
