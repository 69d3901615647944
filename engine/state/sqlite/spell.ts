/** Parts of state as texts of a row, and back. */
import type { Json } from "../../../lang/type.ts";
import { parseJsonText } from "../../json-text.ts";
import type { SeenEntry } from "../origin.ts";
import { unpack } from "../pack.ts";
import type { PastInterruption } from "../report.ts";
import {
  listOf,
  memberAt,
  numberOf,
  objectOf,
  scalarOf,
  textAt,
  textOf,
  unreadable,
} from "../stored.ts";
import type { Session } from "../tables.ts";

/** A text that is no JSON was not written by this program. */
export function parse(text: unknown): Json {
  try {
    return parseJsonText(textOf(text as Json)) as Json;
  } catch {
    return unreadable("JSON", null);
  }
}

/** What a column holds of packed values, which is one. */
export function unpacked(stored: unknown): Json {
  if (!(stored instanceof Uint8Array)) return unreadable("packed bytes", null);
  const [value = null, ...more] = unpack(
    Buffer.from(stored.buffer, stored.byteOffset, stored.length),
  );
  return more.length === 0 ? value : unreadable("one value", null);
}

const ESCAPE = "\u0001";

/** A name or key as SQLite can hold it: it knows no lone surrogates, and two keys must not become one. */
export function column(text: string): string {
  return text.isWellFormed() && !text.startsWith(ESCAPE) ? text : ESCAPE + JSON.stringify(text);
}

export function fromColumn(stored: unknown): string {
  const text = textOf(stored as Json);
  return text.startsWith(ESCAPE) ? textOf(parse(text.slice(1))) : text;
}

/** Without when it was used, which has a column of its own, and without what it has seen. */
export function sessionJson(session: Session): Json {
  const { startedAtMs, interrupted, interruption, labels, sensitivity } = session;
  const ended = interruption === undefined ? {} : { interruption: interruptionJson(interruption) };
  return {
    startedAtMs,
    interrupted,
    labels: [...labels],
    sensitivity: [...sensitivity],
    ...ended,
  };
}

export function sessionFrom(json: Json, usedAtMs: number): Session {
  const { startedAtMs, interrupted, labels, sensitivity, interruption } = objectOf(json);
  if (typeof interrupted !== "boolean") return unreadable("`true` or `false`", interrupted);
  return {
    startedAtMs: numberOf(startedAtMs),
    interrupted,
    interruption: interruption === undefined ? undefined : interruptionFrom(interruption),
    labels: new Set(listOf(labels).map(scalarOf)),
    sensitivity: new Set(listOf(sensitivity).map(textOf)),
    seen: undefined,
    tasks: undefined,
    keys: undefined,
    usedAtMs,
  };
}

function interruptionJson({ by, names, because, atMs }: PastInterruption): Json {
  return { by, names, atMs, ...(because === undefined ? {} : { because }) };
}

function interruptionFrom(json: Json): PastInterruption {
  const { by, names, because, atMs } = objectOf(json);
  if (by !== "rule" && by !== "operator" && by !== "host") return unreadable("who ended it", by);
  return {
    by,
    names: listOf(names).map(textOf),
    atMs: numberOf(atMs),
    ...(because === undefined ? {} : { because: textOf(because) }),
  };
}

/** `["i", text]`, `["l", text, labels, source?]`, `["f"]`. */
export function spellEntry(entry: SeenEntry): string {
  switch (entry.kind) {
    case "instruction":
      return JSON.stringify(["i", entry.text]);
    case "leaf": {
      const source = entry.source === undefined ? [] : [entry.source];
      return JSON.stringify(["l", entry.text, [...entry.labels], ...source]);
    }
    case "full":
      return '["f"]';
  }
}

export function entryFrom(json: Json): SeenEntry {
  switch (memberAt(json, 0)) {
    case "i":
      return { kind: "instruction", text: textAt(json, 1) };
    case "l": {
      const labels = new Set(listOf(memberAt(json, 2)).map(textOf));
      const source = listOf(json)[3];
      const from = source === undefined ? {} : { source: textOf(source) };
      return { kind: "leaf", text: textAt(json, 1), labels, ...from };
    }
    case "f":
      return { kind: "full" };
    default:
      return unreadable("something seen", memberAt(json, 0));
  }
}
