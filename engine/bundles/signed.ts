/**
 * A signed bundle as bytes (SPEC §11.5): two lines that are signed, the signatures, an empty line, and the
 * parts one after the other. Nothing is parsed before a signature over it was verified. Pure.
 */

import { readBase64 } from "../base64.ts";
import { canonicalJson } from "../canonical-json.ts";
import { digestOfBytes } from "../digest.ts";
import { SIGNATURE_BYTES, type SigningKey, type VerifyingKey } from "../signing-key.ts";
import {
  MANIFEST_BYTES_MAX,
  MANIFEST_FORMAT,
  type Manifest,
  type PartName,
  readManifest,
} from "./manifest.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** The first line. Signed with the manifest, so that the signature is of nothing else. */
export const FIRST_LINE = "writ-bundle 1";

/** Of a whole bundle: 10,000 rules have 9 MB. */
export const SIGNED_BYTES_MAX = 64 * 1024 * 1024;

/** While a key is replaced there are two; more than a few are a mistake. */
const SIGNATURES_MAX = 8;

const SIGNATURE_LINE = /^signed ([0-9a-f]{16}) ([A-Za-z0-9+/]{86}==)$/;
const SIGNATURE_LINE_MAX = 120;

export type Parts = ReadonlyMap<PartName, Uint8Array>;

export type Opening =
  | {
      readonly ok: true;
      readonly manifest: Manifest;
      /** `sha256:…` of the signed lines: names a bundle, since whatever is in it is signed. */
      readonly manifestDigest: string;
      readonly keyId: string;
      readonly parts: Parts;
    }
  | Refusal;

export interface SignedParts {
  readonly manifest: Omit<Manifest, "format" | "parts">;
  readonly parts: Parts;
  readonly keys: readonly SigningKey[];
}

export function writeSigned({ manifest, parts, keys }: SignedParts): Uint8Array {
  const listed = [...parts].map(([name, bytes]) => ({
    name,
    bytes: bytes.length,
    digest: digestOfBytes(bytes),
  }));
  const text = canonicalJson({ ...manifest, format: MANIFEST_FORMAT, parts: listed });
  const signed = Buffer.from(`${FIRST_LINE}\n${text}\n`);
  const signatures = keys.map(
    (key) => `signed ${key.id} ${Buffer.from(key.sign(signed)).toString("base64")}\n`,
  );
  return Buffer.concat([signed, Buffer.from(`${signatures.join("")}\n`), ...parts.values()]);
}

/** Signature, then manifest, then the parts' lengths and digests; what is in the parts is for others to read. */
export function openSigned(bytes: Uint8Array, keys: readonly VerifyingKey[]): Opening {
  return open(bytes, ({ signed, signatures }) => verifySignatures(signed, signatures, keys));
}

/** The same of a bundle that nobody need have signed. */
export function openUnverified(bytes: Uint8Array): Opening {
  return open(bytes, () => ({ ok: true, keyId: "" }));
}

function open(bytes: Uint8Array, verify: (head: Head) => Signer | Refusal): Opening {
  if (bytes.length > SIGNED_BYTES_MAX) {
    return refuse("too_large", `it has more than ${SIGNED_BYTES_MAX} bytes`);
  }
  const head = splitHead(bytes);
  if (!head.ok) return head;
  const signer = verify(head);
  if (!signer.ok) return signer;
  const reading = readManifest(head.manifest, SIGNED_BYTES_MAX);
  if (!reading.ok) return refuse("malformed", reading.why);
  const parts = splitParts(bytes.subarray(head.end), reading.manifest);
  if (!parts.ok) return parts;
  return {
    ok: true,
    manifest: reading.manifest,
    manifestDigest: digestOfBytes(head.signed),
    keyId: signer.keyId,
    parts: parts.parts,
  };
}

interface Signer {
  readonly ok: true;
  readonly keyId: string;
}

interface Head {
  readonly ok: true;
  /** The two signed lines with their line feeds. */
  readonly signed: Uint8Array;
  readonly manifest: Uint8Array;
  readonly signatures: readonly Signature[];
  /** Where the parts begin. */
  readonly end: number;
}

interface Signature {
  readonly keyId: string;
  readonly bytes: Uint8Array;
}

/** By bytes alone: the manifest between the line feeds is not looked at. */
function splitHead(bytes: Uint8Array): Head | Refusal {
  const first = lineAt(bytes, 0, FIRST_LINE.length);
  if (first === undefined || spell(first.bytes) !== FIRST_LINE) {
    return refuse("malformed", `it does not begin with the line \`${FIRST_LINE}\``);
  }
  const second = lineAt(bytes, first.next, MANIFEST_BYTES_MAX);
  if (second === undefined) {
    return refuse("malformed", `its second line does not end within ${MANIFEST_BYTES_MAX} bytes`);
  }
  const signatures: Signature[] = [];
  let at = second.next;
  for (;;) {
    const line = lineAt(bytes, at, SIGNATURE_LINE_MAX);
    if (line === undefined) return refuse("malformed", "its signatures are cut off");
    at = line.next;
    if (line.bytes.length === 0) break;
    const signature = readSignature(line.bytes);
    if (signature === undefined) return refuse("malformed", "a line of its signatures is none");
    signatures.push(signature);
    if (signatures.length > SIGNATURES_MAX) {
      return refuse("malformed", `it has more than ${SIGNATURES_MAX} signatures`);
    }
  }
  const signed = bytes.subarray(0, second.next);
  return { ok: true, signed, manifest: second.bytes, signatures, end: at };
}

function readSignature(line: Uint8Array): Signature | undefined {
  const [, keyId = "", base64 = ""] = SIGNATURE_LINE.exec(spell(line)) ?? [];
  const bytes = readBase64(base64, "base64");
  return bytes?.length === SIGNATURE_BYTES ? { keyId, bytes } : undefined;
}

function verifySignatures(
  signed: Uint8Array,
  signatures: readonly Signature[],
  keys: readonly VerifyingKey[],
): Signer | Refusal {
  if (signatures.length === 0) return refuse("unsigned", "nobody has signed it");
  const known = signatures.flatMap((signature) =>
    keys.filter(({ id }) => id === signature.keyId).map((key) => ({ key, signature })),
  );
  if (known.length === 0) {
    const ids = signatures.map(({ keyId }) => keyId).join(", ");
    return refuse("unknown_key", `it is signed by ${ids}, which is no key that is trusted`);
  }
  const good = known.find(({ key, signature }) => key.verifies(signed, signature.bytes));
  if (good !== undefined) return { ok: true, keyId: good.key.id };
  return refuse("bad_signature", "its signature is not of what it says");
}

function splitParts(
  body: Uint8Array,
  { parts }: Manifest,
): { readonly ok: true; readonly parts: Parts } | Refusal {
  const total = parts.reduce((sum, part) => sum + part.bytes, 0);
  if (body.length !== total) {
    const what = body.length < total ? "cut off" : "followed by something";
    return refuse("malformed", `it is ${what}: of ${total} bytes there are ${body.length}`);
  }
  const split = new Map<PartName, Uint8Array>();
  let at = 0;
  for (const part of parts) {
    const bytes = body.subarray(at, at + part.bytes);
    at += part.bytes;
    if (digestOfBytes(bytes) !== part.digest) {
      return refuse("wrong_digest", `its ${part.name} is not what was signed`);
    }
    split.set(part.name, bytes);
  }
  return { ok: true, parts: split };
}

const LINE_FEED = 0x0a;

/** The line that begins at `from`, without its line feed; `undefined` where none ends within `most` bytes. */
function lineAt(
  bytes: Uint8Array,
  from: number,
  most: number,
): { readonly bytes: Uint8Array; readonly next: number } | undefined {
  const length = bytes.subarray(from, from + most + 1).indexOf(LINE_FEED);
  if (length < 0) return undefined;
  return { bytes: bytes.subarray(from, from + length), next: from + length + 1 };
}

function spell(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
