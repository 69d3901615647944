/** What a decision leaves behind: all of it, or nothing (SPEC §7.2). Pure. */
import type { Touch } from "../../evaluate/evaluator.ts";
import { Unknown } from "../../value.ts";
import { type Call, type Held, type HeldLatch, joiningOf } from "../call.ts";
import { changeLatch, expectLatch, type LatchCell } from "../latch.ts";
import { returningOf } from "../origin/returned.ts";
import { interrupt, joinSession, makeRoomForTask, sessionFor } from "../sessions.ts";
import type { AllowedCall, Effects } from "../store.ts";
import type { Memory, Session } from "../tables.ts";
import { runOf, taskIdIn } from "../task-run.ts";
import { countedOf, isAwaited, type LatchTouch, latchTouches } from "../touched.ts";
import { Sum } from "../window.ts";
import { cellFor, latchCell, makeRoomForKey } from "./cells.ts";
import { takeOver } from "./fill.ts";
import { bucketNow, noteHeld } from "./leaving.ts";
import type { Policy } from "./policy.ts";
import { keepTask } from "./tasks.ts";

export function commit(effects: Effects, policy: Policy): "ok" | "free" | "full" {
  const { memory } = policy;
  const { allowed, sessionId, nowMs } = effects;
  memory.keeper?.time(nowMs);
  if (memory.inForce !== policy.declared) takeOver(policy, nowMs);
  const session = sessionId === undefined ? undefined : sessionFor(sessionId, nowMs, memory);
  const missing = sessionId !== undefined && session === undefined;
  const awaited = allowed !== undefined && isAwaited(effects, policy.program) ? allowed : undefined;
  if (allowed !== undefined && (missing || !hasRoomFor(effects, session, policy))) return "full";
  if (awaited !== undefined && !makeRoomForCall(nowMs, memory)) return "full";
  const held: Held[] = [];
  const latched: HeldLatch[] = [];
  for (const touch of effects.touches) {
    if (touch.kind === "counter") count(touch, effects, policy, held);
  }
  const { now, completed } = latchTouches(effects.touches, policy.program.latches, effects);
  for (const touch of now) latch(touch, nowMs, policy, (cell) => changeLatch(cell, touch));
  for (const touch of completed) {
    const { key, kind, certain } = touch;
    latch(touch, nowMs, policy, (cell, table) => {
      latched.push({ table, key, kind, certain, others: expectLatch(cell, kind) });
    });
  }
  if (awaited !== undefined) remember(effects, awaited, session, held, latched, policy);
  if (effects.interrupt !== undefined && sessionId !== undefined) {
    interrupt(sessionId, nowMs, effects.interrupt, memory);
  }
  return allowed === awaited ? "ok" : "free";
}

/** Asked before anything is written, so that an allowed call leaves all of its traces or none. */
function hasRoomFor(effects: Effects, session: Session | undefined, policy: Policy): boolean {
  const { memory, counters, latches } = policy;
  for (const { kind, index, key } of effects.touches) {
    const table = kind === "counter" ? counters[index] : latches[index];
    if (table === undefined || key instanceof Unknown || table.cells.has(key)) continue;
    if (!makeRoomForKey(table, effects.nowMs, memory)) return false;
  }
  const task = effects.allowed?.task;
  if (task !== undefined && !session?.tasks?.has(runIn(effects, task.index, policy))) {
    if (!makeRoomForTask(effects.nowMs, memory)) return false;
  }
  return true;
}

function runIn({ request }: Effects, index: number, { program }: Policy): string {
  return runOf(program.tasks[index]?.name ?? "", taskIdIn(request));
}

/** After their time, calls that never reported; their latches and steps stay pending. */
function makeRoomForCall(nowMs: number, memory: Memory): boolean {
  const { calls, limits, keeper } = memory;
  if (calls.size < limits.callCount) return true;
  const isOver = (atMs: number) => nowMs - atMs > limits.reservationMs;
  memory.callSweep.go(nowMs, isOver, (place) => {
    const id = calls.idAt(place);
    // To read a call takes a while, and most policies have no latch.
    if (memory.latches.size > 0) noteHeld(calls.get(id)?.latches ?? [], -1, memory);
    calls.delete(id);
    keeper?.call(id);
  });
  return calls.size < limits.callCount;
}

function count(touch: Touch, effects: Effects, policy: Policy, held: Held[]): void {
  const table = policy.counters[touch.index];
  const amount = table && countedOf(touch, table.declared, effects);
  if (table === undefined || amount === undefined || touch.key instanceof Unknown) return;
  const cell = cellFor(table, touch.key, effects.nowMs, policy.memory);
  if (cell === undefined) return;
  const bucket = bucketNow(table, effects.nowMs);
  const into = cell instanceof Sum ? cell.add(bucket, Number(amount)) : cell.add(bucket, amount);
  policy.memory.keeper?.counter(table, touch.key, amount);
  if (table.declared.calls.base === "attempts") return;
  held.push({ table: table.meaning, key: touch.key, bucket: into, amount });
}

export function latch(
  { index, key }: LatchTouch,
  nowMs: number,
  { latches, memory }: Policy,
  change: (cell: LatchCell, meaning: string) => void,
): void {
  const table = latches[index];
  const cell = table && latchCell(table, key, nowMs, memory);
  if (table === undefined || cell === undefined) return;
  change(cell, table.meaning);
  memory.keeper?.latch(table, key);
}

function remember(
  effects: Effects,
  { call, task }: NonNullable<Effects["allowed"]>,
  session: Session | undefined,
  held: readonly Held[],
  latches: readonly HeldLatch[],
  policy: Policy,
): void {
  const { program, memory } = policy;
  const { nowMs, sessionId, request } = effects;
  const tool = program.tools[request.tool];
  if (tool === undefined) throw new Error("a call of no tool of the policy");
  const returning = returningOf(tool, request.roots, program);
  memory.calls.add(call, {
    atMs: nowMs,
    tool: tool.wire,
    sessionId,
    held,
    latches,
    task: task === undefined ? undefined : stepOf(effects, session, task, policy),
    returning,
  });
  if (sessionId !== undefined && session !== undefined) {
    joinSession(sessionId, session, joiningOf(returning), memory);
  }
  noteHeld(latches, 1, memory);
  memory.keeper?.call(call);
}

function stepOf(
  effects: Effects,
  session: Session | undefined,
  { index, state }: NonNullable<AllowedCall["task"]>,
  policy: Policy,
): Call["task"] {
  const { sessionId } = effects;
  if (sessionId === undefined || session === undefined) {
    throw new Error("a call of a task in no session");
  }
  const run = runIn(effects, index, policy);
  keepTask({ sessionId, session, run, index }, state, policy);
  return run;
}
