/**
 * An audit log on a disk (SPEC §14.3). What is appended together is written at once, and
 * who asks `written` learns when it is. A log that cannot be written says so to everybody until it can.
 */
import { setTimeout as pause } from "node:timers/promises";
import { spellTime } from "../../lang/scalar/time.ts";
import type { Readiness } from "../answer.ts";
import { canonicalJson, digestOf } from "../canonical-json.ts";
import type { Release } from "../file-lock.ts";
import { soon } from "../soon.ts";
import { type Batch, newBatch, watchLateness } from "./batch.ts";
import type { Disk, LogFile } from "./disk.ts";
import { claimLog } from "./lock.ts";
import type { Signer } from "./note.ts";
import { type AuditRecord, isInOrder } from "./record.ts";
import { type Recovered, recover } from "./recover.ts";
import { continuedFrom } from "./walk.ts";
import { CHECKPOINT, LogWriter, reasonOf, StopForGood } from "./writer.ts";

export interface LogParts {
  readonly disk: Disk;
  /** The current file. */
  readonly path: string;
  /** Names the log in its checkpoints. */
  readonly origin: string;
  /** Missing = checkpoints count and are not signed. */
  readonly signer?: Signer | undefined;
  /** Written is what survives the machine; else what survives the process. */
  readonly sync: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly clock: () => number;
  readonly limits?: Partial<LogLimits>;
  /** Told once of what ends or hinders the log. */
  readonly onTrouble: (message: string) => void;
}

export interface LogLimits {
  /** Records that wait to be written; more are refused. */
  readonly queueCount: number;
  /** After it those that wait are told that the disk is too slow. */
  readonly behindMs: number;
  readonly checkpointCount: number;
  readonly checkpointMs: number;
  /** Between checkpoints that are published beside the log: for each the disk is waited for, though by nobody else. */
  readonly publishMs: number;
  /** A file is rotated once it has so many bytes. */
  readonly rotateBytes: number;
  /** Between attempts to write again, once the disk refused. */
  readonly retryMs: number;
}

export const LOG_LIMITS: LogLimits = {
  queueCount: 10_000,
  behindMs: 1_000,
  checkpointCount: 1_000,
  checkpointMs: 10_000,
  publishMs: 1_000,
  rotateBytes: 64 * 1024 * 1024,
  retryMs: 1_000,
};

/** Nothing can be recorded now, or ever again; the message says why. */
export class LogStopped extends Error {}

export interface AuditLog {
  /** Throws where the log is stopped or too far behind. */
  append(record: AuditRecord): void;
  /** Resolves when all that was appended before is written; rejects when it cannot be. */
  written(): Promise<void>;
  readiness(): Readiness;
  /** Of what was appended and is not written. */
  readonly waiting: number;
  /** Resolves when the log will never be written again, with why. */
  readonly ended: Promise<string>;
  /** Writes what waits and a last checkpoint. */
  close(): Promise<void>;
}

/** Takes up the log where it ends. Rejects when it is damaged, in use, or cannot be written. */
export async function openLog(parts: LogParts): Promise<AuditLog> {
  const { disk, path, signer } = parts;
  const release = claimLog(disk, path);
  try {
    const recovered = await recover(disk, path, signer === undefined ? [] : [signer]);
    const file = await disk.open(path);
    if (recovered.torn !== undefined) await file.truncate(recovered.size);
    if (parts.sync) await disk.syncNames(path);
    const log = new Log(parts, file, recovered, release);
    try {
      await log.begin(recovered);
    } catch (error) {
      await log.abandon();
      throw error;
    }
    return log;
  } catch (error) {
    release();
    throw error;
  }
}

type Stop = { readonly because: string; readonly forGood: boolean };

class Log implements AuditLog {
  readonly ended: Promise<string>;
  readonly #parts: LogParts;
  readonly #release: Release;
  readonly #limits: LogLimits;
  readonly #writer: LogWriter;
  #queue: string[] = [];
  #batch = newBatch();
  /** What was written last, or is being written. */
  #last = newBatch();
  /** Settles when nothing more is to be done for it. */
  #writing: Promise<void> | undefined;
  /** What is done while more is written. */
  readonly #besides = new Set<Promise<void>>();
  /** The checkpoint that is being published, or will be next. */
  #unpublished: string | undefined;
  #publishedMs = Number.NEGATIVE_INFINITY;
  #isDue = false;
  /** The write under way takes longer than anybody waits. */
  #isLate = false;
  #stop: Stop | undefined;
  #refusedCount = 0;
  readonly #closing = new AbortController();
  #isClosed = false;
  readonly #timers = new Set<NodeJS.Timeout>();
  #retry: NodeJS.Timeout | undefined;
  readonly #end: (because: string) => void;

  constructor(parts: LogParts, file: LogFile, recovered: Recovered, release: Release) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    this.#end = resolve;
    this.#parts = parts;
    this.#release = release;
    this.#limits = { ...LOG_LIMITS, ...parts.limits };
    const now = () => this.#now();
    this.#writer = new LogWriter({ ...parts, ...this.#limits, now }, file, recovered);
  }

  async begin({ begins, rotated, head, torn }: Recovered): Promise<void> {
    const at = this.#now();
    this.#timers.add(this.#watchLateness());
    if (begins && rotated > 0) this.append({ ...continuedFrom(head, at) });
    if (torn !== undefined) {
      const digest = digestOf(torn.toString("base64"));
      this.append({ kind: "cut", at, bytes: torn.length, digest });
    }
    const { origin, signer } = this.#parts;
    this.append({ kind: "opened", at, origin, key: signer?.text });
    this.#queue.push(CHECKPOINT);
    await this.#write();
    await Promise.all(this.#besides);
    const { checkpointMs } = this.#limits;
    this.#timers.add(setInterval(() => this.#checkpointIfDue(), checkpointMs).unref());
  }

  get waiting(): number {
    return this.#queue.length;
  }

  append(record: AuditRecord): void {
    const readiness = this.readiness();
    if (!readiness.ready) {
      this.#refusedCount += 1;
      throw new LogStopped(readiness.because);
    }
    this.#queue.push(jsonOf(record));
    this.#schedule();
  }

  written(): Promise<void> {
    if (this.#stop !== undefined) return Promise.reject(new LogStopped(this.#stop.because));
    if (this.#queue.length > 0) return this.#batch.promise;
    return this.#last.promise;
  }

  readiness(): Readiness {
    if (this.#stop !== undefined) return { ready: false, because: this.#stop.because };
    const isBehind = this.#isLate || this.#queue.length >= this.#limits.queueCount;
    return isBehind ? { ready: false, because: TOO_SLOW } : { ready: true };
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    try {
      if (this.#stop === undefined) {
        this.append({ kind: "closed", at: this.#now() });
        this.#queue.push(CHECKPOINT);
        await this.written();
        await this.#writing;
        await Promise.all(this.#besides);
        await this.#writer.sync();
      }
    } catch (fault) {
      throw this.#closingFailed(fault);
    } finally {
      await this.abandon();
      this.#release();
    }
  }

  #closingFailed(fault: unknown): unknown {
    if (!(fault instanceof StopForGood)) return fault;
    this.#parts.onTrouble(fault.message);
    return new LogStopped(fault.message);
  }

  async abandon(): Promise<void> {
    this.#isClosed = true;
    this.#closing.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    clearTimeout(this.#retry);
    this.#stop ??= { because: "the audit log is closed", forGood: true };
    await this.#writing;
    await Promise.all(this.#besides);
    await this.#writer.close().catch(() => {});
  }

  #now(): string {
    return spellTime(this.#parts.clock());
  }

  /** After all that is decided together, unless a write is under way: then when that is done. */
  #schedule(): void {
    if (this.#isDue || this.#writing !== undefined) return;
    this.#isDue = true;
    soon(this.#parts.sync, () => {
      this.#isDue = false;
      if (this.#writing === undefined && this.#queue.length > 0) void this.#write();
    });
  }

  #write(): Promise<void> {
    const batch = this.#batch;
    const queue = this.#queue;
    this.#batch = newBatch();
    this.#queue = [];
    this.#last = batch;
    this.#writing = this.#store(queue, batch);
    return batch.promise;
  }

  async #store(queue: readonly string[], batch: Batch): Promise<void> {
    try {
      const note = await this.#writer.store(queue);
      batch.resolve();
      if (note !== undefined) this.#publish(note);
      // The last checkpoint stays the last line.
      const mayRotate = note !== undefined && !this.#closing.signal.aborted;
      if (mayRotate && this.#writer.isFull) await this.#writer.rotate();
    } catch (fault) {
      this.#fail(fault, queue.length, batch);
    }
    this.#isLate = false;
    this.#writing = undefined;
    if (this.#queue.length > 0) this.#schedule();
  }

  /** While more is written: nobody waits for it. Of several that come meanwhile, the latest. */
  #publish(note: string): void {
    const isUnderWay = this.#unpublished !== undefined;
    this.#unpublished = note;
    if (!isUnderWay) this.#aside(() => this.#publishAll());
  }

  async #publishAll(): Promise<void> {
    try {
      let published: string | undefined;
      while (this.#unpublished !== undefined && this.#unpublished !== published) {
        await this.#untilDue();
        published = this.#unpublished;
        await this.#writer.publish(published);
        this.#publishedMs = performance.now();
      }
    } finally {
      this.#unpublished = undefined;
    }
  }

  /** At once where the log is closed. */
  async #untilDue(): Promise<void> {
    const leftMs = this.#publishedMs + this.#limits.publishMs - performance.now();
    const { signal } = this.#closing;
    if (leftMs > 0) await pause(leftMs, undefined, { ref: false, signal }).catch(() => {});
  }

  /** What nobody waits for. Nothing is recorded any more once it fails. */
  #aside(work: () => Promise<void>): void {
    const done = work()
      .catch((fault) => this.#fail(fault, 0, this.#batch))
      .finally(() => this.#besides.delete(done));
    this.#besides.add(done);
  }

  #watchLateness(): NodeJS.Timeout {
    return watchLateness(
      this.#limits.behindMs,
      () => (this.#writing === undefined ? undefined : this.#last),
      (batch) => this.#beLate(batch),
    ).unref();
  }

  /** Whoever waits is told; what they wait for is written all the same, if it can be. */
  #beLate(batch: Batch): void {
    if (this.#last !== batch || this.#writing === undefined) return;
    this.#isLate = true;
    batch.reject(new LogStopped(TOO_SLOW));
    this.#batch.reject(new LogStopped(TOO_SLOW));
    this.#batch = newBatch();
  }

  /** A checkpoint is a line as well: it alone is no reason for another. */
  #checkpointIfDue(): void {
    if (this.#stop !== undefined || this.#isClosed) return;
    if (this.#writer.uncovered <= 1) return;
    this.#queue.push(CHECKPOINT);
    this.#schedule();
  }

  #fail(fault: unknown, count: number, batch: Batch): void {
    const because = `nothing can be recorded: ${reasonOf(fault)}`;
    const stopped = new LogStopped(because);
    batch.reject(stopped);
    this.#batch.reject(stopped);
    this.#batch = newBatch();
    this.#refusedCount += count + this.#queue.length;
    this.#queue = [];
    if (this.#stop?.forGood === true) return;
    const forGood = fault instanceof StopForGood;
    const isNew = this.#stop === undefined;
    this.#stop = { because, forGood };
    if (isNew || forGood) this.#parts.onTrouble(because);
    if (forGood) this.#end(because);
    else this.#retryLater();
  }

  #retryLater(): void {
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#resume();
    }, this.#limits.retryMs).unref();
  }

  /** With a line that says what is missing before it. */
  async #resume(): Promise<void> {
    await this.#writing;
    if (this.#stop === undefined || this.#stop.forGood) return;
    const { because } = this.#stop;
    const refused = this.#refusedCount;
    this.#queue.push(jsonOf({ kind: "resumed", at: this.#now(), because, refused }));
    try {
      await this.#write();
    } catch {
      return;
    }
    this.#stop = undefined;
    this.#refusedCount -= refused;
    this.#parts.onTrouble("the audit log is written again");
  }
}

const TOO_SLOW = "the audit log is not written in time";

function jsonOf(record: AuditRecord): string {
  return isInOrder(record) ? JSON.stringify(record) : canonicalJson(record);
}
