/** What tokens of all types come to, and how the claims they share are read (RFC 7519 §4.1). */
import type { JsonObject, JsonValue } from "../json.ts";
import type { StatusReference } from "../status/list.ts";
import { elementsOf } from "../value.ts";
import {
  isObject,
  optionally,
  type Problem,
  readerOf,
  readId,
  report,
  wrong,
} from "../value-reader.ts";
import type { TrustedKey } from "./jwk.ts";
import type { VouchedFacts, VouchedParty } from "./vouched.ts";

/** Somebody let somebody act, perhaps through others: an access or transaction token. */
export interface GrantClaims {
  readonly kind: "grant";
  readonly root: VouchedParty;
  /** Earliest first; empty where the root acts for itself. */
  readonly actors: readonly VouchedParty[];
  readonly scope: readonly string[];
  /** Of the root. */
  readonly facts: VouchedFacts;
  /** Whose holder may hand it on in links. */
  readonly handsOn?: TrustedKey;
}

/** Somebody is who they say: a JWT-SVID. */
export interface IdentityClaims {
  readonly kind: "identity";
  readonly id: string;
  readonly facts: VouchedFacts;
}

/** One hop of a chain of links (SPEC §15.2). */
export interface LinkClaims {
  readonly kind: "link";
  readonly from: string;
  readonly to: string;
  readonly scope: readonly string[];
  readonly purpose?: string;
  /** As `readToolBounds` has accepted it. */
  readonly tools?: JsonValue;
  readonly depth: number;
  /** Of the grant of a task: a SPIFFE ID of this run, and which task it is. */
  readonly task?: { readonly id: string; readonly name: string };
  /** base64url of SHA-256 over the token before it; missing in a first link. */
  readonly parent?: string;
  readonly handsOn: TrustedKey;
}

/** Milliseconds since the Unix epoch. */
export interface CommonClaims {
  readonly id?: string;
  readonly audience: readonly string[];
  readonly issuedAtMs?: number;
  readonly notBeforeMs?: number;
  readonly expiresAtMs: number;
  /** Where it stands whether it still counts: in a list, or in what only its issuer knows. */
  readonly status?: StatusReference | "other";
}

export function readCommon(claims: JsonObject, problems: Problem[]): CommonClaims | undefined {
  const audience = readAudience(claims.aud, "/aud", problems);
  const expiresAtMs = readInstant(claims.exp, "/exp", problems);
  const issuedAtMs = optionally(readInstant, claims.iat, "/iat", problems);
  const notBeforeMs = optionally(readInstant, claims.nbf, "/nbf", problems);
  const id = optionally(readId, claims.jti, "/jti", problems);
  const status = optionally(readStatus, claims.status, "/status", problems);
  if (audience === undefined || expiresAtMs === undefined) return undefined;
  return {
    audience,
    expiresAtMs,
    ...(issuedAtMs === undefined ? {} : { issuedAtMs }),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(id === undefined ? {} : { id }),
    ...(status === undefined ? {} : { status }),
  };
}

/** Token Status List §6.1. */
function readStatus(
  json: unknown,
  at: string,
  problems: Problem[],
): StatusReference | "other" | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  const { status_list: list } = json;
  if (list === undefined) return "other";
  if (!isObject(list)) return wrong(problems, `${at}/status_list`, "an object", list);
  const uri = readId(list.uri, `${at}/status_list/uri`, problems);
  const { idx: index } = list;
  if (typeof index !== "number" || !Number.isSafeInteger(index) || index < 0) {
    return report(problems, `${at}/status_list/idx`, "is no whole number from 0");
  }
  return uri === undefined ? undefined : { uri, index };
}

export function readAudience(
  json: JsonValue | undefined,
  at: string,
  problems: Problem[],
): readonly string[] | undefined {
  const list = typeof json === "string" ? [json] : json;
  if (!Array.isArray(list) || list.length === 0) {
    return wrong(problems, at, "a text or a list of texts", json);
  }
  const read = list.map((one, index) => readId(one, `${at}/${index}`, problems));
  return read.filter((one) => one !== undefined);
}

/** The end of the year 9999: what RFC 3339 can still write. */
const LATEST_SECONDS = 253_402_300_799;

/** Seconds since the epoch → milliseconds. */
export function readInstant(json: unknown, at: string, problems: Problem[]): number | undefined {
  if (typeof json === "number" && json >= 0 && json <= LATEST_SECONDS) {
    return Math.floor(json * 1_000);
  }
  return wrong(problems, at, "a time in seconds", json);
}

const TEXTS = readerOf(
  { kind: "List", of: { kind: "String" } },
  { levels: [], purposes: new Set(), labels: new Set() },
);

export function readTexts(
  json: JsonValue | undefined,
  at: string,
  problems: Problem[],
): readonly string[] | undefined {
  const read = TEXTS(json, at, problems);
  return read === undefined ? undefined : (elementsOf(read as readonly string[]) as string[]);
}

/** Words between single spaces (RFC 6749 §3.3). A token without scope grants none. */
export function readScope(
  json: JsonValue | undefined,
  at: string,
  problems: Problem[],
): readonly string[] {
  if (json === undefined || json === "") return [];
  if (typeof json !== "string") return wrong(problems, at, "a text", json) ?? [];
  const words = json.split(" ");
  if (words.every((word) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(word))) return [...new Set(words)];
  return report(problems, at, "is no list of scopes between single spaces") ?? [];
}
