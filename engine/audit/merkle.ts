/**
 * The Merkle tree of RFC 6962 (§2.1) over the entries of a log, kept as a compact range: the roots of the full
 * subtrees that the entries so far make, largest first. Hashes are in hex, as lines have them. Pure.
 */
import { hash } from "node:crypto";

/** Never changed: a tree with one more leaf is another one. */
export interface Tree {
  readonly size: number;
  /** One for each bit that is set in `size`, from the highest. */
  readonly roots: readonly string[];
}

export const EMPTY_TREE: Tree = { size: 0, roots: [] };

/** `framed` is an entry behind one byte of anything; it is the same afterwards. */
export function leafHash(framed: Uint8Array): string {
  const [before = 0] = framed;
  framed[0] = 0;
  const leaf = hash("sha256", framed, "hex");
  framed[0] = before;
  return leaf;
}

export function withLeaf({ size, roots }: Tree, leaf: string): Tree {
  const grown = roots.slice();
  let root = leaf;
  // Each full subtree of the same size on the left is joined, as a carry is in binary addition.
  for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
    root = nodeHash(grown.pop() ?? "", root);
  }
  grown.push(root);
  return { size: size + 1, roots: grown };
}

/** 32 bytes. */
export function rootOf({ roots }: Tree): Buffer {
  const [last, ...larger] = roots.toReversed();
  if (last === undefined) return hash("sha256", "", "buffer");
  return Buffer.from(
    larger.reduce((root, left) => nodeHash(left, root), last),
    "hex",
  );
}

const pair = Buffer.alloc(65);
pair[0] = 1;

function nodeHash(left: string, right: string): string {
  pair.write(left, 1, "hex");
  pair.write(right, 33, "hex");
  return hash("sha256", pair, "hex");
}
