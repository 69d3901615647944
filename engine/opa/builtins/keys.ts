/** Keys that tokens are verified with: a certificate or public key in PEM, or a set of JWKs (RFC 7517). Pure. */
import { constants, createPublicKey, type KeyObject, verify, X509Certificate } from "node:crypto";
import { LRUCache } from "lru-cache";
import { isRegoArray, jsonOfRego, type Rego, RegoObject } from "../rego.ts";
import { fail } from "./builtin.ts";
import { parseJson } from "./parse-json.ts";

export interface Key {
  /** Empty where the key does not say. */
  readonly alg: string;
  readonly kid: string;
  readonly key: KeyObject;
}

interface Algorithm {
  readonly type: "rsa" | "ec" | "ed25519" | "secret";
  readonly digest: string | null;
  readonly pss?: true;
  /** As OpenSSL names it. OPA takes each of these with any of the digests. */
  readonly curves?: readonly string[];
}

/** Not `secp256k1`: RFC 8812 has an algorithm of its own for it. */
const CURVES = ["prime256v1", "secp384r1", "secp521r1"];

/** RFC 7518 §3.1 and RFC 8037; what is not on the list verifies nothing. */
export const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  ...["256", "384", "512"].flatMap((size): [string, Algorithm][] => [
    [`HS${size}`, { type: "secret", digest: `sha${size}` }],
    [`RS${size}`, { type: "rsa", digest: `sha${size}` }],
    [`PS${size}`, { type: "rsa", digest: `sha${size}`, pss: true }],
    [`ES${size}`, { type: "ec", digest: `sha${size}`, curves: CURVES }],
  ]),
  ["EdDSA", { type: "ed25519", digest: null }],
]);

/** Whether `signature` is one of `signed` by this key, whose kind must be the algorithm's. */
export function isVerified(
  alg: string,
  { key }: Key,
  signed: string,
  signature: Uint8Array,
): boolean {
  const algorithm = ALGORITHMS.get(alg);
  if (algorithm === undefined || key.asymmetricKeyType !== algorithm.type) return false;
  const curve = key.asymmetricKeyDetails?.namedCurve ?? "";
  if (algorithm.curves !== undefined && !algorithm.curves.includes(curve)) return false;
  try {
    return verify(
      algorithm.digest,
      Buffer.from(signed),
      {
        key,
        ...(algorithm.type === "ec" ? { dsaEncoding: "ieee-p1363" as const } : {}),
        ...(algorithm.pss
          ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
          : {}),
      },
      signature,
    );
  } catch {
    return false;
  }
}

/** Reading a key takes longer than using it. */
const KNOWN = new LRUCache<string, readonly Key[]>({ max: 100 });

export function keysOf(text: string): readonly Key[] {
  const known = KNOWN.get(text);
  if (known !== undefined) return known;
  const keys = text.includes("-----BEGIN") ? [pemKey(text)] : jwkKeys(text);
  KNOWN.set(text, keys);
  return keys;
}

function pemKey(text: string): Key {
  // What is told of the key may stand before it, a second key nowhere: which of them is meant?
  const block = text.slice(text.indexOf("-----BEGIN"));
  const [, label = ""] = /^-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\s*$/.exec(block) ?? [];
  return { alg: "", kid: "", key: attempt(() => pemOf(label, block)) };
}

function pemOf(label: string, text: string): KeyObject {
  if (label === "CERTIFICATE") return new X509Certificate(text).publicKey;
  return label === "PUBLIC KEY" ? createPublicKey(text) : fail("no certificate and no public key");
}

function jwkKeys(text: string): readonly Key[] {
  const json = parseJson(text);
  const set = json instanceof RegoObject ? json.get("keys") : undefined;
  const all = isRegoArray(set) ? set : [json];
  return all.flatMap((jwk) => {
    const alg = memberOf(jwk, "alg");
    if (alg !== "" && !ALGORITHMS.has(alg)) return [];
    if (jwk instanceof RegoObject && typeof (jwk.get("kid") ?? "") !== "string") {
      fail("the name of a key is a string");
    }
    // A secret in a set verifies no signature, and must not be taken for a public key.
    if (memberOf(jwk, "kty") === "oct") return [];
    const format = { key: jsonOfRego(jwk) as Record<string, unknown>, format: "jwk" as const };
    return [{ alg, kid: memberOf(jwk, "kid"), key: attempt(() => createPublicKey(format)) }];
  });
}

function memberOf(jwk: Rego, name: string): string {
  const value = jwk instanceof RegoObject ? jwk.get(name) : undefined;
  return typeof value === "string" ? value : "";
}

function attempt(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch {
    return fail("the key cannot be read");
  }
}
