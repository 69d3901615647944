/** Why a signed bundle is not decided by (SPEC §11.5): one word for machines, one sentence for people. */
export const REFUSAL_CODES = [
  "unreachable",
  "too_large",
  "malformed",
  "unsigned",
  "unknown_key",
  "bad_signature",
  "wrong_digest",
  "newer_version",
  "no_program",
  "other_package",
  "rolled_back",
  "expired",
  "tests_missing",
  "tests_failed",
  "not_recorded",
  "crashed",
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

export interface Refusal {
  readonly ok: false;
  readonly code: RefusalCode;
  readonly because: string;
}

export function refuse(code: RefusalCode, because: string): Refusal {
  return { ok: false, code, because };
}
