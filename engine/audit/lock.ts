/** One process writes a log. */
import type { Release } from "../file-lock.ts";
import type { Disk } from "./disk.ts";
import { lockFile } from "./files.ts";

/** Another process, or this one, writes the log. */
export class LogInUse extends Error {}

/** Until it is released. Throws `LogInUse`, and whatever keeps it from being locked. */
export function claimLog(disk: Disk, path: string): Release {
  const release = disk.claim(lockFile(path));
  if (release !== undefined) return release;
  throw new LogInUse(`${path} is being written already: a log has one writer`);
}
