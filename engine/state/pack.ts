/**
 * JSON in bytes, written without making anything on the way: every answer waits for it. A byte says what follows.
 *
 *   0  null        3  whole number, 4 bytes       6  text: length of 4 bytes, UTF-8
 *   1  false       4  number, 8 bytes             7  text: length of 4 bytes, UTF-16
 *   2  true        5  text: length of 1 byte,     8  list: count of 4 bytes, values
 *                     ASCII                       9  object: count of 4 bytes, names and values
 */
import type { Json } from "../../lang/type.ts";
import { isArray, StateUnreadable } from "./stored.ts";

const TAG = {
  null: 0,
  false: 1,
  true: 2,
  whole: 3,
  number: 4,
  ascii: 5,
  utf8: 6,
  utf16: 7,
  list: 8,
  object: 9,
} as const;

const WHOLE_MOST = 0xffff_ffff;
/** Longer texts are written by what takes longer to begin. */
const ASCII_LENGTH = 80;
/** The most that anything but a text takes. */
const FIXED_BYTES = 9;

export class Packer {
  readonly #start: number;
  #bytes = Buffer.alloc(1 << 16);
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

  /** Followed by as many values. */
  list(count: number): void {
    this.#counted(TAG.list, count);
  }

  /** Followed by as many names, as texts, each with its value. */
  object(count: number): void {
    this.#counted(TAG.object, count);
  }

  number(value: number): void {
    this.#reserve(FIXED_BYTES);
    if (value >= 0 && value <= WHOLE_MOST && Math.floor(value) === value) {
      this.#counted(TAG.whole, value);
      return;
    }
    this.#bytes[this.#at] = TAG.number;
    this.#view.setFloat64(this.#at + 1, value);
    this.#at += 9;
  }

  text(value: string): void {
    if (value.length > ASCII_LENGTH || !this.#short(value)) this.#long(value);
  }

  /** Whether it is of ASCII only. */
  #short(value: string): boolean {
    const { length } = value;
    this.#reserve(2 + length);
    const bytes = this.#bytes;
    const start = this.#at + 2;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      bytes[start + index] = unit;
    }
    bytes[this.#at] = TAG.ascii;
    bytes[this.#at + 1] = length;
    this.#at = start + length;
    return true;
  }

  json(value: Json): void {
    if (typeof value === "string") this.text(value);
    else if (typeof value === "number") this.number(value);
    else if (typeof value === "boolean") this.#tag(value ? TAG.true : TAG.false);
    else if (value === null) this.#tag(TAG.null);
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
    const isUtf8 = value.isWellFormed();
    this.#reserve(5 + 3 * value.length);
    const length = this.#bytes.write(value, this.#at + 5, isUtf8 ? "utf8" : "utf16le");
    this.#counted(isUtf8 ? TAG.utf8 : TAG.utf16, length);
    this.#at += length;
  }

  #tag(tag: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = tag;
  }

  #counted(tag: number, count: number): void {
    this.#reserve(FIXED_BYTES);
    this.#bytes[this.#at] = tag;
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

/** All the values that were packed one after the other; throws `StateUnreadable` of other bytes. */
export function unpack(bytes: Buffer): readonly Json[] {
  const reader = new Unpacker(bytes);
  const values: Json[] = [];
  while (!reader.isAtEnd()) values.push(reader.value());
  return values;
}

class Unpacker {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  value(): Json {
    switch (this.#take(1).readUInt8()) {
      case TAG.null:
        return null;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.whole:
        return this.#count();
      case TAG.number:
        return this.#take(8).readDoubleBE();
      case TAG.ascii:
        return this.#take(this.#take(1).readUInt8()).toString("latin1");
      case TAG.utf8:
        return this.#take(this.#count()).toString("utf8");
      case TAG.utf16:
        return this.#take(this.#count()).toString("utf16le");
      case TAG.list:
        return Array.from({ length: this.#members() }, () => this.value());
      case TAG.object:
        return Object.fromEntries(Array.from({ length: this.#members() }, () => this.#member()));
      default:
        throw new StateUnreadable("a value of no known kind");
    }
  }

  #member(): readonly [string, Json] {
    const name = this.value();
    if (typeof name !== "string") throw new StateUnreadable("a member of no name");
    return [name, this.value()];
  }

  /** Each takes a byte at least. */
  #members(): number {
    const count = this.#count();
    if (count > this.#bytes.length - this.#at) throw new StateUnreadable("a list that is cut off");
    return count;
  }

  #count(): number {
    return this.#take(4).readUInt32BE();
  }

  #take(count: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    if (taken.length < count) throw new StateUnreadable("a value that is cut off");
    this.#at += count;
    return taken;
  }
}
