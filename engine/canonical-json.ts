import { canonicalBytes } from "./canonical-bytes.ts";
import { digestOfBytes } from "./digest.ts";

/**
 * RFC 8785: one text for one JSON value. Members are sorted by UTF-16 code units; numbers and strings are
 * spelled as JavaScript spells them, which is what the RFC asks for.
 */
export function canonicalJson(value: unknown): string {
  // What is made here mostly stands in order already: then `JSON.stringify` is twice as fast.
  return isOrdered(value) ? (JSON.stringify(value) ?? "null") : UTF8.decode(canonicalBytes(value));
}

const UTF8 = new TextDecoder();

function isOrdered(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(isOrdered);
  let before = "";
  // Several times faster than a list of names; what is inherited, and JSON has none, only leads to the slow way.
  for (const name in value) {
    if (name < before) return false;
    const member = (value as Readonly<Record<string, unknown>>)[name];
    if (typeof member === "object" && !isOrdered(member)) return false;
    before = name;
  }
  return true;
}

/** `sha256:…` of a value's canonical JSON. */
export function digestOf(value: unknown): string {
  return digestOfBytes(canonicalBytes(value));
}

/** The exact request under the exact policy, of that digest: what an approval is of. */
export function requestDigest(input: unknown, policy: string): string {
  return digestOf({ policy, request: input });
}
