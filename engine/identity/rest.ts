/**
 * What something that was granted rests on: tokens that are not shown again, by as much of them as may be kept. Their
 * ends and revocations are told elsewhere; this asks of their issuers' keys and of the status lists they name.
 */
import type { StatusReference } from "../status/list.ts";
import { firstRefusal, type Statuses } from "../status/statuses.ts";
import { type DelegationRefusal, refuseDelegation } from "./cause.ts";
import type { Issuer, TokenType } from "./issuer.ts";
import type { Token } from "./token.ts";

/** JSON. */
export interface Rest {
  readonly type: TokenType;
  readonly issuer: string;
  /** Thumbprint of the issuer's key that verified it. */
  readonly key: string;
  readonly status?: StatusReference;
}

/** Links that continue another token rest on that, and on nothing of an issuer's. */
export function restsOf(tokens: readonly Token[]): readonly Rest[] {
  return tokens.flatMap(({ type, thumbprint, issuer, common: { status } }) => {
    if (issuer === undefined) return [];
    const isListed = typeof status === "object" && issuer.status !== "ignore";
    const rest = { type, issuer: issuer.name, key: thumbprint };
    return [isListed ? { ...rest, status } : rest];
  });
}

export interface RestParts {
  readonly issuers: readonly Issuer[];
  readonly statuses: Statuses;
  /** Milliseconds since the Unix epoch, by the later of the clocks. */
  readonly now: () => number;
}

/** A promise only where a status must be read first. */
export function restRefusal(
  rests: readonly Rest[],
  { issuers, statuses, now }: RestParts,
): DelegationRefusal | undefined | Promise<DelegationRefusal | undefined> {
  const pending: Promise<DelegationRefusal | undefined>[] = [];
  for (const { type, issuer: name, key, status } of rests) {
    const issuer = issuers.find((one) => one.type === type && one.name === name);
    const refusal = issuer === undefined ? ISSUER_GONE : keyRefusal(key, issuer);
    if (issuer === undefined || refusal !== undefined) return refusal;
    const said = status && statuses.refusal(status, issuer, now);
    if (said instanceof Promise) pending.push(said);
    else if (said !== undefined) return said;
  }
  return firstRefusal(pending);
}

const ISSUER_GONE = refuseDelegation(
  "issuer_unknown",
  "the issuer of a token that it rests on is not configured any more",
);

function keyRefusal(key: string, { keys }: Issuer): DelegationRefusal | undefined {
  const set = keys.current();
  if (set === undefined) {
    return refuseDelegation("keys_unavailable", "the keys that it rests on cannot be read");
  }
  if (set.has(key)) return undefined;
  return refuseDelegation("key_unknown", "a key that it rests on was withdrawn");
}
