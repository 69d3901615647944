/** Whatever is done to a log is found, and where (goal G17). */
import { hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { BEGINNING, Links } from "../../../engine/audit/chain.ts";
import { checkpointFile } from "../../../engine/audit/files.ts";
import { rootOf } from "../../../engine/audit/merkle.ts";
import { writeCheckpoint } from "../../../engine/audit/note.ts";
import { logOf, SIGNER, signerNamed, verify } from "../../support/audit.ts";
import { START } from "../../support/engine.ts";

/** A log whose lines a test can change. */
async function sample(count = 12, clock = () => START) {
  const { disk, path: at } = await logOf(count, { clock });
  const lines = disk.text(at).trimEnd().split("\n");
  const verifyWith = (changed: readonly string[], live = false) => {
    disk.files.set(at, Buffer.from(changed.map((line) => `${line}\n`).join("")));
    return verify(disk, at, { live });
  };
  return { disk, path: at, lines, verifyWith };
}

test("a log that nobody touched is right, and every record under a signature", async () => {
  const { disk, path, lines } = await sample();
  const verification = await verify(disk, path);
  expect(verification).toMatchObject({ ok: true, records: lines.length, first: 0, uncovered: 0 });
  expect(verification.signed).toBe(verification.checkpoints);
  expect(verification.checkpoints).toBeGreaterThanOrEqual(2);
});

/** RFC 6962 §2.1, as it stands there. */
function rootAsDefined(entries: readonly string[]): Buffer {
  const [only = ""] = entries;
  if (entries.length === 1) return sha256(Buffer.from(`\0${only}`));
  const half = 2 ** Math.ceil(Math.log2(entries.length) - 1);
  const [left, right] = [entries.slice(0, half), entries.slice(half)];
  return sha256(Buffer.concat([Buffer.from([1]), rootAsDefined(left), rootAsDefined(right)]));
}

function sha256(bytes: Buffer): Buffer {
  return hash("sha256", bytes, "buffer");
}

test("each line's hash is the leaf hash of its entry, and checkpoints are of the tree of entries", async () => {
  const { lines } = await sample(20);
  const hashes = lines.map((line) => String(JSON.parse(line).hash));
  const before = ["0".repeat(64), ...hashes];
  const entries = lines.map((line, at) => line.replace(hashes[at] ?? "", before[at] ?? ""));
  expect(entries.map((entry) => rootAsDefined([entry]).toString("hex"))).toEqual(hashes);
  const notes = lines.flatMap((line) => JSON.parse(line).record.checkpoint ?? []);
  expect(notes.length).toBeGreaterThan(1);
  for (const note of notes) {
    const [, size, root] = String(note).split("\n");
    expect(rootAsDefined(entries.slice(0, Number(size))).toString("base64")).toBe(root);
  }
});

test("any flipped bit of any byte", { timeout: 60_000 }, async () => {
  const { disk, path } = await sample(4);
  const whole = Buffer.from(disk.files.get(path) ?? "");
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    disk.files.set(path, changed);
    const { ok, findings } = await verify(disk, path);
    expect(ok, `byte ${at}`).toBe(false);
    const line = whole.subarray(0, at).toString("latin1").split("\n").length;
    expect(findings[0]?.line, `byte ${at}: ${findings[0]?.what}`).toBe(line);
  }
});

describe("any line", () => {
  test("dropped, also the last one", async () => {
    const { lines, verifyWith } = await sample();
    for (const at of lines.keys()) {
      const { ok, findings } = await verifyWith(lines.toSpliced(at, 1), true);
      expect(ok, `line ${at + 1}`).toBe(false);
      if (at < lines.length - 1) expect(findings[0]?.line).toBe(at + 1);
    }
  });

  test("swapped with the next, and written twice", async () => {
    const { lines, verifyWith } = await sample();
    for (const [at, line] of lines.entries()) {
      const next = lines[at + 1];
      if (next !== undefined) {
        const { findings } = await verifyWith(lines.toSpliced(at, 2, next, line));
        expect(findings[0]?.line).toBe(at + 1);
      }
      const { findings } = await verifyWith(lines.toSpliced(at, 0, line));
      expect(findings[0]?.line).toBe(at + 2);
    }
  });

  test("of another log", async () => {
    const one = await sample();
    const two = await sample(12, () => START + 1);
    for (const at of [3, 5, 8]) {
      const spliced = [...one.lines.slice(0, at), ...two.lines.slice(at)];
      expect((await one.verifyWith(spliced)).ok).toBe(false);
    }
  });
});

test("an end that was cut, however much of it", async () => {
  const { lines, verifyWith } = await sample();
  for (let kept = 0; kept < lines.length; kept++) {
    const { ok, findings } = await verifyWith(lines.slice(0, kept), true);
    expect(ok, `${kept} lines kept`).toBe(false);
    expect(findings.at(-1)?.what).toMatch(/its end was cut/);
  }
});

test("an end that was cut together with the checkpoint beside it, by an anchor kept elsewhere", async () => {
  const { disk, path, lines, verifyWith } = await sample();
  const anchor = { name: "anchor", note: disk.text(checkpointFile(path)) };
  disk.files.delete(checkpointFile(path));
  const kept = lines.slice(0, 2);
  expect((await verifyWith(kept, true)).ok).toBe(true);
  const { ok, findings } = await verify(disk, path, { anchors: [anchor], live: true });
  expect(ok).toBe(false);
  expect(findings[0]).toMatchObject({ file: "anchor" });
});

test("a record that somebody without the key appended", async () => {
  const { disk, path, lines } = await sample();
  const links = new Links(BEGINNING);
  for (const line of lines) links.add(line.slice(line.indexOf('"record":') + 9, -1));
  links.add('{"decision":"allow","id":"d-forged","kind":"decision"}');
  disk.files.set(path, links.bytes);
  const { ok, findings } = await verify(disk, path);
  expect(ok).toBe(false);
  expect(findings[0]?.what).toMatch(
    /^the last record has no checkpoint after it: whoever can write the file/,
  );
});

describe("a log that was begun without a key", () => {
  async function begun() {
    const { disk, path } = await logOf(12, { signer: undefined });
    const unsigned = Buffer.from(disk.files.get(path) ?? "");
    return { disk, path, unsigned };
  }

  async function goneOn(signer: typeof SIGNER | undefined, on: Awaited<ReturnType<typeof begun>>) {
    await logOf(3, { disk: on.disk, path: on.path, signer });
    return on.disk.text(on.path).trimEnd().split("\n");
  }

  test("is covered by the first checkpoint that is signed", async () => {
    const log = await begun();
    const lines = await goneOn(SIGNER, log);
    const found = await verify(log.disk, log.path);
    expect(found).toMatchObject({ ok: true, records: lines.length, uncovered: 0, findings: [] });
    expect(found.signed).toBeGreaterThan(0);
    expect(found.checkpoints).toBeGreaterThan(found.signed);
  });

  test("is nothing to go by while nobody has signed it, also while it is written", async () => {
    const { disk, path } = await begun();
    disk.files.delete(checkpointFile(path));
    for (const live of [false, true]) {
      const { ok, findings } = await verify(disk, path, { live });
      expect({ ok, what: findings.map(({ what }) => what) }).toEqual({
        ok: false,
        what: ["no checkpoint in it is signed by the key"],
      });
    }
  });

  test("may not be changed, cut or chained anew before the one that is signed", async () => {
    const log = await begun();
    const lines = await goneOn(SIGNER, log);
    const count = log.unsigned.toString().trimEnd().split("\n").length;
    for (let at = 0; at < count; at++) {
      const links = new Links(BEGINNING);
      for (const line of lines.toSpliced(at, 1)) {
        const { tree } = links.head;
        const record = line.slice(line.indexOf('"record":') + 9, -1);
        const isBare = record.startsWith('{"checkpoint"') && !record.includes("— ");
        const checkpoint = { origin: "unsigned", size: tree.size, root: rootOf(tree) };
        const note = writeCheckpoint(checkpoint, undefined);
        links.add(isBare ? JSON.stringify({ checkpoint: note, kind: "checkpoint" }) : record);
      }
      log.disk.files.set(log.path, links.bytes);
      const { ok, findings } = await verify(log.disk, log.path, { live: true });
      expect(ok, `without line ${at + 1}`).toBe(false);
      expect(findings[0]?.what).toMatch(/not of the lines before it/);
    }
  });

  test("and goes on without one is found, where it had one", async () => {
    const log = await begun();
    await goneOn(SIGNER, log);
    const lines = await goneOn(undefined, log);
    for (const live of [false, true]) {
      const { findings } = await verify(log.disk, log.path, { live });
      expect(findings.map(({ what }) => what)).toContain("the checkpoint is not signed by the key");
    }
    expect(lines.length).toBeGreaterThan(0);
  });
});

describe("a log written anew", () => {
  /** All lines but one, chained again by somebody who knows how. */
  async function rewritten(note: (note: string, size: number, root: Buffer) => string) {
    const { disk, path, lines } = await sample();
    const links = new Links(BEGINNING);
    for (const line of lines.toSpliced(4, 1)) {
      const { tree } = links.head;
      const record = line.slice(line.indexOf('"record":') + 9, -1);
      const changed = record.startsWith('{"checkpoint"')
        ? JSON.stringify({
            checkpoint: note(JSON.parse(record).checkpoint, tree.size, rootOf(tree)),
            kind: "checkpoint",
          })
        : record;
      links.add(changed);
    }
    disk.files.set(path, links.bytes);
    return { disk, path };
  }

  test("with its old checkpoints", async () => {
    const { disk, path } = await rewritten((note) => note);
    const { findings } = await verify(disk, path);
    expect(findings[0]?.what).toMatch(/not of the lines before it/);
  });

  test("with checkpoints that nobody signed, or somebody else", async () => {
    const origin = "writ.example/audit";
    for (const signer of [undefined, signerNamed(SIGNER.name, 2), signerNamed("evil", 3)]) {
      const { disk, path } = await rewritten((_, size, root) =>
        writeCheckpoint({ origin, size, root }, signer),
      );
      const { ok, findings } = await verify(disk, path);
      expect(ok).toBe(false);
      expect(findings.map(({ what }) => what).join()).toMatch(/signed by the key/);
    }
  });

  test("is found without a key only by a checkpoint that was kept", async () => {
    const origin = "writ.example/audit";
    const { disk, path } = await rewritten((_, size, root) =>
      writeCheckpoint({ origin, size, root }, undefined),
    );
    const note = disk.text(checkpointFile(path));
    disk.files.delete(checkpointFile(path));
    expect((await verify(disk, path, { verifiers: [] })).ok).toBe(true);
    const anchors = [{ name: "kept", note }];
    expect((await verify(disk, path, { verifiers: [], anchors })).ok).toBe(false);
  });
});

describe("a log of several files", () => {
  async function rotated() {
    const opened = await logOf(40, { limits: { rotateBytes: 1_500, checkpointCount: 5 } });
    const names = [...opened.disk.files.keys()].filter((name) => /\d\.jsonl$/.test(name)).sort();
    return { ...opened, names };
  }

  test("goes on from file to file", async () => {
    const { disk, path, names } = await rotated();
    expect(names.length).toBeGreaterThan(2);
    const verification = await verify(disk, path);
    expect(verification).toMatchObject({ ok: true, first: 0, uncovered: 0 });
    expect(verification.files).toEqual([...names, path]);
  });

  test("can be verified from any file on, the older ones being elsewhere", async () => {
    const { disk, path, names } = await rotated();
    const { records } = await verify(disk, path);
    disk.files.delete(names[0] ?? "");
    const rest = await verify(disk, path);
    expect(rest.ok).toBe(true);
    expect(rest.first + rest.records).toBe(records);
  });

  test("is not right where a file in between is missing, or two are exchanged", async () => {
    const { disk, path, names } = await rotated();
    const [, second = "", third = ""] = names;
    const two = disk.files.get(second) ?? Buffer.alloc(0);
    const three = disk.files.get(third) ?? Buffer.alloc(0);
    disk.files.set(second, three).set(third, two);
    expect((await verify(disk, path)).ok).toBe(false);
    disk.files.set(third, three);
    disk.files.delete(second);
    const { findings } = await verify(disk, path);
    expect(findings[0]).toEqual({ file: second, what: "the file is missing" });
  });
});

test("a log that is being written may be ahead of its checkpoint, where one says so", async () => {
  const { disk, lines, path, verifyWith } = await sample();
  const end = lines.length - 1;
  const forged = disk.text(path).slice(0, 40);
  expect((await verifyWith([...lines.slice(0, end), lines[end] ?? ""])).ok).toBe(true);
  disk.files.set(path, Buffer.from(`${lines.join("\n")}\n${forged}`));
  expect((await verify(disk, path)).findings[0]?.what).toMatch(/no whole line/);
  expect((await verify(disk, path, { live: true })).ok).toBe(true);
});

test("while it is written, a changed line is none of what a crash leaves", async () => {
  const { disk, path } = await logOf(12);
  const lines = disk.text(path).split("\n");
  const changed = lines.map((line) => line.replace('"id":"d-3"', '"id":"d-4"'));
  expect(changed).not.toEqual(lines);
  // Zeros, and the checkpoint of before put back, hide it from nobody.
  disk.files.set(path, Buffer.from(`${changed.join("\n")}\0`));
  disk.files.set(checkpointFile(path), Buffer.from(JSON.parse(lines[1] ?? "").record.checkpoint));
  const { ok, findings } = await verify(disk, path, { live: true });
  expect(ok).toBe(false);
  expect(findings).toMatchObject([{ file: path, what: expect.stringContaining("no whole line") }]);
});
