/**
 * Files that one process holds. Node locks none; SQLite does, with the system's own locks: they keep out processes of
 * other containers as well, and end with the process, however that ends.
 */
import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeDirectory } from "./directory.ts";
import { messageOf, systemCode } from "./fault.ts";
import { onlyFiles } from "./only-files.ts";
import { CODES, codeOf } from "./sqlite-codes.ts";

export type Release = () => void;

/** What nothing refers to any more would be closed, and its lock gone. */
const held = new Set<DatabaseSync>();

/**
 * Makes the file and locks it; missing where another holds it, or this process. It stays when it is released: whoever
 * removed it could remove what another has just locked.
 */
export function claim(path: string): Release | undefined {
  makeDirectory(dirname(path));
  createPrivate(path);
  let database: DatabaseSync | undefined;
  try {
    onlyFiles([path, `${path}-journal`]);
    const locked = new DatabaseSync(path, { timeout: 0 });
    database = locked;
    locked.exec("BEGIN EXCLUSIVE");
    held.add(locked);
    return () => {
      if (held.delete(locked)) locked.close();
    };
  } catch (fault) {
    database?.close();
    if (codeOf(fault) === CODES.busy) return undefined;
    throw new Error(`${path} cannot be locked: ${messageOf(fault)}`, { cause: fault });
  }
}

/**
 * Makes an empty file where there is none, which others may not read. One that is there is not opened: to close it would
 * end the locks that this process holds on it (`fcntl`, POSIX).
 */
export function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
  }
}
