/** Texts that stand for sessions, tasks, and what a session has seen, as the script keeps them. */
import type { Json } from "../../../lang/type.ts";
import { parseJsonText } from "../../json-text.ts";
import type { SessionFacts } from "../../request-reader.ts";
import type { Joining } from "../call.ts";
import { decodeTask, encodeTask } from "../codec.ts";
import type { SeenEntry } from "../origin.ts";
import { type KeptSequence, sequenceIn } from "../past.ts";
import { sensitivityAmong } from "../sensitivity.ts";
import { entryFrom, spellEntry } from "../sqlite/spell.ts";
import type { TaskState } from "../store.ts";
import { listOf } from "../stored.ts";
import type { TaskTable } from "./tables.ts";

/**
 * `1767355200000 0 0,internal,secret untrusted payments%2Fprivate`: when it started, whether it was ended, the levels of
 * `Sensitivity` that were told behind a `0`, labels. `levels`: those of the policy that reads it.
 */
export function readFacts(text: string, levels: readonly string[]): SessionFacts {
  const [startedAtMs, interrupted, told = "", ...labels] = text.split(" ");
  return {
    startedAtMs: Number(startedAtMs),
    // Whatever is not plainly alive is not.
    interrupted: interrupted !== "0",
    sensitivity: sensitivityAmong(readLevels(told), levels),
    labels: new Set(labels.map(decodeURIComponent)),
  };
}

/** By which sessions of one name are told apart; `""` of none. */
export function begunIn(facts: string): string {
  return facts.slice(0, Math.max(0, facts.indexOf(" ")));
}

export function spellLabels(labels: Iterable<string>): string {
  return [...labels].map(encodeURIComponent).join(" ");
}

/** Its labels, and its levels as they stand behind the `0`. */
export function spellJoining({ labels, sensitivity }: Joining): readonly [string, string] {
  return [spellLabels(labels), sensitivity.map(encodeURIComponent).join(",")];
}

/** A number but the `0` was a position in levels that nobody knows any more; it reads as a name that no policy has. */
function readLevels(text: string): readonly string[] {
  const told = text.split(",").map(decodeURIComponent);
  return told.filter((name) => name !== "0");
}

/** A task in terms of its sequence: `meaning json`. */
export function spellTask(state: TaskState, table: TaskTable): string {
  const sequence = state.past ?? table.sequence;
  const json = encodeTask(state, sequenceIn(sequence), sequence.program);
  return `${sequence.meaning} ${JSON.stringify(json)}`;
}

/** Which sequence a task's text is told in terms of. */
export function meaningIn(text: string): string {
  return text.slice(0, text.indexOf(" "));
}

/** `past`: the sequence of this text, where it is another than the present one; none where it is kept no longer. */
export function readTask(
  text: string,
  { sequence }: TaskTable,
  past: KeptSequence | undefined,
): TaskState | "changed" {
  const json = parseJsonText(text.slice(text.indexOf(" ") + 1)) as Json;
  if (meaningIn(text) === sequence.meaning) {
    return decodeTask(json, sequenceIn(sequence), sequence.program);
  }
  if (past === undefined) return "changed";
  return { ...decodeTask(json, sequenceIn(past), past.program), past };
}

/** Characters in one part of a session's log, but where an entry has more: some are read at a time. */
const PART_LENGTH = 16_384;

/** Parts of a session's log. */
export function spellSeen(entries: readonly SeenEntry[]): readonly string[] {
  const parts: string[][] = [];
  let left = 0;
  for (const text of entries.map(spellEntry)) {
    left -= text.length;
    if (left >= 0) parts.at(-1)?.push(text);
    else {
      parts.push([text]);
      left = PART_LENGTH - text.length;
    }
  }
  return parts.map((part) => `[${part.join(",")}]`);
}

/** Stands where something did not fit, or was not kept: from there on nothing can be said. */
export const FULL = "!";

export function readSeen(text: string): readonly SeenEntry[] {
  if (text === FULL) return [{ kind: "full" }];
  return listOf(parseJsonText(text) as Json).map(entryFrom);
}
