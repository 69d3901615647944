/**
 * A disk, and what may be on it once the power was lost. What was synced is there; of what was not, anything may be:
 * whole writes, some sectors of them, or their length alone with zeros in it. Names are made, moved and removed in an
 * order of their own: each may be missing where no later one of the same name is there.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Random } from "../differential/random.ts";
import type { Call, Moment } from "./strace.ts";

type FileChange =
  | { readonly kind: "write"; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: "cut"; readonly size: number };

class DiskFile {
  durable: Buffer;
  /** Not synced. */
  pending: FileChange[] = [];

  constructor(durable = Buffer.alloc(0)) {
    this.durable = durable;
  }
}

/** What each name is afterwards: a file, a directory, or nothing. */
type Names = ReadonlyMap<string, DiskFile | "directory" | undefined>;

interface Opened {
  readonly path: string;
  /** Missing of a directory. */
  readonly file: DiskFile | undefined;
  at: number;
}

/** As one process uses it, told by `momentsIn`: the directory `root` and those below. */
export class LostPower {
  readonly #root: string;
  readonly #durable = new Map<string, DiskFile | "directory">();
  /** As everybody sees them. */
  readonly #present = new Map<string, DiskFile | "directory">();
  #pending: Names[] = [];
  readonly #open = new Map<number, Opened>();
  /** Syncs under way, with what had been written when they began. */
  readonly #syncing = new Map<number, ReadonlySet<FileChange | Names>>();

  /** All that is there now is on the disk. */
  constructor(root: string) {
    this.#root = root;
    this.#known(root, "directory");
    const below = readdirSync(root, { recursive: true, withFileTypes: true });
    for (const entry of below) {
      const path = join(entry.parentPath, entry.name);
      this.#known(path, entry.isDirectory() ? "directory" : new DiskFile(readFileSync(path)));
    }
  }

  #known(path: string, what: DiskFile | "directory"): void {
    this.#durable.set(path, what);
    this.#present.set(path, what);
  }

  /** Whether anything on the disk may be other than before. What is written may be there as soon as it was asked for. */
  take({ kind, id, call }: Moment): boolean {
    if (kind === "begins") return this.#begin(id, call);
    if (!(call.result >= 0)) return false;
    return this.#end(id, call);
  }

  #begin(id: number, { name, args }: Omit<Call, "result">): boolean {
    const opened = this.#open.get(Number(args[0]));
    if (opened === undefined) return false;
    // Before its number is given to another file.
    if (name === "close") this.#open.delete(Number(args[0]));
    if (name === "fsync" || name === "fdatasync") {
      this.#syncing.set(id, new Set<FileChange | Names>(opened.file?.pending ?? this.#pending));
      return true;
    }
    return false;
  }

  #end(id: number, { name, args, result }: Call): boolean {
    switch (name) {
      case "openat":
        return this.#opened(result, pathOf(args[1]), String(args[2]));
      case "write":
        return this.#written(Number(args[0]), args[1], result, undefined);
      case "pwrite64":
        return this.#written(Number(args[0]), args[1], result, Number(args[3]));
      case "ftruncate":
        return this.#change(Number(args[0]), { kind: "cut", size: Number(args[1]) });
      case "fsync":
      case "fdatasync":
        return this.#synced(id, Number(args[0]));
      case "rename":
        return this.#renamed(pathOf(args[0]), pathOf(args[1]));
      case "unlink":
        return this.#named(new Map([[pathOf(args[0]), undefined]]));
      case "link":
        return this.#linked(pathOf(args[0]), pathOf(args[1]));
      case "mkdir":
        return this.#named(new Map([[pathOf(args[0]), "directory"]]));
      // Its number was free since it began, and may be another file's by now.
      case "close":
      case "dup":
      case "fcntl":
        return false;
      default:
        return this.#refuse(name, args);
    }
  }

  /** What this cannot follow must not pass unseen. */
  #refuse(name: string, args: Call["args"]): false {
    const isOurs =
      this.#open.get(Number(args[0])) !== undefined ||
      args.some((arg) => pathOf(arg).startsWith(this.#root));
    if (isOurs) throw new Error(`${name} is not understood`);
    return false;
  }

  #opened(number: number, path: string, flags: string): boolean {
    if (!path.startsWith(this.#root)) return false;
    const there = this.#present.get(path);
    if (there === "directory") {
      this.#open.set(number, { path, file: undefined, at: 0 });
      return false;
    }
    const file = there ?? new DiskFile();
    this.#open.set(number, { path, file, at: 0 });
    if (there === undefined) this.#named(new Map([[path, file]]));
    if (flags.includes("O_TRUNC") && there) this.#change(number, { kind: "cut", size: 0 });
    return there === undefined || flags.includes("O_TRUNC");
  }

  #written(number: number, given: unknown, count: number, position: number | undefined): boolean {
    const opened = this.#open.get(number);
    if (opened === undefined) return false;
    if (!Buffer.isBuffer(given))
      throw new Error(`a write of ${count} without bytes to ${opened.path}: ${given}`);
    const at = position ?? opened.at;
    if (position === undefined) opened.at += count;
    return this.#change(number, { kind: "write", at, bytes: given.subarray(0, count) });
  }

  #change(number: number, change: FileChange): boolean {
    const file = this.#open.get(number)?.file;
    file?.pending.push(change);
    return file !== undefined;
  }

  #synced(id: number, number: number): boolean {
    const synced = this.#syncing.get(id);
    const opened = this.#open.get(number);
    if (synced === undefined || opened === undefined) return false;
    const { file, path } = opened;
    if (file === undefined) this.#syncNames(path, synced);
    else {
      file.durable = applied(
        file.durable,
        file.pending.filter((one) => synced.has(one)),
      );
      file.pending = file.pending.filter((one) => !synced.has(one));
    }
    return true;
  }

  #syncNames(directory: string, synced: ReadonlySet<FileChange | Names>): void {
    const isHere = (names: Names) => [...names.keys()].every((name) => dirname(name) === directory);
    const now = this.#pending.filter((names) => synced.has(names) && isHere(names));
    for (const names of now) rename(this.#durable, names);
    this.#pending = this.#pending.filter((names) => !now.includes(names));
  }

  #renamed(from: string, to: string): boolean {
    return this.#named(
      new Map([
        [to, this.#present.get(from)],
        [from, undefined],
      ]),
    );
  }

  #linked(from: string, to: string): boolean {
    return this.#named(new Map([[to, this.#present.get(from)]]));
  }

  #named(names: Names): boolean {
    if (![...names.keys()].some((name) => name.startsWith(this.#root))) return false;
    rename(this.#present, names);
    this.#pending.push(names);
    return true;
  }

  /** Makes what may be there now below `into`, which is emptied. */
  write(into: string, random: Random): void {
    rmSync(into, { recursive: true, force: true });
    mkdirSync(into, { recursive: true });
    const names = new Map(this.#durable);
    for (const kept of keptNames(this.#pending, random)) rename(names, kept);
    const contents = new Map<DiskFile, Buffer>();
    for (const [name, what] of [...names].sort()) {
      const there = join(into, name.slice(this.#root.length));
      // Of a directory whose name was lost nothing is found.
      if (name !== this.#root && names.get(dirname(name)) !== "directory") names.delete(name);
      else if (what === "directory") mkdirSync(there, { recursive: true });
      else {
        const bytes = contents.get(what) ?? afterwards(what, random);
        contents.set(what, bytes);
        writeFileSync(there, bytes, { mode: 0o600 });
      }
    }
  }
}

function pathOf(arg: unknown): string {
  return Buffer.isBuffer(arg) ? arg.toString() : "";
}

function rename(map: Map<string, DiskFile | "directory">, names: Names): void {
  for (const [name, what] of names) {
    if (what === undefined) map.delete(name);
    else map.set(name, what);
  }
}

/** One that is lost takes with it all later ones of its names. */
function keptNames(pending: readonly Names[], random: Random): readonly Names[] {
  const probability = random.pick([0, 0.5, 0.9, 1]);
  const lost = new Set<string>();
  return pending.filter((names) => {
    const isKept = random.chance(probability) && ![...names.keys()].some((name) => lost.has(name));
    if (!isKept) for (const name of names.keys()) lost.add(name);
    return isKept;
  });
}

function applied(bytes: Buffer, changes: readonly FileChange[]): Buffer<ArrayBuffer> {
  let now = Buffer.from(bytes);
  for (const change of changes) {
    const size =
      change.kind === "cut" ? change.size : Math.max(now.length, change.at + change.bytes.length);
    const next = Buffer.alloc(size);
    now.copy(next);
    if (change.kind === "write") change.bytes.copy(next, change.at);
    now = next;
  }
  return now;
}

/** What is cut is cut before more is written where it was; all else is written in any order. */
function afterwards({ durable, pending }: DiskFile, random: Random): Buffer {
  const how = random.pick(["none", "all", "first", "any sectors", "any sectors", "length"]);
  if (how === "none") return durable;
  if (how === "all") return applied(durable, pending);
  const first = pending.slice(0, random.below(pending.length + 1));
  const last = first.at(-1);
  if (how === "first") {
    if (last?.kind !== "write") return applied(durable, first);
    const bytes = last.bytes.subarray(0, random.below(last.bytes.length + 1));
    return applied(durable, [...first.slice(0, -1), { ...last, bytes }]);
  }
  const sector = random.pick([512, 4_096]);
  const probability = how === "length" ? 0 : random.pick([0.2, 0.5, 0.8]);
  const kept = first.flatMap((change) =>
    change.kind === "cut"
      ? [change]
      : sectorsOf(change, sector).filter(() => random.chance(probability)),
  );
  const some = applied(durable, kept);
  const { length } = applied(durable, first);
  // The length may be there without what was written.
  return random.chance(0.5) || how === "length"
    ? applied(some, [{ kind: "cut", size: length }])
    : some;
}

function sectorsOf(
  { at, bytes }: Extract<FileChange, { readonly kind: "write" }>,
  sector: number,
): FileChange[] {
  const parts: FileChange[] = [];
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + sector - ((at + from) % sector));
    parts.push({ kind: "write", at: at + from, bytes: bytes.subarray(from, to) });
    from = to;
  }
  return parts;
}
