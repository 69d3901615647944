/** Waits for changes of the package at a path, and of what it uses. */
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { Io } from "./command.ts";
import { compilePackage } from "./files.ts";

/** Editors write a file in several steps. */
const DEBOUNCE_MS = 100;
/** How often a directory is looked for that is gone: nothing tells when it is back. */
const GONE_MS = 1_000;

/** Policies, and the modules that they import. */
const OURS = /\.(?:writ|wasm|tar\.gz|tgz)$/;

export interface Watching {
  stop(): void;
}

/** Calls `again` after changes, once for several that come together. */
export function watchPackage(path: string, io: Io, again: () => void): Watching {
  let timer: NodeJS.Timeout | undefined;
  let watchers: readonly FSWatcher[] = [];
  const after = (ms: number, then: () => void) => {
    clearTimeout(timer);
    timer = setTimeout(then, ms);
  };
  /** All anew: what the package uses may have changed, and a directory that was replaced is another of the same name. */
  const watchAgain = (): boolean => {
    try {
      const before = watchers;
      watchers = watchAll(path, io, onChange);
      closeAll(before);
      return true;
    } catch {
      return false;
    }
  };
  const look = () => {
    if (!watchAgain()) return after(GONE_MS, look);
    again();
  };
  const onChange = () => {
    after(DEBOUNCE_MS, () => {
      // Watched first: what changes while it is loaded is loaded after that.
      const isThere = watchAgain();
      again();
      if (!isThere) after(GONE_MS, look);
    });
  };
  watchers = watchAll(path, io, onChange);
  return {
    stop() {
      clearTimeout(timer);
      closeAll(watchers);
    },
  };
}

/** Directories, since editors replace files. */
function watchAll(path: string, io: Io, onChange: () => void): readonly FSWatcher[] {
  const watchers: FSWatcher[] = [];
  try {
    for (const directory of directoriesOf(path, io)) {
      const own = basename(directory);
      const listen = (_event: unknown, name: string | null) => {
        if (name === null || name === own || OURS.test(name)) onChange();
      };
      watchers.push(watch(directory, listen));
    }
  } catch (error) {
    closeAll(watchers);
    throw error;
  }
  return watchers;
}

function closeAll(watchers: readonly FSWatcher[]): void {
  for (const watcher of watchers) watcher.close();
}

/** Of the policy and of what it uses now. */
function directoriesOf(path: string, io: Io): readonly string[] {
  const { shown } = compilePackage(path, io);
  return [...new Set(shown.map((source) => resolve(io.cwd, dirname(source.path))))];
}
