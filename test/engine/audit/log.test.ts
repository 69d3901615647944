/** What a log does while its disk does what disks do. No write, no allow (goals G3, G16). */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { DISK, type LogFile } from "../../../engine/audit/disk.ts";
import { checkpointFile } from "../../../engine/audit/files.ts";
import { LogInUse } from "../../../engine/audit/lock.ts";
import { LogStopped, openLog } from "../../../engine/audit/log.ts";
import { LogDamaged } from "../../../engine/audit/recover.ts";
import { verifyLog } from "../../../engine/audit/verify.ts";
import { anyPath, logOf, openMemoryLog, SIGNER, verify } from "../../support/audit.ts";
import { directoryWith } from "../../support/cli.ts";
import { diskFault, memoryDisk, type Operation } from "../../support/disk.ts";
import { START } from "../../support/engine.ts";

const RECORD = { kind: "decision", id: "d-1" };

/** A disk of which operation `nth` of that name fails. */
function failing(operation: Operation, nth: number, fault: () => number | undefined) {
  const disk = memoryDisk();
  let count = 0;
  disk.faults.before = (asked) => (asked === operation && ++count === nth ? fault() : undefined);
  return disk;
}

function throwing(code: string) {
  return (): never => {
    throw diskFault(code);
  };
}

function indexesOf(operation: Operation, done: readonly string[], from: number): number[] {
  return done.flatMap((one, at) => (at >= from && one === operation ? [at] : []));
}

describe("writing", () => {
  test("records of one turn are one write, and each has been told when it is there", async () => {
    const { disk, path, log } = await openMemoryLog();
    const before = disk.done.filter((done) => done === "write").length;
    for (let n = 0; n < 50; n++) log.append({ kind: "decision", id: `d-${n}` });
    expect(disk.text(path)).not.toContain("d-49");
    await log.written();
    expect(disk.text(path)).toContain("d-49");
    expect(disk.done.filter((done) => done === "write").length).toBe(before + 1);
    await log.close();
  });

  test("with sync, nobody is told before the sync that follows their write", async () => {
    const { disk, log } = await openMemoryLog({ sync: true });
    for (let n = 0; n < 20; n++) {
      disk.done.length = 0;
      log.append(RECORD);
      await log.written();
      expect(disk.done.slice(0, 2)).toEqual(["write", "sync"]);
    }
    await log.close();
  });

  test.each([true, false])(
    "with sync (%s), no record is answered, and no checkpoint published, of a file whose name may be lost",
    async (sync) => {
      const limits = { checkpointCount: 2, rotateBytes: 1_500 };
      const { disk, log } = await openMemoryLog({ sync, limits });
      for (let n = 0; n < 30; n++) {
        log.append(RECORD);
        await log.written();
      }
      await log.close();
      const named = disk.done.flatMap((done, at) => {
        if (done !== "open") return [];
        // The first line of a file says what it is, and nobody waits for that.
        const [, second = disk.done.length] = indexesOf("write", disk.done, at);
        // Of the two that are published from then on, one may be of the file before.
        const [, published = disk.done.length] = indexesOf("replace", disk.done, at);
        return [disk.done.slice(at, sync ? second : published).includes("sync names")];
      });
      expect(named.length).toBeGreaterThan(2);
      expect(new Set(named)).toEqual(new Set([true]));
    },
  );

  test.each([true, false])(
    "with sync (%s), a checkpoint is published once the disk has all that it speaks of",
    async (sync) => {
      const limits = { checkpointCount: 2, rotateBytes: 1_500 };
      const disk = memoryDisk();
      /** Lines of each file, the oldest first. */
      const files: { written: number; synced: number }[] = [];
      const published: boolean[] = [];
      const { log } = await openMemoryLog({
        sync,
        limits,
        disk: {
          ...disk,
          open: async (path) => {
            const file = await disk.open(path);
            const lines = { written: 0, synced: 0 };
            files.push(lines);
            return {
              ...file,
              write: (bytes, position) => {
                lines.written += bytes.toString().split("\n").length - 1;
                return file.write(bytes, position);
              },
              sync: async () => {
                lines.synced = lines.written;
              },
            };
          },
          replace: async (path, note) => {
            const size = Number(note.split("\n")[1]);
            const torn = files.findIndex(({ written, synced }) => synced < written);
            const whole = torn < 0 ? files : files.slice(0, torn + 1);
            published.push(whole.reduce((sum, { synced }) => sum + synced, 0) >= size);
            // Meanwhile more is written, and other files are begun.
            await new Promise((next) => setImmediate(next));
            await disk.replace(path, note);
          },
        },
      });
      for (let n = 0; n < 40; n++) {
        log.append(RECORD);
        await log.written();
      }
      await log.close();
      expect(files.length).toBeGreaterThan(2);
      expect(published.length).toBeGreaterThan(2);
      expect(new Set(published)).toEqual(new Set([true]));
    },
  );

  test("a checkpoint stands after so many records, after so much time, and at the end", async () => {
    const { disk, path, log } = await openMemoryLog({
      limits: { checkpointCount: 10, checkpointMs: 5, publishMs: 0 },
    });
    const note = () => disk.text(checkpointFile(path));
    const first = note();
    for (let n = 0; n < 11; n++) log.append(RECORD);
    await log.written();
    await expect.poll(note).not.toBe(first);
    const second = note();
    log.append(RECORD);
    await expect.poll(note).not.toBe(second);
    log.append(RECORD);
    await log.close();
    expect(await verify(disk, path)).toMatchObject({ ok: true, uncovered: 0 });
    expect(Number(note().split("\n")[1])).toBeGreaterThan(13);
  });

  test("a checkpoint is published some time after the one before, and the last at once", async () => {
    const { disk, path, log } = await openMemoryLog({
      limits: { checkpointCount: 1, publishMs: 3_600_000 },
    });
    const first = disk.text(checkpointFile(path));
    for (let n = 0; n < 10; n++) {
      log.append(RECORD);
      await log.written();
      await new Promise((next) => setImmediate(next));
    }
    expect(disk.text(path)).toContain('"n":14,');
    expect(disk.text(checkpointFile(path))).toBe(first);
    await log.close();
    expect(disk.text(checkpointFile(path))).not.toBe(first);
    expect(await verify(disk, path)).toMatchObject({ ok: true, uncovered: 0 });
  });

  test("what would be taken for a line end is none", async () => {
    const { disk, path, log } = await openMemoryLog();
    const hostile = "a\r\nb\u2028c\u2029d\u0085e\u007f\u001b[2J";
    log.append({ kind: "decision", because: hostile });
    await log.close();
    const [line = ""] = disk
      .text(path)
      .split("\n")
      .filter((one) => one.includes("because"));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    expect(JSON.parse(line).record.because).toBe(hostile);
  });

  test("a queue that is full refuses what comes", async () => {
    const { log } = await openMemoryLog({ limits: { queueCount: 3 } });
    for (let n = 0; n < 3; n++) log.append(RECORD);
    expect(() => log.append(RECORD)).toThrow(LogStopped);
    expect(log.readiness().ready).toBe(false);
    await log.written();
    expect(log.readiness().ready).toBe(true);
    await log.close();
  });

  test("a disk that hangs keeps nobody waiting, and what it takes later counts", async () => {
    const { disk, path, log } = await openMemoryLog({ limits: { behindMs: 5 } });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    disk.faults.before = () => promise;
    log.append(RECORD);
    await expect(log.written()).rejects.toThrow(LogStopped);
    expect(log.readiness().ready).toBe(false);
    expect(() => log.append(RECORD)).toThrow(LogStopped);
    resolve(undefined);
    await expect.poll(() => log.readiness().ready).toBe(true);
    log.append({ kind: "decision", id: "d-later" });
    await log.close();
    expect(await verify(disk, path)).toMatchObject({ ok: true });
  });
});

describe("beside what is written", () => {
  /** Operations of that name wait until they are let go. */
  function holding(disk: ReturnType<typeof memoryDisk>, operation: Operation) {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    disk.faults.before = (asked) => (asked === operation ? promise : undefined);
    return () => resolve(undefined);
  }

  test("a checkpoint is published, of several the latest, and nobody waits", async () => {
    const { disk, path, log } = await openMemoryLog({ limits: { checkpointCount: 2 } });
    const letGo = holding(disk, "replace");
    const before = disk.done.filter((done) => done === "replace").length;
    for (let n = 0; n < 12; n++) {
      log.append(RECORD);
      await log.written();
    }
    expect(disk.text(path).match(/"kind":"checkpoint"/g)?.length).toBeGreaterThan(3);
    letGo();
    await log.close();
    // The first, the latest that came meanwhile, and the last of all.
    expect(disk.done.filter((done) => done === "replace").length - before).toBeLessThan(5);
    const last = disk.text(path).trimEnd().split("\n").at(-1) ?? "";
    expect(disk.text(checkpointFile(path))).toBe(JSON.parse(last).record.checkpoint);
  });

  test("a full file is synced and closed, and the next is written meanwhile", async () => {
    const limits = { checkpointCount: 2, rotateBytes: 1_500 };
    const { disk, path, log } = await openMemoryLog({ limits });
    const letGo = holding(disk, "sync");
    for (let n = 0; n < 20; n++) {
      log.append(RECORD);
      await log.written();
    }
    const rotated = [...disk.files.keys()].filter((name) => /\.0\d+\.jsonl$/.test(name));
    expect(rotated.length).toBeGreaterThan(1);
    letGo();
    await log.close();
    expect(disk.done.filter((done) => done === "sync").length).toBeGreaterThan(rotated.length);
    expect(await verify(disk, path)).toMatchObject({ ok: true, first: 0, uncovered: 0 });
  });

  test("a full file that cannot be synced ends the log", async () => {
    const disk = failing("sync", 1, throwing("EIO"));
    const limits = { checkpointCount: 2, rotateBytes: 1_500 };
    const { log } = await openMemoryLog({ disk, limits });
    for (let n = 0; n < 20 && log.readiness().ready; n++) {
      log.append(RECORD);
      await log.written().catch(() => {});
    }
    expect(await log.ended).toContain("EIO");
    expect(() => log.append(RECORD)).toThrow(LogStopped);
    await log.close();
  });
});

test("a process that was busy for long blames no disk for it", async () => {
  const { disk, log } = await openMemoryLog({ limits: { behindMs: 80 } });
  // As a disk that needs several turns of the event loop to say that it is done.
  disk.faults.before = async () => {
    for (let turn = 0; turn < 10; turn++) await new Promise((next) => setImmediate(next));
    return undefined;
  };
  log.append(RECORD);
  const writing = log.written();
  await new Promise((next) => setImmediate(next));
  const until = performance.now() + 200;
  while (performance.now() < until);
  await writing;
  await log.close();
});

describe("a disk that fails", () => {
  test("a short write is completed", async () => {
    const disk = failing("write", 3, () => 7);
    const { path, log } = await openMemoryLog({ disk });
    for (let n = 0; n < 5; n++) {
      log.append(RECORD);
      await log.written();
    }
    await log.close();
    expect(await verify(disk, path)).toMatchObject({ ok: true });
  });

  test.each(["ENOSPC", "EIO", "EFBIG", "EDQUOT"])(
    "%s after a short write is taken back, nobody is told yes, and writing goes on when it can",
    async (code) => {
      const { disk, path, log, troubles } = await openMemoryLog({ limits: { retryMs: 2 } });
      let isFull = true;
      let count = 0;
      disk.faults.before = (operation) => {
        if (operation !== "write" || !isFull) return undefined;
        if (++count === 1) return 13;
        throw diskFault(code);
      };
      log.append({ kind: "decision", id: "d-lost" });
      await expect(log.written()).rejects.toThrow(code);
      expect(log.readiness()).toMatchObject({ ready: false });
      expect(() => log.append(RECORD)).toThrow(LogStopped);
      expect(disk.text(path)).not.toContain("d-lost");
      expect(disk.text(path).endsWith("}\n")).toBe(true);
      isFull = false;
      await expect.poll(() => log.readiness().ready).toBe(true);
      log.append({ kind: "decision", id: "d-after" });
      await log.close();
      expect(disk.text(path)).toMatch(/"kind":"resumed","refused":[12]/);
      expect(disk.text(path)).toContain("d-after");
      expect(troubles.join()).toContain(code);
      expect(await verify(disk, path)).toMatchObject({ ok: true });
    },
  );

  test("a sync that fails is not tried again, and the log ends", async () => {
    const { disk, log, troubles } = await openMemoryLog({ sync: true, limits: { retryMs: 1 } });
    disk.faults.before = (operation) => (operation === "sync" ? throwing("EIO")() : undefined);
    log.append(RECORD);
    await expect(log.written()).rejects.toThrow("EIO");
    disk.faults.before = () => undefined;
    expect(await log.ended).toMatch(/what was written may be lost: EIO/);
    expect(() => log.append(RECORD)).toThrow(LogStopped);
    const count = disk.done.length;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(disk.done.length).toBe(count);
    expect(troubles).toHaveLength(1);
    await log.close();
  });

  test("what cannot be taken back ends the log, too", async () => {
    const { disk, log } = await openMemoryLog();
    disk.faults.before = (operation) =>
      operation === "write" || operation === "truncate" ? throwing("EIO")() : undefined;
    log.append(RECORD);
    await expect(log.written()).rejects.toThrow("could not be taken back");
    expect(await log.ended).toContain("EIO");
    await log.close();
  });

  test.each<Operation>(["open", "write", "replace", "sync", "rename", "truncate"])(
    "whichever %s fails, nobody is told of a record that is not there",
    async (operation) => {
      for (let nth = 1; nth < 14; nth++) {
        const disk = failing(operation, nth, throwing("EIO"));
        const told: string[] = [];
        const path = anyPath();
        try {
          const { log } = await openMemoryLog({
            disk,
            path,
            sync: true,
            limits: { retryMs: 1, checkpointCount: 3, rotateBytes: 1_500 },
          });
          for (let n = 0; n < 20; n++) {
            try {
              log.append({ kind: "decision", id: `d-${n}.` });
              await log.written();
              told.push(`d-${n}.`);
            } catch (fault) {
              expect(fault).toBeInstanceOf(LogStopped);
            }
          }
          await log.close();
        } catch (fault) {
          expect(String(fault)).toContain("EIO");
        }
        const whole = [...disk.files].filter(([name]) => name.endsWith(".jsonl"));
        const text = whole.map(([, bytes]) => bytes.toString()).join("");
        for (const id of told) expect(text, `${operation} ${nth}`).toContain(id);
      }
    },
  );
});

describe("taking a log up again", () => {
  test("after a cut at any byte, what is whole stays and goes on", {
    timeout: 60_000,
  }, async () => {
    const { disk, path, log } = await openMemoryLog({ signer: undefined });
    for (let n = 0; n < 64; n++) log.append({ kind: "decision", id: `d-${n}` });
    await log.written();
    await log.close();
    const whole = disk.files.get(path) ?? Buffer.alloc(0);
    for (let kept = 1; kept < whole.length; kept++) {
      const torn = memoryDisk();
      const at = anyPath();
      torn.files.set(at, Buffer.from(whole.subarray(0, kept)));
      const again = await openMemoryLog({ disk: torn, path: at, signer: undefined });
      const lines = whole.subarray(0, kept).toString().split("\n").length - 1;
      const text = torn.text(at).split("\n");
      expect(text.slice(0, lines)).toEqual(whole.toString().split("\n").slice(0, lines));
      const isTorn = whole[kept - 1] !== 10;
      expect(text[lines]).toContain(isTorn ? '"kind":"cut"' : '"kind":"opened"');
      if (kept % 50 === 0) {
        await again.log.close();
        expect(await verify(torn, at, { verifiers: [] })).toMatchObject({ ok: true });
      }
    }
  });

  test("pages that were never written are cut as well", async () => {
    const { disk, path } = await logOf(5, { signer: undefined });
    disk.files.delete(checkpointFile(path));
    const whole = disk.files.get(path) ?? Buffer.alloc(0);
    disk.files.set(path, Buffer.concat([whole, Buffer.alloc(300), Buffer.from('x"}\n')]));
    const { log } = await openMemoryLog({ disk, path, signer: undefined });
    await log.close();
    expect(disk.text(path)).toContain('"bytes":304');
    expect(await verify(disk, path, { verifiers: [] })).toMatchObject({ ok: true });
  });

  test("goes on numbering and chaining, and says that it was opened", async () => {
    const { disk, path } = await logOf(5);
    const { log } = await openMemoryLog({ disk, path });
    log.append(RECORD);
    await log.close();
    expect(await verify(disk, path)).toMatchObject({ ok: true, uncovered: 0 });
    expect(disk.text(path).match(/"kind":"opened"/g)).toHaveLength(2);
  });

  test.each<[string, (text: string) => string, RegExp]>([
    ["a changed line", (text) => text.replace("d-2", "d-9"), /line \d+: record \d+ or the one/],
    ["a line less", (text) => text.split("\n").toSpliced(3, 1).join("\n"), /line 4: record 4/],
    ["a cut behind the last checkpoint", (text) => text.slice(0, 400), /does not hold the/],
    ["nothing left", () => "", /does not hold the/],
  ])("%s is for people to look at: it does not start", async (_, change, why) => {
    const { disk, path } = await logOf(5);
    disk.files.set(path, Buffer.from(change(disk.text(path))));
    const before = disk.text(path);
    const opening = openMemoryLog({ disk, path });
    await expect(opening).rejects.toThrow(LogDamaged);
    await expect(openMemoryLog({ disk, path })).rejects.toThrow(why);
    expect(disk.text(path)).toBe(before);
  });

  test("of several files, also where it stopped between renaming one and beginning the next", async () => {
    const limits = { rotateBytes: 1_500, checkpointCount: 5 };
    const { disk, path } = await logOf(40, { limits });
    disk.files.set(
      path.replace(".jsonl", ".000099.jsonl"),
      disk.files.get(path) ?? Buffer.alloc(0),
    );
    const numbers = [...disk.files.keys()].filter((name) => /\.0\d+\.jsonl$/.test(name)).sort();
    disk.files.delete(path);
    const last = path.replace(".jsonl", `.${String(numbers.length).padStart(6, "0")}.jsonl`);
    const bytes = disk.files.get(path.replace(".jsonl", ".000099.jsonl")) ?? Buffer.alloc(0);
    disk.files.delete(path.replace(".jsonl", ".000099.jsonl"));
    disk.files.set(last, bytes);
    const { log } = await openMemoryLog({ disk, path, limits });
    log.append(RECORD);
    await log.close();
    expect(await verify(disk, path)).toMatchObject({ ok: true, first: 0, uncovered: 0 });
  });

  test("whatever there is of the first line of a file that was just begun", async () => {
    const limits = { rotateBytes: 1_500, checkpointCount: 5 };
    const { disk, path } = await logOf(40, { limits });
    const names = [...disk.files.keys()].filter((name) => /\.0\d+\.jsonl$/.test(name)).sort();
    const last =
      disk
        .text(names.at(-1) ?? "")
        .trimEnd()
        .split("\n")
        .at(-1) ?? "";
    const note = JSON.parse(last).record.checkpoint as string;
    const first = disk.text(path).split("\n")[0] ?? "";
    for (let kept = 0; kept <= first.length; kept++) {
      const torn = memoryDisk();
      const at = anyPath();
      for (const name of names) {
        torn.files.set(
          name.replace(path.slice(0, -6), at.slice(0, -6)),
          disk.files.get(name) ?? Buffer.alloc(0),
        );
      }
      torn.files.set(checkpointFile(at), Buffer.from(note));
      torn.files.set(at, Buffer.from(kept === first.length ? `${first}\n` : first.slice(0, kept)));
      const { log } = await openMemoryLog({ disk: torn, path: at });
      await log.close();
      const { ok, findings } = await verify(torn, at);
      expect(ok, `${kept} bytes: ${findings[0]?.what}`).toBe(true);
      const isTorn = kept > 0 && kept < first.length;
      expect(torn.text(at).includes('"kind":"cut"')).toBe(isTorn);
    }
  });

  test("a file that was just begun, of which a loss of power left the end without the beginning", async () => {
    const limits = { rotateBytes: 1_500, checkpointCount: 5 };
    const { disk, path } = await logOf(40, { limits });
    const rotated = [...disk.files.keys()].filter((name) => /\.0\d+\.jsonl$/.test(name)).sort();
    const note = JSON.parse(lastLineOf(disk.text(rotated.at(-1) ?? ""))).record.checkpoint;
    disk.files.set(checkpointFile(path), Buffer.from(note));
    const begun = Buffer.from(`${disk.text(path).split("\n")[0]}\n`);
    disk.files.set(path, begun.fill(0, 0, 512));
    const { log } = await openMemoryLog({ disk, path, limits });
    await log.close();
    expect(await verify(disk, path)).toMatchObject({ ok: true, first: 0, uncovered: 0 });
    expect(disk.text(path)).toContain('"kind":"cut"');
  });
});

function lastLineOf(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

describe("on a real disk", () => {
  const parts = (path: string) => ({
    disk: DISK,
    path,
    origin: "o",
    signer: SIGNER,
    sync: true,
    clock: () => START,
    onTrouble: () => {},
  });

  test("only the owner may read it, and one process at a time writes it", async () => {
    const path = join(directoryWith({}), "logs", "audit.jsonl");
    const log = await openLog(parts(path));
    log.append(RECORD);
    await log.written();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(checkpointFile(path)).mode & 0o777).toBe(0o600);
    await expect(openLog(parts(path))).rejects.toThrow(LogInUse);
    await log.close();
    expect(readFileSync(path, "utf8")).toContain('"kind":"closed"');
    await (await openLog(parts(path))).close();
  });

  test.each([
    ["deletes it", (path: string) => rmSync(path)],
    ["moves it away", (path: string) => renameSync(path, `${path}.1`)],
    [
      "puts a copy in its place",
      (path: string) => {
        copyFileSync(path, `${path}.copy`);
        renameSync(`${path}.copy`, path);
      },
    ],
    ["empties it once it was copied", (path: string) => truncateSync(path)],
    ["adds to it", (path: string) => appendFileSync(path, "{}\n")],
  ])("nobody is told of records where another program %s", async (_, interfere) => {
    const path = join(directoryWith({}), "audit.jsonl");
    const log = await openLog({ ...parts(path), sync: false });
    log.append(RECORD);
    await log.written();
    interfere(path);
    // Told of what is written in the next few milliseconds is nobody who could not have been told of it before.
    const told = async (): Promise<string> => {
      for (;;) {
        try {
          log.append(RECORD);
          await log.written();
        } catch (fault) {
          return String(fault);
        }
      }
    };
    expect(await told()).toContain(`another program moved, replaced or changed ${path}`);
    expect(await log.ended).toContain("another program");
    await log.close();
  });

  test("a place that cannot be written is refused at once", async () => {
    const directory = directoryWith({ "audit.jsonl": "not a log\n" });
    await expect(openLog(parts(join(directory, "audit.jsonl")))).rejects.toThrow(LogDamaged);
    if (process.getuid?.() === 0) return;
    chmodSync(directory, 0o500);
    await expect(openLog(parts(join(directory, "other.jsonl")))).rejects.toThrow(/EACCES/);
  });

  test("a file that may grow no further takes a part, which is taken back", async () => {
    const path = join(directoryWith({}), "audit.jsonl");
    const writer = fileURLToPath(new URL("../../support/audit-writer.ts", import.meta.url));
    // In KiB: writes beyond are short first, and then EFBIG.
    const limited = ["-c", 'ulimit -f 64; exec "$@"', "bash", process.execPath, writer, path, "r0"];
    const { status, stdout, stderr } = spawnSync("bash", limited, { encoding: "utf8" });
    expect(status, stderr).toBe(3);
    expect(stderr).toContain("nothing can be recorded: EFBIG");
    const text = readFileSync(path, "utf8");
    const told = stdout.split("\n").slice(0, -1);
    expect(told.length).toBeGreaterThan(32);
    expect(told.filter((id) => !text.includes(`"id":"${id}"`))).toEqual([]);
    expect(text.endsWith("}\n")).toBe(true);
    const parts = { disk: DISK, path, verifiers: [], anchors: [], live: false };
    expect(await verifyLog(parts)).toMatchObject({ ok: true });
  });

  test("a full device takes nothing, and nobody is told that it did", async () => {
    const path = join(directoryWith({}), "audit.jsonl");
    // A device in the place of the log is refused: its writes are given to one beside it.
    const device = openSync("/dev/full", "w");
    onTestFinished(() => closeSync(device));
    const open = async (name: string): Promise<LogFile> => ({
      ...(await DISK.open(name)),
      write: async (bytes) => writeSync(device, bytes),
    });
    const opened = openLog({ ...parts(path), disk: { ...DISK, open } });
    await expect(opened).rejects.toThrow("ENOSPC");
    expect(readFileSync(path, "utf8")).toBe("");
  });
});
