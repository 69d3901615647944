/** A disk in memory that fails when it is told to. */
import type { Disk, LogFile } from "../../engine/audit/disk.ts";

export type Operation =
  | "write"
  | "sync"
  | "truncate"
  | "replace"
  | "rename"
  | "open"
  | "sync names";

export interface Faults {
  /** Asked before each operation: throws, or says how many bytes of a write are taken. */
  before?: (
    operation: Operation,
    bytes: number,
  ) => number | undefined | Promise<number | undefined>;
}

export interface MemoryDisk extends Disk {
  readonly files: Map<string, Buffer>;
  /** What was done, in order. */
  readonly done: string[];
  readonly faults: Faults;
  text(path: string): string;
}

export function memoryDisk(): MemoryDisk {
  const files = new Map<string, Buffer>();
  const claimed = new Set<string>();
  const done: string[] = [];
  const faults: Faults = {};
  const ask = async (operation: Operation, bytes = 0) => {
    const taken = await faults.before?.(operation, bytes);
    done.push(operation);
    return taken;
  };
  return {
    files,
    done,
    faults,
    text: (path) => files.get(path)?.toString("utf8") ?? "",
    open: async (path) => {
      await ask("open");
      if (!files.has(path)) files.set(path, Buffer.alloc(0));
      return fileOf(files, { path }, ask);
    },
    read: async (path) => {
      const bytes = files.get(path);
      return bytes && Buffer.concat([Buffer.from("\n"), bytes]);
    },
    replace: async (path, text) => {
      await ask("replace");
      files.set(path, Buffer.from(text));
    },
    rename: async (from, to) => {
      await ask("rename");
      const bytes = files.get(from) ?? Buffer.alloc(0);
      files.delete(from);
      files.set(to, bytes);
    },
    beside: async () => [...files.keys()].map((path) => path.slice(path.lastIndexOf("/") + 1)),
    syncNames: async () => void (await ask("sync names")),
    claim: (path) => {
      if (claimed.has(path)) return undefined;
      claimed.add(path);
      return () => void claimed.delete(path);
    },
  };
}

function fileOf(
  files: Map<string, Buffer>,
  { path }: { readonly path: string },
  ask: (operation: Operation, bytes?: number) => Promise<number | undefined>,
): LogFile {
  return {
    write: async (bytes, position) => {
      const taken = (await ask("write", bytes.length)) ?? bytes.length;
      const before = files.get(path) ?? Buffer.alloc(0);
      const after = Buffer.alloc(Math.max(before.length, position + taken));
      before.copy(after);
      bytes.copy(after, position, 0, taken);
      files.set(path, after);
      return taken;
    },
    sync: async () => void (await ask("sync")),
    truncate: async (size) => {
      await ask("truncate");
      const before = files.get(path) ?? Buffer.alloc(0);
      files.set(path, Buffer.from(before.subarray(0, size)));
    },
    isAt: (at, size) => at === path && files.get(path)?.length === size,
    close: async () => {},
  };
}

/** As the system says that a disk is full. */
export function diskFault(code: string): Error {
  return Object.assign(new Error(`${code}: it went wrong`), { code });
}
