/** What other users of this machine may do to files, as far as permissions say it. */
import { accessSync, constants, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** Change what is at `path`, or in it, or put another in its place. */
export function mayOthersWrite(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return mayOthersExchange(dirname(path));
  // A link can be exchanged where it stands, and what it leads to where that stands.
  const around = [dirname(path), dirname(realpathSync(path))];
  return (
    isWritable(path, stat) ||
    around.some((directory) => mayOthersExchange(directory)) ||
    (stat.isDirectory() && namesIn(path).some((name) => isWritable(join(path, name))))
  );
}

/** None of a directory that cannot be listed: nothing can be served from it. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Root may as well, always. */
export function mayOthersRead(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && ((stat.mode & 0o044) !== 0 || isOthers(stat));
}

const STICKY = 0o1000;

/** In a directory such as `/tmp`, each may exchange what is his own. */
function mayOthersExchange(directory: string): boolean {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat !== undefined && (stat.mode & STICKY) === 0 && isWritable(directory, stat);
}

function isWritable(path: string, stat = statSync(path, { throwIfNoEntry: false })): boolean {
  if (stat === undefined) return false;
  return ((stat.mode & 0o022) !== 0 || isOthers(stat)) && !isReadOnly(path);
}

/** Of a user who is neither ours nor root, and may do to it what he likes. */
function isOthers({ uid }: Stats): boolean {
  return uid !== 0 && uid !== process.getuid?.();
}

/** As clusters mount settings: whatever permissions say. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EROFS";
  }
}
