/** A view of what is thought to be so, and notes of what was read of it: what the store must find the same. */
import type { Program } from "../../../lang/ir.ts";
import { Ranges } from "../../evaluate/leeway.ts";
import type { ModuleReading } from "../../facts.ts";
import type { SessionFacts } from "../../request-reader.ts";
import type { Scalar, Value } from "../../value.ts";
import { Inquiry } from "../origin/finding.ts";
import { Seen } from "../origin.ts";
import type { KeptSequence } from "../past.ts";
import { sensitivityLevels } from "../sensitivity.ts";
import type { Guess } from "../shared.ts";
import type { StateScope, StateView, TaskState } from "../store.ts";
import { runOf } from "../task-run.ts";
import type { Known, KnownTask, Reading } from "./known.ts";
import { meaningIn, readFacts, readTask, spellSeen } from "./record.ts";
import { type Table, type Tables, type TaskTable, taskField } from "./tables.ts";

export interface GuessParts {
  readonly program: Program;
  readonly tables: Tables;
  readonly known: Known;
  /** The store's time, as this process expects it. */
  readonly nowMs: number;
}

export interface CellNote {
  readonly table: Table;
  readonly field: string;
  readonly reading: Reading;
  /** Of a counter: its index, by which `ranges` knows it. */
  readonly counter?: number;
}

export interface SessionNote {
  readonly id: string;
  readonly facts: string;
}

export interface SeenNote {
  readonly sessionId: string;
  /** Entries of the log that were looked into. */
  readonly count: number;
  /** What this request adds to it, and what it comes to with that. */
  readonly entries: readonly string[];
  readonly seen: Seen;
}

export interface TaskNote {
  readonly field: string;
  readonly table: TaskTable;
  readonly known: KnownTask;
  /** Whether it is a run that was granted. */
  readonly isGranted: boolean;
}

export class Noted implements Guess {
  readonly ranges = new Ranges();
  readonly cells = new Map<string, CellNote>();
  sessionNote: SessionNote | undefined;
  seen: SeenNote | undefined;
  task: TaskNote | undefined;
  /** A sequence that must be known before anything is decided. */
  missing: string | undefined;
  /** By the clock of this host, for a session that begins with this request. */
  startedAtMs = 0;
  readonly parts: GuessParts;

  constructor(parts: GuessParts) {
    this.parts = parts;
  }

  session(id: string): SessionFacts | undefined {
    const facts = this.parts.known.facts(id);
    this.sessionNote = { id, facts };
    return facts === "" ? undefined : readFacts(facts, sensitivityLevels(this.parts.program));
  }

  begin(scope: StateScope, beheld = (view: StateView): StateView => view): StateView {
    this.startedAtMs = scope.nowMs;
    return new Ranged(beheld(new Guessed(scope, this)), this.ranges);
  }
}

/** What is around it may answer a second question by itself; ranges must be told of each. */
class Ranged implements StateView {
  readonly nowMs: number;
  readonly task: TaskState | "changed" | undefined;
  readonly #view: StateView;
  readonly #ranges: Ranges;

  constructor(view: StateView, ranges: Ranges) {
    this.nowMs = view.nowMs;
    this.task = view.task;
    this.#view = view;
    this.#ranges = ranges;
  }

  counter(index: number, key: string): number | "unavailable" {
    const value = this.#view.counter(index, key);
    if (value !== "unavailable") this.#ranges.read(index, value);
    return value;
  }

  latch(index: number, key: string): boolean | "pending" | "unavailable" {
    return this.#view.latch(index, key);
  }

  origin(value: Value): ReadonlySet<Scalar> | "unavailable" {
    return this.#view.origin(value);
  }

  module(index: number): ModuleReading | undefined {
    return this.#view.module?.(index);
  }
}

class Guessed implements StateView {
  readonly nowMs: number;
  readonly task: TaskState | "changed" | undefined;
  readonly #noted: Noted;
  readonly #sessionId: string | undefined;
  /** Without a session: of this request alone. */
  readonly #own: Seen | undefined;
  #inquiry: Inquiry | undefined;

  constructor(scope: StateScope, noted: Noted) {
    this.nowMs = noted.parts.nowMs;
    this.#noted = noted;
    this.#sessionId = scope.sessionId;
    this.task = this.#taskOf(scope);
    this.#own = this.#instructed(scope);
  }

  counter(index: number, key: string): number | "unavailable" {
    const table = this.#noted.parts.tables.counters[index];
    if (table === undefined) return "unavailable";
    const reading = this.#read(`c${index}`, { table, field: key, counter: index });
    return reading === "u" ? "unavailable" : Number(reading);
  }

  latch(index: number, key: string): boolean | "pending" | "unavailable" {
    const table = this.#noted.parts.tables.latches[index];
    if (table === undefined) return "unavailable";
    const reading = this.#read(`l${index}`, { table, field: key });
    if (reading === "p") return "pending";
    return reading === "u" ? "unavailable" : reading === "1";
  }

  origin(value: Value): ReadonlySet<Scalar> | "unavailable" {
    this.#inquiry ??= new Inquiry();
    if (this.#own !== undefined) return this.#own.origin(value, this.#inquiry);
    if (this.#sessionId === undefined) return NO_LABELS;
    return this.#seenIn(this.#sessionId).seen.origin(value, this.#inquiry);
  }

  /** A request has one key for each declaration. */
  #read(name: string, cell: Omit<CellNote, "reading">): Reading {
    const { cells, parts } = this.#noted;
    const before = cells.get(name);
    if (before === undefined) {
      const reading = parts.known.cell(cell.table, cell.field);
      cells.set(name, { ...cell, reading });
      return reading;
    }
    if (before.field !== cell.field) throw new Error("one request has two keys for a counter");
    return before.reading;
  }

  #taskOf({ task, taskId, sessionId }: StateScope): TaskState | "changed" | undefined {
    const { tables, known } = this.#noted.parts;
    const table = task === undefined ? undefined : tables.tasks[task];
    if (table === undefined) return undefined;
    const field = taskField(sessionId, runOf(table.name, taskId));
    const stored = known.task(field);
    this.#noted.task = { field, table, known: stored, isGranted: taskId !== undefined };
    if (stored.version === "") return undefined;
    const past = pastOf(stored.text, table, known);
    if (past === "unknown") {
      this.#noted.missing = meaningIn(stored.text);
      return "changed";
    }
    return readTask(stored.text, table, past);
  }

  #instructed({ sessionId, instruction }: StateScope): Seen | undefined {
    if (instruction === undefined || !this.#noted.parts.program.readsOrigin) return undefined;
    if (sessionId === undefined) {
      const seen = new Seen();
      seen.instruct(instruction);
      return seen;
    }
    const note = this.#seenIn(sessionId);
    if (note.seen.hasInstruction(instruction)) return undefined;
    // What others decide by at this moment stays as it is: this request may yet come to nothing.
    const seen = note.seen.withInstruction(instruction);
    this.#noted.seen = { ...note, seen, entries: spellSeen(seen.entriesFrom(0)) };
    return undefined;
  }

  #seenIn(sessionId: string): SeenNote {
    const note = this.#noted.seen;
    if (note !== undefined) return note;
    const { sessionNote, parts } = this.#noted;
    const known = parts.known.seen(sessionId, sessionNote?.facts ?? "");
    const made = { sessionId, ...known, entries: [] };
    this.#noted.seen = made;
    return made;
  }
}

const NO_LABELS: ReadonlySet<Scalar> = new Set();

/** The sequence of a task's text where it is not the present one. */
export function pastOf(
  text: string,
  { sequence }: TaskTable,
  { sequences }: Known,
): KeptSequence | undefined | "unknown" {
  const meaning = meaningIn(text);
  if (meaning === sequence.meaning) return undefined;
  const known = sequences.get(meaning) ?? "unknown";
  return known === "gone" ? undefined : known;
}
