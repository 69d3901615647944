/**
 * Bytes of any length, where the garbage collector does not look: a million of them are nothing to go through. They are
 * kept in blocks of one size, each of which leads to the next. So room that becomes free is good for whatever comes,
 * nothing is ever moved, and adding takes no longer the more there is. Room that was taken is not given back. Pure.
 *
 *   4 bytes   the next block, or none
 *   4 bytes   of the first: how often two bytes there are, and one if they are marked; of others nothing
 *   8 bytes   of the first: the number that is kept with them
 *             bytes
 */
import type { Packer } from "./pack.ts";

const BLOCK_BYTES = 128;
const HEAD_BYTES = 16;
const ROOM_BYTES = BLOCK_BYTES - HEAD_BYTES;
/** 2¹¹ blocks together are 256 KiB, which are made in no time. */
const SLAB_BITS = 11;
const SLAB_BLOCKS = 1 << SLAB_BITS;

const NONE = 0xffff_ffff;

/** The same memory, looked at in three ways. */
interface Slab {
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  readonly numbers: Float64Array;
}

export class Blocks {
  readonly #slabs: Slab[] = [];
  /** Blocks from here on were never used. */
  #end = 0;
  /** Leads to all others that are free. */
  #free = NONE;
  #size = 0;

  /** How often bytes were added, and not removed. */
  get size(): number {
    return this.#size;
  }

  /** The first `length` of `bytes`, one at least. Gives the block that they begin in, by which they are found. */
  add(bytes: Buffer, length: number, number: number): number {
    const first = this.#take();
    let block = first;
    for (let from = 0; ; ) {
      const { bytes: slab, words } = this.#slabOf(block);
      bytes.copy(slab, roomOf(block), from, Math.min(from + ROOM_BYTES, length));
      from += ROOM_BYTES;
      const next = from < length ? this.#take() : NONE;
      words[nextOf(block)] = next;
      if (next === NONE) break;
      block = next;
    }
    const { words, numbers } = this.#slabOf(first);
    numbers[numberOf(first)] = number;
    words[lengthOf(first)] = 2 * length;
    this.#size += 1;
    return first;
  }

  remove(first: number): void {
    let last = first;
    for (let next = first; next !== NONE; next = this.#next(last)) last = next;
    this.#slabOf(first).words[lengthOf(first)] = 0;
    this.#slabOf(last).words[nextOf(last)] = this.#free;
    this.#free = first;
    this.#size -= 1;
  }

  /** Whether bytes begin in this block. */
  has(block: number): boolean {
    return block < this.#end && this.#word(block) > 0;
  }

  number(first: number): number {
    return this.#slabOf(first).numbers[numberOf(first)] ?? 0;
  }

  isMarked(first: number): boolean {
    return (this.#word(first) & 1) === 1;
  }

  mark(first: number, isMarked: boolean): void {
    const word = this.#word(first);
    this.#slabOf(first).words[lengthOf(first)] = word - (word & 1) + Number(isMarked);
  }

  /** Whether they begin with the first `length` of `bytes`. */
  beginWith(first: number, bytes: Buffer, length: number): boolean {
    if (this.#length(first) < length) return false;
    let block = first;
    for (let at = 0; at < length; at += ROOM_BYTES) {
      const { bytes: slab } = this.#slabOf(block);
      const start = roomOf(block) - at;
      const end = Math.min(at + ROOM_BYTES, length);
      for (let index = at; index < end; index++) {
        if (slab[start + index] !== bytes[index]) return false;
      }
      block = this.#next(block);
    }
    return true;
  }

  copy(first: number, into: Packer): void {
    let block = first;
    for (let left = this.#length(first); left > 0; left -= ROOM_BYTES) {
      const start = roomOf(block);
      into.copy(this.#slabOf(block).bytes, start, start + Math.min(ROOM_BYTES, left));
      block = this.#next(block);
    }
  }

  /** What is added meanwhile is met or not; all else is met once. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (let block = 0; block < this.#end; block++) if (this.#word(block) > 0) yield block;
  }

  #take(): number {
    const block = this.#free;
    if (block !== NONE) {
      this.#free = this.#next(block);
      return block;
    }
    if (this.#end === this.#slabs.length * SLAB_BLOCKS) this.#slabs.push(newSlab());
    return this.#end++;
  }

  #next(block: number): number {
    return this.#slabOf(block).words[nextOf(block)] ?? NONE;
  }

  #length(first: number): number {
    return this.#word(first) >>> 1;
  }

  #word(block: number): number {
    return this.#slabOf(block).words[lengthOf(block)] ?? 0;
  }

  #slabOf(block: number): Slab {
    const slab = this.#slabs[block >>> SLAB_BITS];
    if (slab === undefined) throw new Error("a block that was never taken");
    return slab;
  }
}

function newSlab(): Slab {
  const memory = new ArrayBuffer(SLAB_BLOCKS * BLOCK_BYTES);
  return {
    bytes: Buffer.from(memory),
    words: new Uint32Array(memory),
    numbers: new Float64Array(memory),
  };
}

// Where in its slab a block begins, and what is in it.

function startOf(block: number): number {
  return (block & (SLAB_BLOCKS - 1)) * BLOCK_BYTES;
}

function nextOf(block: number): number {
  return startOf(block) / 4;
}

function lengthOf(block: number): number {
  return startOf(block) / 4 + 1;
}

function numberOf(block: number): number {
  return startOf(block) / 8 + 1;
}

function roomOf(block: number): number {
  return startOf(block) + HEAD_BYTES;
}
