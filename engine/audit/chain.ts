/**
 * Lines of an audit log (SPEC §14.2): canonical JSON `{"hash":…,"n":…,"record":…}`. The entry of a line is the
 * line in which the hash of the one before stands in the place of its own; the hash of a line is its entry's leaf
 * hash, so that one digest makes both the chain and the tree. Pure.
 */
import { EMPTY_TREE, leafHash, type Tree, withLeaf } from "./merkle.ts";

/** Where a log stands after its last line. Never changed: a longer log has another one. */
export interface Head {
  /** In hex; of no line, zeros. */
  readonly hash: string;
  /** Over the entries of all lines, so `size` is the number of the next one. */
  readonly tree: Tree;
}

export const BEGINNING: Head = { hash: "0".repeat(64), tree: EMPTY_TREE };

const OPEN = '{"hash":"';
/** Where the hash stands in a line behind one byte. */
const HASH_AT = 1 + OPEN.length;
const HASH_END = HASH_AT + 64;
const CLOSE = "}".charCodeAt(0);
/** The number is followed by the record, within so many characters. */
const NUMBER_MOST = 40;
const NUMBER = /^","n":(0|[1-9]\d{0,15}),"record":\{/;

/** Bytes of a line around its record, at most, and of one UTF-16 code unit in it, which may be escaped. */
const AROUND_MOST = HASH_END + NUMBER_MOST;
const UNIT_MOST = 6;

/** Bytes, to begin with: what a turn of the event loop leaves behind is seldom more. */
const ROOM = 65_536;
const ROOM_KEPT = 16 * ROOM;

/** Lines that are made one after the other, in the bytes that will be written. */
export class Links {
  #head: Head;
  /** The lines stand behind one byte of anything, which a leaf of the tree needs room for. */
  #bytes = Buffer.allocUnsafe(ROOM);
  #end = 1;

  constructor(head: Head) {
    this.#head = head;
  }

  /** Other lines, in the room of those before. */
  begin(head: Head): void {
    if (this.#bytes.length > ROOM_KEPT) this.#bytes = Buffer.allocUnsafe(ROOM);
    this.#head = head;
    this.#end = 1;
  }

  get head(): Head {
    return this.#head;
  }

  /** Each with its line end. */
  get bytes(): Buffer {
    return this.#bytes.subarray(1, this.#end);
  }

  /** `record` is canonical JSON of an object. */
  add(record: string): void {
    const { hash: before, tree } = this.#head;
    const start = this.#end;
    const bytes = this.#withRoomFor(AROUND_MOST + UNIT_MOST * record.length);
    // Piece by piece: put together, the text would be copied once more.
    let at = start + bytes.write(OPEN, start, "latin1");
    at += bytes.write(before, at, "latin1");
    at += bytes.write(`","n":${tree.size},"record":`, at, "latin1");
    const length = bytes.write(record, at);
    // Nearly every record is ASCII, which takes a byte a character, and has nothing to escape.
    const isPlain = length === record.length && !record.includes("\u007f");
    at += isPlain ? length : bytes.write(escaped(record), at);
    at += bytes.write("}\n", at, "latin1");
    this.#end = at;
    const framed = bytes.subarray(start - 1, at - 1);
    const own = leafHash(framed);
    framed.write(own, HASH_AT, "latin1");
    this.#head = { hash: own, tree: withLeaf(tree, own) };
  }

  #withRoomFor(more: number): Buffer {
    const bytes = this.#bytes;
    if (this.#end + more <= bytes.length) return bytes;
    this.#bytes = Buffer.allocUnsafe(2 * (this.#end + more));
    bytes.copy(this.#bytes, 0, 0, this.#end);
    return this.#bytes;
  }
}

/** One line for every reader: what some of them take for a line end stands as an escape. */
function escaped(json: string): string {
  return json.replace(LINE_ENDS, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const LINE_ENDS = /[\u007f-\u009f\u2028\u2029]/g;

export type Followed =
  /** `record` is where its text begins in the framed line. */
  | { readonly ok: true; readonly head: Head; readonly record: number }
  | { readonly ok: false; readonly why: string };

/**
 * Whether a line is the next one, and where the log stands after it. `framed` is the line's bytes behind one
 * byte of anything, which a leaf of the tree needs room for; it is the same afterwards.
 */
export function follow(head: Head, framed: Buffer): Followed {
  const start = framed.toString("latin1", 1, HASH_END + NUMBER_MOST);
  const found = start.startsWith(OPEN) ? NUMBER.exec(start.slice(HASH_END - 1)) : null;
  if (found === null || framed.at(-1) !== CLOSE || framed.at(-2) !== CLOSE) {
    return { ok: false, why: "it is no line of an audit log" };
  }
  const own = start.slice(HASH_AT - 1, HASH_END - 1);
  framed.write(head.hash, HASH_AT, "latin1");
  const leaf = leafHash(framed);
  framed.write(own, HASH_AT, "latin1");
  if (leaf === own && Number(found[1]) === head.tree.size) {
    const grown = { hash: own, tree: withLeaf(head.tree, own) };
    return { ok: true, head: grown, record: HASH_END + found[0].length - 1 };
  }
  return { ok: false, why: whyBroken(Number(found[1]), head) };
}

function whyBroken(number: number, { tree }: Head): string {
  if (number > tree.size) {
    const missing = number - tree.size;
    return `record ${number} stands where ${tree.size} should: ${missing} missing or out of order`;
  }
  if (number < tree.size) return `record ${number} stands there again, or out of order`;
  return `record ${number} or the one before it was changed`;
}
