/**
 * Calls by their ids, packed and kept where the garbage collector does not look (`blocks.ts`): as objects, a million
 * of them would be gone through again and again. Only the latest are objects still. Who asks for an id that is not there
 * looks at a few slots of an index in which only ids are that this program made. Pure.
 */
import type { Json } from "../../lang/type.ts";
import { Blocks } from "./blocks.ts";
import type { Call } from "./call.ts";
import { type CallSummary, decodeCall, packCall, unpackSummary } from "./codec.ts";
import { HashIndex } from "./hash-index.ts";
import { Packer, Unpacker } from "./pack.ts";
import type { SweptTable } from "./sweep.ts";

/**
 * So many are packed in one step, 0.1 ms, unless they have gone by then. Twice as many are objects at most: each time
 * that the garbage collector looks at what is new, it copies them.
 */
const TOGETHER = 128;

/** Of the index: one of ten million calls grows by 40,000 at a time. */
const PARTS = 256;
const NONE = -1;

export class CallTable {
  /** Those that came last, as they came, and those before them: most report soon, and are never packed. */
  #young = new Map<string, Call>();
  #older = new Map<string, Call>();
  /** Of all others the id, what each is, and when it was decided. */
  readonly #blocks = new Blocks();
  readonly #index = Array.from({ length: PARTS }, () => new HashIndex());
  /** Marked, and no call any more. */
  readonly #gone = new Set<string>();
  /** Of what is looked for, put in or taken out. */
  readonly #packer = new Packer(0);
  /** Of the id that was looked for. */
  #hash = 0;

  get size(): number {
    return this.#blocks.size + this.#young.size + this.#older.size;
  }

  has(id: string): boolean {
    return this.#recent(id) !== undefined || this.#find(id) !== NONE;
  }

  get(id: string): Call | undefined {
    const recent = this.#recent(id);
    if (recent !== undefined) return recent;
    const written = this.written(id);
    return written === undefined ? undefined : decodeCall(written);
  }

  /** As `encodeCall` writes it. */
  written(id: string): Json | undefined {
    const block = this.#place(id);
    if (block === NONE) return undefined;
    const start = this.#load(block);
    return new Unpacker(this.#packer.bytes, start, this.#packer.length).value();
  }

  /** What is `written` of it, as bytes of their own. */
  packed(id: string): Buffer | undefined {
    const block = this.#place(id);
    if (block === NONE) return undefined;
    const start = this.#load(block);
    return Buffer.from(this.#packer.bytes.subarray(start, this.#packer.length));
  }

  /** Its id, and what is `written` of it. False where it is not there. */
  pack(id: string, packer: Packer): boolean {
    const recent = this.#recent(id);
    if (recent !== undefined) {
      packer.text(id);
      packCall(recent, packer);
      return true;
    }
    const block = this.#find(id);
    if (block === NONE) return false;
    this.#blocks.copy(block, packer);
    return true;
  }

  /** One whose id was never there. */
  add(id: string, call: Call): void {
    this.#young.set(id, call);
    if (this.#young.size >= TOGETHER) this.#age();
  }

  set(id: string, call: Call): void {
    this.#forgetRecent(id);
    const before = this.#find(id);
    const hash = this.#hash;
    const packer = this.#packer;
    packCall(call, packer);
    const block = this.#blocks.add(packer.bytes, packer.length, call.atMs);
    this.#blocks.mark(
      block,
      before === NONE ? this.#gone.delete(id) : this.#blocks.isMarked(before),
    );
    if (before !== NONE) this.#remove(hash, before);
    this.#partOf(hash).add(hash, block);
  }

  delete(id: string): boolean {
    if (this.#forgetRecent(id)) return true;
    const block = this.#find(id);
    if (block === NONE) return false;
    if (this.#blocks.isMarked(block)) this.#gone.add(id);
    this.#remove(this.#hash, block);
    return true;
  }

  // ── Marks: who keeps calls elsewhere tells by them which it has. One stays when its call goes. ─────────────────

  isMarked(id: string): boolean {
    if (this.#recent(id) !== undefined) return false;
    const block = this.#find(id);
    return block === NONE ? this.#gone.has(id) : this.#blocks.isMarked(block);
  }

  /** Where it is no call any more, it is marked no more. */
  mark(id: string): void {
    const block = this.#place(id);
    if (block === NONE) this.#gone.delete(id);
    else this.#blocks.mark(block, true);
  }

  markAll(): void {
    this.#packAll();
    for (const block of this.#blocks) this.#blocks.mark(block, true);
  }

  // ── All of them, in no order: what is added or goes meanwhile is met or not, all else once ────────────────────

  /** `undefined` for each that is marked, whenever it is asked. */
  *unmarked(): Generator<string | undefined, void, undefined> {
    this.#packAll();
    for (const block of this.#blocks) {
      yield this.#blocks.isMarked(block) ? undefined : this.idAt(block);
    }
  }

  *summaries(): Generator<readonly [string, CallSummary], void, undefined> {
    this.#packAll();
    for (const block of this.#blocks) {
      const unpacker = this.#unpackerOf(block);
      yield [unpacker.text(), unpackSummary(unpacker)];
    }
  }

  /** When each was decided, by the place that it has until it goes. */
  get times(): SweptTable<number, number> {
    const blocks = this.#blocks;
    const packAll = () => this.#packAll();
    return {
      get size() {
        return blocks.size;
      },
      get: (place) => (blocks.has(place) ? blocks.number(place) : undefined),
      *[Symbol.iterator]() {
        packAll();
        for (const block of blocks) yield [block, blocks.number(block)];
      },
    };
  }

  idAt(place: number): string {
    return this.#unpackerOf(place).text();
  }

  // ── Those that are not packed ─────────────────────────────────────────────────────────────────────────────────

  #recent(id: string): Call | undefined {
    return this.#young.get(id) ?? this.#older.get(id);
  }

  #forgetRecent(id: string): boolean {
    return this.#young.delete(id) || this.#older.delete(id);
  }

  #age(): void {
    const older = this.#older;
    this.#older = this.#young;
    this.#young = new Map();
    for (const [id, call] of older) this.set(id, call);
  }

  #packAll(): void {
    this.#age();
    this.#age();
  }

  // ── Those that are ────────────────────────────────────────────────────────────────────────────────────────────

  /** Of a call that is packed from now on. */
  #place(id: string): number {
    const recent = this.#recent(id);
    if (recent !== undefined) this.set(id, recent);
    return this.#find(id);
  }

  #find(id: string): number {
    const packer = this.#packer;
    packer.clear();
    packer.text(id);
    this.#hash = hashOf(packer.bytes, packer.length);
    const index = this.#partOf(this.#hash);
    let slot = index.first(this.#hash);
    while (slot >= 0) {
      const block = index.numberAt(slot);
      if (this.#blocks.beginWith(block, packer.bytes, packer.length)) return block;
      slot = index.next(slot, this.#hash);
    }
    return NONE;
  }

  #remove(hash: number, block: number): void {
    this.#partOf(hash).remove(hash, block);
    this.#blocks.remove(block);
  }

  #partOf(hash: number): HashIndex {
    const part = this.#index[hash >>> 24];
    if (part === undefined) throw new Error("a part of an index is missing");
    return part;
  }

  /** What was found, into the packer, where its id still is. Gives where what is `written` of it begins, which is behind. */
  #load(found: number): number {
    const start = this.#packer.length;
    this.#packer.clear();
    this.#blocks.copy(found, this.#packer);
    return start;
  }

  #unpackerOf(block: number): Unpacker {
    this.#load(block);
    return new Unpacker(this.#packer.bytes, 0, this.#packer.length);
  }
}

/** FNV-1a, and the end of MurmurHash3: ids differ in their last characters, and every bit of a hash is to tell. */
function hashOf(bytes: Buffer, length: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
