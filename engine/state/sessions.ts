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
  if (memory.sessions.size >= memory.limits.sessionCount) forgetIdleSessions(nowMs, memory);
  if (memory.sessions.size >= memory.limits.sessionCount) return undefined;
  return newSession(id, nowMs, memory);
}

function newSession(id: string, nowMs: number, memory: Memory): Session {
  const session: Session = {
    startedAtMs: nowMs,
    interrupted: false,
    interruption: undefined,
    labels: NO_LABELS,
    sensitivity: 0,
    seen: undefined,
    usedAtMs: nowMs,
  };
  memory.sessions.set(id, session);
  memory.keeper?.session(id);
  return session;
}

/** An interrupted session is never forgotten: it would come back alive. */
function forgetIdleSessions(nowMs: number, { sessions, limits, keeper }: Memory): void {
  for (const [id, session] of sessions) {
    if (session.interrupted || nowMs - session.usedAtMs <= limits.sessionIdleMs) continue;
    sessions.delete(id);
    keeper?.session(id);
  }
}

/**
 * Also where the table is full, up to twice its bound: a session that is ended and not remembered would come
 * back alive once there is room.
 */
export function interrupt(id: string, nowMs: number, why: Interruption, memory: Memory): void {
  const { sessions, limits } = memory;
  const session = sessionFor(id, nowMs, memory);
  if (session === undefined && sessions.size >= 2 * limits.sessionCount) {
    throw new Error("no room to remember that a session was interrupted");
  }
  const ended = session ?? newSession(id, nowMs, memory);
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
