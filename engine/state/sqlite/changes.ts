/** What has changed, by name, and the rows that tell of it: as it is when they are made. */
import { scalarsOfKey } from "../../value.ts";
import { encodeCall, encodeLatchCell } from "../codec.ts";
import {
  type CounterTable,
  type DeclaredTable,
  type LatchTable,
  type Memory,
  writtenTask,
} from "../tables.ts";
import type { Row } from "./rows.ts";
import { sessionJson } from "./spell.ts";

/** A row, by what tells it apart. */
export type Name =
  | { readonly kind: "counters"; readonly table: CounterTable; readonly key: string }
  | { readonly kind: "latches"; readonly table: LatchTable; readonly key: string }
  | { readonly kind: "sessions" | "tasks" | "calls" | "settled"; readonly key: string };

/** Since the last flush. */
export class Changes {
  /** In the order and as often as they changed: decisions wait for this to be noted. */
  readonly rows: Name[] = [];
  /** By their meaning. */
  readonly sequences: string[] = [];
  /** Numbers the half that settled calls are remembered in now; the one before it is kept too. */
  half: number;
  isHalfNew = false;
  /** Where others are in force by now, or a counter counts from another time. */
  inForce: readonly DeclaredTable[] | undefined;
  timeMs = 0;

  constructor(half: number) {
    this.half = half;
  }
}

/** Names of rows: those that change again and again once, and calls, which come and go once, as often as told. */
export class Names {
  readonly #counters = new Map<CounterTable, Set<string>>();
  readonly #latches = new Map<LatchTable, Set<string>>();
  readonly #sessions = new Set<string>();
  readonly #tasks = new Set<string>();
  readonly #calls: Name[] = [];

  add(names: readonly Name[]): void {
    for (const name of names) {
      switch (name.kind) {
        case "counters":
          keysIn(this.#counters, name.table).add(name.key);
          break;
        case "latches":
          keysIn(this.#latches, name.table).add(name.key);
          break;
        case "sessions":
          this.#sessions.add(name.key);
          break;
        case "tasks":
          this.#tasks.add(name.key);
          break;
        case "calls":
        case "settled":
          this.#calls.push(name);
      }
    }
  }

  *[Symbol.iterator](): Generator<Name, void, undefined> {
    for (const [table, keys] of this.#counters) {
      for (const key of keys) yield { kind: "counters", table, key };
    }
    for (const [table, keys] of this.#latches) {
      for (const key of keys) yield { kind: "latches", table, key };
    }
    for (const key of this.#sessions) yield { kind: "sessions", key };
    for (const key of this.#tasks) yield { kind: "tasks", key };
    yield* this.#calls;
  }
}

function keysIn<Table>(names: Map<Table, Set<string>>, table: Table): Set<string> {
  const known = names.get(table);
  if (known !== undefined) return known;
  const keys = new Set<string>();
  names.set(table, keys);
  return keys;
}

/** What rows are made of beside names. */
export interface RowSource {
  readonly memory: Memory;
  /** Number of the half that settled calls are remembered in now. */
  readonly half: number;
  /** Number of a declaration in its table. */
  declaration(table: CounterTable | LatchTable): number;
}

/** What is so of it now; missing where that is forgotten and the row goes with all of its half. */
export function rowOf(name: Name, source: RowSource): Row | undefined {
  switch (name.kind) {
    case "counters":
      return counterRow(name.table, source.declaration(name.table), name.key);
    case "latches":
      return latchRow(name.table, source.declaration(name.table), name.key);
    case "sessions":
      return sessionRow(name.key, source.memory);
    case "tasks":
      return taskRow(name.key, source.memory);
    case "calls":
      return callRow(name.key, source.memory);
    case "settled":
      return settledRow(name.key, source);
  }
}

function counterRow({ cells }: CounterTable, declaration: number, key: string): Row {
  const cell = cells.get(key);
  if (cell === undefined) return ["counters", declaration, key];
  return ["counters", declaration, key, cell.written()];
}

function latchRow({ cells }: LatchTable, declaration: number, key: string): Row {
  const cell = cells.get(key);
  if (cell === undefined) return ["latches", declaration, key];
  return ["latches", declaration, key, encodeLatchCell(cell)];
}

function sessionRow(id: string, { sessions }: Memory): Row {
  const session = sessions.get(id);
  if (session === undefined) return ["sessions", id];
  return ["sessions", id, session.usedAtMs, sessionJson(session)];
}

function taskRow(key: string, { sessions }: Memory): Row {
  const [session = "", name = ""] = scalarsOfKey(key, 2).map(String);
  const entry = sessions.get(session)?.tasks?.get(name);
  return entry === undefined ? ["tasks", key] : ["tasks", key, entry.meaning, writtenTask(entry)];
}

function callRow(id: string, { calls }: Memory): Row {
  const call = calls.get(id);
  return call === undefined ? ["calls", id] : ["calls", id, call.atMs, encodeCall(call)];
}

function settledRow(id: string, { memory, half }: RowSource): Row | undefined {
  const newer = memory.settled.get(id);
  if (newer !== undefined) return ["settled", id, half, newer];
  const older = memory.settledBefore.get(id);
  return older === undefined ? undefined : ["settled", id, half - 1, older];
}
