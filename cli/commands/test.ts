import { writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { digestOfProgram } from "../../engine/bundle.ts";
import { textsOf } from "../../engine/explain/explain.ts";
import { recordCoverage } from "../../engine/testing/coverage.ts";
import { searchInvariants } from "../../engine/testing/invariants.ts";
import { runTest } from "../../engine/testing/run.ts";
import { globMatches } from "../../lang/scalar/glob.ts";
import type { TestCase } from "../../lang/testing.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { loadPolicy, type Policy } from "../files.ts";
import { painter } from "../terminal.ts";
import { githubReport, jsonReport, junitReport } from "../testing/machine.ts";
import { prettyReport } from "../testing/pretty.ts";
import { isGood, placeOf, type Report } from "../testing/report.ts";
import { watchPackage } from "../watch.ts";

export const command: Command = {
  name: "test",
  summary: "run a policy's tests, look for what breaks its invariants, measure coverage",
  usage: "[options] [POLICY] [FILE:LINE…]",
  description: [
    "Runs every `test` of POLICY (the current directory by default), each on an engine of its own, by a clock that only `wait` moves. An allowed call succeeds unless an `outcome` follows it. Generated code and the reference evaluator both decide, and must agree.",
    "Every `never` is searched for a request that the rules allow and it forbids: at the boundaries of every comparison, and at random.",
    "FILE:LINE runs only the test that stands there.",
    "Examples:\n  writ test policies/payments\n  writ test --filter 'transfer*' --watch\n  writ test --coverage --min-coverage 90\n  writ test --reporter junit --output report.xml",
  ],
  options: [
    {
      name: "filter",
      value: "GLOB",
      repeatable: true,
      help: "only tests whose name is like GLOB, or contains it",
    },
    { name: "watch", help: "run again whenever a file of the policy changes" },
    { name: "reporter", value: "NAME", help: "pretty, json, junit or github" },
    { name: "output", value: "FILE", help: "write the report to FILE" },
    { name: "coverage", help: "show what of the rules, conditions and sequences was tried" },
    { name: "cover-used", help: "count the rules of used packages as well" },
    { name: "min-coverage", value: "PERCENT", help: "exit with 1 when less of it was tried" },
    { name: "no-never", help: "do not search for counterexamples" },
    { name: "never-budget", value: "COUNT", help: "requests to try for each `never` (2000)" },
    { name: "seed", value: "NUMBER", help: "where the search begins (1)" },
  ],
  positionals: { least: 0, most: 1_000 },
  run: test,
};

const REPORTERS = ["pretty", "json", "junit", "github"] as const;
type Reporter = (typeof REPORTERS)[number];

interface Wishes {
  readonly path: string;
  readonly filters: readonly string[];
  readonly lines: readonly Line[];
  readonly reporter: Reporter;
  readonly output: string | undefined;
  readonly wantsCoverage: boolean;
  readonly coversUsed: boolean;
  readonly coverageMin: number | undefined;
  readonly neverBudget: number;
  readonly seed: number;
  readonly json: boolean;
}

/** `payments.writ:41` */
interface Line {
  readonly file: string;
  readonly line: number;
}

async function test(input: Input, io: Io): Promise<ExitCode> {
  const wishes = readWishes(input);
  if (!input.flags.has("watch")) return await runOnce(wishes, io);
  if (input.json) throw new Misuse("`--watch` reports again and again, and `--json` once");
  await runWatching(wishes, io);
  return 0;
}

function readWishes(input: Input): Wishes {
  const { values, flags, json } = input;
  const lines = input.positionals.flatMap((word) => lineIn(word) ?? []);
  const paths = input.positionals.filter((word) => lineIn(word) === undefined);
  if (paths.length > 1) throw new Misuse(`\`${paths[1]}\` is one policy too many`);
  const named = values.get("reporter") ?? (json ? "json" : "pretty");
  const reporter = REPORTERS.find((candidate) => candidate === named);
  if (reporter === undefined)
    throw new Misuse(`there is no reporter \`${named}\``, `there are ${REPORTERS.join(", ")}`);
  if (json && reporter !== "json" && values.get("output") === undefined) {
    throw new Misuse(
      `\`--json\` and \`--reporter ${reporter}\` both want standard output`,
      "give the report a file with `--output`",
    );
  }
  const coverageMin = numberIn("min-coverage", values, 0, 100);
  return {
    path: paths[0] ?? (lines[0] === undefined ? "." : dirname(lines[0].file)),
    filters: input.lists.get("filter") ?? [],
    lines,
    reporter,
    output: values.get("output"),
    wantsCoverage: flags.has("coverage") || flags.has("cover-used") || coverageMin !== undefined,
    coversUsed: flags.has("cover-used"),
    coverageMin,
    neverBudget: flags.has("no-never")
      ? 0
      : (numberIn("never-budget", values, 0, 10_000_000) ?? 2_000),
    seed: numberIn("seed", values, 0, Number.MAX_SAFE_INTEGER) ?? 1,
    json,
  };
}

function lineIn(word: string): Line | undefined {
  const [, file, line] = /^(.+\.writ):(\d+)(?::\d+)?$/.exec(word) ?? [];
  return file === undefined ? undefined : { file, line: Number(line) };
}

function numberIn(
  name: string,
  values: Input["values"],
  least: number,
  most: number,
): number | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() !== "" && number >= least && number <= most) return number;
  throw new Misuse(`\`--${name}\` takes a number from ${least} to ${most}, not \`${text}\``);
}

async function runOnce(wishes: Wishes, io: Io): Promise<ExitCode> {
  const policy = await loadPolicy(wishes.path, io, { json: wishes.json });
  if (policy === undefined) return 1;
  const report = runAll(policy, wishes);
  if (report.results.length === 0 && report.skipped > 0) {
    throw new Misuse("no test is left by what was asked for", "see the names with `writ test`");
  }
  const text = spellReport(report, wishes.reporter, io);
  if (wishes.output === undefined) io.out(text);
  else {
    writeReport(wishes.output, text, io);
    io.out(wishes.json ? jsonReport(report) : prettyReport(report, painter(io)));
  }
  return isGood(report) ? 0 : 1;
}

function writeReport(path: string, text: string, io: Io): void {
  try {
    writeFileSync(resolve(io.cwd, path), text);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "it failed";
    throw new Misuse(`cannot write \`${path}\`: ${reason}`);
  }
}

function spellReport(report: Report, reporter: Reporter, io: Io): string {
  switch (reporter) {
    case "pretty":
      return prettyReport(report, painter(io));
    case "json":
      return jsonReport(report);
    case "junit":
      return junitReport(report);
    case "github":
      return githubReport(report);
  }
}

function runAll(policy: Policy, wishes: Wishes): Report {
  const startedMs = performance.now();
  const { program, shown } = policy;
  const texts = textsOf(program, policy.sources);
  const coverage = wishes.wantsCoverage
    ? recordCoverage(program, texts, { used: wishes.coversUsed })
    : undefined;
  const chosen = policy.tests.filter((one) => isChosen(one, policy, wishes));
  const digest = digestOfProgram(program);
  const results = chosen.map((one) =>
    runTest(one, { program, digest, texts, ...(coverage === undefined ? {} : { coverage }) }),
  );
  const verdicts =
    wishes.neverBudget === 0 || isNarrowed(wishes)
      ? []
      : searchInvariants({ program, budget: wishes.neverBudget, seed: wishes.seed });
  return {
    program,
    sources: shown,
    results,
    skipped: policy.tests.length - chosen.length,
    verdicts,
    coverage: coverage?.coverage(),
    coverageMin: wishes.coverageMin,
    elapsedMs: performance.now() - startedMs,
  };
}

/** Who asks for one test does not wait for searches. */
function isNarrowed({ filters, lines }: Wishes): boolean {
  return filters.length > 0 || lines.length > 0;
}

function isChosen(one: TestCase, { program, shown }: Policy, { filters, lines }: Wishes): boolean {
  const isNamed = filters.some(
    (filter) => globMatches(one.name, filter) || one.name.includes(filter),
  );
  if (filters.length > 0 && !isNamed) return false;
  if (lines.length === 0) return true;
  const place = placeOf({ program, sources: shown }, one.at);
  const ends = [one.at, ...one.steps.map(({ at }) => at)];
  const lastLine = Math.max(...ends.map((at) => placeOf({ program, sources: shown }, at).endLine));
  return lines.some(
    ({ file, line }) =>
      resolve(file) === resolve(place.path) && line >= place.line && line <= lastLine,
  );
}

/** Until the user stops it. */
async function runWatching(wishes: Wishes, io: Io): Promise<void> {
  let running = Promise.resolve();
  const again = (): void => {
    running = running.then(() => runAndGoOn(wishes, io));
  };
  const watching = watchPackage(wishes.path, io, again);
  again();
  await io.stopped;
  watching.stop();
  await running;
}

async function runAndGoOn(wishes: Wishes, io: Io): Promise<void> {
  try {
    await runOnce(wishes, io);
  } catch (error) {
    // A file that is being saved may not be there for a moment.
    if (!(error instanceof Misuse)) throw error;
    io.err(`writ test: ${error.message}\n`);
  }
  io.err("waiting for changes…\n");
}
