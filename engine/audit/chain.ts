/**
 * Lines of an audit log (SPEC §14.2): canonical JSON `{"hash":…,"n":…,"record":…}`. The hash of a line is the
 * SHA-256 of the line in which the hash of the one before stands in the place of its own. Pure.
 */
import { hash } from "node:crypto";
import { EMPTY_TREE, leafHash, type Tree, withLeaf } from "./merkle.ts";

/** Where a log stands after its last line. Never changed: a longer log has another one. */
export interface Head {
  /** In hex; of no line, zeros. */
  readonly hash: string;
  /** Over all lines, so `size` is the number of the next one. */
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

export interface Linked {
  readonly head: Head;
  /** Without its line end. */
  readonly line: string;
}

/** `record` is canonical JSON of an object, in one line. */
export function link(head: Head, record: string): Linked {
  const rest = `","n":${head.tree.size},"record":${record}}`;
  const digest = hash("sha256", OPEN + head.hash + rest, "hex");
  const line = OPEN + digest + rest;
  return { line, head: { hash: digest, tree: withLeaf(head.tree, leafHash(line)) } };
}

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
  const digest = hash("sha256", framed.subarray(1), "hex");
  framed.write(own, HASH_AT, "latin1");
  if (digest === own && Number(found[1]) === head.tree.size) {
    const grown = { hash: own, tree: withLeaf(head.tree, leafOf(framed)) };
    return { ok: true, head: grown, record: HASH_END + found[0].length - 1 };
  }
  return { ok: false, why: whyBroken(Number(found[1]), head) };
}

function leafOf(framed: Buffer): string {
  const [before = 0] = framed;
  framed[0] = 0;
  const leaf = hash("sha256", framed, "binary");
  framed[0] = before;
  return leaf;
}

function whyBroken(number: number, { tree }: Head): string {
  if (number > tree.size) {
    const missing = number - tree.size;
    return `record ${number} stands where ${tree.size} should: ${missing} missing or out of order`;
  }
  if (number < tree.size) return `record ${number} stands there again, or out of order`;
  return `record ${number} or the one before it was changed`;
}
