/**
 * What is kept of grants beside state (SPEC §15.4): approvals, who asked for them, tasks, what was taken back, tokens
 * that were used and events that were taken. Few entries, read at every decision from this process's own memory, and changed only
 * where they still are what was read.
 */
import type { Readiness } from "../answer.ts";
import type { Awaitable } from "../state/report.ts";

export type LedgerKind = "approval" | "revocation" | "use" | "request" | "event" | "task";

export interface LedgerEntry {
  /** JSON. */
  readonly text: string;
  /** Milliseconds since the Unix epoch; from then on it may be forgotten. */
  readonly untilMs: number;
}

export interface Change {
  readonly kind: LedgerKind;
  readonly id: string;
  /** What was read; missing = nothing was there. */
  readonly was: LedgerEntry | undefined;
  readonly next: LedgerEntry;
  /** Of now: what has ended makes room. */
  readonly nowMs: number;
}

/**
 * `kept` = it survives what the ledger survives, and nobody changed it before; `changed` = somebody did, and nothing
 * was done; `full` = there is no room, and nothing was done.
 */
export type Kept = "kept" | "changed" | "full";

export interface Ledger {
  /** Must not wait. */
  get(kind: LedgerKind, id: string): LedgerEntry | undefined;
  entries(kind: LedgerKind): Iterable<readonly [id: string, entry: LedgerEntry]>;
  /** `changed` is called after each change of such an entry, whoever made it, with the id. It must not throw. */
  watch(kind: LedgerKind, changed: (id: string) => void): void;
  /** Throws, or rejects, where it is not known whether it is kept. */
  put(change: Change): Awaitable<Kept>;
  /** Asks at once what others have changed; missing where there are no others. */
  refresh?(): Promise<void>;
  readiness(): Readiness;
  close(): void;
}

/** Of entries that never end: revocations, which are few. */
export const FOR_EVER = Number.MAX_SAFE_INTEGER;

/** Of each kind. */
export const ENTRIES_MOST: Readonly<Record<LedgerKind, number>> = {
  approval: 2_000,
  revocation: 100_000,
  use: 20_000,
  request: 20_000,
  event: 20_000,
  task: 10_000,
};
