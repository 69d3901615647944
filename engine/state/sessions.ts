/** The sessions that the memory store keeps (SPEC §7.3). */
import type { Scalar } from "../value.ts";
import type { Joining } from "./call.ts";
import type { Interruption } from "./report.ts";
import { sessionIn } from "./session-keys.ts";
import { StateUnavailable } from "./store.ts";
import {
  type CounterTable,
  type LatchTable,
  type Memory,
  type Session,
  type SessionKey,
  taskStartedAtMs,
} from "./tables.ts";
import { isGranted, RUN_MOST_MS } from "./task-run.ts";

export function sessionFor(id: string, nowMs: number, memory: Memory): Session | undefined {
  const known = memory.sessions.get(id);
  if (known !== undefined) {
    memory.keeper?.used(id, known, nowMs);
    known.usedAtMs = nowMs;
    return known;
  }
  if (!makeRoomForSession(nowMs, memory)) return undefined;
  return newSession(id, nowMs, memory);
}

function makeRoomForSession(nowMs: number, memory: Memory): boolean {
  const { sessions, limits } = memory;
  if (sessions.size >= limits.sessionCount) forgetIdleSessions(nowMs, memory);
  return sessions.size < limits.sessionCount;
}

/** Tasks are kept as long as their session, and runs that were granted as long as their grant may be shown. */
export function makeRoomForTask(nowMs: number, memory: Memory): boolean {
  const { limits } = memory;
  if (memory.taskCount >= limits.taskCount) forgetIdleSessions(nowMs, memory);
  return memory.taskCount < limits.taskCount;
}

function newSession(id: string, nowMs: number, memory: Memory): Session {
  const session: Session = {
    startedAtMs: nowMs,
    interrupted: false,
    interruption: undefined,
    labels: NO_LABELS,
    sensitivity: NO_LEVELS,
    seen: undefined,
    tasks: undefined,
    keys: undefined,
    usedAtMs: nowMs,
  };
  memory.sessions.set(id, session);
  memory.keeper?.session(id);
  return session;
}

/**
 * An interrupted session is never forgotten: it would come back alive. Nor is `sparing`, about which something is being
 * decided, though it was idle until now.
 */
export function forgetIdleSessions(nowMs: number, memory: Memory, sparing?: string): void {
  const isIdle = ({ interrupted, usedAtMs }: Session, id: string) =>
    !interrupted && nowMs - usedAtMs > memory.limits.sessionIdleMs && id !== sparing;
  memory.sessionSweep.go(
    nowMs,
    (session, id) => session.tasks !== undefined || isIdle(session, id),
    (id, session) => {
      if (isIdle(session, id)) forgetSession(id, session, memory);
      else forgetRuns(id, session, nowMs, memory);
    },
  );
}

function forgetSession(id: string, session: Session, memory: Memory): void {
  memory.sessions.delete(id);
  memory.keeper?.session(id);
  for (const run of session.tasks?.keys() ?? []) forgetTask(id, session, run, memory);
  for (const { table, key } of session.keys ?? []) forgetKey(table, key, memory);
}

function forgetRuns(id: string, session: Session, nowMs: number, memory: Memory): void {
  for (const [run, entry] of session.tasks ?? []) {
    const isOver = isGranted(run) && nowMs - taskStartedAtMs(entry) > RUN_MOST_MS;
    if (isOver) forgetTask(id, session, run, memory);
  }
}

function forgetTask(id: string, { tasks }: Session, run: string, memory: Memory): void {
  tasks?.delete(run);
  memory.taskCount -= 1;
  memory.keeper?.task(id, run);
}

type Table = CounterTable | LatchTable;

export function forgetKey(table: Table, key: string, { keeper }: Memory): void {
  if (!table.cells.delete(key)) return;
  if ("windowMs" in table) keeper?.counter(table, key);
  else keeper?.latch(table, key);
}

/** When the session began that the key is one of: `undefined` where it is of none, and for ever where that is not kept. */
export function sessionBegan(table: Table, key: string, { sessions }: Memory): number | undefined {
  if (!table.ofSessions) return undefined;
  return sessions.get(sessionIn(key, table.declared))?.startedAtMs ?? Number.POSITIVE_INFINITY;
}

/** Whether what was decided then is of the session that the key is one of now, if it is one of any. */
export function isOfPresent(table: Table, key: string, atMs: number, memory: Memory): boolean {
  return atMs >= (sessionBegan(table, key, memory) ?? atMs);
}

/** A new key of `table`. False where its session is not kept: then neither is the key. */
export function keepWithSession(table: Table, key: string, { sessions }: Memory): boolean {
  if (!table.ofSessions) return true;
  const session = sessions.get(sessionIn(key, table.declared));
  if (session === undefined) return false;
  session.keys ??= [];
  const { length } = session.keys;
  // Doubled: those that went by themselves would be more than those that are there.
  if (length >= 64 && (length & (length - 1)) === 0) session.keys = present(session.keys);
  session.keys.push({ table, key });
  return true;
}

/** Each once. */
function present(keys: readonly SessionKey[]): SessionKey[] {
  const met = new Map<Table, Set<string>>();
  return keys.filter(({ table, key }) => {
    const before = met.get(table) ?? new Set();
    met.set(table, before);
    const isFirst = !before.has(key) && table.cells.has(key);
    before.add(key);
    return isFirst;
  });
}

/**
 * Also where the table is full, up to twice its bound: what speaks against a session must not be forgotten, or it would
 * come back without it once there is room.
 */
export function sessionBeyond(id: string, nowMs: number, memory: Memory): Session | undefined {
  const { sessions, limits } = memory;
  const session = sessionFor(id, nowMs, memory);
  if (session !== undefined || sessions.size >= 2 * limits.sessionCount) return session;
  return newSession(id, nowMs, memory);
}

export function joinSession(id: string, session: Session, joining: Joining, memory: Memory): void {
  const labels = joining.labels.filter((label) => !session.labels.has(label));
  const levels = joining.sensitivity.filter((level) => !session.sensitivity.has(level));
  if (labels.length === 0 && levels.length === 0) return;
  session.labels = new Set([...session.labels, ...labels]);
  session.sensitivity = new Set([...session.sensitivity, ...levels]);
  memory.keeper?.session(id);
}

export function interrupt(id: string, nowMs: number, why: Interruption, memory: Memory): void {
  memory.keeper?.time(nowMs);
  const ended = sessionBeyond(id, nowMs, memory);
  if (ended === undefined) {
    throw new StateUnavailable("no room to remember that a session was interrupted");
  }
  ended.interrupted = true;
  ended.interruption ??= { ...why, atMs: nowMs };
  memory.keeper?.session(id);
}

export function reinstate(id: string, { sessions, keeper }: Memory): boolean {
  const session = sessions.get(id);
  if (session === undefined || !session.interrupted) return false;
  session.interrupted = false;
  session.interruption = undefined;
  keeper?.session(id);
  return true;
}

export function declassify(id: string, label: string, { sessions, keeper }: Memory): boolean {
  const session = sessions.get(id);
  if (session === undefined || !session.labels.has(label)) return false;
  session.labels = new Set([...session.labels].filter((other) => other !== label));
  keeper?.session(id);
  return true;
}

const NO_LABELS: ReadonlySet<Scalar> = new Set();
const NO_LEVELS: ReadonlySet<string> = new Set();
