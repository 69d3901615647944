/** `uuid.*` and `trace`. Pure. */
import { type Rego, regoObject, wholeNumber } from "../rego.ts";
import { type Builtin, type BuiltinContext, textOf } from "./builtin.ts";

export const NAMES: readonly (readonly [string, Builtin])[] = [
  ["uuid.rfc4122", ([key], context) => randomUuid(textOf(key), context)],
  ["uuid.parse", ([text]) => parseUuid(textOf(text))],
  // What a policy says to its author is not heard here, and changes nothing.
  ["trace", () => true],
];

/** Of version 4; the same for the same words within one decision. */
function randomUuid(key: string, { random, kept }: BuiltinContext): Rego {
  const name = `uuid.rfc4122 ${key}`;
  const known = kept.get(name);
  if (known !== undefined) return known;
  const bytes = random(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString("hex");
  const made = [0, 8, 12, 16, 20]
    .map((at, index) => hex.slice(at, [8, 12, 16, 20, 32][index]))
    .join("-");
  kept.set(name, made);
  return made;
}

const DOMAINS = ["Person", "Group", "Org"];

/** From 1582-10-15, when the Gregorian calendar began, to 1970, in steps of 100 ns. */
const GREGORIAN_STEPS = 122_192_928_000_000_000n;

function parseUuid(text: string): Rego | undefined {
  const hex = hexOf(text)?.toLowerCase();
  if (hex === undefined) return undefined;
  const bytes = Buffer.from(hex, "hex");
  const version = (bytes[6] ?? 0) >> 4;
  const variant = variantOf(bytes[8] ?? 0);
  if (version !== 1 && version !== 2) return regoObject({ version, variant });
  const steps = BigInt(`0x${hex.slice(13, 16)}${hex.slice(8, 12)}${hex.slice(0, 8)}`);
  const node = bytes.subarray(10);
  const domain = bytes[9] ?? 0;
  return regoObject({
    version,
    variant,
    time: wholeNumber((steps - GREGORIAN_STEPS) * 100n),
    nodeid: [...node].map((byte) => byte.toString(16).padStart(2, "0")).join("-"),
    macvariables: `${(node[0] ?? 0) & 2 ? "local" : "global"}:${(node[0] ?? 0) & 1 ? "multicast" : "unicast"}`,
    clocksequence: bytes.readUInt16BE(8) & 0x3fff,
    id: version === 2 ? bytes.readUInt32BE(0) : undefined,
    domain: version === 2 ? (DOMAINS[domain] ?? `Domain${domain}`) : undefined,
  });
}

/** Plain, without dashes, between braces or whatever else, or as a URN. */
function hexOf(text: string): string | undefined {
  const braced = Buffer.byteLength(text) === 38 ? text.slice(1, -1) : undefined;
  const bare = braced ?? text.replace(/^urn:uuid:/i, "");
  if (/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(bare)) {
    return bare.replaceAll("-", "");
  }
  return /^[0-9a-fA-F]{32}$/.test(text) ? text : undefined;
}

function variantOf(byte: number): string {
  if ((byte & 0xc0) === 0x80) return "RFC4122";
  if ((byte & 0xe0) === 0xc0) return "Microsoft";
  return (byte & 0xe0) === 0xe0 ? "Future" : "Reserved";
}
