/**
 * State in this process (SPEC §7): the reference store. Synchronous and atomic; every table has a bound, and
 * a full one refuses new keys and never forgets live ones.
 */
import type { CounterDecl, LatchDecl, Program } from "../../lang/ir.ts";
import type { Touch } from "../evaluate/evaluator.ts";
import type { SessionFacts } from "../request-reader.ts";
import { type Scalar, Unknown, type Value } from "../value.ts";
import { type Call, type Held, type HeldLatch, labelsFrom, sensitivityFrom } from "./call.ts";
import { decodeTask } from "./codec.ts";
import {
  changeLatch,
  expectLatch,
  isUntouched,
  type LatchCell,
  newLatch,
  readLatch,
  settleLatch,
} from "./latch.ts";
import { lateAmong } from "./late.ts";
import { meaningOf } from "./meaning.ts";
import { type Remembered, reportOf } from "./memory-report.ts";
import { Inquiry, returningOf, Seen, UNKEPT } from "./origin.ts";
import { type KeptSequence, matchIn, SEQUENCES_MOST, sequenceIn, sequencesOf } from "./past.ts";
import { addPast, NEVER_ALONE, type PastLatch } from "./past-latches.ts";
import type { Lacking, PastUse, PastUses } from "./past-uses.ts";
import { sensitivityAmong, sensitivityLevels } from "./sensitivity.ts";
import { settle as settleStep } from "./sequence.ts";
import {
  declassify,
  forgetIdleSessions,
  forgetKey,
  hasSession,
  interrupt,
  keepWithSession,
  makeRoomForTask,
  reinstate,
  sessionBeyond,
  sessionFor,
} from "./sessions.ts";
import { ShardedMap } from "./sharded-map.ts";
import {
  type AllowedCall,
  type Effects,
  type Late,
  type PolicyState,
  type SettledOutcome,
  type Settlement,
  type StateScope,
  type StateStore,
  StateUnavailable,
  type StateView,
  type TaskMatch,
  type TaskState,
} from "./store.ts";
import {
  type CounterTable,
  counterTable,
  createMemory,
  type DeclaredTable,
  type LatchTable,
  latchTable,
  type Memory,
  type MemoryLimits,
  NOT_IN_FORCE,
  type Session,
  type TaskEntry,
  writtenTask,
} from "./tables.ts";
import { runOf, taskIdIn, taskOfRun } from "./task-run.ts";
import { countedOf, type LatchTouch, latchTouches } from "./touched.ts";
import { bucketOf, Distinct, LIFETIME, Sum } from "./window.ts";

export type { MemoryLimits } from "./tables.ts";

export function createMemoryStore(limits: Partial<MemoryLimits> = {}): StateStore {
  return storeOf(createMemory(limits));
}

/** A store on tables that may hold something already. */
export function storeOf(memory: Memory): StateStore {
  return { open: (program) => openPolicy(program, memory) };
}

function openPolicy(program: Program, memory: Memory): PolicyState {
  const counters = program.counters.map((declared) => counterIn(declared, program, memory));
  const latches = program.latches.map((declared) => latchIn(declared, program, memory));
  const sequences = sequencesOf(program);
  const declared = [...counters, ...latches];
  const levels = sensitivityLevels(program);
  const policy: Policy = { program, levels, memory, counters, latches, declared, sequences };
  return {
    session: (id) => factsOf(memory.sessions.get(id), policy),
    begin: (scope) => {
      memory.keeper?.check();
      return new View(scope, policy);
    },
    commit: (effects) => commit(effects, policy),
    settle: (outcome, match) => settle(outcome, match, policy),
    interrupt: (id, nowMs, why) => interrupt(id, nowMs, why, memory),
    reinstate: (id) => reinstate(id, memory),
    declassify: (id, label) => declassify(id, label, memory),
    late: (nowMs) => lateIn(policy, nowMs),
    lacking: (nowMs) => lackingIn(policy, nowMs),
    fill: (past, nowMs) => fill(past, nowMs, policy),
    report: reportOf(rememberedBy(policy)),
  };
}

/** As this policy reads it. */
function factsOf(session: Session | undefined, { levels }: Policy): SessionFacts | undefined {
  if (session === undefined) return undefined;
  const { startedAtMs, interrupted, labels, sensitivity } = session;
  return {
    startedAtMs,
    interrupted,
    labels,
    sensitivity: sensitivityAmong(sensitivity, levels),
  };
}

interface Policy {
  readonly program: Program;
  /** Of `Sensitivity`. */
  readonly levels: readonly string[];
  readonly memory: Memory;
  readonly counters: readonly CounterTable[];
  readonly latches: readonly LatchTable[];
  /** All of these: one list, by which it is known whose policy is in force. */
  readonly declared: readonly DeclaredTable[];
  /** By the index of the task. */
  readonly sequences: readonly KeptSequence[];
}

function counterIn(declared: CounterDecl, program: Program, { counters }: Memory): CounterTable {
  const meaning = meaningOf(declared, program);
  const known = counters.get(meaning);
  if (known !== undefined) return known;
  const table = counterTable(meaning, declared, new ShardedMap(), NOT_IN_FORCE);
  counters.set(meaning, table);
  return table;
}

function latchIn(declared: LatchDecl, program: Program, { latches }: Memory): LatchTable {
  const meaning = meaningOf(declared, program);
  const known = latches.get(meaning);
  if (known !== undefined) return known;
  const table = latchTable(meaning, declared, new ShardedMap(), NOT_IN_FORCE);
  latches.set(meaning, table);
  return table;
}

function lateIn(policy: Policy, nowMs: number): Late | undefined {
  return lateAmong(policy, policy.memory.beganMs, nowMs);
}

function lackingIn(policy: Policy, nowMs: number): ReadonlyMap<number, Lacking> {
  const late = lateIn(policy, nowMs)?.latches ?? [];
  return new Map(
    [...late].map(([index, untilMs]) => {
      const { leftMs = 0 } = policy.latches[index] ?? {};
      return [index, { fromMs: leftMs, untilMs }];
    }),
  );
}

function rememberedBy(policy: Policy): Remembered {
  const { program, memory, counters, latches } = policy;
  const { limits, sessions, calls } = memory;
  return {
    program,
    limits,
    sessions,
    taskCount: () => memory.taskCount,
    task: (sessionId, index) => taskNow({ sessionId }, index, policy),
    calls,
    late: (nowMs) => lateIn(policy, nowMs),
    counters: counters.map((table) => ({
      declared: table.declared,
      cells: table.cells,
      read: (key, nowMs) => table.cells.get(key)?.read(bucketNow(table, nowMs)),
    })),
    latches: latches.map((table) => ({
      declared: table.declared,
      cells: table.cells,
      read: (key) => {
        const cell = table.cells.get(key);
        const reading = cell !== undefined && readLatch(cell);
        return reading === "pending" ? reading : reading ? "set" : "unset";
      },
    })),
  };
}

/** What a decision reads. Nothing changes between making it and committing, since nothing waits. */
class View implements StateView {
  readonly nowMs: number;
  readonly task: TaskState | "changed" | undefined;
  readonly #policy: Policy;
  readonly #sessionId: string | undefined;
  readonly #seen: Seen | undefined | "unavailable";
  /** Made when it is first asked where something comes from: few decisions ask. */
  #inquiry: Inquiry | undefined;

  constructor(scope: StateScope, policy: Policy) {
    this.nowMs = scope.nowMs;
    this.#policy = policy;
    this.#sessionId = scope.sessionId;
    this.#seen = policy.program.readsOrigin ? seenBy(scope, policy.memory) : undefined;
    this.task = scope.task === undefined ? undefined : taskNow(scope, scope.task, policy);
  }

  counter(index: number, key: string): number | "unavailable" {
    const table = this.#policy.counters[index];
    if (table === undefined) return "unavailable";
    const cell = table.cells.get(key);
    if (cell !== undefined) return cell.read(bucketNow(table, this.nowMs));
    return this.#hasRoom(table) ? 0 : "unavailable";
  }

  latch(index: number, key: string): boolean | "pending" | "unavailable" {
    const table = this.#policy.latches[index];
    if (table === undefined) return "unavailable";
    const cell = table.cells.get(key);
    if (cell === undefined) return this.#hasRoom(table) ? false : "unavailable";
    return readLatch(cell);
  }

  origin(value: Value): ReadonlySet<Scalar> | "unavailable" {
    if (this.#seen === undefined) return NO_LABELS;
    if (this.#seen === "unavailable") return "unavailable";
    this.#inquiry ??= new Inquiry();
    return this.#seen.origin(value, this.#inquiry);
  }

  /** Made here as well: what is denied because of a full table may never come to add to it. */
  #hasRoom(table: CounterTable | LatchTable): boolean {
    return makeRoomForKey(table, this.nowMs, this.#policy.memory, this.#sessionId);
  }
}

const NO_LABELS: ReadonlySet<Scalar> = new Set();

function bucketNow(table: CounterTable, nowMs: number): number {
  return table.windowMs === undefined ? LIFETIME : bucketOf(nowMs, table.windowMs);
}

/** With the instruction that this request brings, which is kept where there is a session to keep it in. */
function seenBy(scope: StateScope, memory: Memory): Seen | undefined | "unavailable" {
  const { sessionId, instruction } = scope;
  if (sessionId === undefined) {
    if (instruction === undefined) return undefined;
    const seen = new Seen();
    seen.instruct(instruction);
    return seen;
  }
  if (instruction === undefined) return memory.sessions.get(sessionId)?.seen;
  const session = sessionFor(sessionId, scope.nowMs, memory);
  if (session === undefined) return "unavailable";
  session.seen ??= new Seen();
  if (session.seen.instruct(instruction)) memory.keeper?.session(sessionId);
  return session.seen;
}

function taskNow(
  { sessionId, taskId }: Pick<StateScope, "sessionId" | "taskId">,
  index: number,
  policy: Policy,
): TaskState | "changed" | undefined {
  const session = policy.memory.sessions.get(sessionId ?? "");
  const entry = session?.tasks?.get(runOf(policy.program.tasks[index]?.name ?? "", taskId));
  return entry === undefined ? undefined : taskUnder(policy, index, entry);
}

/** In the terms of this policy, or of the one that it began under where this has another sequence for it. */
function taskUnder(policy: Policy, index: number, entry: TaskEntry): TaskState | "changed" {
  const present = policy.sequences[index];
  if (present?.meaning === entry.meaning) return stateIn(present, entry);
  const past = policy.memory.sequences.get(entry.meaning);
  return past === undefined ? "changed" : { ...stateIn(past, entry), past };
}

function stateIn(sequence: KeptSequence, entry: TaskEntry): TaskState {
  if ("state" in entry && entry.sequence === sequence) return entry.state;
  return decodeTask(writtenTask(entry), sequenceIn(sequence), sequence.program);
}

interface TaskPlace {
  readonly sessionId: string;
  readonly session: Session;
  readonly run: string;
  /** In the policy; −1 where it has no such task any more. */
  readonly index: number;
}

function keepTask(
  { sessionId, session, run, index }: TaskPlace,
  state: TaskState,
  { sequences, memory }: Policy,
): void {
  const sequence = state.past ?? sequences[index];
  if (sequence === undefined) throw new Error("a call of no task of the policy");
  keepSequence(sequence, memory);
  session.tasks ??= new Map();
  if (!session.tasks.has(run)) memory.taskCount += 1;
  session.tasks.set(run, { meaning: sequence.meaning, state, sequence });
  memory.keeper?.task(sessionId, run);
}

function keepSequence(sequence: KeptSequence, { sequences, sessions, keeper }: Memory): void {
  if (sequences.has(sequence.meaning)) return;
  sequences.set(sequence.meaning, sequence);
  keeper?.sequence(sequence.meaning);
  if (sequences.size <= SEQUENCES_MOST) return;
  const used = new Set([sequence.meaning]);
  for (const { tasks } of sessions.values()) {
    for (const { meaning } of tasks?.values() ?? []) used.add(meaning);
  }
  const unused = [...sequences.keys()].filter((meaning) => !used.has(meaning));
  for (const meaning of unused.length > 0 ? unused : [...sequences.keys()].slice(0, 1)) {
    sequences.delete(meaning);
    keeper?.sequence(meaning);
  }
}

// ── Commit ─────────────────────────────────────────────────────────────────────────────────────────────────

function commit(effects: Effects, policy: Policy): "ok" | "full" {
  const { memory } = policy;
  const { allowed, sessionId, nowMs } = effects;
  memory.keeper?.time(nowMs);
  if (memory.inForce !== policy.declared) takeOver(policy, nowMs);
  const session = sessionId === undefined ? undefined : sessionFor(sessionId, nowMs, memory);
  const missing = sessionId !== undefined && session === undefined;
  if (allowed !== undefined && (missing || !hasRoomFor(effects, session, policy))) return "full";
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
  if (allowed !== undefined) remember(effects, allowed, session, held, latched, policy);
  if (effects.interrupt !== undefined && sessionId !== undefined) {
    interrupt(sessionId, nowMs, effects.interrupt, memory);
  }
  return "ok";
}

/** What the policy before this one declared and this one does not, knows nothing of what is decided from now on. */
function takeOver({ declared, memory }: Policy, nowMs: number): void {
  const present = new Set(declared);
  for (const table of [...memory.counters.values(), ...memory.latches.values()]) {
    if (table.sinceMs === undefined || present.has(table)) continue;
    table.sinceMs = undefined;
    table.leftMs = nowMs;
  }
  for (const table of declared) {
    if (table.sinceMs !== undefined) continue;
    table.sinceMs = nowMs;
    if ("isNew" in table) table.isNew = true;
  }
  memory.beganMs ??= nowMs;
  memory.inForce = declared;
  memory.keeper?.inForce(declared);
}

/** By whoever has seen to it that this policy is in force: what is decided from now on, it counts itself. */
function fill({ uses, latches, fromMs }: PastUses, nowMs: number, policy: Policy): void {
  const { counters, declared, memory } = policy;
  memory.keeper?.check();
  memory.keeper?.time(nowMs);
  if (memory.inForce !== declared) takeOver(policy, nowMs);
  const late = lateIn(policy, nowMs);
  for (const [index, sinceMs] of late?.latches ?? []) {
    const table = policy.latches[index];
    if (table === undefined || fromMs >= sinceMs) continue;
    const own = latches.filter(
      (past) => past.index === index && hasSession(table, past.key, memory),
    );
    if (!hasRoomForKeys(new Set(own.map(({ key }) => key)), table, memory)) continue;
    for (const past of own) latchPast(past, table, nowMs, memory);
    table.sinceMs = Math.max(fromMs, table.leftMs ?? fromMs);
  }
  for (const [index, sinceMs] of late?.counters ?? []) {
    const table = counters[index];
    if (table === undefined || fromMs >= sinceMs) continue;
    const own = uses.filter(
      (use) =>
        use.index === index &&
        isUncounted(use, sinceMs, table) &&
        hasSession(table, use.key, memory),
    );
    if (!hasRoomForKeys(new Set(own.map(({ key }) => key)), table, memory)) continue;
    for (const use of own) countPast(use, table, nowMs, memory);
    table.sinceMs = Math.max(fromMs, table.leftMs ?? fromMs);
    table.isNew = false;
  }
  memory.keeper?.inForce(declared);
}

/** What was decided in the same millisecond by the policy before is not counted yet, and once filled in it is. */
function isUncounted({ atMs }: PastUse, sinceMs: number, { leftMs, isNew }: CounterTable): boolean {
  if (leftMs !== undefined && atMs < leftMs) return false;
  return isNew ? atMs <= sinceMs : atMs < sinceMs;
}

function hasRoomForKeys(
  keys: ReadonlySet<string>,
  { cells }: DeclaredTable,
  memory: Memory,
): boolean {
  const added = [...keys].filter((key) => !cells.has(key)).length;
  return cells.size + added <= memory.limits.keyCount;
}

function countPast(
  { key, atMs, amount }: PastUse,
  table: CounterTable,
  nowMs: number,
  memory: Memory,
): void {
  const cell = cellFor(table, key, nowMs, memory);
  const bucket = bucketNow(table, Math.min(atMs, nowMs));
  if (cell instanceof Sum) cell.addPast(bucket, Number(amount));
  else cell?.addPast(bucket, amount);
  memory.keeper?.counter(table, key, amount);
}

function latchPast(past: PastLatch, table: LatchTable, nowMs: number, memory: Memory): void {
  const cell = latchCell(table, past.key, nowMs, memory);
  if (cell === undefined) return;
  addPast(cell, past);
  for (const { call, kind, certain } of past.open) {
    const outcome = memory.settled.get(call) ?? memory.settledBefore.get(call);
    if (outcome === "ok") changeLatch(cell, { kind, certain: false });
    if (outcome !== undefined) continue;
    expectLatch(cell, kind);
    holdToo(
      call,
      { table: table.meaning, key: past.key, kind, certain, others: NEVER_ALONE },
      memory,
    );
  }
  memory.keeper?.latch(table, past.key);
}

/** One that is kept no longer never reports: what it would change stays pending. */
function holdToo(id: string, held: HeldLatch, { calls, keeper }: Memory): void {
  const call = calls.get(id);
  if (call === undefined) return;
  calls.set(id, { ...call, latches: [...call.latches, held] });
  keeper?.call(id);
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
  return makeRoomForCall(effects.nowMs, memory);
}

function runIn({ request }: Effects, index: number, { program }: Policy): string {
  return runOf(program.tasks[index]?.name ?? "", taskIdIn(request));
}

/** Keys that hold nothing are as good as never seen, and those of sessions go with them. */
function makeRoomForKey(
  table: CounterTable | LatchTable,
  nowMs: number,
  memory: Memory,
  sparing?: string,
): boolean {
  const isFull = () => table.cells.size >= memory.limits.keyCount;
  if (!isFull()) return true;
  if ("windowMs" in table) {
    const bucket = bucketNow(table, nowMs);
    const isEmpty = (cell: Sum | Distinct) => cell.isEmpty(bucket);
    table.sweep.go(nowMs, isEmpty, (key) => forgetKey(table, key, memory));
  } else {
    table.sweep.go(nowMs, isUntouched, (key) => forgetKey(table, key, memory));
  }
  if (isFull() && table.ofSessions) forgetIdleSessions(nowMs, memory, sparing);
  return !isFull();
}

/** After their time, calls that never reported; their latches and steps stay pending. */
function makeRoomForCall(nowMs: number, memory: Memory): boolean {
  const { calls, limits, keeper } = memory;
  if (calls.size < limits.callCount) return true;
  const isOver = (atMs: number) => nowMs - atMs > limits.reservationMs;
  memory.callSweep.go(nowMs, isOver, (place) => {
    const id = calls.idAt(place);
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

function cellFor(
  table: CounterTable,
  key: string,
  nowMs: number,
  memory: Memory,
): Sum | Distinct | undefined {
  const known = table.cells.get(key);
  if (known !== undefined) return known;
  if (!makeRoomForKey(table, nowMs, memory)) return undefined;
  if (!keepWithSession(table, key, memory)) return undefined;
  const { op, windowMs } = table.declared;
  const bucket = bucketNow(table, nowMs);
  const windowed = windowMs !== undefined;
  const cell = op === "distinct" ? new Distinct(windowed, bucket) : new Sum(windowed, bucket);
  table.cells.set(key, cell);
  return cell;
}

function latch(
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

function latchCell(
  table: LatchTable,
  key: string,
  nowMs: number,
  memory: Memory,
): LatchCell | undefined {
  const known = table.cells.get(key);
  if (known !== undefined) return known;
  if (!makeRoomForKey(table, nowMs, memory)) return undefined;
  if (!keepWithSession(table, key, memory)) return undefined;
  const cell = newLatch();
  table.cells.set(key, cell);
  return cell;
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
  memory.calls.add(call, {
    atMs: nowMs,
    tool: tool.wire,
    sessionId,
    held,
    latches,
    task: task === undefined ? undefined : stepOf(effects, session, task, policy),
    returning: returningOf(tool, request.roots, program),
  });
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

// ── Settle ─────────────────────────────────────────────────────────────────────────────────────────────────

function settle(outcome: SettledOutcome, match: TaskMatch, policy: Policy): Settlement {
  const { memory } = policy;
  memory.keeper?.check();
  const call = memory.calls.get(outcome.call);
  if (call === undefined) return settledEarlier(outcome, memory);
  memory.keeper?.time(outcome.nowMs);
  const session = sessionOf(call, outcome.nowMs, memory);
  memory.calls.delete(outcome.call);
  rememberSettled(outcome, memory);
  const succeeded = outcome.status === "ok";
  const isPast = outcome.nowMs - call.atMs > memory.limits.sessionIdleMs;
  if (!succeeded) for (const held of call.held) takeBack(held, isPast, memory);
  for (const latch of call.latches) {
    if (isPast && isOfSession(latch, memory)) settlePast(latch, outcome, memory);
    else settleHeld(latch, succeeded, memory);
  }
  settleTask(outcome, call, match, policy);
  if (session !== undefined) witness(outcome, call, session, policy);
  return { ok: true, repeated: false };
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

/**
 * A key that is kept no longer holds nothing that could be taken back. `isPast`: the call's session may have been forgotten
 * since, and what stands under the key now is of another that came back.
 */
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
  const joining = labelsFrom(outcome, call).filter((label) => !session.labels.has(label));
  const told = sensitivityFrom(outcome, call, levels).filter(
    (level) => !session.sensitivity.has(level),
  );
  const isKnown = joining.length === 0 && told.length === 0;
  if (joining.length > 0) session.labels = new Set([...session.labels, ...joining]);
  if (told.length > 0) session.sensitivity = new Set([...session.sensitivity, ...told]);
  const isNews = seeReturned(outcome, call, session, program);
  if (isNews || !isKnown) memory.keeper?.session(id);
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
