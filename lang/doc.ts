/** Text that may be laid out on one line or on many: a small Wadler-style pretty printer. */
export type Doc = string | readonly Doc[] | Group | Indent | Line | IfBroken | Remark;

interface Group {
  readonly kind: "group";
  readonly contents: Doc;
  /** Holds a hard line, so it cannot be laid out on one. */
  readonly broken: boolean;
}

interface Indent {
  readonly kind: "indent";
  readonly contents: Doc;
  readonly broken: boolean;
}

interface Line {
  readonly kind: "line";
  /** What it is where its group fits on a line; a hard line never fits. */
  readonly flat: " " | "" | undefined;
}

interface IfBroken {
  readonly kind: "ifBroken";
  readonly text: string;
}

interface Remark {
  readonly kind: "remark";
  readonly text: string;
}

export const line: Doc = { kind: "line", flat: " " };
export const softLine: Doc = { kind: "line", flat: "" };
export const hardLine: Doc = { kind: "line", flat: undefined };

/** On one line where that fits. */
export function group(contents: Doc): Doc {
  return { kind: "group", contents, broken: isBroken(contents) };
}

/** On many lines, even where one would do. */
export function brokenGroup(contents: Doc): Doc {
  return { kind: "group", contents, broken: true };
}

/** Two columns to the right, from the next line on. */
export function indent(contents: Doc): Doc {
  return { kind: "indent", contents, broken: isBroken(contents) };
}

/** Only where the group around it is laid out on many lines. */
export function ifBroken(text: string): Doc {
  return { kind: "ifBroken", text };
}

/** Text at the end of a line that does not count: what it stands behind need not break to make room. */
export function remark(text: string): Doc {
  return { kind: "remark", text };
}

const INDENT = 2;

interface Command {
  readonly doc: Doc;
  readonly column: number;
  readonly flat: boolean;
}

export function layOut(doc: Doc, width: number): string {
  const out: string[] = [];
  const pending: Command[] = [{ doc, column: 0, flat: false }];
  let used = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { doc, column, flat } = next;
    if (typeof doc === "string") {
      out.push(doc);
      used += doc.length;
    } else if (isArray(doc)) {
      for (const part of doc.toReversed()) pending.push({ doc: part, column, flat });
    } else if (doc.kind === "group") {
      const onOne = !doc.broken && (flat || fits(doc.contents, pending, width - used));
      pending.push({ doc: doc.contents, column, flat: onOne });
    } else if (doc.kind === "indent") {
      pending.push({ doc: doc.contents, column: column + INDENT, flat });
    } else if (doc.kind === "remark") {
      out.push(out.at(-1)?.endsWith(" ") ? doc.text.trimStart() : doc.text);
    } else if (doc.kind === "ifBroken") {
      if (!flat) pending.push({ doc: doc.text, column, flat });
    } else if (flat && doc.flat !== undefined) {
      out.push(doc.flat);
      used += doc.flat.length;
    } else {
      out.push("\n", " ".repeat(column));
      used = column;
    }
  }
  // An empty line, and one that a comment ends, must not keep the indentation of what follows.
  return out.join("").replace(/[ \t]+$/gm, "");
}

/** Whether `doc` on one line, and what stands behind it up to the next line break, needs no more than `room`. */
function fits(doc: Doc, behind: readonly Command[], room: number): boolean {
  let left = room;
  let rest = behind.length;
  const pending: { doc: Doc; flat: boolean }[] = [{ doc, flat: true }];
  while (left >= 0) {
    const next = pending.pop() ?? behind[--rest];
    if (next === undefined) return true;
    const { doc, flat } = next;
    if (typeof doc === "string") left -= doc.length;
    else if (isArray(doc)) for (const part of doc.toReversed()) pending.push({ doc: part, flat });
    else if (doc.kind === "group") pending.push({ doc: doc.contents, flat: flat && !doc.broken });
    else if (doc.kind === "indent") pending.push({ doc: doc.contents, flat });
    else if (doc.kind === "remark") continue;
    else if (doc.kind === "ifBroken") left -= flat ? 0 : doc.text.length;
    else if (flat && doc.flat !== undefined) left -= doc.flat.length;
    else return true;
  }
  return false;
}

function isBroken(doc: Doc): boolean {
  if (typeof doc === "string") return false;
  if (isArray(doc)) return doc.some(isBroken);
  if (doc.kind === "line") return doc.flat === undefined;
  return (doc.kind === "group" || doc.kind === "indent") && doc.broken;
}

function isArray(doc: Doc): doc is readonly Doc[] {
  return Array.isArray(doc);
}
