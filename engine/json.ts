import { isUtf8 } from "node:buffer";
import { beginning, follow, type Place, within } from "./json-places.ts";
import { JSON_LIMITS, type JsonLimits } from "./limits.ts";
import { isSameNumber } from "./numeral.ts";

/**
 * Strict JSON: what it reads is exactly what was sent, and any other reader reads the same. RFC 8259, and
 * beyond it refused are duplicate keys, a byte order mark, invalid UTF-8, escapes that are half a surrogate
 * pair, the keys `__proto__`, `constructor` and `prototype`, whatever is over the limits, and numbers that
 * a double does not hold:
 *
 *   - integers beyond ±(2^53−1), unless so large (from 1e21) that JavaScript too spells them with an exponent:
 *     what was accepted is accepted again when it has been written anew
 *   - magnitudes a double cannot reach (`1e400`)
 *   - digits it would lose: a number is accepted where its shortest spelling in JavaScript denotes the same
 *     number (`1.50`, `1E+2`, `0.1`), and refused where it does not (`0.10000000000000001`, `1e-400`)
 *
 * `-0` is the number 0 in another spelling, and is read as 0: otherwise two equal requests would differ in
 * `Object.is` and as keys.
 *
 * Objects inherit nothing. No string keeps the body it was read from alive.
 */
export function readJson(bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): JsonReading {
  const fault = checkEncoding(bytes, limits);
  if (fault !== undefined) return { ok: false, fault };
  const reader = new Reader(bytes, limits);
  try {
    return { ok: true, value: reader.document() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, fault: error.fault };
    throw error;
  }
}

export type JsonReading =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly fault: JsonFault };

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

export interface JsonFault {
  readonly code: JsonFaultCode;
  readonly message: string;
  readonly at: {
    /** RFC 6901, of the value that was being read. */
    readonly pointer: string;
    /** In bytes from the start of the body. */
    readonly offset: number;
  };
}

export const JSON_FAULT_CODES = [
  "too_large",
  "byte_order_mark",
  "invalid_utf8",
  "syntax",
  "control_character",
  "invalid_escape",
  "lone_surrogate",
  "number_out_of_range",
  "number_inexact",
  "duplicate_key",
  "forbidden_key",
  "too_deep",
  "too_many_members",
  "too_many_values",
  "trailing_content",
] as const;
export type JsonFaultCode = (typeof JSON_FAULT_CODES)[number];

/** A JSON pointer (RFC 6901) to what `path` leads to; `""` is the whole document. */
export function pointerTo(path: readonly (string | number)[]): string {
  return path
    .map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}

function checkEncoding(bytes: Uint8Array, limits: JsonLimits): JsonFault | undefined {
  if (bytes.length > limits.byteCount) {
    const message = `the body is larger than ${limits.byteCount} bytes`;
    return { code: "too_large", message, at: { pointer: "", offset: limits.byteCount } };
  }
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    const message = "the body starts with a byte order mark";
    return { code: "byte_order_mark", message, at: { pointer: "", offset: 0 } };
  }
  if (!isUtf8(bytes)) {
    const message = "the body is not UTF-8";
    return { code: "invalid_utf8", message, at: { pointer: "", offset: invalidUtf8At(bytes) } };
  }
  return undefined;
}

/** What is invalid is U+FFFD in the decoded text, and not the three bytes of that character in `bytes`. */
function invalidUtf8At(bytes: Uint8Array): number {
  let offset = 0;
  for (const character of new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)) {
    const isReplaced =
      character === "\ufffd" && !REPLACEMENT.every((byte, index) => byte === bytes[offset + index]);
    if (isReplaced) return offset;
    offset += Buffer.byteLength(character);
  }
  return offset;
}

const REPLACEMENT = [0xef, 0xbf, 0xbd];

class Refusal extends Error {
  readonly fault: JsonFault;

  constructor(fault: JsonFault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** Doubles hold every number of so many digits, and spell it as it was spelled. */
const EXACT_DIGITS = 15;

/** Frozen and empty. Objects with no prototype at all are several times slower. */
const NOTHING: object = Object.freeze(Object.create(null));

/** Texts come again and again: some short ones are kept, each until another takes its slot. */
const TEXTS_KEPT = 1_024;
const TEXT_LENGTH_KEPT = 48;
const texts: string[] = new Array(TEXTS_KEPT).fill("");

/** One pass over the bytes. Invariant: `position` is in front of the next byte to be read. */
class Reader {
  private readonly bytes: Buffer;
  private readonly limits: JsonLimits;
  private position = 0;
  private depth = 0;
  private valueCount = 0;
  /** Key or index of the member being read in each of the `depth` open containers; what is beyond is old. */
  private readonly path: (string | number | undefined)[] = [];

  constructor(bytes: Uint8Array, limits: JsonLimits) {
    this.bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.limits = limits;
  }

  document(): JsonValue {
    this.skipSpace();
    const value = this.value(beginning());
    this.skipSpace();
    if (this.position < this.bytes.length) {
      this.refuse("trailing_content", "something follows the value");
    }
    return value;
  }

  private value(place: Place): JsonValue {
    this.valueCount += 1;
    if (this.valueCount > this.limits.valueCount) {
      this.refuse("too_many_values", `there are more than ${this.limits.valueCount} values`);
    }
    const byte = this.bytes[this.position];
    switch (byte) {
      case 0x22: // "
        return this.string();
      case 0x7b: // {
        return this.object(place);
      case 0x5b: // [
        return this.array(place);
      case 0x74: // t
        return this.word("true", true);
      case 0x66: // f
        return this.word("false", false);
      case 0x6e: // n
        return this.word("null", null);
      default:
        if (byte === 0x2d || isDigit(byte)) return this.number();
        return this.refuse("syntax", "a value is expected");
    }
  }

  private object(around: Place): JsonObject {
    this.enter();
    const members: JsonObject = Object.create(NOTHING);
    let count = 0;
    let place = within(around);
    this.skipSpace();
    if (this.bytes[this.position] === 0x7d) return this.leave(members);
    for (;;) {
      this.countMember(++count);
      place = this.expected(place) ?? follow(place, this.key(members));
      const { key } = place;
      this.skipSpace();
      this.path[this.depth - 1] = key;
      members[key] = this.value(place);
      this.skipSpace();
      const next = this.bytes[this.position];
      if (next === 0x7d) return this.leave(members);
      if (next !== 0x2c) this.refuse("syntax", "`,` or `}` is expected");
      this.path[this.depth - 1] = undefined;
      this.position += 1;
      this.skipSpace();
    }
  }

  /** Where the key comes that came next before, as it was spelled then; nothing is read where another does. */
  private expected({ next }: Place): Place | undefined {
    if (next === undefined) return undefined;
    const { bytes, position } = this;
    const { token } = next;
    for (let at = 0; at < token.length; at += 1) {
      if (token[at] !== bytes[position + at]) return undefined;
    }
    this.position = position + token.length;
    return next;
  }

  /** With the `:` behind it. */
  private key(members: JsonObject): string {
    const start = this.position;
    if (this.bytes[start] !== 0x22) this.refuse("syntax", "a key in double quotes is expected");
    const key = this.string();
    if (key === "__proto__" || key === "constructor" || key === "prototype") {
      this.path[this.depth - 1] = key;
      this.refuse("forbidden_key", `the key \`${key}\` is not allowed`, start);
    }
    // A member is never `undefined`, and there is nothing to inherit one from.
    if (members[key] !== undefined) {
      this.path[this.depth - 1] = key;
      this.refuse("duplicate_key", "the key occurs twice", start);
    }
    this.skipSpace();
    if (this.bytes[this.position] !== 0x3a) this.refuse("syntax", "`:` is expected");
    this.position += 1;
    return key;
  }

  private array(place: Place): JsonValue[] {
    this.enter();
    const items: JsonValue[] = [];
    this.skipSpace();
    if (this.bytes[this.position] === 0x5d) return this.leave(items);
    for (;;) {
      this.path[this.depth - 1] = items.length;
      this.countMember(items.length + 1);
      items.push(this.value(place));
      this.skipSpace();
      const next = this.bytes[this.position];
      if (next === 0x5d) return this.leave(items);
      if (next !== 0x2c) this.refuse("syntax", "`,` or `]` is expected");
      this.position += 1;
      this.skipSpace();
    }
  }

  private enter(): void {
    this.depth += 1;
    if (this.depth > this.limits.depth) {
      this.depth -= 1;
      this.refuse("too_deep", `values are nested deeper than ${this.limits.depth}`);
    }
    this.path[this.depth - 1] = undefined;
    this.position += 1;
  }

  private leave<Container>(container: Container): Container {
    this.depth -= 1;
    this.position += 1;
    return container;
  }

  private countMember(count: number): void {
    if (count > this.limits.memberCount) {
      this.refuse("too_many_members", `there are more than ${this.limits.memberCount} members`);
    }
  }

  private string(): string {
    const { bytes } = this;
    const start = this.position + 1;
    let end = start;
    let seen = 0;
    for (;;) {
      const byte = bytes[end];
      if (byte === 0x22) break;
      if (byte === 0x5c) return this.escapedString(start);
      if (byte === undefined || byte < 0x20) return this.refuseCharacter(end);
      seen |= byte;
      end += 1;
    }
    this.position = end + 1;
    return seen < 0x80 ? this.ascii(start, end) : bytes.toString("utf8", start, end);
  }

  private escapedString(start: number): string {
    const { bytes } = this;
    let text = "";
    let copied = start;
    let end = start;
    for (;;) {
      const byte = bytes[end];
      if (byte === 0x22) break;
      if (byte === undefined || byte < 0x20) return this.refuseCharacter(end);
      if (byte === 0x5c) {
        if (end > copied) text += bytes.toString("utf8", copied, end);
        text += this.escape(end);
        copied = this.position;
        end = copied;
      } else {
        end += 1;
      }
    }
    this.position = end + 1;
    return text + bytes.toString("utf8", copied, end);
  }

  /** What the escape at `start` stands for; leaves `position` behind it. */
  private escape(start: number): string {
    const letter = String.fromCharCode(this.bytes[start + 1] ?? 0);
    if (letter !== "u") {
      this.position = start + 2;
      return SHORT_ESCAPES.get(letter) ?? this.refuse("invalid_escape", "no such escape", start);
    }
    const unit = this.hexUnit(start);
    this.position = start + 6;
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
    if (unit < 0xdc00 && this.bytes[start + 6] === 0x5c && this.bytes[start + 7] === 0x75) {
      const low = this.hexUnit(start + 6);
      this.position = start + 12;
      if (low >= 0xdc00 && low <= 0xdfff) return String.fromCharCode(unit, low);
    }
    return this.refuse("lone_surrogate", "the escape is half a surrogate pair", start);
  }

  private hexUnit(start: number): number {
    let unit = 0;
    for (let index = start + 2; index < start + 6; index += 1) {
      const digit = hexDigit(this.bytes[index]);
      if (digit === undefined) {
        return this.refuse("invalid_escape", "`\\u` needs four hexadecimal digits", start);
      }
      unit = unit * 16 + digit;
    }
    return unit;
  }

  private number(): number {
    const start = this.position;
    if (this.bytes[start] === 0x2d) this.position += 1;
    if (this.bytes[this.position] === 0x30) this.position += 1;
    else this.digits();
    const hasFraction = this.fraction();
    const hasExponent = this.exponent();
    const text = this.ascii(start, this.position);
    const value = Number(text);
    if (text.length > EXACT_DIGITS || hasExponent) {
      this.checkNumber(text, value, !hasFraction && !hasExponent, start);
    }
    return value === 0 ? 0 : value;
  }

  private fraction(): boolean {
    if (this.bytes[this.position] !== 0x2e) return false;
    this.position += 1;
    this.digits();
    return true;
  }

  private exponent(): boolean {
    const letter = this.bytes[this.position];
    if (letter !== 0x65 && letter !== 0x45) return false;
    this.position += 1;
    const sign = this.bytes[this.position];
    if (sign === 0x2b || sign === 0x2d) this.position += 1;
    this.digits();
    return true;
  }

  private digits(): void {
    if (!isDigit(this.bytes[this.position])) this.refuse("syntax", "a digit is expected");
    while (isDigit(this.bytes[this.position])) this.position += 1;
  }

  private checkNumber(text: string, value: number, isInteger: boolean, start: number): void {
    if (!Number.isFinite(value)) {
      this.refuse("number_out_of_range", "the number is too large", start);
    }
    const isSpelledOut = isInteger || Math.abs(value) < 1e21;
    if (isSpelledOut && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      this.refuse("number_out_of_range", "integers are within ±9007199254740991", start);
    }
    if (!isSameNumber(text, String(value))) {
      this.refuse("number_inexact", "the number has more digits than a double holds", start);
    }
  }

  private word<Value>(word: string, value: Value): Value {
    for (let index = 0; index < word.length; index += 1) {
      if (this.bytes[this.position + index] !== word.charCodeAt(index)) {
        return this.refuse("syntax", "a value is expected");
      }
    }
    this.position += word.length;
    return value;
  }

  private skipSpace(): void {
    for (;;) {
      const byte = this.bytes[this.position];
      if (byte === undefined || byte > 0x20) return;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.position += 1;
    }
  }

  /** Never a view of the body, which would keep all of it in memory for as long as a state store keeps one id. */
  private ascii(start: number, end: number): string {
    const { bytes } = this;
    const length = end - start;
    if (length > TEXT_LENGTH_KEPT) return bytes.toString("latin1", start, end);
    const slot = slotOf(bytes, start, end);
    const known = texts[slot];
    if (known !== undefined && known.length === length && this.isAt(known, start)) return known;
    const text = bytes.toString("latin1", start, end);
    texts[slot] = text;
    return text;
  }

  private isAt(text: string, start: number): boolean {
    for (let at = 0; at < text.length; at += 1) {
      if (text.charCodeAt(at) !== this.bytes[start + at]) return false;
    }
    return true;
  }

  private refuseCharacter(offset: number): never {
    if (offset >= this.bytes.length) this.refuse("syntax", "the string does not end", offset);
    this.refuse("control_character", "control characters in strings are escaped", offset);
  }

  private refuse(code: JsonFaultCode, message: string, offset = this.position): never {
    const path = this.path.slice(0, this.depth).filter((step) => step !== undefined);
    throw new Refusal({ code, message, at: { pointer: pointerTo(path), offset } });
  }
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function hexDigit(byte: number | undefined): number | undefined {
  if (byte === undefined) return undefined;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : undefined;
}

/** Some bytes of a text are enough to tell most apart, and quicker to look at than all. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  const first = bytes[start] ?? 0;
  const middle = bytes[start + (length >> 1)] ?? 0;
  const last = bytes[end - 1] ?? 0;
  const besideLast = bytes[end - 2] ?? 0;
  return (length * 37 + first * 7 + middle * 31 + last * 13 + besideLast * 61) & (TEXTS_KEPT - 1);
}
