/** Lines of a log on their way to its files (SPEC §14.3): whole batches or nothing, checkpoints, the next file. */
import { canonicalJson } from "../canonical-json.ts";
import { messageOf, systemCode } from "../fault.ts";
import { type Head, Links } from "./chain.ts";
import type { Disk, LogFile } from "./disk.ts";
import { checkpointFile, rotatedFile } from "./files.ts";
import { rootOf } from "./merkle.ts";
import { type Signer, writeCheckpoint } from "./note.ts";
import type { Recovered } from "./recover.ts";
import { continuedFrom } from "./walk.ts";

export interface WriterParts {
  readonly disk: Disk;
  readonly path: string;
  readonly origin: string;
  readonly signer?: Signer | undefined;
  readonly sync: boolean;
  readonly checkpointCount: number;
  readonly rotateBytes: number;
  /** RFC 3339. */
  readonly now: () => string;
}

/** Stands in the queue for a checkpoint, which is made of what is before it. */
export const CHECKPOINT = "";

/** How long it may take until it is noticed that the file was taken away. */
const PLACE_MS = 5;

/** What is written under way is unknown: to go on would be to guess (fsyncgate). */
export class StopForGood extends Error {}

/** One call at a time. */
export class LogWriter {
  readonly #parts: WriterParts;
  #file: LogFile;
  /** Those before it, still to be synced and closed. */
  #full: LogFile[] = [];
  /** After what is written. What is being written is ahead of it, and forgotten if it fails. */
  #head: Head;
  readonly #links: Links;
  #size: number;
  #covered: number;
  #rotated: number;
  /** Names of files, and which file each is of, may not be on the disk yet. */
  #isUnnamed: boolean;
  /** When the file was last found where it belongs. */
  #placedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: WriterParts, file: LogFile, { head, size, covered, rotated }: Recovered) {
    this.#parts = parts;
    this.#file = file;
    this.#head = head;
    this.#links = new Links(head);
    this.#size = size;
    this.#covered = covered;
    this.#rotated = rotated;
    this.#isUnnamed = !parts.sync;
  }

  /** Lines behind the last checkpoint, its own among them. */
  get uncovered(): number {
    return this.#head.tree.size - this.#covered;
  }

  /** All of it or nothing: what is half written is taken back, and nobody was told of it. */
  async store(queue: readonly string[]): Promise<string | undefined> {
    const { links, note, covered } = this.#linked(queue);
    const { bytes } = links;
    try {
      await this.#writeAll(bytes);
    } catch (fault) {
      await this.#takeBack(fault);
    }
    if (this.#parts.sync) await syncOrStop(this.#file);
    this.#head = links.head;
    this.#size += bytes.length;
    this.#covered = covered;
    this.#checkPlace();
    return note;
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const count = await this.#file.write(bytes.subarray(done), this.#size + done);
      if (count === 0) throw new Error("the disk takes no more");
      done += count;
    }
  }

  /** Whoever takes the file away takes all that was ever answered: when this is noticed makes no difference to it. */
  #checkPlace(): void {
    const nowMs = performance.now();
    if (nowMs - this.#placedMs < PLACE_MS) return;
    if (!this.#file.isAt(this.#parts.path, this.#size)) {
      throw new StopForGood(`another program moved, replaced or changed ${this.#parts.path}`);
    }
    this.#placedMs = nowMs;
  }

  async #takeBack(fault: unknown): Promise<never> {
    try {
      await this.#file.truncate(this.#size);
    } catch {
      throw new StopForGood(
        `${reasonOf(fault)}, and what was half written could not be taken back`,
      );
    }
    throw fault;
  }

  /** A checkpoint is the last of what is written together. */
  #linked(queue: readonly string[]): LinkedBatch {
    const links = this.#begun();
    for (const record of queue) if (record !== CHECKPOINT) links.add(record);
    const covered = links.head.tree.size;
    const isDue = covered - this.#covered > this.#parts.checkpointCount;
    if (!isDue && !queue.includes(CHECKPOINT)) {
      return { links, note: undefined, covered: this.#covered };
    }
    const note = this.#noteOf(links.head);
    links.add(canonicalJson({ checkpoint: note, kind: "checkpoint" }));
    return { links, note, covered };
  }

  #begun(): Links {
    this.#links.begin(this.#head);
    return this.#links;
  }

  #noteOf({ tree }: Head): string {
    const { origin, signer } = this.#parts;
    return writeCheckpoint({ origin, size: tree.size, root: rootOf(tree) }, signer);
  }

  /** Beside the log, for whoever keeps it elsewhere: it must not survive what it speaks of, or the log seems cut. */
  async publish(note: string): Promise<void> {
    const { disk, path, sync } = this.#parts;
    const file = this.#file;
    await this.#finishFull();
    if (!sync) await syncOrStop(file);
    await this.#finishNames();
    await disk.replace(checkpointFile(path), note);
  }

  async #finishFull(): Promise<void> {
    for (const full of this.#full.splice(0)) {
      await syncOrStop(full);
      await full.close();
    }
  }

  /** For a checkpoint: a file that lost its name has lost the lines in it. */
  async #finishNames(): Promise<void> {
    if (!this.#isUnnamed) return;
    this.#isUnnamed = false;
    await syncNamesOrStop(this.#parts);
  }

  get isFull(): boolean {
    return this.#size >= this.#parts.rotateBytes;
  }

  /** Goes on in another file. Always behind a checkpoint, so that a rotated file can be verified alone. */
  async rotate(): Promise<void> {
    try {
      await this.#beginNext();
    } catch (fault) {
      // Neither file can be gone on with from here; a start looks at what is there.
      throw new StopForGood(`the next file could not be begun: ${reasonOf(fault)}`);
    }
  }

  async #beginNext(): Promise<void> {
    const { disk, path, now, sync } = this.#parts;
    this.#rotated += 1;
    await disk.rename(path, rotatedFile(path, this.#rotated));
    const next = await disk.open(path);
    this.#full.push(this.#file);
    this.#file = next;
    this.#size = 0;
    this.#isUnnamed = !sync;
    const links = this.#begun();
    links.add(canonicalJson(continuedFrom(this.#head, now())));
    await this.#writeAll(links.bytes);
    if (sync) {
      await syncOrStop(this.#file);
      await disk.syncNames(path);
    }
    this.#head = links.head;
    this.#size = links.bytes.length;
  }

  async sync(): Promise<void> {
    await this.#finishFull();
    await syncOrStop(this.#file);
  }

  async close(): Promise<void> {
    for (const file of [...this.#full.splice(0), this.#file]) await file.close();
  }
}

interface LinkedBatch {
  readonly links: Links;
  readonly note: string | undefined;
  readonly covered: number;
}

export function syncOrStop(file: LogFile): Promise<void> {
  return file.sync().catch(stopForGood);
}

function syncNamesOrStop({ disk, path }: Pick<WriterParts, "disk" | "path">): Promise<void> {
  return disk.syncNames(path).catch(stopForGood);
}

function stopForGood(fault: unknown): never {
  throw new StopForGood(`what was written may be lost: ${reasonOf(fault)}`);
}

export function reasonOf(fault: unknown): string {
  const code = systemCode(fault);
  return code === "ENOSPC" ? "the disk is full (ENOSPC)" : (code ?? messageOf(fault));
}
