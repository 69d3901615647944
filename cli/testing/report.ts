/** What a run of tests is reported from, whatever it is reported as. */
import type { Coverage } from "../../engine/testing/coverage.ts";
import type { Verdict } from "../../engine/testing/invariants.ts";
import type { TestResult } from "../../engine/testing/run.ts";
import type { Program } from "../../lang/ir.ts";
import { lineStarts, lineText, type SourceFile } from "../../lang/source.ts";

export interface Report {
  readonly program: Program;
  /** Called as seen from where the command runs; in the order of `program.sources`. */
  readonly sources: readonly SourceFile[];
  readonly results: readonly TestResult[];
  /** How many the filters left out. */
  readonly skipped: number;
  /** Of invariants searched for counterexamples. */
  readonly verdicts: readonly Verdict[];
  /** Missing where nobody asked. */
  readonly coverage: Coverage | undefined;
  readonly coverageMin: number | undefined;
  readonly elapsedMs: number;
}

export function isGood(report: Report): boolean {
  return (
    report.results.every(({ failure }) => failure === undefined) &&
    report.verdicts.every(({ kind }) => kind !== "broken") &&
    shortfall(report) === undefined
  );
}

/** What is said where less was tried than is wanted. */
export function shortfall({ coverage, coverageMin }: Report): string | undefined {
  if (coverage === undefined || coverageMin === undefined) return undefined;
  if (coverage.percent >= coverageMin) return undefined;
  return `${coverage.percent} % is covered and ${coverageMin} % wanted`;
}

export interface Place {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
}

export function placeOf(
  { program, sources }: Pick<Report, "program" | "sources">,
  at: number,
): Place {
  const [file = 0, start = 0, end = 0, line = 1, column = 1] = program.places.slice(
    at * 5,
    at * 5 + 5,
  );
  const { path = "policy", text = "" } = sources[file] ?? {};
  const lines = text.slice(start, end).split("\n").length;
  return { path, line, column, endLine: line + lines - 1 };
}

export function spellPlace({ path, line, column }: Place): string {
  return `${path}:${line}:${column}`;
}

/** Lines of the source with their numbers; nothing where a bundle has no text. */
export function excerpt(report: Report, at: number): string {
  const { path, line, endLine } = placeOf(report, at);
  const source = report.sources.find((candidate) => candidate.path === path);
  if (source === undefined || source.text === "") return "";
  const last = Math.min(endLine, line + EXCERPT_LINES - 1);
  const numbers = Array.from({ length: last - line + 1 }, (_, index) => line + index);
  const width = String(last).length;
  const starts = lineStarts(source.text);
  return numbers
    .map(
      (number) => `${String(number).padStart(width)} | ${lineText(source.text, number, starts)}\n`,
    )
    .join("");
}

const EXCERPT_LINES = 6;
