/**
 * Signed notes and the checkpoints written as such (C2SP signed-note and tlog-checkpoint): a few lines of text
 * that say how many lines a log has and what they hash to, with an Ed25519 signature. Pure.
 */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";

/** A key by name; whoever has the text of it can check signatures. */
export interface Verifier {
  readonly name: string;
  /** First four bytes of SHA-256 over name and key, in hex. */
  readonly id: string;
  readonly key: KeyObject;
  /** `name+id+key`, as C2SP spells keys. */
  readonly text: string;
}

export interface Signer extends Verifier {
  readonly privateKey: KeyObject;
}

export interface Checkpoint {
  /** Names the log. */
  readonly origin: string;
  /** Of the lines it speaks of: the first so many. */
  readonly size: number;
  /** Root of their Merkle tree, 32 bytes. */
  readonly root: Buffer;
}

export type ReadNote =
  | {
      readonly ok: true;
      readonly checkpoint: Checkpoint;
      readonly signed: boolean;
      /** By nobody at all. */
      readonly bare: boolean;
    }
  | { readonly ok: false; readonly why: string };

const ED25519 = Buffer.from([1]);
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");
const NAME = /^[^\s+\p{Cc}]{1,200}$/u;

/** `PRIVATE+KEY+name+id+seed`, as Go's sumdb/note and the tools around it keep private keys. */
export function readSigner(text: string): Signer | undefined {
  const [, name = "", id = "", encoded = ""] =
    /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\n?$/.exec(text) ?? [];
  const seed = keyBytes(encoded);
  if (seed === undefined) return undefined;
  const signer = signerOf(name, seed);
  return signer?.id === id ? signer : undefined;
}

/** `name+id+key`. */
export function readVerifier(text: string): Verifier | undefined {
  const [, name = "", id = "", encoded = ""] =
    /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\n?$/.exec(text) ?? [];
  const bytes = keyBytes(encoded);
  if (bytes === undefined) return undefined;
  const key = createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: "der", type: "spki" });
  const verifier = verifierOf(name, key);
  return verifier?.id === id ? verifier : undefined;
}

/** From 32 secret bytes; nothing where the name cannot stand in a note. */
export function signerOf(name: string, seed: Uint8Array): Signer | undefined {
  const der = Buffer.concat([PKCS8, seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const verifier = verifierOf(name, createPublicKey(privateKey));
  return verifier && { ...verifier, privateKey };
}

export function spellSigner({ name, id, privateKey }: Signer): string {
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
  return `PRIVATE+KEY+${name}+${id}+${Buffer.concat([ED25519, seed]).toString("base64")}`;
}

/** Without a signer the checkpoint counts, and proves nothing to whoever does not trust the machine. */
export function writeCheckpoint(checkpoint: Checkpoint, signer: Signer | undefined): string {
  const { origin, size, root } = checkpoint;
  const text = `${origin}\n${size}\n${root.toString("base64")}\n`;
  if (signer === undefined) return `${text}\n`;
  const signature = sign(null, Buffer.from(text), signer.privateKey);
  const stamped = Buffer.concat([Buffer.from(signer.id, "hex"), signature]).toString("base64");
  return `${text}\n— ${signer.name} ${stamped}\n`;
}

/** `signed` by one of `verifiers`; signatures of others are ignored, as C2SP wants it. */
export function readCheckpoint(note: string, verifiers: readonly Verifier[]): ReadNote {
  const [, text = "", origin = "", size = "", root = "", signatures = ""] =
    /^(([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*)\n((?:— [^\n]+\n)*)$/.exec(
      note,
    ) ?? [];
  if (text === "") return { ok: false, why: "it is no checkpoint" };
  const found = verifiers.map((verifier) => isSigned(text, signatures, verifier));
  if (found.includes(undefined)) return { ok: false, why: "its signature is wrong" };
  const checkpoint = { origin, size: Number(size), root: Buffer.from(root, "base64") };
  return { ok: true, checkpoint, signed: found.includes(true), bare: signatures === "" };
}

/** Nothing where there is a signature of that key, and a wrong one. */
function isSigned(text: string, lines: string, verifier: Verifier): boolean | undefined {
  for (const line of lines.split("\n")) {
    const [, name, encoded = ""] = /^— (\S+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
    const bytes = Buffer.from(encoded, "base64");
    if (name !== verifier.name || bytes.subarray(0, 4).toString("hex") !== verifier.id) continue;
    return verify(null, Buffer.from(text), verifier.key, bytes.subarray(4)) ? true : undefined;
  }
  return false;
}

function verifierOf(name: string, key: KeyObject): Verifier | undefined {
  if (!NAME.test(name)) return undefined;
  const bytes = Buffer.concat([ED25519, key.export({ format: "der", type: "spki" }).subarray(-32)]);
  const id = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), bytes]), "hex").slice(0, 8);
  return { name, id, key, text: `${name}+${id}+${bytes.toString("base64")}` };
}

function keyBytes(encoded: string): Buffer | undefined {
  const bytes = Buffer.from(encoded, "base64");
  const isKey = bytes.length === 33 && bytes[0] === ED25519[0];
  return isKey ? bytes.subarray(1) : undefined;
}
