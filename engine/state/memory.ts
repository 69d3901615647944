/**
 * State in this process (SPEC §7): the reference store. Synchronous and atomic; every table has a bound, and
 * a full one refuses new keys and never forgets live ones.
 */
import type { Program } from "../../lang/ir.ts";
import type { SessionFacts } from "../request-reader.ts";
import type { Scalar, Value } from "../value.ts";
import { readLatch } from "./latch.ts";
import { makeRoomForKey } from "./memory/cells.ts";
import { commit } from "./memory/commit.ts";
import { fill } from "./memory/fill.ts";
import { bucketNow } from "./memory/leaving.ts";
import { counterIn, lackingIn, latchIn, lateIn, type Policy } from "./memory/policy.ts";
import { settle } from "./memory/settle.ts";
import { taskNow } from "./memory/tasks.ts";
import { type Remembered, reportOf } from "./memory-report.ts";
import { Inquiry } from "./origin/finding.ts";
import { Seen } from "./origin.ts";
import { sequencesOf } from "./past.ts";
import { sensitivityAmong, sensitivityLevels } from "./sensitivity.ts";
import { declassify, interrupt, reinstate, sessionFor } from "./sessions.ts";
import type { PolicyState, StateScope, StateStore, StateView, TaskState } from "./store.ts";
import {
  type CounterTable,
  createMemory,
  type LatchTable,
  type Memory,
  type MemoryLimits,
  type Session,
} from "./tables.ts";

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

/** With the instruction that this request brings, which is kept where there is a session to keep it in. */
function seenBy(scope: StateScope, memory: Memory): Seen | undefined | "unavailable" {
  const { sessionId, instruction } = scope;
  if (sessionId === undefined) {
    if (instruction === undefined) return undefined;
    const seen = new Seen();
    seen.instruct(instruction);
    return seen;
  }
  const known = memory.sessions.get(sessionId)?.seen;
  if (instruction === undefined) return known;
  if (scope.isAhead === true) return seenWith(instruction, known);
  const session = sessionFor(sessionId, scope.nowMs, memory);
  if (session === undefined) return "unavailable";
  session.seen ??= new Seen();
  if (session.seen.instruct(instruction)) memory.keeper?.session(sessionId);
  return session.seen;
}

function seenWith(instruction: string, known = new Seen()): Seen {
  return known.hasInstruction(instruction) ? known : known.withInstruction(instruction);
}
