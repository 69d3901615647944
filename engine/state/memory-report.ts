/**
 * What operators see of the state in this process. Tables may hold a hundred thousand keys each: they are
 * looked through in turns, between which decisions are made, and what changes meanwhile is seen or not.
 */
import type { CounterDecl, LatchDecl, Program } from "../../lang/ir.ts";
import { inTurns } from "../in-turns.ts";
import { keyOfOne, scalarsOfKey } from "../value.ts";
import type { CallTable } from "./call-table.ts";
import {
  byUse,
  byValue,
  type CallUnderWay,
  type CounterReport,
  isInPage,
  type KeyReading,
  type LatchReport,
  type SessionReport,
  type SessionRow,
  type StateReport,
  type StateTotals,
  type WantedKeys,
  type WantedSessions,
} from "./report.ts";
import { sensitivityAmong, sensitivityLevels } from "./sensitivity.ts";
import type { ShardedMap } from "./sharded-map.ts";
import type { Late, TaskState } from "./store.ts";
import type { MemoryLimits, Session } from "./tables.ts";

/** As much of the memory store as is looked at. */
export interface Remembered {
  readonly program: Program;
  readonly limits: MemoryLimits;
  readonly sessions: ShardedMap<Readonly<Session>>;
  taskCount(): number;
  task(sessionId: string, index: number): TaskState | "changed" | undefined;
  readonly calls: CallTable;
  late(nowMs: number): Late | undefined;
  /** By index in the program. */
  readonly counters: readonly Table<CounterDecl, number | "unavailable">[];
  readonly latches: readonly Table<LatchDecl, "set" | "pending" | "unset">[];
}

/** The keys of a declaration, and what one of them reads at a time. */
interface Table<Declared, Reading> {
  readonly declared: Declared;
  readonly cells: ShardedMap<unknown>;
  read(key: string, nowMs: number): Reading | undefined;
}

export function reportOf(remembered: Remembered): StateReport {
  return {
    totals: () => totals(remembered),
    counter: async (index, wanted) => ({
      ...(await counter(remembered.counters[index], wanted)),
      ...sinceOf(remembered.late(wanted.nowMs)?.counters.get(index)),
    }),
    latch: async (index, wanted) => ({
      ...(await latch(remembered.latches[index], wanted)),
      ...sinceOf(remembered.late(wanted.nowMs)?.latches.get(index)),
    }),
    sessions: (wanted) => sessions(wanted, remembered),
    session: (id, callsMost) => session(id, callsMost, remembered),
  };
}

/** Looked at before others have their turn: well under a millisecond. */
const LOOKED_AT_A_TURN = 1_000;

async function totals({ limits, sessions, taskCount, calls }: Remembered): Promise<StateTotals> {
  let interruptedCount = 0;
  await inTurns(sessions.values(), LOOKED_AT_A_TURN, ({ interrupted }) => {
    if (interrupted) interruptedCount += 1;
  });
  return {
    sessions: { count: sessions.size, most: limits.sessionCount },
    interruptedCount,
    tasks: { count: taskCount(), most: limits.taskCount },
    calls: { count: calls.size, most: limits.callCount },
    keysMost: limits.keyCount,
  };
}

// ── Counters and latches ───────────────────────────────────────────────────────────────────────────────────

async function counter(
  table: Remembered["counters"][number] | undefined,
  wanted: WantedKeys,
): Promise<CounterReport> {
  if (table === undefined)
    throw new Error("a counter was asked for that the program does not have");
  const highest = new Foremost<KeyReading>(wanted.most, byValue);
  await inTurns(keysOf(table, wanted), LOOKED_AT_A_TURN, (key) => {
    const value = table.read(key, wanted.nowMs);
    if (value !== undefined && value !== 0) highest.add({ key, value });
  });
  return { keyCount: table.cells.size, highest: highest.items };
}

function sinceOf(sinceMs: number | undefined): Pick<CounterReport | LatchReport, "sinceMs"> {
  return sinceMs === undefined ? {} : { sinceMs };
}

async function latch(
  table: Remembered["latches"][number] | undefined,
  wanted: WantedKeys,
): Promise<LatchReport> {
  if (table === undefined) throw new Error("a latch was asked for that the program does not have");
  const counts = { set: 0, pending: 0, unset: 0 };
  const keys: LatchReport["keys"][number][] = [];
  await inTurns(keysOf(table, wanted), LOOKED_AT_A_TURN, (key) => {
    const state = table.read(key, wanted.nowMs) ?? "unset";
    counts[state] += 1;
    if (state !== "unset" && keys.length < wanted.most) keys.push({ key, state });
  });
  const { set: setCount, pending: pendingCount } = counts;
  return { keyCount: table.cells.size, setCount, pendingCount, keys };
}

function keysOf(
  { declared, cells }: Table<CounterDecl | LatchDecl, unknown>,
  { part }: WantedKeys,
): Iterable<string> {
  if (part === undefined) return cells.keys();
  const { length } = declared.per;
  if (length === 1) return [keyOfOne(part.value)];
  return withPart(cells.keys(), length, part);
}

function* withPart(
  keys: Iterable<string>,
  length: number,
  { at, value }: NonNullable<WantedKeys["part"]>,
): Iterable<string> {
  for (const key of keys) if (scalarsOfKey(key, length)[at] === value) yield key;
}

// ── Sessions ───────────────────────────────────────────────────────────────────────────────────────────────

async function sessions(
  wanted: WantedSessions,
  remembered: Remembered,
): Promise<readonly SessionRow[]> {
  const newest = new Foremost<readonly [string, Readonly<Session>]>(wanted.most, ([a, x], [b, y]) =>
    byUse({ id: a, usedAtMs: x.usedAtMs }, { id: b, usedAtMs: y.usedAtMs }),
  );
  await inTurns(remembered.sessions, LOOKED_AT_A_TURN, (entry) => {
    if (isWanted(entry, wanted)) newest.add(entry);
  });
  return newest.items.map(([id, one]) => rowOf(id, one, remembered.program));
}

function isWanted(
  [id, { usedAtMs, interrupted }]: readonly [string, Readonly<Session>],
  wanted: WantedSessions,
): boolean {
  if (wanted.interrupted !== undefined && wanted.interrupted !== interrupted) return false;
  return id.startsWith(wanted.prefix ?? "") && isInPage({ id, usedAtMs }, wanted);
}

function rowOf(id: string, one: Readonly<Session>, program: Program): SessionRow {
  const { startedAtMs, usedAtMs, labels, sensitivity, interrupted, interruption } = one;
  return {
    id,
    startedAtMs,
    usedAtMs,
    labels: [...labels].map(String).sort(),
    sensitivity: sensitivityAmong(sensitivity, sensitivityLevels(program)),
    interrupted,
    interruption,
  };
}

async function session(
  id: string,
  callsMost: number,
  { program, sessions, task, calls }: Remembered,
): Promise<SessionReport | undefined> {
  const known = sessions.get(id);
  if (known === undefined) return undefined;
  const row = rowOf(id, known, program);
  const begun = program.tasks.flatMap((_, index) => {
    const state = task(id, index);
    return state === undefined || state === "changed" ? [] : [{ index, state }];
  });
  const oldest = new Foremost<CallUnderWay>(callsMost, (a, b) => a.atMs - b.atMs);
  let callCount = 0;
  await inTurns(calls.summaries(), LOOKED_AT_A_TURN, ([call, { sessionId, tool, atMs }]) => {
    if (sessionId !== id) return;
    callCount += 1;
    oldest.add({ call, tool, atMs });
  });
  return { ...row, tasks: begun, callCount, calls: oldest.items };
}

/** The first few of many, in order. */
class Foremost<Item> {
  readonly items: Item[] = [];
  readonly #most: number;
  readonly #compare: (a: Item, b: Item) => number;

  constructor(most: number, compare: (a: Item, b: Item) => number) {
    this.#most = most;
    this.#compare = compare;
  }

  add(item: Item): void {
    const last = this.items.at(-1);
    const full = this.items.length >= this.#most;
    if (full && (last === undefined || this.#compare(item, last) >= 0)) return;
    if (full) this.items.pop();
    let at = this.items.length;
    for (; at > 0; at -= 1) {
      const before = this.items[at - 1];
      if (before === undefined || this.#compare(item, before) >= 0) break;
    }
    this.items.splice(at, 0, item);
  }
}
