/** Reports for machines: JSON, JUnit's XML, and the annotations that GitHub shows beside changed lines. */
import type { DiagnosticJson } from "../diagnostics.ts";
import { count } from "../terminal.ts";
import { showFailure } from "./pretty.ts";
import { isGood, placeOf, type Report, shortfall, spellPlace } from "./report.ts";

const plain = (_style: string, text: string) => text;

export function jsonReport(report: Report): string {
  const { results, skipped, verdicts, coverage, coverageMin, program } = report;
  const tests = results.map(({ test, failure }) => ({
    name: test.name,
    at: spellPlace(placeOf(report, test.at)),
    ok: failure === undefined,
    ...(failure === undefined
      ? {}
      : { failure: { ...failure, at: spellPlace(placeOf(report, failure.at)) } }),
  }));
  const document = {
    ok: isGood(report),
    package: program.package,
    passed: tests.filter(({ ok }) => ok).length,
    failed: tests.filter(({ ok }) => !ok).length,
    skipped,
    tests,
    invariants: verdicts.map((verdict) => ({
      ...verdict,
      at: spellPlace(placeOf(report, verdict.at)),
    })),
    ...(coverage === undefined ? {} : { coverage }),
    ...(coverageMin === undefined ? {} : { coverageMin }),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** As Jenkins, GitLab and others read it; invariants, and coverage that is wanted, are test cases of their own. */
export function junitReport(report: Report): string {
  const { results, verdicts, elapsedMs, program } = report;
  const cases = [
    ...results.map(({ test, failure }) => ({
      name: test.name,
      place: placeOf(report, test.at),
      message: failure?.problems[0] ?? "",
      failure: failure === undefined ? undefined : showFailure(failure, report, plain),
    })),
    ...verdicts.map((verdict) => ({
      name: `never ${verdict.name}`,
      place: placeOf(report, verdict.at),
      message: "the rules allow what it forbids",
      failure: verdict.kind === "broken" ? brokenText(verdict.counterexample) : undefined,
    })),
    ...(report.coverageMin === undefined ? [] : [coverageCase(report)]),
  ];
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const lines = cases.map(({ name, place, message, failure }) => {
    const head = `    <testcase name=${attribute(name)} classname=${attribute(program.package)} file=${attribute(place.path)} line="${place.line}"`;
    if (failure === undefined) return `${head}/>`;
    return `${head}>\n      <failure message=${attribute(message)}>${escapeXml(failure)}</failure>\n    </testcase>`;
  });
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" time="${(elapsedMs / 1_000).toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name=${attribute(program.package)} ${counts}>`,
    ...lines,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function coverageCase(report: Report) {
  const failure = shortfall(report);
  const place = { path: report.sources[0]?.path ?? "policy", line: 1 };
  return { name: "coverage", place, message: failure ?? "", failure };
}

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
export function githubReport(report: Report): string {
  const { results, verdicts } = report;
  const lines = results.flatMap(({ test, failure }) => {
    if (failure === undefined) return [];
    const message = showFailure(failure, report, plain);
    return [annotation("error", report, failure.at || test.at, test.name, message)];
  });
  for (const verdict of verdicts) {
    const title = `never ${verdict.name}`;
    if (verdict.kind === "broken") {
      const message = brokenText(verdict.counterexample);
      lines.push(annotation("error", report, verdict.at, title, message));
    }
    if (verdict.kind === "not reached") {
      const message = `none of ${verdict.tried} requests made its condition true`;
      lines.push(annotation("warning", report, verdict.at, title, message));
    }
  }
  const short = shortfall(report);
  if (short !== undefined) lines.push(`::error title=coverage::${short}\n`);
  const failed = results.filter(({ failure }) => failure !== undefined).length;
  return `${lines.join("")}${count(results.length - failed, "test")} passed, ${failed} failed\n`;
}

/** Errors of a policy that does not compile. */
export function githubDiagnostics(found: readonly DiagnosticJson[]): string {
  return found
    .map(({ code, severity, message, help, path, line, endLine, column }) => {
      const where = `file=${property(path)},line=${line},endLine=${endLine},col=${column}`;
      const text = help === undefined ? message : `${message}\nhelp: ${help}`;
      return `::${severity} ${where},title=${code}::${data(text)}\n`;
    })
    .join("");
}

function annotation(
  level: "error" | "warning",
  report: Report,
  at: number,
  title: string,
  message: string,
): string {
  const { path, line, endLine, column } = placeOf(report, at);
  const where = `file=${property(path)},line=${line},endLine=${endLine},col=${column}`;
  return `::${level} ${where},title=${property(title)}::${data(message.trimEnd())}\n`;
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

function brokenText({
  permits,
  request,
  state,
}: {
  readonly permits: readonly string[];
  readonly request: unknown;
  readonly state: readonly string[];
}): string {
  const when = state.length === 0 ? "" : `\nwhen ${state.join(", ")}`;
  return `allowed by ${permits.join(", ")}, while its condition is true:\n${JSON.stringify(request)}${when}`;
}

/** XML has no way to write most control characters, so they are spelled out. */
function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(NO_XML, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

const NO_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

function attribute(text: string): string {
  return `"${escapeXml(text).replaceAll('"', "&quot;").replaceAll("\n", "&#10;")}"`;
}
