/** What was taken back (SPEC §15.1). Asked at every use of every token, seen before or not. */

export interface Revocations {
  /**
   * Why the token, or somebody it names, is no longer trusted. Must not wait: it stands in front of every
   * decision.
   */
  revoked(use: TokenUse): string | undefined;
}

export interface TokenUse {
  readonly issuer: string;
  readonly id?: string;
  readonly digest: string;
  /** Of its other spelling, where it has one. */
  readonly twin?: string;
  readonly issuedAtMs?: number;
  /** Everybody through whom it passes, root first. */
  readonly parties: readonly string[];
}

/** For who has configured none. */
export const NOTHING_REVOKED: Revocations = { revoked: () => undefined };
