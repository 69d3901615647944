/** One process writes a log. The lock names it, so that one that was killed does not keep the next from starting. */
import { setTimeout as pause } from "node:timers/promises";
import { type Disk, isMissing } from "./disk.ts";
import { lockFile } from "./files.ts";

/** Another process, or this one, writes the log. */
export class LogInUse extends Error {}

/** A process of another container may have had the same number: only this tells that it is not ourselves. */
const ours = new Set<string>();

export async function claimLog(disk: Disk, path: string): Promise<void> {
  const lock = lockFile(path);
  if (ours.has(lock)) throw new LogInUse(`this process writes ${path} already`);
  const text = `${process.pid}\n`;
  if (!(await disk.claim(lock, text))) {
    const found = await readLock(disk, lock);
    const pid = Number(found);
    if (pid !== process.pid && isAlive(pid)) {
      throw new LogInUse(
        `process ${pid} writes ${path}: a log has one writer. If that is another program, remove ${lock}`,
      );
    }
    const isTaken = (await takeAway(disk, lock, found)) && (await disk.claim(lock, text));
    if (!isTaken) throw new LogInUse(`another process has just taken ${path}`);
  }
  ours.add(lock);
}

/** Nothing is in one that is just being made. */
const MAKING_MS = 100;

async function readLock(disk: Disk, lock: string): Promise<string | undefined> {
  const read = async () => (await disk.read(lock))?.toString("utf8", 1);
  const found = await read();
  if (found !== "") return found;
  await pause(MAKING_MS);
  return await read();
}

/** Of several that have found the lock of a dead process one takes it away. False where it was not that one any more. */
async function takeAway(disk: Disk, lock: string, found: string | undefined): Promise<boolean> {
  const aside = `${lock}.${process.pid}`;
  try {
    await disk.rename(lock, aside);
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
  const taken = (await disk.read(aside))?.toString("utf8", 1) ?? "";
  await disk.remove(aside);
  if (taken === found) return true;
  // It is another's by now.
  await disk.claim(lock, taken);
  return false;
}

export async function releaseLog(disk: Disk, path: string): Promise<void> {
  const lock = lockFile(path);
  if (!ours.delete(lock)) return;
  await disk.remove(lock);
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not ours to signal, but there.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
