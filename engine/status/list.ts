/** What a Token Status List says (draft-ietf-oauth-status-list-20 §4): many statuses, packed from the lowest bit up. Pure. */
import { readBase64 } from "../base64.ts";
import { type DelegationRefusal, refuseDelegation } from "../identity/cause.ts";
import { LEEWAY_MS } from "../identity/chain.ts";
import { readInstant } from "../identity/claims.ts";
import type { JsonObject } from "../json.ts";
import { isObject, optionally, type Problem, report } from "../value-reader.ts";

/** Where a token's status stands. */
export interface StatusReference {
  readonly uri: string;
  readonly index: number;
}

/** A list as it was signed. */
export interface SignedList {
  readonly ok: true;
  /** Of one status. */
  readonly bits: Bits;
  /** ZLIB (RFC 1950). */
  readonly compressed: Uint8Array;
  readonly issuedAtMs: number;
  /** Missing = it does not say. */
  readonly expiresAtMs?: number;
  /** After so long another should be there. */
  readonly ttlMs?: number;
}

export const BITS = [1, 2, 4, 8] as const;
export type Bits = (typeof BITS)[number];

export interface StatusList extends Omit<SignedList, "ok" | "compressed"> {
  readonly bytes: Uint8Array;
}

/** The claims of one that is signed; `issuer` is whose keys it was verified by. */
export function readList(
  claims: JsonObject,
  uri: string,
  issuer: string,
  nowMs: number,
): SignedList | DelegationRefusal {
  const problems: Problem[] = [];
  if (claims.sub !== uri) report(problems, "sub", "is not where it was read from");
  if (claims.iss !== undefined && claims.iss !== issuer) report(problems, "iss", "is another");
  const issuedAtMs = readInstant(claims.iat, "iat", problems);
  const expiresAtMs = optionally(readInstant, claims.exp, "exp", problems);
  const notBeforeMs = optionally(readInstant, claims.nbf, "nbf", problems);
  const ttlMs = optionally(readInstant, claims.ttl, "ttl", problems);
  if (ttlMs === 0) report(problems, "ttl", "is no time");
  const packed = readPacked(claims.status_list, problems);
  const [problem] = problems;
  if (problem !== undefined) return refuseList(`its \`${problem.at}\` ${problem.message}`);
  if (issuedAtMs === undefined || packed === undefined) {
    throw new Error("a list was refused without a reason");
  }
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) return refuseList("it has ended");
  if (Math.max(issuedAtMs, notBeforeMs ?? 0) > nowMs + LEEWAY_MS) {
    return refuseList("it begins in the future");
  }
  return {
    ok: true,
    ...packed,
    issuedAtMs,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  };
}

function readPacked(
  json: unknown,
  problems: Problem[],
): Pick<SignedList, "bits" | "compressed"> | undefined {
  if (!isObject(json)) return report(problems, "status_list", "is no object");
  const bits = BITS.find((one) => one === json.bits);
  if (bits === undefined) return report(problems, "status_list", "has not 1, 2, 4 or 8 `bits`");
  const { lst } = json;
  const compressed = typeof lst === "string" ? readBase64(lst, "base64url") : undefined;
  if (compressed === undefined) return report(problems, "status_list", "has no `lst` in base64url");
  return { bits, compressed };
}

export function refuseList(why: string): DelegationRefusal {
  return refuseDelegation("status_invalid", `what its status should stand in is refused: ${why}`);
}

/** Of one index; `undefined` where the list ends before it. */
export function statusAt({ bits, bytes }: Pick<StatusList, "bits" | "bytes">, index: number) {
  const perByte = 8 / bits;
  const byte = bytes[Math.floor(index / perByte)];
  if (byte === undefined) return undefined;
  return (byte >> ((index % perByte) * bits)) & (2 ** bits - 1);
}

const VALID = 0;
const INVALID = 1;
const SUSPENDED = 2;

/** `undefined` where the token counts. */
export function refusalOfStatus(
  list: Pick<StatusList, "bits" | "bytes">,
  index: number,
): DelegationRefusal | undefined {
  switch (statusAt(list, index)) {
    case VALID:
      return undefined;
    case INVALID:
      return { ok: false, code: "revoked", why: "a token was revoked, by its issuer's list" };
    case SUSPENDED:
      return refuseDelegation("status_suspended", "its issuer's list says that it is suspended");
    case undefined:
      return refuseList("it has no such index");
    default:
      return refuseDelegation("status_refused", "its issuer's list says that it is not valid");
  }
}
