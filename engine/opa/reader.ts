/** Bytes of a Wasm module, read from the front (WebAssembly Core 1.0 §5). Pure. */

/** Why a module is refused: its bytes are not what the format says, or more than we take. */
export class Refused extends Error {}

export class Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  position: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  byte(): number {
    const byte = this.position < this.end ? this.bytes[this.position] : undefined;
    if (byte === undefined) throw new Refused("it ends too early");
    this.position += 1;
    return byte;
  }

  /** Unsigned LEB128 of 32 bits: at most five bytes, the last without bits beyond the 32nd. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) throw new Refused("a number is too large");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Refused("a number is too long");
  }

  /** Passes a signed LEB128 of at most `bits` bits. */
  skipSigned(bits: 32 | 33 | 64): void {
    for (let read = 0; read < bits; read += 7) {
      if (this.byte() < 0x80) return;
    }
    throw new Refused("a number is too long");
  }

  /** Signed LEB128 of 32 bits. */
  i32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80)
        return shift < 28 && (byte & 0x40) !== 0 ? value | (-1 << (shift + 7)) : value;
    }
    throw new Refused("a number is too long");
  }

  skip(count: number): void {
    if (count > this.end - this.position) throw new Refused("it ends too early");
    this.position += count;
  }

  /** A count of things, of which there are `most` at most. */
  count(what: string, most: number): number {
    const count = this.u32();
    if (count > most) throw new Refused(`it has ${count} ${what}; ${most} are the most`);
    return count;
  }

  name(): string {
    const length = this.u32();
    const start = this.position;
    this.skip(length);
    try {
      return NAMES.decode(this.bytes.subarray(start, this.position));
    } catch {
      throw new Refused("a name is not UTF-8");
    }
  }

  /** What the next `length` bytes hold, as a reader of their own; this one goes on behind them. */
  part(length: number): Reader {
    const start = this.position;
    this.skip(length);
    return new Reader(this.bytes, start, this.position);
  }
}

const NAMES = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
