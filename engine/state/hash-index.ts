/**
 * Numbers by their hashes: a table of open addressing, in one array of which nothing is garbage. Two numbers may have one
 * hash, and whoever looks for one looks at both. Pure.
 */

const SLOTS_LEAST = 16;
const EMPTY = 0;

export class HashIndex {
  /** Of each slot a hash, and the number and one, or `EMPTY`. A number stands where its hash says, or after it. */
  #slots = new Uint32Array(2 * SLOTS_LEAST);
  /** Slots, and none: a power of two. */
  #mask = SLOTS_LEAST - 1;
  #count = 0;

  /** Below 2³² − 1. */
  add(hash: number, number: number): void {
    // Beyond two thirds what is not there is looked for long.
    if (3 * (this.#count + 1) > 2 * (this.#mask + 1)) this.#grow();
    this.#put(hash, number + 1);
    this.#count += 1;
  }

  /** A slot with this hash; −1 for none. */
  first(hash: number): number {
    return this.#from(hash & this.#mask, hash);
  }

  /** Another one, after `slot`. */
  next(slot: number, hash: number): number {
    return this.#from((slot + 1) & this.#mask, hash);
  }

  numberAt(slot: number): number {
    return this.#at(slot) - 1;
  }

  /** What stands after it moves up, so that no search ends too early. */
  remove(hash: number, number: number): void {
    let hole = this.first(hash);
    while (hole >= 0 && this.numberAt(hole) !== number) hole = this.next(hole, hash);
    if (hole < 0) throw new Error("a number that was never added");
    for (let at = (hole + 1) & this.#mask; this.#at(at) !== EMPTY; at = (at + 1) & this.#mask) {
      const fromHome = (at - this.#hashAt(at)) & this.#mask;
      const fromHole = (at - hole) & this.#mask;
      if (fromHome < fromHole) continue;
      this.#slots.copyWithin(2 * hole, 2 * at, 2 * at + 2);
      hole = at;
    }
    this.#slots[2 * hole + 1] = EMPTY;
    this.#count -= 1;
  }

  #from(start: number, hash: number): number {
    for (let at = start; this.#at(at) !== EMPTY; at = (at + 1) & this.#mask) {
      if (this.#hashAt(at) === hash) return at;
    }
    return -1;
  }

  #put(hash: number, entry: number): void {
    let at = hash & this.#mask;
    while (this.#at(at) !== EMPTY) at = (at + 1) & this.#mask;
    this.#slots[2 * at] = hash;
    this.#slots[2 * at + 1] = entry;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Uint32Array(2 * before.length);
    this.#mask = before.length - 1;
    for (let at = 0; at < before.length; at += 2) {
      const entry = before[at + 1] ?? EMPTY;
      if (entry !== EMPTY) this.#put(before[at] ?? 0, entry);
    }
  }

  #hashAt(slot: number): number {
    return this.#slots[2 * slot] ?? 0;
  }

  #at(slot: number): number {
    return this.#slots[2 * slot + 1] ?? EMPTY;
  }
}
