/** Diagnostic + source → plain text with a caret; colour belongs to the CLI. */
import { replaceHidden } from "./characters.ts";
import { type Diagnostic, severityOf } from "./diagnostic.ts";
import { fileOf, lineStartsOf, lineText, locate, type SourceFile, type Span } from "./source.ts";

/**
 * ```text
 * payments.writ:3:19: error E101: expected `attempts`, `allowed` or `completed` after `count`, found `attempt`
 *   3 | counter c = count attempt per session
 *     |                   ^^^^^^^
 *   help: did you mean `attempts`?
 * ```
 */
export function render(diagnostic: Diagnostic, sources: readonly SourceFile[]): string {
  const { code, message, help, span, first } = diagnostic;
  const source = fileOf(span, sources);
  const starts = lineStartsOf(source);
  const { line, column } = locate(source.text, span.start, starts);
  const gutter = " ".repeat(String(line).length);
  const text = lineText(source.text, line, starts);
  const { shown, before, under } = excerpt(text, column - 1, span.end - span.start);
  const lines = [
    `${spellPlace(span, sources)}: ${severityOf(diagnostic)} ${code}: ${visible(message)}`,
    `  ${line} | ${shown}`.trimEnd(),
    `  ${gutter} | ${" ".repeat(before)}${"^".repeat(under)}`,
  ];
  if (first !== undefined) lines.push(`  first: ${spellPlace(first, sources)}`);
  if (help !== undefined) lines.push(`  help: ${visible(help)}`);
  return `${lines.join("\n")}\n`;
}

/** `payments.writ:3:19` */
export function spellPlace(span: Span, sources: readonly SourceFile[]): string {
  const source = fileOf(span, sources);
  const { line, column } = locate(source.text, span.start, lineStartsOf(source));
  return `${visible(source.path)}:${line}:${column}`;
}

/** Diagnostics one below the other, with an empty line between them. */
export function renderAll(
  diagnostics: readonly Diagnostic[],
  sources: readonly SourceFile[],
): string {
  return diagnostics.map((diagnostic) => render(diagnostic, sources)).join("\n");
}

const WIDTH = 100;
/** Columns kept before what is wrong when a line is cut. */
const LEAD = 40;

/** The part of a line around what is wrong, and where to underline it, in columns. */
function excerpt(
  text: string,
  start: number,
  length: number,
): { readonly shown: string; readonly before: number; readonly under: number } {
  const from = text.length > WIDTH && start > LEAD ? start - LEAD : 0;
  const to = Math.min(text.length, from + WIDTH);
  const end = Math.max(start, Math.min(start + length, to));
  const head = from > 0 ? "…" : "";
  const tail = to < text.length ? "…" : "";
  return {
    shown: head + visible(text.slice(from, to)) + tail,
    before: columns(head + visible(text.slice(from, start))),
    under: Math.max(1, columns(visible(text.slice(start, end)))),
  };
}

/** Tabs as two spaces; what could move or hide text on a terminal as a mark. */
function visible(text: string): string {
  return replaceHidden(text.replaceAll("\t", "  "), () => "\uFFFD");
}

const WIDE =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u;

/** How wide a terminal shows it. */
function columns(text: string): number {
  let count = 0;
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue;
    count += WIDE.test(character) ? 2 : 1;
  }
  return count;
}
