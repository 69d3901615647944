/** Public keys (RFC 7517) that may verify: which they are, and what is refused of them. */
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { readBase64 } from "../base64.ts";
import { canonicalJson } from "../canonical-json.ts";
import { isObject } from "../value-reader.ts";

export const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export interface TrustedKey {
  /** `kid`; of a key that has none, its thumbprint. */
  readonly id: string;
  /** RFC 7638, SHA-256, base64url: names the key itself, whatever its `kid`. */
  readonly thumbprint: string;
  readonly algorithms: readonly Algorithm[];
  readonly key: KeyObject;
}

export type KeyReading =
  | { readonly ok: true; readonly key: TrustedKey }
  | { readonly ok: false; readonly why: string };

type Jwk = Readonly<Record<string, unknown>>;

/** One public key, with the `use` that its place wants where it tells any. */
export function readKey(jwk: unknown, use = "sig"): KeyReading {
  if (!isObject(jwk)) return refused("it is no object");
  const purpose = wrongPurpose(jwk, use);
  if (purpose !== undefined) return refused(purpose);
  const kind = kindOf(jwk);
  if (typeof kind === "string") return refused(kind);
  const { algorithms, members } = kind;
  const { alg, kid } = jwk;
  const own = alg === undefined ? algorithms : algorithms.filter((one) => one === alg);
  if (own.length === 0) return refused(`a key of its type has no algorithm ${JSON.stringify(alg)}`);
  if (kid !== undefined && typeof kid !== "string") return refused("`kid` is no text");
  const parts = Object.fromEntries(members.map((name) => [name, String(jwk[name])]));
  const key = importKey(parts);
  if (key === undefined) return refused("it is no point on its curve, or no such key");
  const thumbprint = thumbprintOf(parts);
  return { ok: true, key: { id: kid ?? thumbprint, thumbprint, algorithms: own, key } };
}

function refused(why: string): KeyReading {
  return { ok: false, why };
}

function wrongPurpose(jwk: Jwk, use: string): string | undefined {
  if (jwk.d !== undefined || jwk.k !== undefined) return "it is private";
  // Keys of a SPIFFE bundle must say what they are for; others may.
  const mayBeSilent = use === "sig" && jwk.use === undefined;
  if (jwk.use !== use && !mayBeSilent) return `its use is ${JSON.stringify(jwk.use) ?? "not said"}`;
  const operations = jwk.key_ops;
  if (operations === undefined) return undefined;
  const isForVerifying = Array.isArray(operations) && operations.includes("verify");
  return isForVerifying ? undefined : "its `key_ops` lack `verify`";
}

interface KeyKind {
  readonly algorithms: readonly Algorithm[];
  /** What makes the key: all that is imported, and all that its thumbprint is of. */
  readonly members: readonly string[];
}

const CURVES: Readonly<Record<string, { readonly algorithm: Algorithm; readonly bytes: number }>> =
  {
    "P-256": { algorithm: "ES256", bytes: 32 },
    "P-384": { algorithm: "ES384", bytes: 48 },
    "P-521": { algorithm: "ES512", bytes: 66 },
  };

function kindOf(jwk: Jwk): KeyKind | string {
  switch (jwk.kty) {
    case "RSA":
      return weakRsa(jwk) ?? RSA;
    case "EC": {
      const name = typeof jwk.crv === "string" ? jwk.crv : "";
      const curve = Object.hasOwn(CURVES, name) ? CURVES[name] : undefined;
      if (curve === undefined) return `the curve ${JSON.stringify(jwk.crv)} is not accepted`;
      const { algorithm, bytes } = curve;
      if (sizeOf(jwk.x) !== bytes || sizeOf(jwk.y) !== bytes)
        return "a coordinate has not its size";
      return { algorithms: [algorithm], members: ["crv", "kty", "x", "y"] };
    }
    case "OKP":
      if (jwk.crv !== "Ed25519") return `the curve ${JSON.stringify(jwk.crv)} is not accepted`;
      if (sizeOf(jwk.x) !== 32) return "a coordinate has not its size";
      return { algorithms: ["EdDSA", "Ed25519"], members: ["crv", "kty", "x"] };
    default:
      return `keys of type ${JSON.stringify(jwk.kty)} are not accepted`;
  }
}

const RSA: KeyKind = {
  algorithms: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  members: ["e", "kty", "n"],
};

/** Below, factoring is in reach; above, one verification costs milliseconds and nobody has such keys. */
const RSA_BITS = { least: 2048, most: 8192 } as const;

function weakRsa(jwk: Jwk): string | undefined {
  const bytes = bytesOf(jwk.n);
  if (bytes === undefined || jwk.e !== "AQAB") return "`n` is malformed, or `e` is not 65537";
  const modulus = BigInt(`0x0${bytes.toString("hex")}`);
  const bits = modulus.toString(2).length;
  if (bits < RSA_BITS.least || bits > RSA_BITS.most) {
    return `it has ${bits} bits, and must have ${RSA_BITS.least} to ${RSA_BITS.most}`;
  }
  return isRoca(modulus) ? "its modulus shows the weakness of CVE-2017-15361" : undefined;
}

/**
 * Primes in whose residues the weak generator's keys are powers of 65537; chance alone does so in 1 of 2^27.
 */
const ROCA_PRIMES = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

function isRoca(modulus: bigint): boolean {
  return ROCA_PRIMES.every((prime) => {
    const residue = Number(modulus % BigInt(prime));
    let power = 1;
    for (let step = 0; step < prime; step++) {
      if (power === residue) return true;
      power = (power * 65_537) % prime;
    }
    return false;
  });
}

function bytesOf(text: unknown): Buffer | undefined {
  return typeof text === "string" && text !== "" ? readBase64(text, "base64url") : undefined;
}

function sizeOf(text: unknown): number | undefined {
  return bytesOf(text)?.length;
}

function importKey(jwk: Readonly<Record<string, string>>): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: "jwk" });
  } catch {
    return undefined; // What is no key is expected here, and told in one way only.
  }
}

const PEM = /^-----BEGIN PUBLIC KEY-----\r?\n[\w+/=\r\n]+-----END PUBLIC KEY-----\s*$/;

/** One public key in a PEM file, as `writ keys new` and OpenSSL write it. */
export function jwkOfPem(bytes: Uint8Array): Jwk | undefined {
  const text = Buffer.from(bytes).toString("latin1");
  if (!PEM.test(text)) return undefined;
  try {
    return createPublicKey(text).export({ format: "jwk" }) as Jwk;
  } catch {
    return undefined; // Then it is no JSON either, and is refused as that.
  }
}

export function thumbprintOf(members: Readonly<Record<string, string>>): string {
  return createHash("sha256").update(canonicalJson(members)).digest("base64url");
}
