/** The disk, as an audit log needs it. Tests put one in its place that fails. */
import { constants, fstatSync, statSync, writeSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { isMissing } from "../fault.ts";
import { claim, type Release } from "../file-lock.ts";
import { onlyFiles } from "../only-files.ts";

export interface Disk {
  /** For appending; made with mode 0600 where there is none. */
  open(path: string): Promise<LogFile>;
  /** Behind one line end; `undefined` where there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
  /** The whole text or what was there before, whenever the machine stops. */
  replace(path: string, text: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Names in the directory of `path`. */
  beside(path: string): Promise<readonly string[]>;
  /** Resolves when these names, and which file each is of, survive the machine. */
  syncNames(path: string): Promise<void>;
  /** Locks a file for this process until it is released; missing where another holds it, or this one. */
  claim(path: string): Release | undefined;
}

export interface LogFile {
  /** How many bytes were written: fewer than given where the disk took no more. */
  write(bytes: Buffer, position: number): Promise<number>;
  /** Resolves when what was written survives the machine. */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Whether it is what that name finds, and so long: else others have moved, replaced or cut it. */
  isAt(path: string, size: number): boolean;
  close(): Promise<void>;
}

/** Only the owner may read what agents did. */
const MODE = 0o600;
const LINE_END = 10;
/** Where another program cuts the file, what is written next must not hide it behind a hole of that length. */
const APPENDING = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND;

export const DISK: Disk = {
  open: async (path) => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    onlyFiles([path]);
    return logFile(await open(path, APPENDING, MODE));
  },
  read: readBehindLineEnd,
  replace: async (path, text) => {
    const draft = `${path}.new`;
    onlyFiles([draft, path]);
    const file = await open(draft, "w", MODE);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  },
  rename: (from, to) => rename(from, to),
  beside: async (path) => {
    try {
      return await readdir(dirname(path));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  syncNames: async (path) => {
    const directory = await open(dirname(path), "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
  claim,
};

function logFile(file: FileHandle): LogFile {
  const { dev, ino } = fstatSync(file.fd);
  return {
    // Into the system's cache: to hand it to another thread and be woken again takes ten times as long.
    write: async (bytes, position) => writeSync(file.fd, bytes, 0, bytes.length, position),
    sync: () => file.datasync(),
    truncate: (size) => file.truncate(size),
    isAt: (path, size) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found?.dev === dev && found.ino === ino && found.size === size;
    },
    close: () => file.close(),
  };
}

async function readBehindLineEnd(path: string): Promise<Buffer | undefined> {
  let file: FileHandle;
  onlyFiles([path]);
  try {
    file = await open(path, "r");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const { size } = await file.stat();
    const bytes = Buffer.allocUnsafe(size + 1);
    bytes[0] = LINE_END;
    let length = 1;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length - 1);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}
