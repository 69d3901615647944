/**
 * A Redis in this process: the commands that Writ's script and its connection use, on plain maps, with the script
 * run by a Lua of its own. Its clock, its ills and its end are the test's to say. `test/faults/fake-redis.test.ts`
 * compares it with a real one.
 */
import { createHash } from "node:crypto";
import { type LuaReply, LuaScript } from "./lua-script.ts";

type Hash = Map<string, string>;
type SortedSet = Map<string, number>;
type Stored =
  | { readonly kind: "hash"; readonly value: Hash }
  | { readonly kind: "zset"; readonly value: SortedSet }
  | { readonly kind: "list"; readonly value: string[] }
  | { readonly kind: "string"; readonly value: string };
type Kind = Stored["kind"];

/** What is in it at one moment. */
export type Snapshot = ReadonlyMap<string, Stored>;

/** What may be wrong with a server that runs. */
export type Ill = "read-only" | "full" | "loading" | "evicting";

/** Compiled once, whoever runs them. */
const compiled = new Map<string, LuaScript>();

export class FakeRedis {
  readonly ills = new Set<Ill>();
  /** By the clock of the server. */
  clock: () => number;
  #starts = 1;
  #evicted = 0;
  #data = new Map<string, Stored>();
  #scripts = new Map<string, string>();
  #functions = new Map<string, string>();
  /** Redis from 7 on. */
  readonly #hasFunctions: boolean;
  #hasWritten = false;

  constructor(clock: () => number, hasFunctions = true) {
    this.clock = clock;
    this.#hasFunctions = hasFunctions;
  }

  /** The answer to one command; throws what Redis would answer as an error. */
  send(command: readonly string[]): LuaReply {
    this.#hasWritten = false;
    const [name = "", ...rest] = command;
    if (name === "EVALSHA") return this.#evaluate(this.#scripts.get(rest[0] ?? ""), rest);
    if (name === "EVAL") return this.#evaluate(rest[0], rest);
    if (name === "SCRIPT") return this.#script(rest);
    if (this.#hasFunctions && name === "FUNCTION") return this.#function(rest);
    if (this.#hasFunctions && name === "FCALL") return this.#callFunction(rest);
    if (name === "INFO") return this.#info();
    return this.#call(command);
  }

  snapshot(): Snapshot {
    return copyOf(this.#data);
  }

  /** A server that starts anew: another run, no scripts, well, with what it is given. */
  restart(data: Snapshot): void {
    this.#starts += 1;
    this.#evicted = 0;
    this.#data = copyOf(data);
    this.forgetScripts();
    this.ills.clear();
  }

  /** As `FLUSHALL` does. */
  empty(): void {
    this.#data.clear();
  }

  /** One of its keys is gone, as when memory was short; false where it has none. */
  evict(draw: number): boolean {
    const keys = [...this.#data.keys()].sort();
    const key = keys[draw % keys.length];
    if (key === undefined) return false;
    this.#data.delete(key);
    this.#evicted += 1;
    return true;
  }

  /** Of a hash, whatever ails the server. */
  field(key: string, name: string): string | undefined {
    return this.#access.hash(key)?.get(name);
  }

  forgetScripts(): void {
    this.#scripts.clear();
    this.#functions.clear();
  }

  #info(): string {
    return [
      "redis_version:7.2.0",
      `run_id:run${this.#starts}`,
      `loading:${this.ills.has("loading") ? 1 : 0}`,
      `role:${this.ills.has("read-only") ? "slave" : "master"}`,
      `maxmemory_policy:${this.ills.has("evicting") ? "allkeys-lru" : "noeviction"}`,
      `evicted_keys:${this.#evicted}`,
      "aof_enabled:1",
    ].join("\r\n");
  }

  #script([action = "", text = ""]: readonly string[]): LuaReply {
    if (action !== "LOAD") throw new Error(`ERR the fake has no SCRIPT ${action}`);
    const sha = createHash("sha1").update(text).digest("hex");
    this.#scripts.set(sha, text);
    return sha;
  }

  /** One function a library, of the library's name. */
  #function([action = "", , text = ""]: readonly string[]): LuaReply {
    const name = /^#!lua name=(\w+)\n/.exec(text)?.[1];
    if (action !== "LOAD" || name === undefined)
      throw new Error("ERR the fake has no such library");
    this.#functions.set(name, text);
    return name;
  }

  #callFunction([name = "", count = "0", ...rest]: readonly string[]): LuaReply {
    const text = this.#functions.get(name);
    if (text === undefined) throw new Error("ERR Function not found");
    return this.#run(text, count, rest);
  }

  #evaluate(text: string | undefined, [, count = "0", ...rest]: readonly string[]): LuaReply {
    if (text === undefined) throw new Error("NOSCRIPT No matching script.");
    return this.#run(text, count, rest);
  }

  #run(text: string, count: string, rest: readonly string[]): LuaReply {
    const script = compiled.get(text) ?? new LuaScript(text);
    compiled.set(text, script);
    const [keys, args] = [rest.slice(0, Number(count)), rest.slice(Number(count))];
    return script.run(keys, args, (command) => this.#call(command));
  }

  #call(command: readonly string[]): LuaReply {
    const [name = "", ...args] = command;
    if (this.ills.has("loading")) throw new Error("LOADING Redis is loading the dataset in memory");
    const read = READS[name];
    if (read !== undefined) return read(this.#access, args);
    const write = WRITES[name];
    if (write === undefined)
      throw new Error(`ERR unknown command '${name}', which the fake has not`);
    this.#refuseWrite(name);
    this.#hasWritten = true;
    return write(this.#access, args);
  }

  /** A script that has written goes on writing: only the first write is refused. */
  #refuseWrite(name: string): void {
    if (this.#hasWritten) return;
    if (this.ills.has("read-only"))
      throw new Error("READONLY You can't write against a read only replica.");
    if (!this.ills.has("full") || FREES.has(name)) return;
    throw new Error("OOM command not allowed when used memory > 'maxmemory'.");
  }

  readonly #access: Access = {
    serverMs: () => this.clock(),
    hash: (key) => this.#find(key, "hash") as Hash | undefined,
    zset: (key) => this.#find(key, "zset") as SortedSet | undefined,
    list: (key) => this.#find(key, "list") as string[] | undefined,
    string: (key) => this.#find(key, "string") as string | undefined,
    make: (key, stored) => void this.#data.set(key, stored),
    remove: (key) => this.#data.delete(key),
    rename: (from, to) => {
      const stored = this.#data.get(from);
      if (stored === undefined) throw new Error("ERR no such key");
      this.#data.delete(from);
      this.#data.set(to, stored);
    },
  };

  #find(key: string, kind: Kind): Stored["value"] | undefined {
    const stored = this.#data.get(key);
    if (stored === undefined || stored.kind === kind) return stored?.value;
    throw new Error("WRONGTYPE Operation against a key holding the wrong kind of value");
  }
}

function copyOf(data: Snapshot): Map<string, Stored> {
  return structuredClone(data) as Map<string, Stored>;
}

interface Access {
  serverMs(): number;
  hash(key: string): Hash | undefined;
  zset(key: string): SortedSet | undefined;
  list(key: string): string[] | undefined;
  string(key: string): string | undefined;
  make(key: string, stored: Stored): void;
  remove(key: string): boolean;
  rename(from: string, to: string): void;
}

type Command = (access: Access, args: readonly string[]) => LuaReply;

const READS: Readonly<Record<string, Command>> = {
  TIME(access) {
    const ms = access.serverMs();
    return [String(Math.floor(ms / 1_000)), String(Math.floor((ms % 1_000) * 1_000))];
  },
  GET: ({ string }, [key = ""]) => string(key) ?? null,
  HGET: ({ hash }, [key = "", field = ""]) => hash(key)?.get(field) ?? null,
  HMGET: ({ hash }, [key = "", ...fields]) => fields.map((field) => hash(key)?.get(field) ?? null),
  HKEYS: ({ hash }, [key = ""]) => [...(hash(key)?.keys() ?? [])],
  HGETALL: ({ hash }, [key = ""]) => [...(hash(key) ?? [])].flat(),
  HLEN: ({ hash }, [key = ""]) => hash(key)?.size ?? 0,
  HSCAN: ({ hash }, [key = ""]) => ["0", [...(hash(key) ?? [])].flat()],
  ZCARD: ({ zset }, [key = ""]) => zset(key)?.size ?? 0,
  ZSCORE({ zset }, [key = "", member = ""]) {
    const score = zset(key)?.get(member);
    return score === undefined ? null : String(score);
  },
  ZRANGE: ({ zset }, [key = "", from = "", to = ""]) =>
    slice(between(zset(key), "-inf", "+inf"), from, to),
  ZCOUNT: ({ zset }, [key = "", from = "", to = ""]) => between(zset(key), from, to).length,
  ZRANGEBYSCORE({ zset }, [key = "", from = "", to = "", ...options]) {
    const isScored = options[0] === "WITHSCORES";
    const [, offset = "0", count = "-1"] = isScored ? options.slice(1) : options;
    const found = between(zset(key), from, to);
    const end = Number(count) < 0 ? found.length : Number(offset) + Number(count);
    const wanted = found.slice(Number(offset), end);
    return isScored ? wanted.flatMap((one) => [one, String(zset(key)?.get(one))]) : wanted;
  },
  LLEN: ({ list }, [key = ""]) => list(key)?.length ?? 0,
  LINDEX: ({ list }, [key = "", at = ""]) => list(key)?.at(Number(at)) ?? null,
  LRANGE: ({ list }, [key = "", from = "", to = ""]) => slice(list(key) ?? [], from, to),
};

const WRITES: Readonly<Record<string, Command>> = {
  INCR(access, [key = ""]) {
    const next = Number(access.string(key) ?? "0") + 1;
    access.make(key, { kind: "string", value: String(next) });
    return next;
  },
  HSET(access, [key = "", ...pairs]) {
    const hash = hashAt(access, key);
    const before = hash.size;
    for (let at = 0; at + 1 < pairs.length; at += 2) hash.set(pairs[at] ?? "", pairs[at + 1] ?? "");
    return hash.size - before;
  },
  HSETNX(access, [key = "", field = "", value = ""]) {
    const hash = hashAt(access, key);
    if (hash.has(field)) return 0;
    hash.set(field, value);
    return 1;
  },
  HDEL(access, [key = "", ...fields]) {
    return removeFrom(access, key, access.hash(key), fields);
  },
  ZADD(access, [key = "", ...rest]) {
    const onlyNew = rest[0] === "NX";
    const [score = "", member = ""] = onlyNew ? rest.slice(1) : rest;
    const zset = access.zset(key) ?? new Map<string, number>();
    access.make(key, { kind: "zset", value: zset });
    const isNew = !zset.has(member);
    if (isNew || !onlyNew) zset.set(member, Number(score));
    return isNew ? 1 : 0;
  },
  ZREM(access, [key = "", ...members]) {
    return removeFrom(access, key, access.zset(key), members);
  },
  RPUSH(access, [key = "", ...entries]) {
    const list = access.list(key) ?? [];
    access.make(key, { kind: "list", value: list });
    return list.push(...entries);
  },
  DEL: (access, keys) => keys.filter((key) => access.remove(key)).length,
  RENAME(access, [from = "", to = ""]) {
    access.rename(from, to);
    return "OK";
  },
};

/** What a full Redis still takes. */
const FREES: ReadonlySet<string> = new Set(["HDEL", "ZREM", "DEL", "RENAME"]);

function hashAt(access: Access, key: string): Hash {
  const hash = access.hash(key) ?? new Map<string, string>();
  access.make(key, { kind: "hash", value: hash });
  return hash;
}

/** What is empty is not there. */
function removeFrom(
  access: Access,
  key: string,
  from: Map<string, unknown> | undefined,
  names: readonly string[],
): number {
  const removed = names.filter((name) => from?.delete(name)).length;
  if (from?.size === 0) access.remove(key);
  return removed;
}

/** Both ends are in it; an end below 0 is counted from the last. */
function slice(all: readonly string[], from: string, to: string): string[] {
  const last = Number(to) < 0 ? all.length + Number(to) : Number(to);
  return all.slice(Number(from), last + 1);
}

/** Members by score, then by name. */
function between(zset: SortedSet | undefined, from: string, to: string): string[] {
  const [isAbove, isBelow] = [boundOf(from), boundOf(to)];
  return [...(zset ?? [])]
    .filter(([, score]) => isAbove(score) >= 0 && isBelow(score) <= 0)
    .sort(([one, a], [other, b]) => a - b || (one < other ? -1 : 1))
    .map(([member]) => member);
}

/** Compares a score with a bound, from which `(` leaves out what is equal: NaN is never inside. */
function boundOf(text: string): (score: number) => number {
  if (text === "-inf") return () => 1;
  if (text === "+inf") return () => -1;
  const isOpen = text.startsWith("(");
  const bound = Number(isOpen ? text.slice(1) : text);
  return (score) => (isOpen && score === bound ? Number.NaN : score - bound);
}
