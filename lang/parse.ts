/** Text → AST, or every syntax error at once. Nothing here throws, whatever the text. */
import type { File } from "./ast.ts";
import { type Diagnostic, sortDiagnostics } from "./diagnostic.ts";
import { Grammar } from "./grammar.ts";
import { lex } from "./lex.ts";
import { DIAGNOSTICS_MAX, ITEMS_MAX, SOURCE_CHARS_MAX } from "./limits.ts";
import { collect, type Report } from "./report.ts";
import { reportTooLarge } from "./size.ts";
import type { SourceFile } from "./source.ts";

export interface Parsed {
  /** One for each source, in their order; items with errors are left out. */
  readonly files: readonly File[];
  readonly diagnostics: readonly Diagnostic[];
}

/** The files of a package. A tree is whole only where there is no diagnostic. */
export function parse(sources: readonly SourceFile[]): Parsed {
  const found: Diagnostic[] = [];
  const report = collect(found);
  const files = sources.map((source, index) => parseText(source.text, index, report));
  reportTooManyItems(files, report);
  return { files, diagnostics: firstOnes(sortDiagnostics(found)) };
}

export function parseFile(
  source: SourceFile,
  index = 0,
): { readonly file: File; readonly diagnostics: readonly Diagnostic[] } {
  const found: Diagnostic[] = [];
  const file = parseText(source.text, index, collect(found));
  return { file, diagnostics: firstOnes(sortDiagnostics(found)) };
}

/** Recording the grammar takes a few hundredths of a second: once, and only where something is parsed. */
let grammar: Grammar | undefined;

function parseText(text: string, index: number, report: Report): File {
  if (text.length > SOURCE_CHARS_MAX) {
    const size = `a file has at most ${SOURCE_CHARS_MAX} characters, this one ${text.length}`;
    report("E123", { file: index, start: 0, end: 0 }, size, "split it: a package has many files");
    return emptyFile(index);
  }
  grammar ??= new Grammar();
  const { tokens, comments } = lex(text, index, report);
  const tree = grammar.parseFile(tokens, index, report);
  const items = tree.items.filter((item) => !reportTooLarge(item, report));
  return { ...tree, items, comments };
}

function emptyFile(index: number): File {
  const span = { file: index, start: 0, end: 0 };
  return { kind: "file", span, package: { text: "", span }, uses: [], items: [], comments: [] };
}

function reportTooManyItems(files: readonly File[], report: Report): void {
  let count = 0;
  for (const file of files) {
    const first = file.items[ITEMS_MAX - count];
    if (first) {
      report("E122", first.span, `a package has at most ${ITEMS_MAX} items`);
      return;
    }
    count += file.items.length;
  }
}

/** As many as are read, sorted before, and word of the rest. */
export function firstOnes(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const next = diagnostics[DIAGNOSTICS_MAX];
  if (next === undefined) return diagnostics;
  const more = `only the first ${DIAGNOSTICS_MAX} errors are shown`;
  return [
    ...diagnostics.slice(0, DIAGNOSTICS_MAX),
    { code: "E129", message: more, span: { ...next.span, end: next.span.start } },
  ];
}
