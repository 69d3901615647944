/** Single requests, decided again in the order of their trace. */
import { resolve } from "node:path";
import type { Decision } from "../../engine/decision.ts";
import {
  openReplay,
  type Replay,
  type ReplayPolicy,
  type ReplayStep,
} from "../../engine/replay.ts";
import { type ExitCode, Misuse } from "../command.ts";
import { decodeText } from "../files.ts";
import { painter } from "../terminal.ts";
import { type Asked, identityJson } from "./asked.ts";
import {
  casesJson,
  casesTable,
  type PlayedCase,
  rulesTable,
  runsTable,
  unseenIn,
  wrongText,
  wrongWith,
} from "./case-report.ts";
import { type Case, caseOfLine, caseOfTemplate } from "./cases.ts";
import { type Differing, differingText, sameDecision, sameEffect } from "./differing.ts";
import { explainCase } from "./explained.ts";
import { type Line, parseLines, readWholeText, strictLine } from "./lines.ts";
import { limitOf } from "./options.ts";
import { progressOn } from "./progress.ts";
import { cut, unreadText, unseenText } from "./report.ts";
import { CASES_HELP, type Setup } from "./setup.ts";

const FORMAT_HELP =
  "`--format cases` makes lines of another shape requests, by `cases` in `replay.json`";

export async function replayCases(asked: Asked, format: "writ" | "cases"): Promise<ExitCode> {
  const { policy, other, io } = asked;
  const cases = await readCases(asked, format);
  const id = asked.input.values.get("explain");
  if (id !== undefined) return explainCase(id, cases, caseDecider, asked);
  const ours = caseDecider(policy, "POLICY");
  const theirs = other === undefined ? undefined : caseDecider(other, "OTHER");
  // Rego's rules have no names to compare with ours.
  const isMixed = (policy.engine === undefined) !== (other?.engine === undefined);
  const isSame = isMixed ? sameEffect : sameDecision;
  const differing: Differing[] = [];
  const progress = progressOn(io, cases.length, "requests");
  const played = cases.map((one): PlayedCase => {
    const { decision, unseenCount } = ours(one);
    const against = theirs?.(one).decision;
    if (against !== undefined && !isSame(decision, against)) {
      differing.push({ run: one.name, call: 0, request: one.step.request, decision, against });
    }
    progress.step();
    const wrong = wrongWith(one, decision);
    return { one, decision, unseenCount, ...(wrong === undefined ? {} : { wrong }) };
  });
  progress.end();
  return reportCases(played, differing, format, asked);
}

async function readCases({ traces, setup, io }: Asked, format: "writ" | "cases"): Promise<Case[]> {
  const all: Case[] = [];
  for (const trace of traces) {
    const text =
      trace === "-"
        ? decodeText(await io.stdin(), "standard input")
        : readWholeText(resolve(io.cwd, trace));
    const parse = format === "writ" ? strictLine : undefined;
    for (const line of parseLines(text, trace, parse)) all.push(caseOf(line, format, setup, trace));
  }
  return all;
}

function caseOf(line: Line, format: "writ" | "cases", setup: Setup, trace: string): Case {
  if (format === "writ") {
    return caseOfLine(line, trace, setup.cases === undefined ? CASES_HELP : FORMAT_HELP);
  }
  if (setup.cases === undefined) throw new Misuse("`replay.json` has no `cases`", CASES_HELP);
  return caseOfTemplate(line, setup.cases, trace);
}

const EARLY = "its `at`, or one of its history, is before that of a request before it";

export interface DecidedCase {
  readonly decision: Decision;
  /** Outputs, of it and of its history, that could not be labelled. */
  readonly unseenCount: number;
}

/**
 * State goes on from one to the next, but for cases that bring their own history. `whose` is what the policy is
 * called; `begin` is told when the history of a case is over.
 */
function caseDecider(
  policy: ReplayPolicy,
  whose: "POLICY" | "OTHER",
  begin: () => void = () => {},
): (one: Case) => DecidedCase {
  let lasting: Replay | undefined;
  return ({ name, before, step }) => {
    lasting ??= openReplay(policy);
    const playing = before === undefined ? lasting : openReplay(policy);
    let unseenCount = 0;
    const play = (one: ReplayStep) => {
      const { decision, unseen, unread, early } = playing.step(one);
      if (early) throw new Misuse(`${cut(name)}: ${EARLY}`, "sort them by `at`");
      if (unread !== undefined) throw new Misuse(unreadText(cut(name), whose, unread));
      if (unseen) unseenCount += 1;
      return decision;
    };
    for (const earlier of before ?? []) play(earlier);
    begin();
    return { decision: play(step), unseenCount };
  };
}

function reportCases(
  played: readonly PlayedCase[],
  differing: readonly Differing[],
  format: string,
  asked: Asked,
): ExitCode {
  const { policy, other, input, io } = asked;
  const wrong = played.filter((one) => one.wrong !== undefined);
  const ok = wrong.length === 0 && differing.length === 0;
  if (input.json) {
    io.out(
      `${JSON.stringify({ ok, format, ...identityJson(policy, other), ...casesJson(played, wrong), ...(other === undefined ? {} : { differing }) }, null, 2)}\n`,
    );
    return ok ? 0 : 1;
  }
  const paint = painter(io);
  io.out(casesTable(played));
  const unseenCount = unseenIn(played);
  if (unseenCount > 0) io.out(`\n${paint("yellow", unseenText(unseenCount))}\n`);
  io.out(`\n${rulesTable(played)}`);
  io.out(runsTable(played, limitOf(input)));
  io.out(wrongText(played, wrong, limitOf(input), paint));
  io.out(differingText(differing, other, limitOf(input), paint));
  return ok ? 0 : 1;
}
