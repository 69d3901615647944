/**
 * The ledger that processes share: each has all of it in its own memory, asks several times a second what has
 * changed, and changes it only by the script of state (`state/redis/script/ledger.ts`), which looks whether it is still so.
 */
import { randomUUID } from "node:crypto";
import type { Readiness } from "../answer.ts";
import type { Connection } from "../state/redis/connection.ts";
import { MACHINE_TIMERS, pause, type Timers } from "../state/redis/timers.ts";
import {
  type Change,
  ENTRIES_MOST,
  type Kept,
  type Ledger,
  type LedgerEntry,
  type LedgerKind,
} from "./ledger.ts";
import { MemoryLedger } from "./memory.ts";

export interface RedisLedgerParts {
  /** Reads; rejects where Redis cannot be asked. */
  readonly send: (command: readonly string[]) => Promise<unknown>;
  /** Changes, as state is changed: counted, and refused where Redis has lost what was acknowledged (SPEC §7.6). */
  readonly run: Connection["run"];
  /** Of the server as it was last known to lack nothing; another one once somebody has confirmed a loss (SPEC §7.6). */
  readonly generation: () => string;
  /** What a read has seen of the server is missed as well where it is lost, as what was changed is. */
  readonly saw: Connection["saw"];
  readonly namespace: string;
  /** Milliseconds by a clock that nobody sets. */
  readonly elapsedMs: () => number;
  /** Milliseconds since the Unix epoch: what has ended by then may be forgotten. */
  readonly now: () => number;
  /** The machine's where it is missing. */
  readonly timers?: Timers;
}

/** So often it is asked; and after so long without an answer nobody knows what was revoked meanwhile. */
const ASK_EVERY_MS = 250;
const STALE_AFTER_MS = 1_500;

const NUMBERS_MOST = 2 * Object.values(ENTRIES_MOST).reduce((sum, most) => sum + most, 0);

/** Of changes in one answer, and of their texts together, but for the last: requests that wait may have 64 KiB each. */
const CHANGES_MOST = 100;
const LENGTH_MOST = 262_144;

/** Of so many changes: who has not asked for longer than that is not told here that some were lost. */
const NAMES_MOST = 1_000;

const KINDS = Object.keys(ENTRIES_MOST) as readonly LedgerKind[];

const LOST =
  "Redis has lost what was approved, used or revoked; once it is confirmed that state was lost, it is gone on with what is there; where no state was, start again";

/** Resolves once all of it is here; rejects where it cannot be read. */
export async function openRedisLedger(parts: RedisLedgerParts): Promise<Ledger> {
  const ledger = new RedisLedger(parts);
  await begin(ledger, parts.timers);
  ledger.keepUp();
  return ledger;
}

/** Nobody waits for a decision yet: an answer that is late is asked for again. */
const BEGIN_TRIES = 8;

async function begin(ledger: RedisLedger, timers = MACHINE_TIMERS): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ledger.catchUp();
    } catch (fault) {
      if (tries === BEGIN_TRIES) throw fault;
      await pause(timers, ASK_EVERY_MS);
    }
  }
}

/**
 * `log` has each entry by the number of its last change; an entry is its end, a space, and its text. `ends` has each by
 * its end: all that are kept are many, and may be long, so a full table is never read whole, but the first time. `names`
 * has a name for each of the latest changes, that no other ever had: a server that lost some, and was changed since, may
 * have come to the same number again. `meta` says whether state was lost that somebody knew of: then nothing here is whole.
 */
const SINCE = `
local log, last, names, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local tables = {}
for at, kind in ipairs({ ${KINDS.map((kind) => `'${kind}'`).join(", ")} }) do tables[kind] = KEYS[4 + at] end
if redis.call('HGET', meta, 'lost') then return { 'lost', 'state' } end
local number = redis.call('GET', last) or '0'
local isOld = tonumber(ARGV[4]) <= tonumber(number) - ${NAMES_MOST}
if ARGV[5] ~= '' and not isOld and redis.call('HGET', names, ARGV[4]) ~= ARGV[5] then return { 'lost' } end
local found = redis.call('ZRANGEBYSCORE', log, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local isAll, length = #found < 2 * tonumber(ARGV[2]), 0
local is = redis.call('HMGET', meta, 'generation', 'writes')
local said = { number, isAll and 'all' or 'more', redis.call('HGET', names, number) or '', is[1] or '', is[2] or '0' }
for at = 1, #found, 2 do
  if length > tonumber(ARGV[3]) then said[2] = 'more' break end
  local kind, id = string.match(found[at], '^(%S+) (.*)$')
  local entry = redis.call('HGET', tables[kind], id) or ''
  length = length + #entry
  for _, part in ipairs({ kind, id, entry, found[at + 1] }) do said[#said + 1] = part end
end
return said
`;

class RedisLedger implements Ledger {
  readonly #parts: RedisLedgerParts;
  readonly #prefix: string;
  readonly #meta: string;
  readonly #here = new MemoryLedger();
  /** The change of each entry that is here, so that an answer that comes late undoes none. */
  readonly #numbers = new Map<string, number>();
  /** Up to this change everything is here; and the latest that is known to be there. */
  #known = 0;
  #latest = 0;
  /** The latest change of which the name is known. */
  #named = { number: 0, name: "" };
  #askedMs = Number.NEGATIVE_INFINITY;
  /** Under which everything was here last. */
  #generation: string | undefined;
  #isLost = false;
  /** How often it began anew: an answer to what was asked before is none. */
  #begun = 0;
  #stop = (): void => {};
  #isClosed = false;

  constructor(parts: RedisLedgerParts) {
    this.#parts = parts;
    // One hash tag, so that a cluster has them where it has the state.
    this.#prefix = `writ:{${parts.namespace}}:ledger:`;
    this.#meta = `writ:{${parts.namespace}}:meta`;
  }

  get(kind: LedgerKind, id: string): LedgerEntry | undefined {
    return this.#here.get(kind, id);
  }

  entries(kind: LedgerKind): Iterable<readonly [id: string, entry: LedgerEntry]> {
    return this.#here.entries(kind);
  }

  watch(kind: LedgerKind, changed: (id: string) => void): void {
    this.#here.watch(kind, changed);
  }

  async put({ kind, id, was, next, nowMs }: Change): Promise<Kept> {
    const name = randomUUID();
    const given = [kind, id, was === undefined ? "" : spell(was), spell(next), name];
    const limits = [ENTRIES_MOST[kind], nowMs, NAMES_MOST].map(String);
    const keys = this.#keys(["log", "last", "names", kind, `${kind}-ends`]);
    const reply = await this.#parts.run("change", keys, [...given, ...limits]);
    const [result, , , detail = ""] = reply.map(String);
    if (result === "kept") {
      this.#take(kind, id, spell(next), Number(detail));
      this.#name(Number(detail), name);
    } else if (result === "changed") this.#take(kind, id, detail, undefined);
    else if (result !== "full") throw new Error("Redis gave no answer to a change");
    return result;
  }

  refresh(): Promise<void> {
    return this.catchUp();
  }

  readiness(): Readiness {
    if (this.#isLost) return { ready: false, because: LOST };
    if (this.#parts.elapsedMs() - this.#askedMs <= STALE_AFTER_MS) return { ready: true };
    return { ready: false, because: "what was revoked elsewhere cannot be read from Redis" };
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  async catchUp(): Promise<void> {
    for (;;) {
      const askedMs = this.#parts.elapsedMs();
      const generation = this.#parts.generation();
      if (this.#isLost && generation !== this.#generation) this.#beginAnew();
      const begun = this.#begun;
      const least = this.#latest;
      const most = [String(CHANGES_MOST), String(LENGTH_MOST)];
      const { number: named, name } = this.#named;
      const since = [String(this.#known), ...most, String(named), name];
      const [last = "", isAll, lastName = "", of = "", writes, ...parts] = await this.#since(since);
      if (begun !== this.#begun) continue;
      if (last === "lost" || Number(last) < least) {
        this.#isLost = true;
        // Where it is not confirmed, or another loss is not, there is nothing to begin with.
        if (isAll === "state" || generation === this.#generation) return;
        continue;
      }
      this.#parts.saw(of, Number(writes));
      for (let at = 0; at < parts.length; at += 4) {
        const [kind = "", id = "", entry = "", number = ""] = parts.slice(at, at + 4);
        this.#known = Number(number);
        this.#take(kind as LedgerKind, id, entry, this.#known);
      }
      this.#name(Number(last), lastName);
      if (isAll === "all") {
        this.#askedMs = askedMs;
        this.#generation = generation;
        // What was missing is back: the server was given a copy of all it had.
        this.#isLost = false;
        return;
      }
    }
  }

  keepUp(): void {
    const { timers = MACHINE_TIMERS } = this.#parts;
    const ask = async () => {
      // Whoever is asked to decide is told by `readiness` that it did not work.
      await this.catchUp().catch(() => {});
      if (!this.#isClosed) this.keepUp();
    };
    this.#stop = timers.after(ASK_EVERY_MS, () => void ask(), { idle: true });
  }

  /** With what the server has, as one that is started now does: somebody has said that this is right. */
  #beginAnew(): void {
    this.#begun += 1;
    this.#isLost = false;
    this.#askedMs = Number.NEGATIVE_INFINITY;
    this.#known = 0;
    this.#latest = 0;
    this.#named = { number: 0, name: "" };
    this.#numbers.clear();
    for (const kind of KINDS) {
      for (const [id] of [...this.#here.entries(kind)]) this.#here.drop(kind, id);
    }
  }

  #name(number: number, name: string): void {
    if (name !== "" && number > this.#named.number) this.#named = { number, name };
  }

  /** `number` is missing where what is there is known, and not since when. */
  #take(kind: LedgerKind, id: string, spelt: string, number: number | undefined): void {
    const key = `${kind} ${id}`;
    if (number !== undefined && number < (this.#numbers.get(key) ?? 0)) return;
    if (number !== undefined) {
      this.#numbers.set(key, number);
      this.#latest = Math.max(this.#latest, number);
    }
    const [, untilMs, text] = /^(\d+) (.*)$/s.exec(spelt) ?? [];
    if (untilMs === undefined || text === undefined) {
      this.#here.drop(kind, id);
      return;
    }
    // Redis forgets what has ended without saying so.
    this.#here.hasRoom(kind, this.#parts.now());
    if (this.#numbers.size > NUMBERS_MOST) this.#forgetNumbers();
    this.#here.take(kind, id, { untilMs: Number(untilMs), text });
  }

  #forgetNumbers(): void {
    for (const key of this.#numbers.keys()) {
      const space = key.indexOf(" ");
      const isHere = this.#here.get(key.slice(0, space) as LedgerKind, key.slice(space + 1));
      if (isHere === undefined) this.#numbers.delete(key);
    }
  }

  async #since(args: readonly string[]): Promise<readonly string[]> {
    const keys = [...this.#keys(["log", "last", "names"]), this.#meta, ...this.#keys(KINDS)];
    const reply = await this.#parts.send(["EVAL", SINCE, String(keys.length), ...keys, ...args]);
    if (Array.isArray(reply)) return reply.map(String);
    throw new Error("Redis gave no answer");
  }

  #keys(names: readonly string[]): readonly string[] {
    return names.map((name) => this.#prefix + name);
  }
}

function spell({ untilMs, text }: LedgerEntry): string {
  return `${untilMs} ${text}`;
}
