/** What the compiler found, as text for people and as JSON. */
import type { Compilation } from "../lang/compile.ts";
import { type Diagnostic, severityOf } from "../lang/diagnostic.ts";
import { render, spellPlace } from "../lang/render.ts";
import { fileOf, lineStartsOf, locate, type SourceFile, type Span } from "../lang/source.ts";
import type { Io } from "./command.ts";
import { type Paint, painter } from "./terminal.ts";

type Found = Pick<Compilation, "diagnostics"> & { readonly shown: readonly SourceFile[] };

/**
 * With the lines that are meant, one below the other, and an empty line at the end. What is said of many places in the
 * same words is said once: a name that is gone is used wherever it was.
 */
export function renderDiagnostics({ diagnostics, shown }: Found, io: Pick<Io, "color">): string {
  const paint = painter(io);
  const same = Map.groupBy(diagnostics, saidOf);
  const told = diagnostics.map((diagnostic) => {
    const [first, ...rest] = same.get(saidOf(diagnostic)) ?? [];
    const isOnce = rest.length >= SAME_MOST;
    if (isOnce && diagnostic !== first) return "";
    const text = emphasize(render(diagnostic, shown), diagnostic, paint);
    return `${text}${isOnce ? alsoAt(rest, shown, paint) : ""}\n`;
  });
  return told.join("");
}

function saidOf({ code, message, help = "" }: Diagnostic): string {
  return [code, message, help].join("\n");
}

const SAME_MOST = 3;
const PLACES_MOST = 5;

function alsoAt(rest: readonly Diagnostic[], shown: readonly SourceFile[], paint: Paint): string {
  const places = rest.slice(0, PLACES_MOST).map(({ span }) => spellPlace(span, shown));
  const left = rest.length - places.length;
  const more = left === 0 ? "" : `, and ${left} more`;
  return `  ${paint("cyan", "also")}: ${places.join(", ")}${more}\n`;
}

/** Colour for what `render` lays out: a head of place, severity and message; source; a caret; help. */
function emphasize(text: string, diagnostic: Diagnostic, paint: Paint): string {
  const severity = severityOf(diagnostic);
  const style = severity === "error" ? "red" : "yellow";
  const word = `${severity} ${diagnostic.code}`;
  return text
    .split("\n")
    .map((line, at) => {
      if (at === 0) return line.replace(`: ${word}: `, `: ${paint(style, word)}: `);
      if (/^ *\| *\^+$/.test(line)) return line.replace(/\^+$/, (carets) => paint(style, carets));
      return line.replace(/^ {2}(help|first): /, (_, name) => `  ${paint("cyan", name)}: `);
    })
    .join("\n");
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
  /** Of what is declared twice. */
  readonly first?: PlaceJson;
}

type PlaceJson = Pick<DiagnosticJson, "path" | "line" | "column" | "endLine" | "endColumn">;

export function diagnosticsJson({ diagnostics, shown }: Found): DiagnosticJson[] {
  return diagnostics.map((diagnostic) => {
    const { code, message, help, span, first } = diagnostic;
    const severity = severityOf(diagnostic);
    const more = {
      ...(help === undefined ? {} : { help }),
      ...(first === undefined ? {} : { first: placeOf(first, shown) }),
    };
    return { code, severity, message, ...placeOf(span, shown), ...more };
  });
}

function placeOf(span: Span, shown: readonly SourceFile[]): PlaceJson {
  const source = fileOf(span, shown);
  const starts = lineStartsOf(source);
  const start = locate(source.text, span.start, starts);
  const end = locate(source.text, span.end, starts);
  return {
    path: source.path,
    line: start.line,
    column: start.column,
    endLine: end.line,
    endColumn: end.column,
  };
}
