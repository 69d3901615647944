/** What the compiler found, as text for people and as JSON. */
import type { Compilation } from "../lang/compile.ts";
import { type Diagnostic, severityOf } from "../lang/diagnostic.ts";
import { locate, type SourceFile } from "../lang/source.ts";
import type { Io } from "./command.ts";

type Found = Pick<Compilation, "diagnostics"> & { readonly shown: readonly SourceFile[] };

export function renderDiagnostics({ diagnostics, shown }: Found, _io: Pick<Io, "color">): string {
  return diagnostics
    .map((diagnostic) => {
      const { path, line, column } = placeOf(diagnostic, shown);
      const help = diagnostic.help === undefined ? "" : `\n  help: ${diagnostic.help}`;
      return `${path}:${line}:${column}: ${severityOf(diagnostic)} ${diagnostic.code}: ${diagnostic.message}${help}\n`;
    })
    .join("");
}

/** The shape of a diagnostic in every `--json` answer. */
export interface DiagnosticJson {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly help?: string;
  readonly path: string;
  /** From 1; columns count UTF-16 units. */
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export function diagnosticsJson({ diagnostics, shown }: Found): DiagnosticJson[] {
  return diagnostics.map((diagnostic) => {
    const { code, message, help } = diagnostic;
    const severity = severityOf(diagnostic);
    const place = placeOf(diagnostic, shown);
    return { code, severity, message, ...(help === undefined ? {} : { help }), ...place };
  });
}

function placeOf({ span }: Diagnostic, shown: readonly SourceFile[]) {
  const source = shown[span.file];
  const text = source?.text ?? "";
  const start = locate(text, span.start);
  const end = locate(text, span.end);
  return {
    path: source?.path ?? "",
    line: start.line,
    column: start.column,
    endLine: end.line,
    endColumn: end.column,
  };
}
