/** Texts that stand for sessions, tasks, and what a session has seen, as the script keeps them. */
import type { Program } from "../../../lang/ir.ts";
import type { SessionFacts } from "../../request-reader.ts";
import { decodeTask, encodeTask } from "../codec.ts";
import type { SeenEntry } from "../origin.ts";
import { entryFrom, spellEntry } from "../sqlite/spell.ts";
import type { TaskState } from "../store.ts";
import { listOf } from "../stored.ts";
import type { TaskTable } from "./tables.ts";

/** `1767355200000 0 2 untrusted payments%2Fprivate`: when it started, whether it was ended, sensitivity, labels. */
export function readFacts(text: string): SessionFacts {
  const [startedAtMs, interrupted, sensitivity, ...labels] = text.split(" ");
  return {
    startedAtMs: Number(startedAtMs),
    // Whatever is not plainly alive is not.
    interrupted: interrupted !== "0",
    sensitivity: Number(sensitivity),
    labels: new Set(labels.map(decodeURIComponent)),
  };
}

export function spellLabels(labels: Iterable<string>): string {
  return [...labels].map(encodeURIComponent).join(" ");
}

/** A task under one policy: `meaning json`. */
export function spellTask(state: TaskState, table: TaskTable, program: Program): string {
  return `${table.meaning} ${JSON.stringify(encodeTask(state, table.sequence, program))}`;
}

export function readTask(text: string, table: TaskTable, program: Program): TaskState | "changed" {
  const at = text.indexOf(" ");
  if (text.slice(0, at) !== table.meaning) return "changed";
  return decodeTask(JSON.parse(text.slice(at + 1)), table.sequence, program);
}

/** A part of a session's log. */
export function spellSeen(entries: readonly SeenEntry[]): string {
  return `[${entries.map(spellEntry).join(",")}]`;
}

/** `!` stands where something did not fit: from there on nothing can be said. */
export function readSeen(text: string): readonly SeenEntry[] {
  if (text === "!") return [{ kind: "full" }];
  return listOf(JSON.parse(text)).map(entryFrom);
}
