/** What has changed, by name, and the rows that tell of it: as it is when they are made. */
import { keyOf, type Scalar } from "../../value.ts";
import { encodeLatchCell } from "../codec.ts";
import { isGone } from "../memory/leaving.ts";
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
  | {
      readonly kind: "counters";
      readonly table: CounterTable;
      readonly key: string;
      /** Where nothing has changed but this one of its values. */
      readonly amount?: Scalar | undefined;
    }
  | { readonly kind: "latches"; readonly table: LatchTable; readonly key: string }
  | { readonly kind: "tasks"; readonly session: string; readonly run: string }
  /** Since when it counts, and until when it did. */
  | { readonly kind: "declarations"; readonly table: DeclaredTable }
  | { readonly kind: "sessions" | "calls"; readonly key: string };

export type NameOf<Kind> = Extract<Name, { readonly kind: Kind }>;

/** Since the last flush. */
export class Changes {
  /** In the order and as often as they changed. */
  readonly rows: Name[] = [];
  /** Calls that were settled, and are none any more. */
  readonly settled: string[] = [];
  /** By their meaning. */
  readonly sequences: string[] = [];
  /** Numbers the half that settled calls are remembered in now; the one before it is kept too. */
  half: number;
  /** Those that came into force or left it, or count from another time: missing where no policy took over. */
  inForce: Set<DeclaredTable> | undefined;
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
  readonly #tasks = new Map<string, Set<string>>();
  readonly #declarations = new Set<DeclaredTable>();
  readonly #calls: Name[] = [];
  #count = 0;

  /** Each counts once, but calls as often as they are named. */
  get count(): number {
    return this.#count + this.#calls.length;
  }

  add(name: Name): void {
    switch (name.kind) {
      case "counters":
        this.#addTo(keysIn(this.#counters, name.table), name.key);
        break;
      case "latches":
        this.#addTo(keysIn(this.#latches, name.table), name.key);
        break;
      case "sessions":
        this.#addTo(this.#sessions, name.key);
        break;
      case "tasks":
        this.#addTo(keysIn(this.#tasks, name.session), name.run);
        break;
      case "declarations":
        this.#addTo(this.#declarations, name.table);
        break;
      case "calls":
        this.#calls.push(name);
    }
  }

  #addTo<Key>(keys: Set<Key>, key: Key): void {
    const before = keys.size;
    this.#count += keys.add(key).size - before;
  }

  *[Symbol.iterator](): Generator<Name, void, undefined> {
    for (const [table, keys] of this.#counters) {
      for (const key of keys) yield { kind: "counters", table, key };
    }
    for (const [table, keys] of this.#latches) {
      for (const key of keys) yield { kind: "latches", table, key };
    }
    for (const key of this.#sessions) yield { kind: "sessions", key };
    for (const [session, runs] of this.#tasks) {
      for (const run of runs) yield { kind: "tasks", session, run };
    }
    for (const table of this.#declarations) yield { kind: "declarations", table };
    yield* this.#calls;
  }
}

function keysIn<Owner>(names: Map<Owner, Set<string>>, owner: Owner): Set<string> {
  const known = names.get(owner);
  if (known !== undefined) return known;
  const keys = new Set<string>();
  names.set(owner, keys);
  return keys;
}

/** What rows are made of beside names. */
export interface RowSource {
  readonly memory: Memory;
  /** Number of a declaration in its table, also of one that is gone from there. */
  declaration(table: CounterTable | LatchTable): number;
}

/** What is so of it now. */
export function rowOf(name: Name, source: RowSource): Row {
  switch (name.kind) {
    case "counters":
      return counterRow(name.table, source.declaration(name.table), name.key);
    case "latches":
      return latchRow(name.table, source.declaration(name.table), name.key);
    case "sessions":
      return sessionRow(name.key, source.memory);
    case "tasks":
      return taskRow(name, source.memory);
    case "declarations":
      return declarationRow(name.table, source);
    case "calls":
      return callRow(name.key, source.memory);
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

function taskRow({ session, run }: NameOf<"tasks">, { sessions }: Memory): Row {
  const key = keyOf([session, run]);
  const entry = sessions.get(session)?.tasks?.get(run);
  return entry === undefined ? ["tasks", key] : ["tasks", key, entry.meaning, writtenTask(entry)];
}

function declarationRow(table: DeclaredTable, source: RowSource): Row {
  const id = source.declaration(table);
  if (isGone(table, source.memory)) return ["declarations", id];
  return ["declarations", id, table.sinceMs ?? null, table.leftMs ?? null];
}

function callRow(id: string, { calls }: Memory): Row {
  const written = calls.written(id);
  return written === undefined ? ["calls", id] : ["calls", id, written];
}

/** How these calls ended, by the half that remembers it; they are no calls any more, also where that is forgotten. */
export function settledRows(
  ids: Iterable<string>,
  { settled, settledBefore }: Memory,
  half: number,
): readonly Row[] {
  const rows: Row[] = [];
  const now = { ok: [] as string[], error: [] as string[] };
  const before = { ok: [] as string[], error: [] as string[] };
  for (const id of ids) {
    const newer = settled.get(id);
    const older = newer === undefined ? settledBefore.get(id) : undefined;
    if (newer !== undefined) now[newer].push(id);
    else if (older !== undefined) before[older].push(id);
    else rows.push(["calls", id]);
  }
  if (before.ok.length + before.error.length > 0) {
    rows.push(["settled", half - 1, before.ok, before.error]);
  }
  if (now.ok.length + now.error.length > 0) rows.push(["settled", half, now.ok, now.error]);
  return rows;
}
