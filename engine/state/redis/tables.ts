/** Where things are kept. One hash tag in all keys, so that a cluster has a namespace's state in one slot. */
import type { CounterDecl, LatchDecl, Program } from "../../../lang/ir.ts";
import { keyOf } from "../../value.ts";
import { meaningOf } from "../meaning.ts";
import { type KeptSequence, sequencesOf } from "../past.ts";
import { isOfSessions } from "../session-keys.ts";

/** A counter's or latch's, with all that must be known to change a cell of it under another policy. */
export interface Table {
  readonly kind: "sum" | "distinct" | "latch";
  /** 0 for a lifetime, and for latches. */
  readonly windowMs: number;
  readonly meaning: string;
  /** Each of its keys is a session's, and forgotten with it. */
  readonly ofSessions: boolean;
}

export interface Tables {
  readonly counters: readonly Table[];
  readonly latches: readonly Table[];
  readonly tasks: readonly TaskTable[];
}

export interface TaskTable {
  readonly name: string;
  readonly sequence: KeptSequence;
}

export function tablesOf(program: Program): Tables {
  const sequences = sequencesOf(program);
  return {
    counters: program.counters.map((declared) => counterTable(declared, program)),
    latches: program.latches.map((declared) => latchTable(declared, program)),
    tasks: sequences.map((sequence, index) => ({
      name: program.tasks[index]?.name ?? "",
      sequence,
    })),
  };
}

function counterTable(declared: CounterDecl, program: Program): Table {
  return {
    kind: declared.op === "distinct" ? "distinct" : "sum",
    windowMs: declared.windowMs ?? 0,
    meaning: meaningOf(declared, program),
    ofSessions: isOfSessions(declared),
  };
}

function latchTable(declared: LatchDecl, program: Program): Table {
  const meaning = meaningOf(declared, program);
  return { kind: "latch", windowMs: 0, meaning, ofSessions: isOfSessions(declared) };
}

/** For a call's record: `sum 86400000 hR2…`, and `sum 0 hR2… session` of one that has keys of sessions. */
export function spellTable({ kind, windowMs, meaning, ofSessions }: Table): string {
  return `${kind} ${windowMs} ${meaning}${ofSessions ? " session" : ""}`;
}

export function readTable(text: string): Table {
  const [kind, windowMs, meaning, owner] = text.split(" ");
  if ((kind !== "sum" && kind !== "distinct" && kind !== "latch") || meaning === undefined) {
    throw new Error("a call holds a share of no table");
  }
  return { kind, windowMs: Number(windowMs), meaning, ofSessions: owner === "session" };
}

export interface Places {
  readonly sessions: string;
  readonly used: string;
  readonly ended: string;
  readonly reasons: string;
  readonly lengths: string;
  readonly tasks: string;
  /** Runs of them that were granted, by when they began. */
  readonly runs: string;
  /**
   * Since when counters were declared; who has a log; since when each is filled in from each, and through which line;
   * what policies count, and when each was last decided by.
   */
  readonly counting: readonly [string, string, string, string, string, string];
  /** What tasks began with, and when each was last begun with. */
  readonly sequences: string;
  readonly sequencesUsed: string;
  readonly calls: string;
  readonly open: string;
  readonly settled: string;
  readonly settledBefore: string;
  seen(sessionId: string): string;
  /** Cells and tasks that are forgotten with the session. */
  owned(sessionId: string): string;
  /** The table, and for different values two keys of their own. */
  cell(table: Table, field: string): readonly string[];
}

export function placesIn(namespace: string): Places {
  const start = `writ:{${namespace}}:`;
  return {
    sessions: `${start}sessions`,
    used: `${start}sessions-used`,
    ended: `${start}sessions-ended`,
    reasons: `${start}interruptions`,
    lengths: `${start}seen-lengths`,
    tasks: `${start}tasks`,
    runs: `${start}tasks-granted`,
    counting: [
      `${start}counters-since`,
      `${start}logs`,
      `${start}filled`,
      `${start}filled-through`,
      `${start}policies`,
      `${start}policies-used`,
    ],
    sequences: `${start}sequences`,
    sequencesUsed: `${start}sequences-used`,
    calls: `${start}calls`,
    open: `${start}calls-open`,
    settled: `${start}settled`,
    settledBefore: `${start}settled-before`,
    seen: (sessionId) => `${start}seen:${sessionId}`,
    owned: (sessionId) => `${start}owned:${sessionId}`,
    cell({ kind, meaning }, field) {
      const table = `${start}${kind === "latch" ? "latch" : "counter"}:${meaning}`;
      if (kind !== "distinct") return [table];
      return [table, `${start}newest:${meaning}:${field}`, `${start}uses:${meaning}:${field}`];
    },
  };
}

export function taskField(sessionId: string | undefined, run: string): string {
  return keyOf([sessionId ?? "", run]);
}
