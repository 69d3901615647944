/**
 * `io.jwt.decode`, `io.jwt.verify_*` and `io.jwt.decode_verify`: signed tokens in compact form (RFC 7519,
 * RFC 7515). Signing is not there: a policy keeps no keys. Pure.
 */
import { createHmac } from "node:crypto";
import { equalSecrets } from "../../equal-secrets.ts";
import { isRegoArray, type Rego, RegoObject } from "../rego.ts";
import { arrayOf, type Builtin, type BuiltinContext, fail, objectOf, textOf } from "./builtin.ts";
import { ALGORITHMS, isVerified, type Key, keysOf } from "./keys.ts";
import { parseJson } from "./parse-json.ts";
import { utf8 } from "./percent.ts";

export const JWT: readonly (readonly [string, Builtin])[] = [
  ["io.jwt.decode", ([token]) => decode(textOf(token), 0)],
  [
    "io.jwt.decode_verify",
    ([token, constraints], context) => decodeVerify(textOf(token), objectOf(constraints), context),
  ],
  ...[...ALGORITHMS.keys()].map(
    (alg) => [`io.jwt.verify_${alg.toLowerCase()}`, verifyWith(alg)] as const,
  ),
];

interface Token {
  readonly header: RegoObject;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** What the signature is of. */
  readonly signed: string;
}

function tokenOf(text: string): Token {
  const parts = text.split(".");
  const [header, payload, signature] = parts;
  if (
    parts.length !== 3 ||
    header === undefined ||
    payload === undefined ||
    signature === undefined
  ) {
    return fail("a token has three parts");
  }
  const decoded = objectIn(unbase64(header));
  if (decoded.get("enc") !== undefined) fail("encrypted tokens are not supported");
  return {
    header: decoded,
    payload: unbase64(payload),
    signature: unbase64(signature),
    signed: `${header}.${payload}`,
  };
}

/** With or without `=` at its end, as OPA takes it. */
function unbase64(text: string): Uint8Array {
  const bare = text.replace(/={1,2}$/, "");
  const isPadded = bare.length < text.length;
  if (!/^[A-Za-z0-9_-]*$/.test(bare) || bare.length % 4 === 1) fail("no base64url");
  if (isPadded && text.length % 4 !== 0) fail("no base64url");
  return Buffer.from(bare, "base64url");
}

function objectIn(bytes: Uint8Array): RegoObject {
  const value = parseJson(utf8(bytes));
  return value instanceof RegoObject ? value : fail("an object is expected");
}

/** Tokens in tokens, each signed again. */
const NESTED_MOST = 8;

function decode(text: string, depth: number): Rego {
  if (depth > NESTED_MOST) fail("too many tokens in each other");
  const { header, payload, signature } = tokenOf(text);
  if (header.get("cty") === "JWT") {
    return decode(utf8(payload).replace(/^["']+|["']+$/g, ""), depth + 1);
  }
  return [header, objectIn(payload), Buffer.from(signature).toString("hex")];
}

function verifyWith(alg: string): Builtin {
  return ([token, key]) => {
    const parsed = tokenOf(textOf(token));
    const secret = textOf(key);
    if (alg.startsWith("HS")) return hasMac(parsed, alg, secret);
    return isSignedByOne(parsed, alg, keysOf(secret), headerText(parsed, "alg"));
  };
}

function headerText({ header }: Token, name: string): string {
  const value = header.get(name);
  return value === undefined ? "" : textOf(value);
}

function hasMac({ signed, signature }: Token, alg: string, secret: string): boolean {
  const mac = createHmac(`sha${alg.slice(2)}`, secret)
    .update(signed)
    .digest();
  return equalSecrets(mac, signature);
}

/**
 * By the key that the token names, if there is one of that name; else by any that may be used so. `claimed` is
 * the algorithm of the header, which must be the key's where the key says one.
 */
function isSignedByOne(token: Token, alg: string, keys: readonly Key[], claimed: string): boolean {
  const { signed, signature } = token;
  const kid = headerText(token, "kid");
  const named = kid === "" ? undefined : keys.find((key) => key.kid === kid);
  const usable = named ? [named] : keys.filter((key) => key.alg === "" || key.alg === claimed);
  return usable.some((key) => isVerified(alg, key, signed, signature));
}

const CONSTRAINTS: readonly string[] = ["cert", "secret", "alg", "iss", "aud", "time"];

const UNVERIFIED: Rego = [false, new RegoObject(), new RegoObject()];

function decodeVerify(text: string, constraints: RegoObject, context: BuiltinContext): Rego {
  for (const [name] of constraints.members.values()) {
    if (!CONSTRAINTS.includes(textOf(name))) fail("no such constraint");
  }
  for (const name of ["cert", "secret", "alg", "iss", "aud"]) {
    const constraint = constraints.get(name);
    if (constraint !== undefined) textOf(constraint);
  }
  const nowSeconds = secondsOf(constraints.get("time"), context);
  const token = innermost(text, constraints, 0);
  if (token === undefined) return UNVERIFIED;
  const payload = objectIn(token.payload);
  return areMet(payload, constraints, nowSeconds) ? [true, token.header, payload] : UNVERIFIED;
}

function secondsOf(time: Rego | undefined, { nowNs }: BuiltinContext): number {
  const ns = time === undefined ? nowNs : time;
  if (typeof ns !== "number" && typeof ns !== "bigint") return fail("a time is a number");
  if (ns < 0) fail("a time is not negative");
  return Number(ns) / 1e9;
}

/** The token that holds claims, each around it verified as well. */
function innermost(text: string, constraints: RegoObject, depth: number): Token | undefined {
  if (depth > NESTED_MOST) fail("too many tokens in each other");
  const token = tokenOf(text);
  const alg = headerText(token, "alg");
  const wanted = constraints.get("alg");
  headerText(token, "kid");
  if (alg === "" || hasUnknownCritical(token.header)) return undefined;
  if (wanted !== undefined && textOf(wanted) !== "" && textOf(wanted) !== alg) return undefined;
  if (!isTrusted(token, alg, constraints)) return undefined;
  if (headerText(token, "cty").toUpperCase() !== "JWT") return token;
  return innermost(utf8(token.payload), constraints, depth + 1);
}

/** Headers that OPA knows; a critical one beside them refuses the token (RFC 7515 §4.1.11). */
const HEADERS: readonly string[] = ["alg", "kid", "typ", "cty", "crit"];

function hasUnknownCritical(header: RegoObject): boolean {
  const critical = header.get("crit");
  if (critical === undefined) return false;
  const names = arrayOf(critical);
  if (names.length === 0) fail("an empty list of headers is critical");
  return names.some((name) => !HEADERS.includes(textOf(name)));
}

function isTrusted(token: Token, alg: string, constraints: RegoObject): boolean {
  const [cert, secret] = ["cert", "secret"].map((name) => {
    const value = constraints.get(name);
    return value === undefined ? undefined : textOf(value);
  });
  if ((cert === undefined) === (secret === undefined || secret === "")) fail("one key is needed");
  if (cert === undefined)
    return alg.startsWith("HS") && ALGORITHMS.has(alg) && hasMac(token, alg, secret ?? "");
  return (
    ALGORITHMS.has(alg) && !alg.startsWith("HS") && isSignedByOne(token, alg, keysOf(cert), alg)
  );
}

function areMet(payload: RegoObject, constraints: RegoObject, nowSeconds: number): boolean {
  const iss = constraints.get("iss");
  if (iss !== undefined && iss !== "" && payload.get("iss") !== iss) return false;
  if (!isAudience(payload.get("aud"), constraints.get("aud"))) return false;
  const [exp, nbf] = [payload.get("exp"), payload.get("nbf")].map((claim) =>
    claim === undefined || typeof claim === "number" || typeof claim === "bigint"
      ? claim
      : fail("a time is a number"),
  );
  return (exp === undefined || nowSeconds < exp) && (nbf === undefined || nowSeconds >= nbf);
}

/** A token for someone is for nobody else, asked for or not. */
function isAudience(aud: Rego | undefined, wanted: Rego | undefined): boolean {
  if (aud === undefined) return wanted === undefined || wanted === "";
  const mine = wanted ?? "";
  return aud === mine || (isRegoArray(aud) && aud.includes(mine));
}
