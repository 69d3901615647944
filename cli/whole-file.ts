/** Files that commands write: whole or not at all, whatever ends the command, and whoever reads them meanwhile. */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { systemCode } from "../engine/fault.ts";
import { Misuse } from "./command.ts";

/**
 * A file that was there keeps its permissions, and links that lead to it; what is no file, such as `/dev/null`, is
 * written to as it is. `shown` is what people call it. Throws `Misuse` where it cannot be written.
 */
export function replaceFile(path: string, data: string | Uint8Array, shown: string): void {
  orMisuse(shown, () => {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile()) return writeFileSync(path, data);
    const real = there === undefined ? path : realpathSync(path);
    const partial = partialOf(real);
    writeNew(partial, data, there === undefined ? 0o666 : 0o600);
    try {
      if (there !== undefined) chmodSync(partial, there.mode & 0o7777);
      renameSync(partial, real);
    } catch (error) {
      rmSync(partial, { force: true });
      throw error;
    }
  });
}

/** Never over one that is there, even one that came meanwhile. Throws `Misuse` where it cannot be written. */
export function createFile(path: string, text: string, mode: number, shown: string): void {
  orMisuse(shown, () => {
    const partial = partialOf(path);
    writeNew(partial, text, mode);
    try {
      linkSync(partial, path);
    } catch (error) {
      if (!HAS_NO_LINKS.has(systemCode(error))) throw error;
      writeNew(path, text, mode);
    } finally {
      rmSync(partial, { force: true });
    }
  });
}

/** What file systems say that have no second names: there a file may be left half written. */
const HAS_NO_LINKS: ReadonlySet<string | undefined> = new Set(["EPERM", "ENOTSUP", "ENOSYS"]);

/** Throws `Misuse` where it is not there, and cannot be made. */
export function makeDirectory(path: string, shown: string): void {
  orMisuse(shown, () => void mkdirSync(path, { recursive: true }));
}

/** By chance, since processes of containers have the same few numbers, and what one left behind would stop the next. */
function partialOf(path: string): string {
  return `${dirname(path)}/.${randomBytes(6).toString("hex")}.writ-partial`;
}

/** On the disk when it returns; where it fails, nothing is left of it. */
function writeNew(path: string, data: string | Uint8Array, mode: number): void {
  const file = openSync(path, "wx", mode);
  try {
    writeFileSync(file, data);
    fsyncSync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

function orMisuse(shown: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new Misuse(`cannot write ${JSON.stringify(shown)}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  const code = systemCode(error);
  switch (code) {
    case "ENOENT":
      return "there is no such directory";
    case "ENOTDIR":
      return "it is below a file";
    case "EEXIST":
      return "it is there already";
    case "EISDIR":
      return "it is a directory";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "nothing can be written there";
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full";
    default:
      return code ?? "it failed";
  }
}
