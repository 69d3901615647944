import { CODES, type Code, type CodeInfo } from "./codes.ts";
import type { Span } from "./source.ts";

export interface Diagnostic {
  readonly code: Code;
  /** One sentence, lower case, without a full stop; the author's words in backticks. */
  readonly message: string;
  /** The smallest text that is wrong. */
  readonly span: Span;
  /** What to do about it. */
  readonly help?: string;
  /** Where it was declared first, of what is declared twice. */
  readonly first?: Span;
}

export function severityOf(diagnostic: Diagnostic): CodeInfo["severity"] {
  return CODES[diagnostic.code].severity;
}

export function isError(diagnostic: Diagnostic): boolean {
  return severityOf(diagnostic) === "error";
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(isError);
}

/** The order diagnostics are listed in: by file, then position, then code. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted(
    (a, b) =>
      a.span.file - b.span.file ||
      a.span.start - b.span.start ||
      a.span.end - b.span.end ||
      compareText(a.code, b.code) ||
      compareText(a.message, b.message),
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
