/**
 * Signatures of OPA's bundles: `.signatures.json` holds one token whose claims list every file with its digest.
 * JSON is digested by its structure, so that layout changes nothing; all else byte by byte. Pure.
 */
import { createHash } from "node:crypto";
import { equalSecrets } from "../equal-secrets.ts";
import { parseJsonText } from "../json-text.ts";
import { BuiltinError } from "./builtins/builtin.ts";
import { isVerified, type Key, keysOf } from "./builtins/keys.ts";
import { BundleRefused, readDocument, signedText } from "./bundle-document.ts";

/** Who may have signed, told beforehand: nothing in a bundle says how it is verified. */
export interface BundleKey {
  /** A certificate or public key in PEM. */
  readonly pem: string;
  /** Of JWS, such as `RS256` or `ES256`. */
  readonly alg: string;
  /** What the claims must say; missing = they must not say any. */
  readonly scope?: string;
}

type Files = ReadonlyMap<string, Uint8Array>;

const SIGNATURES = ".signatures.json";

/** What is wrong, as what follows `the bundle`; `undefined` where it is signed as it must be. */
export function signatureFault(files: Files, key: BundleKey | undefined): string | undefined {
  const signatures = files.get(SIGNATURES);
  if (key === undefined) {
    return signatures && "is signed, and no key was given to verify it with";
  }
  if (signatures === undefined) return "is not signed";
  try {
    const listed = verifiedFiles(signatures, key);
    return listed === undefined
      ? "is not signed by the key that was given"
      : faultOf(files, listed);
  } catch (error) {
    if (error instanceof BundleRefused) return error.message;
    // A range is what the stack has been beyond: they are nested without end.
    const isUnreadable = [SyntaxError, BuiltinError, RangeError].some(
      (kind) => error instanceof kind,
    );
    if (isUnreadable) return "has signatures that cannot be read";
    throw error;
  }
}

interface Listed {
  readonly name: string;
  readonly hash: string;
  readonly algorithm: string;
}

function verifiedFiles(signatures: Uint8Array, key: BundleKey): readonly Listed[] | undefined {
  const json = parseJsonText(Buffer.from(signatures).toString("utf8")) as { signatures?: unknown };
  const tokens = Array.isArray(json.signatures) ? json.signatures : [];
  const [token] = tokens;
  if (tokens.length !== 1 || typeof token !== "string") return undefined;
  const [header = "", payload = "", signature = "", ...more] = token.split(".");
  const signed = `${header}.${payload}`;
  const [trusted] = keysOf(key.pem) as readonly [Key];
  const isGood = isVerified(key.alg, trusted, signed, Buffer.from(signature, "base64url"));
  if (more.length > 0 || !isGood) return undefined;
  const claims = parseJsonText(Buffer.from(payload, "base64url").toString("utf8")) as {
    files?: unknown;
    scope?: unknown;
  };
  if ((claims.scope ?? "") !== (key.scope ?? "")) return undefined;
  return Array.isArray(claims.files) ? claims.files.map(listedFile) : undefined;
}

function listedFile(json: unknown): Listed {
  const { name, hash, algorithm } = (json ?? {}) as Partial<Record<string, unknown>>;
  if (typeof name !== "string" || typeof hash !== "string" || typeof algorithm !== "string") {
    throw new SyntaxError("a file is listed by name, hash and algorithm");
  }
  return { name: name.replace(/^\//, ""), hash, algorithm };
}

/** Exactly these files, each with its digest. */
function faultOf(files: Files, listed: readonly Listed[]): string | undefined {
  const left = new Map(listed.map((file) => [file.name, file]));
  for (const [path, bytes] of files) {
    if (path === SIGNATURES) continue;
    const file = left.get(path);
    if (file === undefined) return `holds \`${path}\`, which is not signed`;
    const digest = digestOf(path, bytes, file.algorithm);
    if (digest === undefined) return `has \`${path}\` signed by an algorithm that is not taken`;
    if (!equalSecrets(digest, Buffer.from(file.hash, "hex")))
      return `has another \`${path}\` than was signed`;
    left.delete(path);
  }
  const [missing] = left.keys();
  return missing === undefined ? undefined : `lacks \`${missing}\`, which was signed`;
}

/** MD5 and SHA-1 are OPA's as well, and are refused: files can be made that have the digest of others. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ["SHA-256", "sha256"],
  ["SHA-384", "sha384"],
  ["SHA-512", "sha512"],
  ["SHA-512-256", "sha512-256"],
]);

function digestOf(path: string, bytes: Uint8Array, algorithm: string): Buffer | undefined {
  const name = ALGORITHMS.get(algorithm);
  if (name === undefined) return undefined;
  return createHash(name)
    .update(isStructured(path) ? signedText(readDocument(path, bytes)) : bytes)
    .digest();
}

function isStructured(path: string): boolean {
  return /(?:^|\/)(?:data\.json|data\.ya?ml|\.manifest)$/.test(path);
}
