/** Texts: `sprintf`, `indexof_n`, `strings.*`, `glob.quote_meta`, `hex.*`, `base64url.encode_no_pad`, `urlquery.*`. Pure. */
import { type Rego, RegoObject } from "../rego.ts";
import { type Builtin, bounded, fail, intOf, objectOf, textOf, textsOf } from "./builtin.ts";
import { bytesOf, hasOnlyEscapes, utf8 } from "./percent.ts";
import { SPRINTF } from "./sprintf.ts";

export const STRINGS: readonly (readonly [string, Builtin])[] = [
  ["sprintf", SPRINTF],
  ["indexof_n", ([text, part]) => places(textOf(text), textOf(part))],
  ["strings.any_prefix_match", ([texts, parts]) => any(texts, parts, (a, b) => a.startsWith(b))],
  ["strings.any_suffix_match", ([texts, parts]) => any(texts, parts, (a, b) => a.endsWith(b))],
  ["strings.count", ([text, part]) => countOf(textOf(text), textOf(part))],
  ["strings.split_n", ([text, by, count]) => splitN(textOf(text), textOf(by), intOf(count))],
  ["glob.quote_meta", ([text]) => textOf(text).replace(/[*?\\[\]{}]/g, "\\$&")],
  ["hex.encode", ([text]) => Buffer.from(textOf(text)).toString("hex")],
  ["hex.decode", ([text]) => unhex(textOf(text))],
  ["base64url.encode_no_pad", ([text]) => Buffer.from(textOf(text)).toString("base64url")],
  ["urlquery.encode", ([text]) => escapeQuery(textOf(text))],
  ["urlquery.decode", ([text]) => unescapeQuery(textOf(text))],
  ["urlquery.encode_object", ([object]) => encodeObject(objectOf(object))],
  ["urlquery.decode_object", ([text]) => decodeObject(textOf(text))],
];

/** Code points before each place where `part` begins, overlapping ones too. */
function places(text: string, part: string): Rego {
  if (part === "") fail("the text looked for is empty");
  const [all, sought] = [[...text], [...part]];
  // Lone halves of characters cannot come from UTF-8, so that comparing units is comparing characters.
  const found: number[] = [];
  let unit = 0;
  for (const [index, character] of all.entries()) {
    if (text.startsWith(part, unit) && index + sought.length <= all.length) found.push(index);
    unit += character.length;
  }
  return found;
}

function any(
  texts: Rego | undefined,
  parts: Rego | undefined,
  fits: (a: string, b: string) => boolean,
) {
  const [all, wanted] = [textsOf(texts), textsOf(parts)];
  bounded(all.length * wanted.length);
  return all.some((text) => wanted.some((part) => fits(text, part)));
}

/** Of an empty text there is one more than characters. */
function countOf(text: string, part: string): number {
  return part === "" ? [...text].length + 1 : text.split(part).length - 1;
}

/** The first so many parts, or the last where the number is negative; the others are dropped. */
function splitN(text: string, by: string, count: number): Rego {
  const parts = by === "" ? [...text] : text.split(by);
  return count < 0 ? parts.slice(count) : parts.slice(0, count);
}

function unhex(text: string): string {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) fail("no hexadecimal text");
  return utf8(Buffer.from(text, "hex"));
}

/** As Go's `url.QueryEscape`: a blank is `+`, and of signs only `-_.~` stand as they are. */
function escapeQuery(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

function unescapeQuery(text: string): string {
  if (!hasOnlyEscapes(text)) fail("an escape is malformed");
  return utf8(bytesOf(text.replaceAll("+", " ")));
}

function encodeObject(object: RegoObject): string {
  return object
    .sorted()
    .flatMap(([key, value]) =>
      textsOf(value).map((text) => `${escapeQuery(textOf(key))}=${escapeQuery(text)}`),
    )
    .join("&");
}

function decodeObject(text: string): Rego {
  const found = new Map<string, string[]>();
  for (const part of text.split("&")) {
    if (part === "") continue;
    if (part.includes(";")) fail("`;` separates nothing");
    const [, key = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(part) ?? [];
    const name = unescapeQuery(key);
    found.set(name, [...(found.get(name) ?? []), unescapeQuery(value)]);
  }
  return new RegoObject(found);
}
