/**
 * What operators see of state (SPEC §12.10): part of every store's contract. Nothing is changed by looking,
 * every list has the bound it was asked for, and a store on other machines gives promises of the same.
 */
import type { Scalar } from "../value.ts";
import type { TaskState } from "./store.ts";

export type Awaitable<Value> = Value | Promise<Value>;

export interface StateReport {
  totals(): Awaitable<StateTotals>;
  /** The program's counter of this index. */
  counter(index: number, wanted: WantedKeys): Awaitable<CounterReport>;
  latch(index: number, wanted: WantedKeys): Awaitable<LatchReport>;
  /** Those used last come first. */
  sessions(wanted: WantedSessions): Awaitable<readonly SessionRow[]>;
  session(id: string, callsMost: number): Awaitable<SessionReport | undefined>;
}

export interface StateTotals {
  readonly sessions: Filled;
  readonly interruptedCount: number;
  readonly tasks: Filled;
  /** Allowed calls whose outcome has not been reported. */
  readonly calls: Filled;
  /** What one counter or latch may have. */
  readonly keysMost: number;
}

/** A table and its bound. */
export interface Filled {
  readonly count: number;
  readonly most: number;
}

export interface WantedKeys {
  readonly nowMs: number;
  readonly most: number;
  /** Only keys with this value at this place of the declaration's `per`. */
  readonly part?: { readonly at: number; readonly value: Scalar } | undefined;
}

export interface CounterReport {
  readonly keyCount: number;
  /** Where it does not count as far back as it should. */
  readonly sinceMs?: number;
  readonly highest: readonly KeyReading[];
}

export interface KeyReading {
  readonly key: string;
  /** As rules read it: a Decimal in ten-thousandths. */
  readonly value: number | "unavailable";
}

export interface LatchReport {
  readonly keyCount: number;
  /** Where it does not know all that it should: since when it does. */
  readonly sinceMs?: number;
  readonly setCount: number;
  /** Neither known to be set nor to be unset (SPEC §7.2). */
  readonly pendingCount: number;
  readonly keys: readonly { readonly key: string; readonly state: "set" | "pending" }[];
}

export interface WantedSessions {
  readonly most: number;
  readonly interrupted?: boolean | undefined;
  readonly prefix?: string | undefined;
  /** Not used since. */
  readonly usedBeforeMs?: number | undefined;
  /** Those that come after this one, whether or not it is still there. */
  readonly after?: Used | undefined;
}

export interface SessionRow {
  readonly id: string;
  readonly startedAtMs: number;
  readonly usedAtMs: number;
  readonly labels: readonly string[];
  /** Position in the level `Sensitivity`. */
  readonly sensitivity: number;
  readonly interrupted: boolean;
  /** By whom; missing where the store does not know. */
  readonly interruption?: PastInterruption | undefined;
}

export interface SessionReport extends SessionRow {
  readonly tasks: readonly { readonly index: number; readonly state: TaskState }[];
  readonly callCount: number;
  /** Oldest first. */
  readonly calls: readonly CallUnderWay[];
}

export interface CallUnderWay {
  readonly call: string;
  readonly tool: string;
  readonly atMs: number;
}

/** Who ended a session, and why: for people to read, and decided by nothing. */
export interface Interruption {
  /** `rule`: a `forbid … then interrupt session`; `host`: the program that the engine is embedded in. */
  readonly by: "rule" | "operator" | "host";
  /** Of the rules or the operator. */
  readonly names: readonly string[];
  readonly because?: string | undefined;
}

export interface PastInterruption extends Interruption {
  readonly atMs: number;
}

/** What cannot be told may be anything, and stands first. */
export function byValue(a: KeyReading, b: KeyReading): number {
  return reached(b) - reached(a);
}

function reached({ value }: KeyReading): number {
  return value === "unavailable" ? Number.MAX_VALUE : value;
}

type Used = Pick<SessionRow, "usedAtMs" | "id">;

export function byUse(a: Used, b: Used): number {
  if (a.usedAtMs !== b.usedAtMs) return b.usedAtMs - a.usedAtMs;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Whether it was used when it should have been, and comes after what was shown before. */
export function isInPage(row: Used, { usedBeforeMs, after }: WantedSessions): boolean {
  if (usedBeforeMs !== undefined && row.usedAtMs >= usedBeforeMs) return false;
  return after === undefined || byUse(after, row) < 0;
}
