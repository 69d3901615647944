/** What an outcome changes (SPEC §7.2, §7.5). Pure. */
import type { Program } from "../../../lang/ir.ts";
import { type Call, type Held, type HeldLatch, isFreeCall, joiningFrom } from "../call.ts";
import { changeLatch, settleLatch } from "../latch.ts";
import { Seen, UNKEPT } from "../origin.ts";
import { matchIn, sequenceIn } from "../past.ts";
import { settle as settleStep } from "../sequence.ts";
import { joinSession, sessionBeyond } from "../sessions.ts";
import {
  type SettledOutcome,
  type Settlement,
  StateUnavailable,
  type TaskMatch,
} from "../store.ts";
import type { Memory, Session } from "../tables.ts";
import { taskOfRun } from "../task-run.ts";
import { Sum } from "../window.ts";
import { latchCell, makeRoomForKey } from "./cells.ts";
import { noteHeld } from "./leaving.ts";
import type { Policy } from "./policy.ts";
import { keepTask, taskUnder } from "./tasks.ts";

export function settle(outcome: SettledOutcome, match: TaskMatch, policy: Policy): Settlement {
  const { memory } = policy;
  memory.keeper?.check();
  const call = memory.calls.get(outcome.call);
  if (call === undefined) return settledEarlier(outcome, memory);
  memory.keeper?.time(outcome.nowMs);
  const isPast = isOfPast(call, outcome.nowMs, memory);
  if (isPast && !hasRoomForPast(call, outcome, memory)) {
    throw new StateUnavailable("no room for a latch of an outcome");
  }
  const session = sessionOf(call, outcome.nowMs, memory);
  memory.calls.delete(outcome.call);
  noteHeld(call.latches, -1, memory);
  rememberSettled(outcome, memory);
  const succeeded = outcome.status === "ok";
  if (!succeeded) for (const held of call.held) takeBack(held, isPast, memory);
  for (const latch of call.latches) {
    if (isPast && isOfSession(latch, memory)) settlePast(latch, outcome, memory);
    else settleHeld(latch, succeeded, memory);
  }
  settleTask(outcome, call, match, policy);
  if (session !== undefined) witness(outcome, call, session, policy);
  return { ok: true, repeated: false };
}

/** Its session may have been forgotten since, and what stands under a key of it be of another that came back. */
function isOfPast({ sessionId, atMs }: Call, nowMs: number, { sessions, limits }: Memory): boolean {
  if (nowMs - atMs > limits.sessionIdleMs) return true;
  if (sessionId === undefined) return false;
  // Where sessions were forgotten sooner than they are now.
  const session = sessions.get(sessionId);
  return session === undefined || session.startedAtMs > atMs;
}

/** Asked before anything is settled: a latch that nothing is kept of would read as if the call had not been. */
function hasRoomForPast(
  { sessionId, latches }: Call,
  { status, nowMs }: SettledOutcome,
  memory: Memory,
): boolean {
  if (status !== "ok") return true;
  return latches.every(({ table: meaning, key, kind }) => {
    const table = memory.latches.get(meaning);
    const isNew = table?.ofSessions === true && kind === "latch" && !table.cells.has(key);
    return !isNew || makeRoomForKey(table, nowMs, memory, sessionId);
  });
}

interface CallSession {
  readonly id: string;
  readonly session: Session;
}

/** It may have been forgotten while the call was under way. Throws, before anything is settled, where there is no room. */
function sessionOf(
  { sessionId: id }: Call,
  nowMs: number,
  memory: Memory,
): CallSession | undefined {
  if (id === undefined) return undefined;
  const session = sessionBeyond(id, nowMs, memory);
  if (session === undefined) throw new StateUnavailable("no room for the session of an outcome");
  return { id, session };
}

function settledEarlier({ call, status }: SettledOutcome, memory: Memory): Settlement {
  const before = memory.settled.get(call) ?? memory.settledBefore.get(call);
  if (before === undefined && isFreeCall(call)) return { ok: true, repeated: false };
  if (before === undefined) return { ok: false, why: "unknown" };
  return before === status ? { ok: true, repeated: true } : { ok: false, why: "settled" };
}

const SETTLED_MOST = 8_192;

/** Half of what is remembered is forgotten at a time, which costs nothing. */
function rememberSettled({ call, status }: SettledOutcome, memory: Memory): void {
  if (memory.settled.size >= SETTLED_MOST) {
    memory.settledBefore = memory.settled;
    memory.settled = new Map();
    memory.keeper?.forgotten();
  }
  memory.settled.set(call, status);
  memory.keeper?.settled(call);
}

/** A key that is kept no longer holds nothing that could be taken back. `isPast`: as `isOfPast` says of the call. */
function takeBack(
  { table: meaning, key, bucket, amount }: Held,
  isPast: boolean,
  memory: Memory,
): void {
  const table = memory.counters.get(meaning);
  const cell = table?.cells.get(key);
  if (table === undefined || cell === undefined || (isPast && table.ofSessions)) return;
  if (cell instanceof Sum) cell.takeBack(bucket, Number(amount));
  else cell.takeBack(bucket, amount);
  memory.keeper?.counter(table, key, amount);
}

function isOfSession({ table }: HeldLatch, { latches }: Memory): boolean {
  return latches.get(table)?.ofSessions === true;
}

/** What stands under the key may be another session's by now, or of the same: then the call may have changed it. */
function settlePast(held: HeldLatch, { status, nowMs }: SettledOutcome, memory: Memory): void {
  const table = memory.latches.get(held.table);
  if (table === undefined || status !== "ok") return;
  // A reset changes nothing where nothing is.
  if (held.kind === "reset" && !table.cells.has(held.key)) return;
  const cell = latchCell(table, held.key, nowMs, memory);
  if (cell === undefined) return;
  changeLatch(cell, { kind: held.kind, certain: false });
  memory.keeper?.latch(table, held.key);
}

function settleHeld(held: HeldLatch, succeeded: boolean, memory: Memory): void {
  const table = memory.latches.get(held.table);
  const cell = table?.cells.get(held.key);
  if (table === undefined || cell === undefined) return;
  settleLatch(cell, held, succeeded);
  memory.keeper?.latch(table, held.key);
}

/** A task whose sequence is kept no longer stays where it is: nothing follows in it. */
function settleTask(
  outcome: SettledOutcome,
  { sessionId, task: run }: Call,
  match: TaskMatch,
  policy: Policy,
): void {
  const { program, memory } = policy;
  const session = sessionId === undefined ? undefined : memory.sessions.get(sessionId);
  const entry = run === undefined ? undefined : session?.tasks?.get(run);
  if (sessionId === undefined || session === undefined || run === undefined) return;
  const name = taskOfRun(run);
  const index = program.tasks.findIndex((task) => task.name === name);
  const state = entry && taskUnder(policy, index, entry);
  if (state === undefined || state === "changed") return;
  const sequence = state.past ? sequenceIn(state.past) : program.tasks[index]?.sequence;
  if (sequence === undefined) return;
  const matches = state.past === undefined ? match(index) : matchIn(state.past);
  const succeeded = outcome.status === "ok";
  const progress = settleStep(sequence, state.progress, outcome.call, succeeded, matches);
  keepTask({ sessionId, session, run, index }, { ...state, progress }, policy);
}

function witness(
  outcome: SettledOutcome,
  call: Call,
  { id, session }: CallSession,
  { program, levels, memory }: Policy,
): void {
  joinSession(id, session, joiningFrom(outcome, call, levels), memory);
  if (seeReturned(outcome, call, session, program)) memory.keeper?.session(id);
}

/** Whether it adds anything to what the session has seen. */
function seeReturned(
  { parts }: SettledOutcome,
  { returning }: Call,
  session: Session,
  { readsOrigin }: Program,
): boolean {
  if (readsOrigin) {
    session.seen ??= new Seen();
    return session.seen.observe(returning, parts);
  }
  if (parts.length === 0) return false;
  if (session.seen !== undefined) return session.seen.miss();
  session.seen = UNKEPT;
  return true;
}
