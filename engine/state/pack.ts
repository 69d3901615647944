/**
 * JSON in bytes, written without making anything on the way: every answer waits for it. It is MessagePack
 * (https://github.com/msgpack/msgpack/blob/master/spec.md) as far as JSON needs it, in the kinds below; a text with
 * half a surrogate pair, which UTF-8 cannot say, is an extension of type 0 that holds its UTF-16.
 */
import type { Json } from "../../lang/type.ts";
import { isArray, StateUnreadable, textOf } from "./stored.ts";

const FORMAT = {
  /** Those of one byte hold what they count: a number, members, items, bytes of a text. */
  fixint: 0x00,
  fixmap: 0x80,
  fixarray: 0x90,
  fixstr: 0xa0,
  nil: 0xc0,
  false: 0xc2,
  true: 0xc3,
  ext32: 0xc9,
  float64: 0xcb,
  uint32: 0xce,
  str8: 0xd9,
  str32: 0xdb,
  array32: 0xdd,
  map32: 0xdf,
} as const;

const FIXINT_MOST = 0x7f;
const FIXMAP_MOST = 0x0f;
const FIXARRAY_MOST = 0x0f;
const FIXSTR_MOST = 0x1f;
const WHOLE_MOST = 0xffff_ffff;
/** The type of the extension. */
const UTF16 = 0;
/** Longer texts are written by what takes longer to begin. */
const SHORT_MOST = 80;
/** The most that anything but a text takes. */
const FIXED_BYTES = 9;

export class Packer {
  readonly #start: number;
  #bytes = Buffer.alloc(1 << 12);
  #view = viewOf(this.#bytes);
  #at: number;

  /** Leaves `start` bytes free at the beginning. */
  constructor(start: number) {
    this.#start = start;
    this.#at = start;
  }

  /** As after making it. */
  clear(): void {
    this.#at = this.#start;
  }

  /** The free ones and what was packed; until it is cleared. */
  packed(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Of `bytes`, the first `length` are those of `packed`, without anything made for it; until more is packed. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#at;
  }

  /** As if nothing had been packed since there was this `length`. */
  cut(length: number): void {
    this.#at = length;
  }

  /** What was packed elsewhere. */
  copy(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    this.#at += bytes.copy(this.#bytes, this.#at, start, end);
  }

  /** Followed by as many values. */
  list(count: number): void {
    if (count <= FIXARRAY_MOST) this.#byte(FORMAT.fixarray + count);
    else this.#counted(FORMAT.array32, count);
  }

  /** Followed by as many names, as texts, each with its value. */
  object(count: number): void {
    if (count <= FIXMAP_MOST) this.#byte(FORMAT.fixmap + count);
    else this.#counted(FORMAT.map32, count);
  }

  number(value: number): void {
    if (value >= 0 && value <= WHOLE_MOST && Math.floor(value) === value) {
      if (value <= FIXINT_MOST) this.#byte(FORMAT.fixint + value);
      else this.#counted(FORMAT.uint32, value);
      return;
    }
    this.#reserve(FIXED_BYTES);
    this.#bytes[this.#at] = FORMAT.float64;
    this.#view.setFloat64(this.#at + 1, value);
    this.#at += 9;
  }

  text(value: string): void {
    if (value.length > SHORT_MOST || !this.#short(value)) this.#long(value);
  }

  /** Whether it is of ASCII only. */
  #short(value: string): boolean {
    const { length } = value;
    const isFix = length <= FIXSTR_MOST;
    const start = this.#at + (isFix ? 1 : 2);
    this.#reserve(2 + length);
    const bytes = this.#bytes;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      bytes[start + index] = unit;
    }
    bytes[this.#at] = isFix ? FORMAT.fixstr + length : FORMAT.str8;
    if (!isFix) bytes[this.#at + 1] = length;
    this.#at = start + length;
    return true;
  }

  json(value: Json): void {
    if (typeof value === "string") this.text(value);
    else if (typeof value === "number") this.number(value);
    else if (typeof value === "boolean") this.#byte(value ? FORMAT.true : FORMAT.false);
    else if (value === null) this.#byte(FORMAT.nil);
    else if (isArray(value)) {
      this.list(value.length);
      for (const item of value) this.json(item);
    } else {
      const members = Object.entries(value);
      this.object(members.length);
      for (const [name, item] of members) {
        this.text(name);
        this.json(item);
      }
    }
  }

  #long(value: string): void {
    this.#reserve(6 + 3 * value.length);
    if (value.isWellFormed()) {
      const length = this.#bytes.write(value, this.#at + 5, "utf8");
      this.#counted(FORMAT.str32, length);
      this.#at += length;
    } else {
      const length = this.#bytes.write(value, this.#at + 6, "utf16le");
      this.#counted(FORMAT.ext32, length);
      this.#bytes[this.#at] = UTF16;
      this.#at += 1 + length;
    }
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  #counted(format: number, count: number): void {
    this.#reserve(FIXED_BYTES);
    this.#bytes[this.#at] = format;
    this.#view.setUint32(this.#at + 1, count);
    this.#at += 5;
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = Buffer.alloc(2 * (this.#at + count));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

const ALONE = new Packer(0);

/** One value. */
export function packed(value: Json): Buffer {
  ALONE.clear();
  ALONE.json(value);
  return Buffer.from(ALONE.packed());
}

/** All the values that were packed one after the other; throws `StateUnreadable` of other bytes. */
export function unpack(bytes: Buffer): readonly Json[] {
  const reader = new Unpacker(bytes, 0, bytes.length);
  const values: Json[] = [];
  while (!reader.isAtEnd()) values.push(reader.value());
  return values;
}

/** Throws `StateUnreadable` of what was not packed. */
export class Unpacker {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  value(): Json {
    const format = this.#byte();
    if (format <= FIXINT_MOST) return format;
    if (format <= FORMAT.fixmap + FIXMAP_MOST) return this.#object(format - FORMAT.fixmap);
    if (format <= FORMAT.fixarray + FIXARRAY_MOST) return this.#list(format - FORMAT.fixarray);
    if (format <= FORMAT.fixstr + FIXSTR_MOST) return this.#utf8(format - FORMAT.fixstr);
    switch (format) {
      case FORMAT.nil:
        return null;
      case FORMAT.false:
        return false;
      case FORMAT.true:
        return true;
      case FORMAT.uint32:
        return this.#count();
      case FORMAT.float64:
        return this.#bytes.readDoubleBE(this.#take(8));
      case FORMAT.str8:
        return this.#utf8(this.#byte());
      case FORMAT.str32:
        return this.#utf8(this.#count());
      case FORMAT.ext32:
        return this.#extension(this.#count());
      case FORMAT.array32:
        return this.#list(this.#count());
      case FORMAT.map32:
        return this.#object(this.#count());
      default:
        throw new StateUnreadable("a value of no known kind");
    }
  }

  /** How many values follow. */
  list(): number {
    const format = this.#byte();
    if (format === FORMAT.array32) return this.#count();
    const count = format - FORMAT.fixarray;
    if (count < 0 || count > FIXARRAY_MOST) throw new StateUnreadable("no list where one was");
    return count;
  }

  text(): string {
    return textOf(this.value());
  }

  #utf8(length: number): string {
    const start = this.#take(length);
    return this.#bytes.toString("utf8", start, start + length);
  }

  #extension(length: number): string {
    if (this.#byte() !== UTF16) throw new StateUnreadable("an extension of no known type");
    const start = this.#take(length);
    return this.#bytes.toString("utf16le", start, start + length);
  }

  #list(count: number): readonly Json[] {
    this.#checkFits(count);
    const values: Json[] = [];
    while (values.length < count) values.push(this.value());
    return values;
  }

  #object(count: number): Json {
    this.#checkFits(count);
    const members: [string, Json][] = [];
    while (members.length < count) members.push([this.text(), this.value()]);
    return Object.fromEntries(members);
  }

  /** Each takes a byte at least. */
  #checkFits(count: number): void {
    if (count > this.#end - this.#at) throw new StateUnreadable("a list that is cut off");
  }

  #byte(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  #count(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** Gives where they begin. */
  #take(count: number): number {
    const start = this.#at;
    if (count > this.#end - start) throw new StateUnreadable("a value that is cut off");
    this.#at = start + count;
    return start;
  }
}
