/** Ed25519 keys (RFC 8032) as PEM: PKCS #8 for the private half, SPKI for the public one, as OpenSSL writes them. Pure but for making one. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

export interface SigningKey {
  readonly id: string;
  /** Its public half. */
  readonly verifying: VerifyingKey;
  sign(bytes: Uint8Array): Uint8Array;
}

export interface VerifyingKey {
  /** The first 16 hexadecimal digits of the SHA-256 of the public key's 32 bytes: names a key, and proves nothing. */
  readonly id: string;
  readonly pem: string;
  verifies(bytes: Uint8Array, signature: Uint8Array): boolean;
}

export interface KeyPair {
  readonly id: string;
  readonly privatePem: string;
  readonly publicPem: string;
}

export type KeyReading<Key> =
  | { readonly ok: true; readonly key: Key }
  | { readonly ok: false; readonly why: string };

export function makeKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    id: idOf(publicKey),
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

export function readSigningKey(pem: string): KeyReading<SigningKey> {
  const found = readPem(pem, "PRIVATE KEY", createPrivateKey);
  if (!found.ok) return found;
  const { key } = found;
  const verifying = verifyingKey(createPublicKey(key));
  return {
    ok: true,
    key: { id: verifying.id, verifying, sign: (bytes) => sign(null, bytes, key) },
  };
}

export function readVerifyingKey(pem: string): KeyReading<VerifyingKey> {
  const found = readPem(pem, "PUBLIC KEY", createPublicKey);
  return found.ok ? { ok: true, key: verifyingKey(found.key) } : found;
}

function verifyingKey(key: KeyObject): VerifyingKey {
  return {
    id: idOf(key),
    pem: key.export({ type: "spki", format: "pem" }).toString(),
    verifies: (bytes, signature) =>
      signature.length === SIGNATURE_BYTES && verify(null, bytes, key, signature),
  };
}

export const SIGNATURE_BYTES = 64;

/** Node makes a public key of a private one without a word, so what is wanted must be what is there. */
function readPem(
  pem: string,
  wanted: "PRIVATE KEY" | "PUBLIC KEY",
  read: (pem: string) => KeyObject,
): KeyReading<KeyObject> {
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----$/m.exec(pem)?.[1];
  if (label === undefined) return { ok: false, why: "it is no PEM file" };
  if (label !== wanted) return { ok: false, why: `it holds a \`${label}\`, not a \`${wanted}\`` };
  let key: KeyObject;
  try {
    key = read(pem);
  } catch {
    return { ok: false, why: "the key in it cannot be read" };
  }
  if (key.asymmetricKeyType === "ed25519") return { ok: true, key };
  return { ok: false, why: `it holds a key for ${key.asymmetricKeyType}, and Ed25519 is wanted` };
}

function idOf(publicKey: KeyObject): string {
  const { x = "" } = publicKey.export({ format: "jwk" });
  const bytes = Buffer.from(x, "base64url");
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}
