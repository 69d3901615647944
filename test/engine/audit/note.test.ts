/** Formats that others read: their own vectors. */
import { describe, expect, test } from "vitest";
import { EMPTY_TREE, leafHash, rootOf, type Tree, withLeaf } from "../../../engine/audit/merkle.ts";
import {
  readCheckpoint,
  readSigner,
  readVerifier,
  signerOf,
  spellSigner,
  writeCheckpoint,
} from "../../../engine/audit/note.ts";

/** The key of the examples in golang.org/x/mod/sumdb/note. */
const PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

describe("keys and signatures of C2SP signed notes", () => {
  test("a private key gives the public one that everybody else computes", () => {
    const signer = readSigner(PRIVATE);
    expect(signer?.text).toBe(PUBLIC);
    expect(signer && spellSigner(signer)).toBe(PRIVATE);
    expect(readVerifier(PUBLIC)?.id).toBe("c74f20a3");
  });

  test.each([
    ["another name", PUBLIC.replace("Peter", "Petra")],
    ["another key", PUBLIC.replace("ARpc", "ARpd")],
    ["another kind of key", PUBLIC.replace("+AR", "+BR")],
    ["no key", "PeterNeumann"],
    ["nothing", ""],
  ])("%s does not go with the id", (_, text) => {
    expect(readVerifier(text)).toBeUndefined();
  });

  const root = Buffer.alloc(32, 7);
  const signer = signerOf("acme.example/writ", Buffer.alloc(32, 1));
  if (signer === undefined) throw new Error("no signer");
  const note = writeCheckpoint({ origin: "acme.example/writ", size: 12, root }, signer);

  test("a checkpoint is three lines, an empty one, and a signature", () => {
    expect(note).toMatch(
      /^acme\.example\/writ\n12\n[A-Za-z0-9+/]{43}=\n\n— acme\.example\/writ [A-Za-z0-9+/=]{92}\n$/,
    );
    const read = readCheckpoint(note, [signer]);
    expect(read).toEqual({
      ok: true,
      checkpoint: { origin: "acme.example/writ", size: 12, root },
      signed: true,
      bare: false,
    });
  });

  test("whoever changes it is found out; other people's signatures say nothing", () => {
    expect(readCheckpoint(note.replace("\n12\n", "\n13\n"), [signer])).toMatchObject({ ok: false });
    const stranger = signerOf("acme.example/writ", Buffer.alloc(32, 2));
    if (stranger === undefined) throw new Error("no signer");
    expect(readCheckpoint(note, [stranger])).toMatchObject({ ok: true, signed: false });
    expect(readCheckpoint(note, [stranger, signer])).toMatchObject({ ok: true, signed: true });
    const unsigned = writeCheckpoint({ origin: "o", size: 0, root }, undefined);
    expect(readCheckpoint(unsigned, [signer])).toMatchObject({ ok: true, signed: false });
  });

  test("every byte matters", () => {
    for (let at = 0; at < note.length; at++) {
      const changed = `${note.slice(0, at)}${note[at] === "x" ? "y" : "x"}${note.slice(at + 1)}`;
      const read = readCheckpoint(changed, [signer]);
      expect(read.ok && read.signed, `byte ${at}`).toBe(false);
    }
  });
});

test("the Merkle tree is that of RFC 6962", () => {
  const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"];
  const roots = new Map([
    [1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"],
    [2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    [3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"],
    [7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"],
  ]);
  expect(rootOf(EMPTY_TREE).toString("hex")).toBe(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  let tree: Tree = EMPTY_TREE;
  for (const leaf of leaves) {
    tree = withLeaf(tree, leafHash(Buffer.from(`ff${leaf}`, "hex")));
    const known = roots.get(tree.size);
    if (known !== undefined) expect(rootOf(tree).toString("hex")).toBe(known);
  }
});
