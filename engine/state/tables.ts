/** What the memory store keeps (SPEC §7): plain tables, each with a bound. Their arithmetic is in `memory.ts`. */
import type { CounterDecl, LatchDecl } from "../../lang/ir.ts";
import type { Json } from "../../lang/type.ts";
import type { Scalar } from "../value.ts";
import { CallTable } from "./call-table.ts";
import { encodeTask } from "./codec.ts";
import type { Keeper } from "./keeper.ts";
import type { LatchCell } from "./latch.ts";
import type { Seen } from "./origin.ts";
import { type KeptSequence, sequenceIn } from "./past.ts";
import type { PastInterruption } from "./report.ts";
import { isOfSessions } from "./session-keys.ts";
import { ShardedMap } from "./sharded-map.ts";
import type { TaskState } from "./store.ts";
import { numberOf, objectOf } from "./stored.ts";
import { Sweep } from "./sweep.ts";
import type { Distinct, Sum } from "./window.ts";

export interface MemoryLimits {
  /** Keys of one counter or latch. */
  readonly keyCount: number;
  readonly sessionCount: number;
  readonly taskCount: number;
  /** Calls whose outcome may still be reported. */
  readonly callCount: number;
  /** After it an unreported call may make room for a new one; what it counted stays counted. */
  readonly reservationMs: number;
  /** After it a session that was not ended may make room for a new one. */
  readonly sessionIdleMs: number;
}

export const MEMORY_LIMITS: MemoryLimits = {
  keyCount: 100_000,
  sessionCount: 100_000,
  taskCount: 100_000,
  callCount: 1_000_000,
  reservationMs: 15 * 60_000,
  sessionIdleMs: 7 * 24 * 3_600_000,
};

/** Everything that outlives a policy. Tables of declarations are found by what the declaration means. */
export interface Memory {
  readonly limits: MemoryLimits;
  readonly keeper: Keeper | undefined;
  readonly counters: Map<string, CounterTable>;
  readonly latches: Map<string, LatchTable>;
  /** Tables that went, by meaning: a policy that still has one brings it back, and there must not be two. */
  readonly gone: Map<string, WeakRef<DeclaredTable>>;
  /** Tables that are to go, with all that is left in them. */
  readonly going: Set<DeclaredTable>;
  readonly sessions: ShardedMap<Session>;
  readonly sessionSweep: Sweep<Session>;
  /** In all sessions. */
  taskCount: number;
  /** That tasks began with, by meaning; oldest first. */
  readonly sequences: Map<string, KeptSequence>;
  /** When the first call was decided on this state, if one was. */
  beganMs: number | undefined;
  /** Of the policy that decided last. */
  inForce: readonly DeclaredTable[] | undefined;
  /** Allowed and not reported yet. */
  readonly calls: CallTable;
  /** By when they were decided, and their places. */
  readonly callSweep: Sweep<number, number>;
  /** How the latest calls ended, so that reporting one again is told apart from reporting another. */
  settled: Map<string, "ok" | "error">;
  settledBefore: Map<string, "ok" | "error">;
}

export type DeclaredTable = CounterTable | LatchTable;

/** Since when a declaration is in force, by which it is known what it misses (SPEC §7.9). */
export interface InForce {
  /** Every call decided since then is in it; missing where it is not in force. */
  sinceMs: number | undefined;
  /** When it was in force before; what was decided until then is in it. */
  leftMs: number | undefined;
}

export interface CounterTable extends InForce {
  readonly meaning: string;
  readonly declared: CounterDecl;
  readonly windowMs: number | undefined;
  readonly cells: ShardedMap<Sum | Distinct>;
  readonly sweep: Sweep<Sum | Distinct>;
  /** Each of its keys is a session's. */
  readonly ofSessions: boolean;
  /** It came into force in this process, and nothing was filled in of the time before. */
  isNew: boolean;
}

export interface LatchTable extends InForce {
  readonly meaning: string;
  readonly declared: LatchDecl;
  readonly cells: ShardedMap<LatchCell>;
  readonly sweep: Sweep<LatchCell>;
  readonly ofSessions: boolean;
  /** By calls that are open: how often their success sets or resets it, under any key. */
  heldCount: number;
}

export interface Session {
  readonly startedAtMs: number;
  interrupted: boolean;
  /** While it is interrupted. */
  interruption: PastInterruption | undefined;
  /** Replaced, never changed: views hold it. */
  labels: ReadonlySet<Scalar>;
  /** Names of the levels of what its calls returned; replaced as well. */
  sensitivity: ReadonlySet<string>;
  seen: Seen | undefined;
  /** Begun in it, by name. */
  tasks: Map<string, TaskEntry> | undefined;
  /** Of counters and latches, that are forgotten with it; some may be gone by themselves. */
  keys: SessionKey[] | undefined;
  usedAtMs: number;
}

export interface SessionKey {
  readonly table: CounterTable | LatchTable;
  readonly key: string;
}

/**
 * A task's state speaks of positions, tools and locals of the policy it was made under, or it is `written` in
 * words that every policy with a sequence of this meaning reads.
 */
export type TaskEntry =
  | { readonly meaning: string; readonly state: TaskState; readonly sequence: KeptSequence }
  | { readonly meaning: string; readonly written: Json };

export function createMemory(limits: Partial<MemoryLimits> = {}, keeper?: Keeper): Memory {
  const sessions = new ShardedMap<Session>();
  const calls = new CallTable();
  return {
    limits: { ...MEMORY_LIMITS, ...limits },
    keeper,
    counters: new Map(),
    latches: new Map(),
    gone: new Map(),
    going: new Set(),
    sessions,
    sessionSweep: new Sweep(sessions),
    taskCount: 0,
    sequences: new Map(),
    beganMs: undefined,
    inForce: undefined,
    calls,
    callSweep: new Sweep(calls.times),
    settled: new Map(),
    settledBefore: new Map(),
  };
}

export const NOT_IN_FORCE: InForce = { sinceMs: undefined, leftMs: undefined };

export function counterTable(
  meaning: string,
  declared: CounterDecl,
  cells: ShardedMap<Sum | Distinct>,
  inForce: InForce,
): CounterTable {
  return {
    meaning,
    declared,
    windowMs: declared.windowMs,
    cells,
    sweep: new Sweep(cells),
    ofSessions: isOfSessions(declared),
    ...inForce,
    isNew: false,
  };
}

export function latchTable(
  meaning: string,
  declared: LatchDecl,
  cells: ShardedMap<LatchCell>,
  inForce: InForce,
): LatchTable {
  return {
    meaning,
    declared,
    cells,
    sweep: new Sweep(cells),
    ofSessions: isOfSessions(declared),
    ...inForce,
    heldCount: 0,
  };
}

/** In words that every policy with a sequence of this meaning reads. */
export function writtenTask(entry: TaskEntry): Json {
  if ("written" in entry) return entry.written;
  return encodeTask(entry.state, sequenceIn(entry.sequence), entry.sequence.program);
}

export function taskStartedAtMs(entry: TaskEntry): number {
  if ("state" in entry) return entry.state.startedAtMs;
  return numberOf(objectOf(entry.written).startedAtMs);
}
