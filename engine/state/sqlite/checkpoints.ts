/**
 * How SQLite's write-ahead log gets into its file while answers leave. SQLite would wait for the disk twice (at
 * https://sqlite.org/wal.html), and everybody with it. The order is its own: the log is on the disk before pages are
 * copied out of it, and the pages are before the log is given up. So at every moment one of the two tells all that was
 * committed, and what is copied in part is copied again by the next start. SQLite would write over the log, and wait
 * for its new header before anything else, since the old one would pass off what is left of the old frames as all
 * there is. Here the log is cut, and that is on the disk: of a header or frames that are missing nothing is told.
 */
import { closeSync, linkSync, openSync, renameSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { messageOf } from "../../fault.ts";
import { keptLogOf, numberFrom, unsynced } from "./database.ts";
import type { Disk } from "./turn-log.ts";

/** Pages of the log after which they are copied: about a millisecond. */
const PAGES = 256;

interface Files {
  readonly log: number;
  readonly file: number;
}

interface Checkpoint {
  /** What is being synced; `empty` is the log that was cut. */
  phase: "log" | "file" | "empty";
  readonly then: () => void;
}

export class Checkpoints {
  /** Told of the end of each, and of what is in its way. */
  onEnd: (fault?: unknown) => void = () => {};
  readonly #database: DatabaseSync;
  /** Of the log, and of what of it is in the file: asked after every step. */
  readonly #lengths: StatementSync;
  readonly #logPath: string;
  readonly #keptPath: string;
  readonly #disk: Disk;
  /**
   * One to wait for and one not to, since each descriptor is told of a fault once. To close any of the file lets go
   * of this process's locks on it: not while the database is open.
   */
  readonly #now: Files;
  readonly #later: Files;
  #underWay: Checkpoint | undefined;
  /** Of a sync, after which nothing is written. */
  #fault: Error | undefined;

  /** Of a database at `path` without checkpoints of its own. */
  constructor(database: DatabaseSync, path: string, disk: Disk) {
    this.#database = database;
    this.#lengths = database.prepare("PRAGMA wal_checkpoint(NOOP)");
    this.#logPath = `${path}-wal`;
    this.#keptPath = keptLogOf(path);
    this.#disk = disk;
    const open = () => ({ log: openSync(this.#logPath, "r+"), file: openSync(path, "r+") });
    this.#now = open();
    this.#later = open();
  }

  /** Nothing may be written to the database until it is `finish`ed; then what is written need not be synced. */
  isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  isDue(): boolean {
    const { log, checkpointed } = this.#lengths.get() ?? {};
    return Number(log) - Number(checkpointed) >= PAGES;
  }

  /** Afterwards all that is committed now is on the disk, and `then` is called. */
  begin(then: () => void): void {
    const checkpoint: Checkpoint = { phase: "log", then };
    this.#underWay = checkpoint;
    this.#syncLater(checkpoint);
  }

  #syncLater(checkpoint: Checkpoint): void {
    const file = checkpoint.phase === "file" ? this.#later.file : this.#later.log;
    this.#disk.syncLater(file, (fault) => {
      if (!this.#database.isOpen) return;
      try {
        // Even where it was finished meanwhile.
        if (fault) this.#break(fault);
        if (this.#underWay === checkpoint) this.#next(checkpoint);
      } catch (unusable) {
        this.onEnd(unusable);
      }
    });
  }

  #next(checkpoint: Checkpoint): void {
    if (checkpoint.phase === "empty") {
      this.#end(checkpoint);
      this.onEnd();
      return;
    }
    if (checkpoint.phase === "log") this.#copy(checkpoint);
    else this.#empty(checkpoint);
    this.#syncLater(checkpoint);
  }

  /** At once, for whoever cannot wait for it. Throws what stands in its way. */
  finish(): void {
    const checkpoint = this.#underWay;
    if (this.#fault !== undefined) throw this.#fault;
    if (checkpoint === undefined) return;
    if (checkpoint.phase === "log") {
      this.#syncNow(this.#now.log);
      this.#copy(checkpoint);
    }
    if (checkpoint.phase === "file") {
      this.#syncNow(this.#now.file);
      this.#empty(checkpoint);
    }
    this.#syncNow(this.#now.log);
    this.#end(checkpoint);
  }

  #syncNow(file: number): void {
    try {
      this.#disk.sync(file);
    } catch (fault) {
      this.#break(fault);
    }
  }

  /** What could not be copied stays in the log: it may be tried again. */
  #copy(checkpoint: Checkpoint): void {
    this.#underWay = undefined;
    const copy = this.#database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
    const { log, checkpointed } = unsynced(this.#database, () => copy.get()) ?? {};
    if (log !== checkpointed) throw new Error("what is written cannot be copied into the file");
    checkpoint.phase = "file";
    this.#underWay = checkpoint;
  }

  #empty(checkpoint: Checkpoint): void {
    const cut = "PRAGMA wal_checkpoint(TRUNCATE)";
    const busy = unsynced(this.#database, () => numberFrom(this.#database, cut));
    if (busy !== 0) this.#break(new Error("the write-ahead log cannot be cut"));
    checkpoint.phase = "empty";
  }

  #end({ then }: Checkpoint): void {
    this.#underWay = undefined;
    then();
  }

  /** For good: a sync that is tried again says nothing of what the first one lost. */
  #break(fault: unknown): never {
    this.#fault = new Error(`what was written may not be on the disk: ${messageOf(fault)}`);
    throw this.#fault;
  }

  /** Closes the database as well. */
  close(): void {
    if (this.#isCopySafe()) this.#database.close();
    else this.#closeKeepingLog();
    for (const { log, file } of [this.#now, this.#later]) {
      closeSync(log);
      closeSync(file);
    }
  }

  #isCopySafe(): boolean {
    try {
      this.finish();
    } catch {
      // Of a copy that fails nothing is lost, and SQLite tries it again.
    }
    return this.#fault === undefined;
  }

  /** SQLite deletes the log it has copied, and the log alone is known to be on the disk. */
  #closeKeepingLog(): void {
    linkSync(this.#logPath, this.#keptPath);
    this.#database.close();
    renameSync(this.#keptPath, this.#logPath);
  }
}
