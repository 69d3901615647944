/** Recorded agent runs, decided again and scored. */
import { resolve } from "node:path";
import type { Decision } from "../../engine/decision.ts";
import { openReplay, type ReplayPolicy } from "../../engine/replay.ts";
import { type ExitCode, type Input, Misuse } from "../command.ts";
import { count, type Paint, painter } from "../terminal.ts";
import { type Joined, type Recorded, type Run, readRecorded } from "./agentdojo.ts";
import { type Asked, identityJson } from "./asked.ts";
import { compareRun, type Differing, differingText } from "./differing.ts";
import { limitOf, percentGiven } from "./options.ts";
import { progressOn } from "./progress.ts";
import { findingText, moreText, percent, scoreText, unreadText, unseenText } from "./report.ts";
import { createScorer, type Finding, type Score } from "./score.ts";

export function replayRuns(asked: Asked): ExitCode {
  const { policy, other, setup, traces, input, io } = asked;
  const files = traces.map((trace) => resolve(io.cwd, trace));
  const given = input.values.get("data");
  const directory = given === undefined ? undefined : resolve(io.cwd, given);
  const recorded = readRecorded(files, directory, policy.program, setup);
  const scorer = createScorer();
  const tally: Tally = { callCount: 0, unseenCount: 0, differing: [] };
  const progress = progressOn(io, recorded.runCount, "runs");
  for (const run of recorded.runs) {
    const decisions = playRun(run, policy, "POLICY", tally);
    scorer.add({ run, decisions });
    if (other !== undefined) {
      compareRun(run, decisions, playRun(run, other, "OTHER"), tally.differing);
    }
    progress.step();
  }
  progress.end();
  return reportRuns(scorer.score(), tally, recorded, asked);
}

interface Tally {
  callCount: number;
  /** Outputs of calls that the policy does not know, and so has no labels for. */
  unseenCount: number;
  readonly differing: Differing[];
}

function playRun(
  run: Run,
  policy: ReplayPolicy,
  whose: "POLICY" | "OTHER",
  tally?: Tally,
): readonly Decision[] {
  const playing = openReplay(policy);
  return run.steps.map((step) => {
    const { decision, unseen, unread } = playing.step(step);
    if (unread !== undefined) throw new Misuse(unreadText(run.name, whose, unread));
    if (tally !== undefined) {
      tally.callCount += 1;
      if (unseen) tally.unseenCount += 1;
    }
    return decision;
  });
}

function reportRuns(
  score: Score,
  tally: Tally,
  recorded: Recorded,
  { policy, other, input, io }: Asked,
): ExitCode {
  const short = shortfalls(score, input);
  const ok = short.length === 0 && tally.differing.length === 0;
  const runCount = recorded.runCount;
  if (input.json) {
    io.out(
      `${JSON.stringify(runsJson(score, tally, recorded, short, ok, policy, other), null, 2)}\n`,
    );
    return ok ? 0 : 1;
  }
  const paint = painter(io);
  io.out(`${count(runCount, "run")}, ${count(tally.callCount, "call")}\n\n`);
  io.out(scoreText(score, recorded.joined, paint));
  for (const note of notesOn(tally, recorded)) io.out(paint("yellow", `${note}\n`));
  if (input.flags.has("verbose")) io.out(findingsText(score.findings, limitOf(input, 0), paint));
  io.out(differingText(tally.differing, other, limitOf(input), paint));
  for (const line of short) io.out(`${paint("red", "short")}: ${line}\n`);
  return ok ? 0 : 1;
}

/** What makes the figures mean less than they seem to. */
function notesOn({ unseenCount }: Tally, { lacks, uncovered }: Recorded): string[] {
  const files = [...lacks.files].sort();
  const { outputCount } = lacks;
  return [
    ...(files.length > 0 ? [`not found: ${files.join(", ")}`] : []),
    ...(outputCount > 0
      ? [`${count(outputCount, "output")} recorded nowhere: later calls are decided without`]
      : []),
    ...(unseenCount > 0 ? [unseenText(unseenCount)] : []),
    ...[...uncovered]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([tool, times]) =>
          `${tool}: ${count(times, "output")} with the attacker's text where no \`yields untrusted\` covers it`,
      ),
  ];
}

function runsJson(
  { attacks, harmless, findings }: Score,
  tally: Tally,
  recorded: Recorded,
  short: readonly string[],
  ok: boolean,
  policy: ReplayPolicy,
  other: ReplayPolicy | undefined,
) {
  return {
    ok,
    format: "agentdojo",
    ...identityJson(policy, other),
    runs: recorded.runCount,
    calls: tally.callCount,
    unlabelled: tally.unseenCount,
    uncovered: Object.fromEntries(recorded.uncovered),
    lacks: { files: [...recorded.lacks.files].sort(), outputs: recorded.lacks.outputCount },
    attacks,
    harmless,
    joined: Object.fromEntries<Joined>(recorded.joined),
    findings,
    short,
    ...(other === undefined ? {} : { differing: tally.differing }),
  };
}

function shortfalls({ attacks, harmless }: Score, input: Input): string[] {
  const stopped = percentGiven("stopped", input);
  const untouched = percentGiven("untouched", input);
  return [
    ...attacks
      .filter((row) => stopped !== undefined && row.stopped * 100 < row.succeeded * stopped)
      .map(
        (row) =>
          `${row.suite}, ${row.model}, ${row.attack}: ${percent(row.stopped, row.succeeded)} stopped`,
      ),
    ...harmless
      .filter((row) => untouched !== undefined && row.untouched * 100 < row.runs * untouched)
      .map(
        (row) =>
          `${[row.suite, row.kind, row.model].filter((part) => part !== "").join(", ")}: ${percent(row.untouched, row.runs)} untouched`,
      ),
  ];
}

function findingsText(findings: readonly Finding[], limit: number, paint: Paint): string {
  const order = ["missed attack", "unmarked attack", "touched"];
  const sorted = findings.toSorted((a, b) => order.indexOf(a.what) - order.indexOf(b.what));
  const shown = sorted.slice(0, limit).map((finding) => findingText(finding, paint));
  return `\n${shown.join("")}${moreText(sorted.length - shown.length)}`;
}
