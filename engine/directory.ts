/** Directories, and names in them, that are there after a loss of power: a file that was synced is lost with its name. */
import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Where it is missing, with all above it that are; for this user alone. */
export function makeDirectory(path: string): void {
  const made = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (made === undefined) return;
  const first = dirname(resolve(made));
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    syncDirectory(at);
    if (at === first || at === dirname(at)) return;
  }
}

/** The names in it. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
