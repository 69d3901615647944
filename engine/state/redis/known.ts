/**
 * What this process last saw of shared state: what it guesses by. Forgetting any of it costs a round trip, and
 * being wrong about it costs one as well; neither changes a decision.
 */
import { LRUCache } from "lru-cache";
import type { Call } from "../call.ts";
import { Seen } from "../origin.ts";
import { type KeptSequence, SEQUENCES_MOST } from "../past.ts";
import { begunIn, readSeen } from "./record.ts";
import type { Table } from "./tables.ts";

/** As the script spells it: a whole number, `u` for unavailable; of a latch `1`, `0` or `p` for pending. */
export type Reading = string;

export interface KnownTask {
  /** `""` where there is none. */
  readonly version: string;
  readonly text: string;
}

/**
 * Invariant: `seen` is made of the first `count` entries of the session's log, and of nothing else. Both grow when more of
 * it is learned, which no decision sees: none waits while it is made.
 */
export interface KnownSeen {
  readonly seen: Seen;
  count: number;
}

const NO_TASK: KnownTask = { version: "", text: "" };

/** How many of each are remembered. */
export interface KnownLimits {
  readonly cellCount: number;
  /** Of sessions, of tasks, and of calls. */
  readonly othersCount: number;
  /** Logs of sessions; each may be a megabyte of texts. */
  readonly seenCount: number;
}

export const KNOWN_LIMITS: KnownLimits = {
  cellCount: 100_000,
  othersCount: 20_000,
  seenCount: 500,
};

export class Known {
  readonly #cells: LRUCache<string, Reading>;
  readonly #facts: LRUCache<string, string>;
  readonly #tasks: LRUCache<string, KnownTask>;
  readonly #seen: LRUCache<string, KnownSeen>;
  readonly calls: LRUCache<string, Call>;
  /** By meaning; `gone` is kept no longer. */
  readonly sequences = new LRUCache<string, KeptSequence | "gone">({ max: SEQUENCES_MOST });

  constructor({ cellCount, othersCount, seenCount }: KnownLimits) {
    this.#cells = new LRUCache({ max: cellCount });
    this.#facts = new LRUCache({ max: othersCount });
    this.#tasks = new LRUCache({ max: othersCount });
    this.#seen = new LRUCache({ max: seenCount });
    this.calls = new LRUCache({ max: othersCount });
  }

  /** What is there now may be something else. */
  forget(): void {
    for (const each of [this.#cells, this.#facts, this.#tasks, this.#seen]) each.clear();
    this.calls.clear();
    this.sequences.clear();
  }

  cell(table: Table, field: string): Reading {
    return this.#cells.get(cellName(table, field)) ?? "0";
  }

  learnCell(table: Table, field: string, reading: Reading): void {
    this.#cells.set(cellName(table, field), reading);
  }

  /** `""` for a session that was never seen. */
  facts(sessionId: string): string {
    return this.#facts.get(sessionId) ?? "";
  }

  learnFacts(sessionId: string, facts: string): void {
    this.#facts.set(sessionId, facts);
  }

  task(field: string): KnownTask {
    return this.#tasks.get(field) ?? NO_TASK;
  }

  /** `version text`, or `""` for none. */
  learnTask(field: string, value: string): void {
    const at = value.indexOf(" ");
    if (value === "") this.#tasks.delete(field);
    else this.#tasks.set(field, { version: value.slice(0, at), text: value.slice(at + 1) });
  }

  /** Of the session that has these facts: another of its name, begun at another time, has another log. */
  seen(sessionId: string, facts: string): KnownSeen {
    return this.#seen.get(seenName(sessionId, facts)) ?? { seen: new Seen(), count: 0 };
  }

  /** `tail`: the entries of the log from the `from`th on. What does not fit to what is known is asked for again. */
  learnSeen(sessionId: string, facts: string, from: number, tail: readonly string[]): void {
    const known = this.seen(sessionId, facts);
    const { seen, count } = known;
    if (from > count || count - from > tail.length) return;
    for (const text of tail.slice(count - from)) {
      for (const entry of readSeen(text)) seen.add(entry);
    }
    known.count = from + tail.length;
    this.#seen.set(seenName(sessionId, facts), known);
  }
}

function seenName(sessionId: string, facts: string): string {
  return `${begunIn(facts)} ${sessionId}`;
}

function cellName({ kind, meaning }: Table, field: string): string {
  return `${kind} ${meaning} ${field}`;
}
