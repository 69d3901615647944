/** One process writes a log. The lock names it, so that one that was killed does not keep the next from starting. */
import type { Disk } from "./disk.ts";
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
    const pid = Number((await disk.read(lock))?.toString("utf8", 1));
    if (pid !== process.pid && isAlive(pid)) {
      throw new LogInUse(
        `process ${pid} writes ${path}: a log has one writer. If that is another program, remove ${lock}`,
      );
    }
    await disk.remove(lock);
    if (!(await disk.claim(lock, text)))
      throw new LogInUse(`another process has just taken ${path}`);
  }
  ours.add(lock);
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
