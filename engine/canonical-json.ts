import { createHash } from "node:crypto";

/**
 * RFC 8785: one text for one JSON value. Members are sorted by UTF-16 code units; numbers and strings are
 * spelled as JavaScript spells them, which is what the RFC asks for.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return textJson(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return arrayJson(value);
  const members = value as Readonly<Record<string, unknown>>;
  let text = "";
  for (const name of Object.keys(members).sort()) {
    const member = members[name];
    if (member === undefined) continue;
    text += `${text === "" ? "{" : ","}${textJson(name)}:${canonicalJson(member)}`;
  }
  return text === "" ? "{}" : `${text}}`;
}

/** Printable ASCII that needs no escape: nearly every text, and much faster than to ask what does. */
const PLAIN = /^[ !#-[\]-~]*$/;

function textJson(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

function arrayJson(items: readonly unknown[]): string {
  let text = "[";
  for (let at = 0; at < items.length; at++) {
    text += at === 0 ? canonicalJson(items[at]) : `,${canonicalJson(items[at])}`;
  }
  return `${text}]`;
}

/** `sha256:…` of a value's canonical JSON. */
export function digestOf(value: unknown): string {
  return `sha256:${createHash("sha256").update(canonicalJson(value)).digest("hex")}`;
}
