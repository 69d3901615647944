import type { Coverage } from "../../engine/testing/coverage.ts";
import type { Verdict } from "../../engine/testing/invariants.ts";
import type { Failure, TestResult } from "../../engine/testing/run.ts";
import { showDecision, showRule } from "../explanation.ts";
import { count, indent, type Paint, printable, table } from "../terminal.ts";
import { excerpt, isGood, placeOf, type Report, spellPlace } from "./report.ts";

export function prettyReport(report: Report, paint: Paint): string {
  const { results, verdicts, coverage } = report;
  return [
    ...results.map((result) => showResult(result, report, paint)),
    ...verdicts.map((verdict) => showVerdict(verdict, report, paint)),
    coverage === undefined ? "" : showCoverage(coverage, report, paint),
    summary(report, paint),
  ].join("");
}

function showResult(result: TestResult, report: Report, paint: Paint): string {
  const { test, failure } = result;
  if (failure === undefined) return `${paint("green", "pass")}  ${printable(test.name)}\n`;
  const place = paint("dim", `(${spellPlace(placeOf(report, test.at))})`);
  const head = `${paint("red", "FAIL")}  ${paint("bold", printable(test.name))} ${place}\n`;
  return `${head}${indent(showFailure(failure, report, paint), "  ")}`;
}

export function showFailure(failure: Failure, report: Report, paint: Paint): string {
  const round = failure.round === undefined ? "" : ` (call ${failure.round} of the repeat)`;
  return [
    `${spellPlace(placeOf(report, failure.at))}${round}\n`,
    indent(excerpt(report, failure.at), "  "),
    ...failure.problems.map((problem) => `${paint("red", printable(problem))}\n`),
    failure.expected === undefined ? "" : `expected  ${showExpected(failure.expected)}\n`,
    failure.decision === undefined ? "" : `decided   ${showDecision(failure.decision, paint)}`,
    ...relevant(failure).map((rule) => `\n${showRule(rule, paint)}`),
  ].join("");
}

function showExpected(expected: NonNullable<Failure["expected"]>): string {
  const { decision, by, interrupt, next } = expected;
  return [
    decision,
    by.length === 0 ? "" : ` by ${by.join(", ")}`,
    expected.with.length === 0 ? "" : ` with ${expected.with.join(", ")}`,
    next.length === 0 ? "" : ` next ${next.join(", ")}`,
    interrupt ? ", interrupt" : "",
  ].join("");
}

/** What decided, and what was expected to: the nearest permit where nothing permitted. */
function relevant({ unfolded, decision, expected }: Failure) {
  if (unfolded === undefined || decision === undefined) return [];
  const { applying, nearly, nearestPermit, broken } = unfolded;
  const deciding = new Set(decision.reasons.map(({ rule }) => rule));
  const wanted = nearly.filter(({ rule }) =>
    expected?.by.includes(rule.slice(rule.lastIndexOf("/") + 1)),
  );
  const isDefault = decision.code === "not_permitted" && wanted.length === 0;
  const nearest = isDefault && nearestPermit !== undefined ? [nearestPermit] : [];
  return [
    ...[...applying, ...broken].filter(({ rule }) => deciding.has(rule)),
    ...wanted,
    ...nearest,
  ];
}

function showVerdict(verdict: Verdict, report: Report, paint: Paint): string {
  const { name, at, tried, unseen } = verdict;
  const left = unseen.map((one) => `      ${paint("dim", `not looked at: ${one}`)}\n`).join("");
  const place = paint("dim", `(${spellPlace(placeOf(report, at))})`);
  switch (verdict.kind) {
    case "held":
      return `${paint("green", "held")}  never ${name} ${paint("dim", `${tried} requests tried, it mattered in ${verdict.reached}`)}\n${left}`;
    case "not reached":
      return `${paint("yellow", "?   ")}  never ${name} ${place}: not reached: none of ${tried} requests made its condition true\n${left}`;
    case "broken": {
      const { permits, request, state } = verdict.counterexample;
      const lines = [
        `allowed by ${permits.join(", ")}, while its condition is true:`,
        indent(JSON.stringify(request, null, 2), "  "),
        ...(state.length === 0 ? [] : ["when", ...state.map((one) => `  ${one}`)]),
      ];
      return `${paint("red", "FAIL")}  ${paint("bold", `never ${name}`)} ${place}\n${indent(`${lines.join("\n")}\n`, "  ")}`;
    }
  }
}

export function showCoverage(coverage: Coverage, report: Report, paint: Paint): string {
  const cell = (yes: boolean, text: string) => (yes ? paint("green", text) : paint("red", "–"));
  const rows = coverage.rules.flatMap(({ rule, at, applied, conditions }) => [
    [paint("bold", rule), cell(applied, "applied"), "", paint("dim", at)],
    ...conditions.map((one) => [
      `  ${shorten(one.text)}`,
      cell(one.seenTrue, "true"),
      cell(one.seenFalse, "false"),
      paint("dim", one.at),
    ]),
  ]);
  const steps = coverage.tasks.flatMap(({ task, at, transitions }) => [
    [paint("bold", `task ${task}`), "", "", paint("dim", at)],
    ...transitions.map(({ from, to, taken }) => [
      `  ${from ?? "(begin)"} → ${to}`,
      cell(taken, "taken"),
      "",
      "",
    ]),
  ]);
  const { covered, total, percent } = coverage;
  const enough = report.coverageMin === undefined || percent >= report.coverageMin;
  const wanted = enough ? "" : `, and ${report.coverageMin} % is wanted`;
  const line = `coverage ${percent} % (${covered} of ${total})${wanted}`;
  return `\n${table([...rows, ...steps])}\n${enough ? line : paint("red", line)}\n`;
}

const CONDITION_COLUMNS = 60;

function shorten(text: string): string {
  return text.length <= CONDITION_COLUMNS ? text : `${text.slice(0, CONDITION_COLUMNS - 1)}…`;
}

function summary(report: Report, paint: Paint): string {
  const { results, verdicts, skipped, elapsedMs } = report;
  const failed = results.filter(({ failure }) => failure !== undefined).length;
  const broken = verdicts.filter(({ kind }) => kind === "broken").length;
  const parts = [
    `${results.length - failed} passed`,
    ...(failed > 0 ? [paint("red", `${failed} failed`)] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(verdicts.length > 0 ? [`${count(verdicts.length, "invariant")} searched`] : []),
    ...(broken > 0 ? [paint("red", `${broken} broken`)] : []),
  ];
  const sign = isGood(report) ? paint("green", "ok") : paint("red", "not ok");
  return `\n${sign}: ${parts.join(", ")} ${paint("dim", `(${Math.round(elapsedMs)} ms)`)}\n`;
}
