/**
 * What tokens came to, once verified: plain JSON, so that a decision can be recorded and made again from its
 * record. The engine reads it as it reads a request, and trusts it as it trusts no request.
 */
import type { Kind } from "../../lang/type.ts";
import type { DelegationRefusal } from "./cause.ts";

export type VouchedDelegation = DelegationRefusal | AcceptedDelegation;

export interface AcceptedDelegation {
  readonly ok: true;
  /** Root first; empty where the agent acts for itself, which `self` then describes. */
  readonly chain: readonly VouchedHop[];
  readonly self?: VouchedSelf;
  readonly agent: VouchedFacts;
  readonly principal: VouchedFacts;
  /** The tokens begin with the grant of a task: every call is one of it (SPEC §16). */
  readonly task?: VouchedTask;
  /** What was granted rests on hops that an enforcement point asserted, and nobody verified. */
  readonly asserted?: true;
  /** What may be kept of the tokens themselves, none of which can be used again. */
  readonly tokens: readonly TokenRecord[];
}

export interface VouchedTask {
  /** Of this run of it. */
  readonly id: string;
  /** As the policy declares it. */
  readonly name: string;
  /** Whose it is; missing until whoever keeps the task has told, and until then no call is covered. */
  readonly session?: string;
}

/** A hop of SPEC §12.2. */
export interface VouchedHop {
  readonly from: VouchedParty;
  readonly to: VouchedParty;
  readonly scope: readonly string[];
  readonly purpose?: string;
  readonly issued_at?: string;
  readonly expires_at: string;
  readonly audience?: readonly string[];
  readonly depth?: number;
  readonly tools?: unknown;
}

export interface VouchedParty {
  readonly id: string;
  readonly kind: Kind;
}

export interface VouchedSelf {
  readonly party: VouchedParty;
  /** Missing where the token says who somebody is, and nothing of what they may do. */
  readonly scope?: readonly string[];
  readonly expires_at: string;
}

/** What tokens say of somebody; missing where they do not tell. */
export interface VouchedFacts {
  readonly groups?: readonly string[];
  readonly attested?: boolean;
}

export interface TokenRecord {
  readonly type: string;
  readonly issuer: string;
  readonly subject: string;
  readonly id?: string;
  /** base64url of SHA-256 over the token as it was sent. */
  readonly digest: string;
  /** The same of its other spelling: a signature by ECDSA has two, and whoever holds one can make the other. */
  readonly twin?: string;
  /** Of single use, and remembered as used until then: RFC 3339. */
  readonly once_until?: string;
}
