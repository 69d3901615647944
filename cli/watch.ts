/** Waits for changes of the package at a path, and of what it uses. */
import { type FSWatcher, watch } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Io } from "./command.ts";
import { compilePackage } from "./files.ts";

/** Editors write a file in several steps. */
const DEBOUNCE_MS = 100;

export interface Watching {
  /** Looks anew for the directories to watch: what the package uses may have changed. */
  refresh(): void;
  stop(): void;
}

/** Calls `again` after changes, once for several that come together. */
export function watchPackage(path: string, io: Io, again: () => void): Watching {
  let timer: NodeJS.Timeout | undefined;
  const watchers = new Map<string, FSWatcher>();
  const onChange = (_event: unknown, name: string | null) => {
    if (name !== null && !name.endsWith(".writ")) return;
    clearTimeout(timer);
    timer = setTimeout(again, DEBOUNCE_MS);
  };
  const refresh = () => {
    for (const directory of directoriesOf(path, io)) {
      if (!watchers.has(directory)) watchers.set(directory, watch(directory, onChange));
    }
  };
  refresh();
  return {
    refresh,
    stop() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

/** Of the policy and of what it uses now. Directories, since editors replace files. */
function directoriesOf(path: string, io: Io): readonly string[] {
  const { shown } = compilePackage(path, io);
  return [...new Set(shown.map((source) => resolve(io.cwd, dirname(source.path))))];
}
