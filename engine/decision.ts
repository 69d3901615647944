import type { DelegationCause } from "./identity/cause.ts";

/** The answer to one request (SPEC §6, §12): what `POST /decide` sends, with nothing added. */
export interface Decision {
  readonly decision: "allow" | "deny" | "hold";
  /** Unique; names the audit record. */
  readonly id: string;
  /** Names the call in `POST /outcome`; only where something must be settled: on allow. */
  readonly call?: string;
  /** Why not: set on every deny, and on no other decision. */
  readonly code?: DenyCode;
  /** What is wrong with the delegation; with the code `delegation_invalid` alone. */
  readonly cause?: DelegationCause;
  /** One sentence for people: the rule's `because`, or the engine's own words. */
  readonly because?: string;
  /** What determined the decision, in order of package and rule name. */
  readonly reasons: readonly Reason[];
  readonly obligations: readonly GivenObligation[];
  /** What could not be evaluated, whether or not it determined the decision. */
  readonly errors?: readonly EvaluationError[];
  /** Steps the task allows next, where a sequence refused. */
  readonly next?: readonly string[];
  /** Where the task was judged by the sequence it began with, and the policy in force has another. */
  readonly task?: BegunTask;
  /** Counters and latches it read that do not know all that they should. */
  readonly counts_since?: readonly LateCount[];
  /** The session was ended by this decision. */
  readonly interrupt?: true;
  /** Whose approval a hold waits for. */
  readonly approval?: ApprovalRequest;
  readonly policy: PolicyIdentity;
}

/** `since`: RFC 3339; what was decided before is not in it. */
export type LateCount =
  | { readonly counter: string; readonly since: string }
  | { readonly latch: string; readonly since: string };

export interface BegunTask {
  readonly name: string;
  /** Digest of the policy that it began under. */
  readonly policy: string;
}

/** Of the policy that decided; `package` and `digest` are `""` where there was none. */
export interface PolicyIdentity {
  readonly package: string;
  readonly digest: string;
  /** What its maker calls it, or the serial of its bundle. */
  readonly revision?: string;
}

/** SPEC §6.3 gives each its meaning. `prerequisite_pending` is the one worth retrying unchanged. */
export const DENY_CODES = [
  "no_policy",
  "invalid_request",
  "session_interrupted",
  "revoked",
  "delegation_invalid",
  "forbidden",
  "out_of_sequence",
  "prerequisite_pending",
  "limit_reached",
  "not_permitted",
  "invariant_broken",
  "indeterminate",
  "unsupported_obligation",
  "state_unavailable",
  "internal_error",
] as const;
export type DenyCode = (typeof DENY_CODES)[number];

/** Why it is denied whatever rules say. */
export interface Refused {
  readonly code: DenyCode;
  readonly cause?: DelegationCause;
  readonly because: string;
}

/** A denial that no rule had a part in. */
export function denied(id: string, refused: Refused, policy: PolicyIdentity): Decision {
  return { decision: "deny", id, ...refused, reasons: [], obligations: [], policy };
}

export interface Reason {
  /** Name of the rule, invariant or task; in another package than the policy's own, `package/name`. */
  readonly rule: string;
  readonly effect: "permit" | "forbid" | "hold" | "never" | "task";
  /** `payments.writ:41:1` */
  readonly at: string;
  readonly because?: string;
  readonly tags?: readonly string[];
  /** The rule could not be decided and counts as applying. */
  readonly indeterminate?: true;
}

export interface EvaluationError {
  readonly rule: string;
  readonly cause: string;
  /** The expression that failed: `payments.writ:44:9`. */
  readonly at: string;
}

/** Durations are spelled as in the language (`60s`). */
export type GivenObligation =
  | {
      readonly id: string;
      readonly type: "credential";
      readonly scope: readonly string[];
      readonly ttl: string;
    }
  | { readonly id: string; readonly type: "redact"; readonly paths: readonly string[] }
  | { readonly id: string; readonly type: "log"; readonly level: "none" | "summary" | "full" }
  | { readonly id: string; readonly type: "notify"; readonly whom: readonly string[] }
  | { readonly id: string; readonly type: string; readonly value: unknown };

export interface ApprovalRequest {
  /** One entry for each hold that applies; all must be met. */
  readonly by: readonly {
    readonly party?: string;
    readonly group?: string;
    readonly count: number;
    readonly rule: string;
  }[];
  /** Ids whose approval does not count, whatever groups they are in: who asks, and through whom. */
  readonly except: readonly string[];
  /** `sha256:…` of the exact request in canonical JSON (RFC 8785) and the policy digest. */
  readonly digest: string;
  /** RFC 3339; after it the request must be decided anew. */
  readonly until: string;
  /** Names what approvers are shown; missing where nobody is asked. */
  readonly id?: string;
  /** Of what they have said until now: `refused` until the end is not asked again. */
  readonly status?: "pending" | "refused";
}
