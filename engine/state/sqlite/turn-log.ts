/**
 * Two files beside the SQLite file, to which turns are added: to write on in a file is the least that an answer can
 * wait for. While one is added to, the tables are brought up to the other, which then begins anew: over what it
 * holds, since a file that grows costs more.
 */
import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { syncDirectory } from "../../directory.ts";
import { onlyFiles } from "../../only-files.ts";
import type { Durability } from "./database.ts";
import { type Frame, framesIn, markOf, seal } from "./frame.ts";

/** What a log asks of its disk; tests give one that fails. Whatever cannot be done throws. */
export interface Disk {
  write(file: number, bytes: Buffer, position: number): void;
  sync(file: number): void;
  /** While others run. */
  syncLater(file: number, done: (fault: Error | null) => void): void;
}

export const DISK: Disk = {
  write(file, bytes, position) {
    let written = 0;
    // A disk that fills takes a part, and fails at the next.
    while (written < bytes.length) {
      written += writeSync(file, bytes, written, bytes.length - written, position + written);
    }
  },
  sync: fdatasyncSync,
  syncLater: fdatasync,
};

const SUFFIXES = ["-turns-0", "-turns-1"] as const;

/** Of the log of the SQLite file at `path`. */
export function turnFiles(path: string): readonly string[] {
  return SUFFIXES.map((suffix) => `${path}${suffix}`);
}

/** What a file begins with: what it is, and of which SQLite file. */
function headerOf(id: string): Buffer {
  return Buffer.from(`Writ turns 2 of ${id}\n`);
}

/** There was a log, and it is not there, or one of another SQLite file is. */
export class LogMissing extends Error {}

/** What a SQLite file says of its log. */
export interface LogState {
  /** Tells it from other files' logs. */
  readonly id: string;
  /** The tables tell all of every turn up to this one. */
  readonly settled: number;
  /** It was not closed since it was opened, so its log must be there. */
  readonly isOpen: boolean;
}

/** What the log tells that the tables do not, in order. Throws `LogMissing`, `FramesBroken`. */
export function readTurns(path: string, { id, settled, isOpen }: LogState): readonly Frame[] {
  const header = headerOf(id);
  const frames = turnFiles(path).flatMap((file) => {
    onlyFiles([file]);
    const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    if (bytes.subarray(0, header.length).equals(header)) {
      return framesIn(bytes, header.length, settled).filter(({ number }) => number > settled);
    }
    // One that was not yet begun in full is none: its end is missing, or zeros where power was lost.
    const isBegun = bytes.length >= header.length && bytes[0] !== 0;
    if (isOpen || isBegun) throw new LogMissing();
    return [];
  });
  return frames.sort((one, other) => one.number - other.number);
}

interface Written {
  readonly file: number;
  end: number;
}

export class TurnLog {
  readonly #path: string;
  readonly #disk: Disk;
  readonly #isSynced: boolean;
  /** Of a file without frames. */
  readonly #start: number;
  readonly #mark: Buffer;
  /** The one that is added to. */
  #newer: Written;
  #older: Written;

  /** Begins an empty log, whatever there was: it is on the disk afterwards, and so are its names. */
  constructor(path: string, id: string, durability: Durability, disk: Disk) {
    this.#path = path;
    this.#disk = disk;
    this.#isSynced = durability === "power";
    const header = headerOf(id);
    this.#start = header.length;
    this.#mark = markOf(header);
    const [newer = 0, older = 0] = turnFiles(path).map((file) => begin(file, header));
    this.#newer = { file: newer, end: this.#start };
    this.#older = { file: older, end: this.#start };
    syncDirectory(dirname(path));
  }

  /** Of bytes of which the first `FRAME_HEAD` are free. What fails is written over by the next. */
  add(bytes: Buffer, number: number): void {
    seal(bytes, number, this.#mark);
    const { file, end } = this.#newer;
    this.#disk.write(file, bytes, end);
    if (this.#isSynced) this.#disk.sync(file);
    this.#newer.end = end + bytes.length;
  }

  /** Adds to the other file from now on, which must be empty. */
  turnOver(): void {
    [this.#newer, this.#older] = [this.#older, this.#newer];
  }

  /** What was added before it was turned over stands in the tables. */
  emptyOlder(): void {
    this.#older.end = this.#start;
  }

  close(): void {
    closeSync(this.#newer.file);
    closeSync(this.#older.file);
  }

  /** Once the tables tell everything, and say that there is no log. */
  remove(): void {
    for (const file of turnFiles(this.#path)) unlinkSync(file);
  }
}

function begin(path: string, header: Buffer): number {
  const file = openSync(path, "w", 0o600);
  writeSync(file, header);
  fsyncSync(file);
  return file;
}
