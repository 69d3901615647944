/** The sessions that the memory store keeps (SPEC §7.3). */
import type { Scalar } from "../value.ts";
import type { Interruption } from "./report.ts";
import type { Memory, Session } from "./tables.ts";

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

/** Tasks are kept as long as their session. */
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
    sensitivity: 0,
    seen: undefined,
    tasks: undefined,
    usedAtMs: nowMs,
  };
  memory.sessions.set(id, session);
  memory.keeper?.session(id);
  return session;
}

/** An interrupted session is never forgotten: it would come back alive. */
function forgetIdleSessions(nowMs: number, memory: Memory): void {
  const isIdle = ({ interrupted, usedAtMs }: Session) =>
    !interrupted && nowMs - usedAtMs > memory.limits.sessionIdleMs;
  memory.sessionSweep.go(nowMs, isIdle, (id, session) => forgetSession(id, session, memory));
}

function forgetSession(id: string, { tasks }: Session, memory: Memory): void {
  const { sessions, keeper } = memory;
  sessions.delete(id);
  keeper?.session(id);
  for (const name of tasks?.keys() ?? []) {
    memory.taskCount -= 1;
    keeper?.task(id, name);
  }
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

export function interrupt(id: string, nowMs: number, why: Interruption, memory: Memory): void {
  const ended = sessionBeyond(id, nowMs, memory);
  if (ended === undefined) throw new Error("no room to remember that a session was interrupted");
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
