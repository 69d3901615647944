import { digestOfBytes } from "./digest.ts";

/**
 * RFC 8785: one text for one JSON value. Members are sorted by UTF-16 code units; numbers and strings are
 * spelled as JavaScript spells them, which is what the RFC asks for.
 */
export function canonicalJson(value: unknown): string {
  return isOrdered(value) ? (JSON.stringify(value) ?? "null") : spell(value);
}

/** Whether members stand in their order already: then `JSON.stringify` spells it so, several times faster. */
function isOrdered(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(isOrdered);
  let before = "";
  // Several times faster than a list of names; what is inherited, and JSON has none, only leads to the slow way.
  for (const name in value) {
    if (name < before || !isOrdered((value as Readonly<Record<string, unknown>>)[name])) {
      return false;
    }
    before = name;
  }
  return true;
}

function spell(value: unknown): string {
  if (typeof value === "string") return textJson(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return arrayJson(value);
  const members = value as Readonly<Record<string, unknown>>;
  let text = "";
  for (const name of sorted(Object.keys(members))) {
    const member = members[name];
    if (member === undefined) continue;
    text += `${text === "" ? "{" : ","}${nameJson(name)}:${spell(member)}`;
  }
  return text === "" ? "{}" : `${text}}`;
}

/** Of more names, `sort` is quicker. */
const FEW_NAMES = 20;

/** In place, by UTF-16 code units. Nearly all objects have a few members, of which `sort` makes much ado. */
function sorted(names: string[]): readonly string[] {
  if (names.length > FEW_NAMES) return names.sort();
  for (let at = 1; at < names.length; at++) {
    const name = names[at] as string;
    let to = at;
    for (; to > 0 && (names[to - 1] as string) > name; to--) names[to] = names[to - 1] as string;
    names[to] = name;
  }
  return names;
}

/** Names of members come again and again. Those of strangers must not fill it, or be kept if they are long. */
const NAMES_MOST = 1_000;
const NAME_LENGTH_MOST = 40;
const spelled = new Map<string, string>();

function nameJson(name: string): string {
  const known = spelled.get(name);
  if (known !== undefined) return known;
  const text = textJson(name);
  if (spelled.size < NAMES_MOST && name.length <= NAME_LENGTH_MOST) spelled.set(name, text);
  return text;
}

/** Printable ASCII that needs no escape: nearly every text, and much faster than to ask what does. */
const PLAIN = /^[ !#-[\]-~]*$/;

function textJson(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

function arrayJson(items: readonly unknown[]): string {
  let text = "[";
  for (let at = 0; at < items.length; at++) {
    text += at === 0 ? spell(items[at]) : `,${spell(items[at])}`;
  }
  return `${text}]`;
}

/** `sha256:…` of a value's canonical JSON. */
export function digestOf(value: unknown): string {
  return digestOfBytes(canonicalJson(value));
}

/** The exact request under the exact policy, of that digest: what an approval is of. */
export function requestDigest(input: unknown, policy: string): string {
  return digestOfBytes(`{"policy":${textJson(policy)},"request":${canonicalJson(input)}}`);
}
