/**
 * Canonical JSON (RFC 8785) as the UTF-8 that digests are of, in bytes that are used again and again: a text would
 * be put together from hundreds of pieces, and copied once more to be hashed. Pure.
 */
import { type Member, orderOf } from "./canonical-order.ts";

/** What no JSON has is left out, and `null` in a list. The bytes are good until this is called again. */
export function canonicalBytes(value: unknown): Uint8Array {
  // Whoever is called while another value is spelled, by a getter, gets bytes of its own.
  const writer = spare ?? new Writer();
  spare = undefined;
  const bytes = writer.written(value);
  spare = writer;
  return bytes;
}

const ROOM = 65_536;
const ROOM_KEPT = 16 * ROOM;

const QUOTE = 0x22;
const COMMA = 0x2c;
const ESCAPE = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

const UTF8 = new TextEncoder();

class Writer {
  #bytes = new Uint8Array(ROOM);
  /** Where the next byte goes; behind the end of `#bytes` nothing is kept, and it is only counted. */
  #at = 0;

  written(value: unknown): Uint8Array {
    if (this.#bytes.length > ROOM_KEPT) this.#bytes = new Uint8Array(ROOM);
    this.#at = 0;
    this.#value(value);
    if (this.#at <= this.#bytes.length) return this.#bytes.subarray(0, this.#at);
    this.#bytes = new Uint8Array(this.#at);
    this.#at = 0;
    this.#value(value);
    return this.#bytes.subarray(0, this.#at);
  }

  #value(value: unknown): void {
    if (typeof value === "string") this.#text(value);
    else if (typeof value !== "object" || value === null)
      this.#ascii(JSON.stringify(value) ?? "null");
    else if (Array.isArray(value)) this.#list(value);
    else this.#object(value as Readonly<Record<string, unknown>>);
  }

  #list(items: readonly unknown[]): void {
    this.#byte(OPEN_LIST);
    for (let at = 0; at < items.length; at += 1) {
      if (at > 0) this.#byte(COMMA);
      this.#value(items[at]);
    }
    this.#byte(CLOSE_LIST);
  }

  #object(members: Readonly<Record<string, unknown>>): void {
    const start = this.#at;
    const order = orderOf(Object.keys(members));
    for (let at = 0; at < order.length; at += 1) {
      const { name, token } = order[at] as Member;
      const member = members[name];
      if (member === undefined) continue;
      this.#add(token);
      this.#value(member);
    }
    // The comma in front of the first member, if there is one.
    if (this.#at === start) this.#at += 1;
    this.#bytes[start] = OPEN;
    this.#byte(CLOSE);
  }

  #text(text: string): void {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = QUOTE;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === ESCAPE) {
        this.#escaped(text);
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.#at = at;
  }

  #escaped(text: string): void {
    this.#add(UTF8.encode(JSON.stringify(text)));
  }

  #ascii(text: string): void {
    for (let index = 0; index < text.length; index += 1) this.#byte(text.charCodeAt(index));
  }

  #add(some: Uint8Array): void {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = 0; index < some.length; index += 1) bytes[at++] = some[index] as number;
    this.#at = at;
  }

  #byte(byte: number): void {
    this.#bytes[this.#at++] = byte;
  }
}

let spare: Writer | undefined = new Writer();
