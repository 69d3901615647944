import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { digestOfProgram } from "../../engine/bundle.ts";
import type { Decision } from "../../engine/decision.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import {
  openReplay,
  type Replay,
  type ReplayPolicy,
  type ReplayStep,
} from "../../engine/replay.ts";
import type { Program } from "../../lang/ir.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { loadPolicy } from "../files.ts";
import {
  isRunsFile,
  type Joined,
  type Recorded,
  type Run,
  readRecorded,
} from "../replay/agentdojo.ts";
import { type Case, caseOfLine, caseOfTemplate } from "../replay/cases.ts";
import { parseLines, readLines, readWholeText } from "../replay/lines.ts";
import { callText, cut, findingText, paintDecision, percent, scoreText } from "../replay/report.ts";
import { createScorer, type Finding, foundCall, type Score } from "../replay/score.ts";
import { NO_SETUP, readSetup, type Setup } from "../replay/setup.ts";
import { count, type Paint, painter, table } from "../terminal.ts";

export const command: Command = {
  name: "replay",
  summary: "decide recorded requests again, perhaps under another policy",
  usage: "[options] POLICY TRACE…",
  description: [
    "Decides every call of the TRACEs again under POLICY, with a clock and a state of their own, and sums up what came of it. With --against, decides them under OTHER as well and lists every decision that differs.",
    'A trace is JSON Lines of `{ "request": …, "outcome"?: …, "at"?: …, "run"?: …, "expect"?: …, "rule"?: … }`: the request as `POST /decide` takes it, the outcome as `POST /outcome` does without `call`. An `expect` that is not met is a finding, as is a `rule` (or tag, or code) that is not among the reasons. `-` reads standard input.',
    "Recorded agent runs (`--format agentdojo`, files `runs.MODEL.SUITE.jsonl`) are scored: per suite, model and attack, successful attacks whose serving calls were all stopped, and per suite and model, benign runs, ground-truth plans and the attacker's goals asked for by the owner that pass. What the enforcement point knows beside the calls stands in `replay.json` beside the policy. Lines of any other shape are made requests by its `cases` (`--format cases`).",
    "Examples:\n  writ replay policies/payments trace.jsonl\n  writ replay policies/payments trace.jsonl --against main.json\n  writ replay policies/agentdojo/banking runs.*.banking.jsonl --stopped 98 --untouched 95",
  ],
  options: [
    { name: "against", value: "OTHER", help: "list decisions that differ under this policy" },
    {
      name: "format",
      value: "NAME",
      help: "writ, agentdojo or cases; told from the trace by default",
    },
    {
      name: "setup",
      value: "FILE",
      help: "what requests are made from, instead of replay.json beside POLICY",
    },
    {
      name: "data",
      value: "DIR",
      help: "where tasks, tools, environments and outputs of agent runs lie",
    },
    {
      name: "stopped",
      value: "PERCENT",
      help: "exit with 1 when of some attack fewer are stopped",
    },
    {
      name: "untouched",
      value: "PERCENT",
      help: "exit with 1 when of some harmless work less passes untouched",
    },
    { name: "limit", value: "N", help: "list so many findings at most (20; 0 is all)" },
    {
      name: "verbose",
      short: "v",
      help: "list every touched run and every missed attack, with calls and rules",
    },
  ],
  positionals: { least: 2, most: 10_000 },
  run: replay,
};

async function replay(input: Input, io: Io): Promise<ExitCode> {
  const [path = "", ...traces] = input.positionals;
  const policy = await loadForReplay(path, input, io);
  if (policy === undefined) return 1;
  const against = input.values.get("against");
  const other = against === undefined ? undefined : await loadForReplay(against, input, io);
  if (against !== undefined && other === undefined) return 1;
  const setup = loadSetup(path, input.values.get("setup"), io);
  const format = formatOf(input.values.get("format"), traces, setup, io);
  const asked: Asked = { policy, other, setup, traces, input, io };
  return format === "agentdojo" ? replayRuns(asked) : await replayCases(asked, format);
}

interface Asked {
  readonly policy: ReplayPolicy;
  readonly other: ReplayPolicy | undefined;
  readonly setup: Setup;
  readonly traces: readonly string[];
  readonly input: Input;
  readonly io: Io;
}

async function loadForReplay(
  path: string,
  { json }: Input,
  io: Io,
): Promise<ReplayPolicy | undefined> {
  const policy = await loadPolicy(path, io, { json });
  if (policy === undefined) return undefined;
  return preparedFor(policy.program);
}

function preparedFor(program: Program): ReplayPolicy {
  return { program, digest: digestOfProgram(program), evaluator: generateEvaluator(program) };
}

/** `replay.json` lies in the policy's directory. */
function loadSetup(policyPath: string, given: string | undefined, { cwd }: Io): Setup {
  const path = resolve(cwd, policyPath);
  const directory = statSync(path).isDirectory() ? path : dirname(path);
  const file = given === undefined ? join(directory, "replay.json") : resolve(cwd, given);
  if (given === undefined && !existsSync(file)) return NO_SETUP;
  const name = given ?? "replay.json";
  let json: unknown;
  try {
    json = JSON.parse(readWholeText(file));
  } catch (error) {
    if (error instanceof Misuse) throw error;
    throw new Misuse(`${name} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  return readSetup(json, name);
}

type Format = "writ" | "agentdojo" | "cases";

function formatOf(
  given: string | undefined,
  traces: readonly string[],
  setup: Setup,
  { cwd }: Io,
): Format {
  if (given === "writ" || given === "agentdojo" || given === "cases") return given;
  if (given !== undefined) {
    throw new Misuse(`there is no format \`${given}\``, "it is writ, agentdojo or cases");
  }
  const [first = "-"] = traces;
  if (first !== "-" && isRunsFile(first)) return "agentdojo";
  if (first === "-" || setup.cases === undefined) return "writ";
  const [line] = readLines(resolve(cwd, first)).slice(0, 1);
  return line !== undefined && "request" in line.value ? "writ" : "cases";
}

// ── Agent runs ─────────────────────────────────────────────────────────────────────────────────────────────

function replayRuns(asked: Asked): ExitCode {
  const { policy, other, setup, traces, input, io } = asked;
  const files = traces.map((trace) => resolve(io.cwd, trace));
  const given = input.values.get("data");
  const directory = given === undefined ? undefined : resolve(io.cwd, given);
  const recorded = readRecorded(files, directory, policy.program, setup);
  const scorer = createScorer();
  const tally: Tally = { callCount: 0, unseenCount: 0, differing: [] };
  const progress = progressOn(io, recorded.runCount, "runs");
  for (const run of recorded.runs) {
    const decisions = playRun(run, policy, tally);
    scorer.add({ run, decisions });
    if (other !== undefined) compareRun(run, decisions, playRun(run, other), tally.differing);
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

function playRun(run: Run, policy: ReplayPolicy, tally?: Tally): readonly Decision[] {
  const playing = openReplay(policy);
  return run.steps.map((step) => {
    const { decision, unseen } = playing.step(step);
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
  if (tally.unseenCount > 0) {
    io.out(
      paint(
        "dim",
        `${count(tally.unseenCount, "output")} of calls that are no request here could not be labelled\n`,
      ),
    );
  }
  if (input.flags.has("verbose")) io.out(findingsText(score.findings, limitOf(input, 0), paint));
  io.out(differingText(tally.differing, other, limitOf(input), paint));
  for (const line of short) io.out(`${paint("red", "short")}: ${line}\n`);
  return ok ? 0 : 1;
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
    attacks,
    harmless,
    joined: Object.fromEntries<Joined>(recorded.joined),
    findings,
    short,
    ...(other === undefined ? {} : { differing: tally.differing }),
  };
}

function identityJson(policy: ReplayPolicy, other: ReplayPolicy | undefined) {
  const identity = ({ program, digest }: ReplayPolicy) => ({ package: program.package, digest });
  return { policy: identity(policy), ...(other === undefined ? {} : { against: identity(other) }) };
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

function percentGiven(name: string, { values }: Input): number | undefined {
  const given = values.get(name);
  if (given === undefined) return undefined;
  const number = Number(given);
  if (given.trim() !== "" && number >= 0 && number <= 100) return number;
  throw new Misuse(`\`--${name}\` is a number from 0 to 100, not ${JSON.stringify(given)}`);
}

const LISTED = 20;

function limitOf({ values }: Input, otherwise = LISTED): number {
  const given = values.get("limit");
  const number = given === undefined ? otherwise : Number(given);
  if (!Number.isInteger(number) || number < 0) {
    throw new Misuse(`\`--limit\` is a whole number, not ${JSON.stringify(given)}`);
  }
  return number === 0 ? Number.POSITIVE_INFINITY : number;
}

function findingsText(findings: readonly Finding[], limit: number, paint: Paint): string {
  const order = ["missed attack", "unmarked attack", "touched"];
  const sorted = findings.toSorted((a, b) => order.indexOf(a.what) - order.indexOf(b.what));
  const shown = sorted.slice(0, limit).map((finding) => findingText(finding, paint));
  return `\n${shown.join("")}${moreText(sorted.length - shown.length)}`;
}

function moreText(more: number): string {
  return more > 0 ? `… and ${more} more (--limit 0 lists all)\n` : "";
}

// ── What differs ───────────────────────────────────────────────────────────────────────────────────────────

interface Differing {
  readonly run: string;
  readonly call: number;
  readonly request: ReplayStep["request"];
  readonly decision: Decision;
  readonly against: Decision;
}

function compareRun(
  run: Run,
  ours: readonly Decision[],
  theirs: readonly Decision[],
  into: Differing[],
): void {
  const name = [run.suite, run.kind, run.model, run.attack, run.name];
  for (const [call, step] of run.steps.entries()) {
    const [decision, against] = [ours[call], theirs[call]];
    if (decision === undefined || against === undefined || sameDecision(decision, against))
      continue;
    const label = name.filter((part) => part !== undefined && part !== "").join(" · ");
    into.push({ run: label, call, request: step.request, decision, against });
  }
}

/** Everything but names of records, places in the text and the policy's identity. */
function sameDecision(a: Decision, b: Decision): boolean {
  return meaningOf(a) === meaningOf(b);
}

function meaningOf({
  decision,
  code,
  reasons,
  obligations,
  next,
  interrupt,
  approval,
}: Decision): string {
  const rules = reasons.map(({ rule, effect }) => `${effect} ${rule}`);
  const duties = obligations.map(({ id: _, ...rest }) => JSON.stringify(rest)).sort();
  const by = approval?.by.map(({ rule: _, ...rest }) => rest);
  return JSON.stringify([decision, code, rules, duties, next, interrupt, by]);
}

function differingText(
  differing: readonly Differing[],
  other: ReplayPolicy | undefined,
  limit: number,
  paint: Paint,
): string {
  if (other === undefined) return "";
  if (differing.length === 0) return "\nno decision differs\n";
  const changed = differing.filter(
    ({ decision, against }) => decision.decision !== against.decision,
  );
  const first = [...changed, ...differing.filter((one) => !changed.includes(one))];
  const shown = first.slice(0, limit).map((one) => {
    const from = foundCall(one.request, one.against);
    const to = foundCall(one.request, one.decision);
    const why = (rules: readonly string[], code?: string) =>
      [code, ...rules].filter((part) => part !== undefined).join(", ");
    return (
      `  ${cut(one.run)}, call ${one.call + 1}: ${cut(`${to.tool} ${JSON.stringify(to.args)}`, 120)}\n` +
      `    ${paintDecision(from.decision, paint)} ${why(from.rules, from.code)}\n` +
      `    ${paintDecision(to.decision, paint)} ${why(to.rules, to.code)}\n`
    );
  });
  const reasons = differing.length - changed.length;
  const summary = `${count(differing.length, "decision")} differ${differing.length === 1 ? "s" : ""}${reasons === 0 ? "" : `, ${reasons} of them only in why or with what`} (under OTHER first)`;
  return `\n${paint("bold", summary)}\n${shown.join("")}${moreText(differing.length - shown.length)}`;
}

// ── Single requests ────────────────────────────────────────────────────────────────────────────────────────

interface PlayedCase {
  readonly one: Case;
  readonly decision: Decision;
  /** What was expected and did not come. */
  readonly wrong?: string;
}

async function replayCases(asked: Asked, format: "writ" | "cases"): Promise<ExitCode> {
  const { policy, other, io } = asked;
  const cases = await readCases(asked, format);
  const ours = caseDecider(policy);
  const theirs = other === undefined ? undefined : caseDecider(other);
  const differing: Differing[] = [];
  const progress = progressOn(io, cases.length, "requests");
  const played = cases.map((one): PlayedCase => {
    const decision = ours(one);
    const against = theirs?.(one);
    if (against !== undefined && !sameDecision(decision, against)) {
      differing.push({ run: one.name, call: 0, request: one.step.request, decision, against });
    }
    progress.step();
    const wrong = wrongWith(one, decision);
    return { one, decision, ...(wrong === undefined ? {} : { wrong }) };
  });
  progress.end();
  return reportCases(played, differing, format, asked);
}

async function readCases({ traces, setup, io }: Asked, format: "writ" | "cases"): Promise<Case[]> {
  const all: Case[] = [];
  for (const trace of traces) {
    const text =
      trace === "-"
        ? new TextDecoder().decode(await io.stdin())
        : readWholeText(resolve(io.cwd, trace));
    for (const line of parseLines(text, trace)) all.push(caseOf(line, format, setup, trace));
  }
  return all;
}

function caseOf(
  line: Parameters<typeof caseOfLine>[0],
  format: "writ" | "cases",
  setup: Setup,
  trace: string,
): Case {
  if (format === "writ") return caseOfLine(line, trace);
  if (setup.cases === undefined) {
    throw new Misuse("`replay.json` has no `cases`", "they say how a line becomes a request");
  }
  return caseOfTemplate(line, setup.cases, trace);
}

/** State goes on from one to the next, but for cases that bring their own history. */
function caseDecider(policy: ReplayPolicy): (one: Case) => Decision {
  let lasting: Replay | undefined;
  return ({ before, step }) => {
    lasting ??= openReplay(policy);
    const playing = before === undefined ? lasting : openReplay(policy);
    for (const earlier of before ?? []) playing.step(earlier);
    return playing.step(step).decision;
  };
}

function wrongWith(
  { expect, rule }: Case,
  { decision, code, reasons }: Decision,
): string | undefined {
  if (expect !== undefined && expect !== decision) return `expected ${expect}`;
  if (rule === undefined) return undefined;
  const named = reasons.some(
    (reason) =>
      reason.rule === rule || reason.rule.endsWith(`/${rule}`) || reason.tags?.includes(rule),
  );
  return named || code === rule ? undefined : `expected it to name ${rule}`;
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
  io.out(`\n${rulesTable(played)}`);
  io.out(runsTable(played, limitOf(input)));
  io.out(wrongText(played, wrong, limitOf(input), paint));
  io.out(differingText(differing, other, limitOf(input), paint));
  return ok ? 0 : 1;
}

function casesJson(played: readonly PlayedCase[], wrong: readonly PlayedCase[]) {
  return {
    requests: played.length,
    expected: played.filter(({ one }) => isExpecting(one)).length,
    wrong: wrong.map(({ one, decision, wrong: why }) => ({
      name: one.name,
      why,
      expect: one.expect,
      rule: one.rule,
      decision,
    })),
    decisions: played.map(({ one, decision }) => ({
      name: one.name,
      group: one.group,
      ...decision,
    })),
  };
}

function casesTable(played: readonly PlayedCase[]): string {
  const groups = groupsOf(played, ({ one }) => one.group);
  const rows = [...groups].map(([group, of]) => countRow(cut(group, 60), of));
  const total = rows.length > 1 ? [countRow("all", played)] : [];
  return table([["", ...COUNTED], ...rows, ...total], "lrrrrr");
}

/** Those with most to look at first. */
function runsTable(played: readonly PlayedCase[], limit: number): string {
  const runs = groupsOf(
    played.filter(({ one }) => one.run !== undefined),
    ({ one }) => one.run ?? "",
  );
  if (runs.size === 0) return "";
  const stopped = (of: readonly PlayedCase[]) =>
    of.filter(({ decision }) => decision.decision !== "allow").length;
  const sorted = [...runs].sort(([, a], [, b]) => stopped(b) - stopped(a));
  const rows = sorted.slice(0, limit).map(([run, of]) => countRow(cut(run, 60), of));
  return `\n${table([["run", ...COUNTED], ...rows], "lrrrrr")}${moreText(sorted.length - rows.length)}`;
}

const COUNTED = ["requests", "allow", "hold", "deny", "as expected"];

function countRow(name: string, of: readonly PlayedCase[]): string[] {
  const decided = (wanted: Decision["decision"]) =>
    String(of.filter(({ decision }) => decision.decision === wanted).length);
  const expected = of.filter(({ one }) => isExpecting(one));
  const met = expected.filter(({ wrong }) => wrong === undefined).length;
  const kept = expected.length === 0 ? "–" : `${met}/${expected.length}`;
  return [name, String(of.length), decided("allow"), decided("hold"), decided("deny"), kept];
}

function isExpecting({ expect, rule }: Case): boolean {
  return expect !== undefined || rule !== undefined;
}

/** In the order of their names. */
function groupsOf(
  played: readonly PlayedCase[],
  nameOf: (one: PlayedCase) => string,
): ReadonlyMap<string, PlayedCase[]> {
  const groups = new Map<string, PlayedCase[]>();
  for (const one of played) {
    const name = nameOf(one);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function rulesTable(played: readonly PlayedCase[]): string {
  const counts = new Map<string, { effect: string; name: string; times: number }>();
  for (const { decision } of played) {
    const named = decision.reasons.map(({ effect, rule }) => ({
      effect: effect as string,
      name: rule,
    }));
    const causes =
      named.length > 0 || decision.code === undefined
        ? named
        : [{ effect: "deny", name: decision.code as string }];
    for (const { effect, name } of causes) {
      const key = `${effect} ${name}`;
      const known = counts.get(key) ?? { effect, name, times: 0 };
      known.times += 1;
      counts.set(key, known);
    }
  }
  const rows = [...counts.values()].sort((a, b) => b.times - a.times || (a.name < b.name ? -1 : 1));
  return table(
    [
      ["because of", "", "times"],
      ...rows.map(({ effect, name, times }) => [name, effect, String(times)]),
    ],
    "llr",
  );
}

function wrongText(
  played: readonly PlayedCase[],
  wrong: readonly PlayedCase[],
  limit: number,
  paint: Paint,
): string {
  const expected = played.filter(({ one }) => isExpecting(one)).length;
  if (expected === 0) return "";
  if (wrong.length === 0)
    return `\n${paint("green", "ok")}: ${count(expected, "request")} decided as expected\n`;
  const shown = wrong.slice(0, limit).map(({ one, decision, wrong: why }) => {
    return `  ${cut(one.name)}: ${why}\n${callText(foundCall(one.step.request, decision), paint)}`;
  });
  const head = `${wrong.length} of ${count(expected, "request")} not decided as expected`;
  return `\n${paint("red", head)}\n${shown.join("")}${moreText(wrong.length - shown.length)}`;
}

// ── Progress ───────────────────────────────────────────────────────────────────────────────────────────────

interface Progress {
  step(): void;
  end(): void;
}

const SILENT: Progress = { step: () => {}, end: () => {} };

/** Drawn over itself on a terminal, and nowhere else. */
function progressOn(io: Io, total: number, what: string): Progress {
  if (!io.interactive || total < 200) return SILENT;
  let done = 0;
  return {
    step: () => {
      done += 1;
      if (done % 50 === 0) io.err(`\r${done} of ${total} ${what}`);
    },
    end: () => io.err(`\r${" ".repeat(40)}\r`),
  };
}
