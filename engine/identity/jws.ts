/**
 * The compact form of a signed token (RFC 7515 §3.1), read strictly: one token has one spelling, and its header
 * says nothing of how it is verified but `alg`, `typ` and `kid`.
 */
import { readBase64 } from "../base64.ts";
import { type JsonObject, type JsonValue, readJson } from "../json.ts";
import type { JsonLimits } from "../limits.ts";
import { isObject } from "../value-reader.ts";
import { type DelegationRefusal, refuseDelegation } from "./cause.ts";

export interface CompactJws {
  readonly ok: true;
  /** As it was sent: what is signed and what is hashed. */
  readonly token: string;
  readonly algorithm: string;
  /** In lower case and without `application/` (RFC 7515 §4.1.9). */
  readonly type: string | undefined;
  readonly keyId: string | undefined;
  readonly payload: Uint8Array;
}

/** Eight links of a kilobyte fit a request of 64 KiB; a token that is larger holds what no decision needs. */
const TOKEN_CHARS_MAX = 16 * 1024;

const TOKEN_LIMITS: JsonLimits = {
  byteCount: TOKEN_CHARS_MAX,
  depth: 16,
  memberCount: 500,
  valueCount: 2_000,
};

/** What would choose a key or another way to verify; other members that a header may have are ignored. */
const STEERING = [
  "crit",
  "b64",
  "jwk",
  "jku",
  "x5c",
  "x5u",
  "zip",
  "enc",
  "epk",
  "p2c",
  "p2s",
] as const;

/** `limits`: of its characters as well. */
export function readCompactJws(
  token: unknown,
  limits: JsonLimits = TOKEN_LIMITS,
): CompactJws | DelegationRefusal {
  if (typeof token !== "string") return malformed("a token is a text");
  if (token.length > limits.byteCount) return malformed(`it is longer than ${limits.byteCount}`);
  const parts = token.split(".");
  if (parts.length === 5) return refuseDelegation("token_type", "it is encrypted");
  if (parts.length !== 3) return malformed("it has not the three parts of a signed token");
  const [header, payload, signature] = parts.map(decode);
  if (header === undefined || payload === undefined || signature === undefined) {
    return malformed("a part is not base64url in its one spelling, without padding");
  }
  const read = readJson(header, TOKEN_LIMITS);
  if (!read.ok || !isObject(read.value)) return malformed("its header is no JSON object");
  return readHeader(read.value as JsonObject, token, payload);
}

function malformed(why: string): DelegationRefusal {
  return refuseDelegation("token_malformed", why);
}

function decode(part: string): Uint8Array | undefined {
  return part === "" ? undefined : readBase64(part, "base64url");
}

function readHeader(
  header: JsonObject,
  token: string,
  payload: Uint8Array,
): CompactJws | DelegationRefusal {
  const steering = STEERING.find((name) => header[name] !== undefined);
  if (steering !== undefined) {
    return refuseDelegation("header_refused", `its header has \`${steering}\``);
  }
  const { alg, typ, kid } = header;
  if (typeof alg !== "string") return malformed("its header has no `alg`");
  if (!isTextOrMissing(typ) || !isTextOrMissing(kid)) {
    return malformed("`typ` and `kid` of a header are texts");
  }
  const type = typ?.toLowerCase().replace(/^application\//, "");
  return { ok: true, token, algorithm: alg, type, keyId: kid, payload };
}

function isTextOrMissing(value: JsonValue | undefined): value is string | undefined {
  return value === undefined || (typeof value === "string" && value !== "");
}

/** The payload as the claims of a JWT. Nothing in it is trusted before the signature is verified. */
export function readClaims(
  { payload }: CompactJws,
  limits: JsonLimits = TOKEN_LIMITS,
): JsonObject | undefined {
  const read = readJson(payload, limits);
  return read.ok && isObject(read.value) ? (read.value as JsonObject) : undefined;
}
