import { resolve } from "node:path";
import { digestOfProgram } from "../../engine/bundle.ts";
import { textsOf } from "../../engine/explain/texts.ts";
import { recordCoverage } from "../../engine/testing/coverage.ts";
import { searchInvariants } from "../../engine/testing/invariants.ts";
import { runTest } from "../../engine/testing/run.ts";
import { globMatches } from "../../lang/scalar/glob.ts";
import type { TestCase } from "../../lang/testing.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { loadPolicy, type Policy } from "../files.ts";
import { REGO_OPTIONS } from "../rego.ts";
import { painter } from "../terminal.ts";
import { githubDiagnostics, githubReport, jsonReport, junitReport } from "../testing/machine.ts";
import { prettyReport } from "../testing/pretty.ts";
import { isGood, placeOf, type Report } from "../testing/report.ts";
import { type Reporter, readWishes, type Wishes } from "../testing/wishes.ts";
import { watchPackage } from "../watch.ts";
import { replaceFile } from "../whole-file.ts";

export const command: Command = {
  name: "test",
  summary: "run a policy's tests, look for what breaks its invariants, measure coverage",
  usage: "[options] [POLICY] [FILE:LINE…] | [options] BUNDLE TESTS [FILE:LINE…]",
  description: [
    "Runs every `test` of POLICY (the current directory by default), each on an engine of its own, by a clock that only `wait` moves. An allowed call succeeds unless an `outcome` follows it. Generated code and the reference evaluator both decide, and must agree.",
    "Every `never` is searched for a request that the rules allow and it forbids: at the boundaries of every comparison, and at random.",
    "FILE:LINE runs only the test that stands there.",
    "BUNDLE is one of OPA's (`.tar.gz`), whose Rego alone decides the tests of the package TESTS: its vocabulary says how they are read, and rules in it are not asked. The same tests go on when rules of Writ's take over. Rego names no rules: `by` is a code (`then deny by forbidden`), or left out.",
    "Examples:\n  writ test policies/payments\n  writ test --filter 'transfer*' --watch\n  writ test --coverage --min-coverage 90\n  writ test --reporter junit --output report.xml\n  writ test authz.tar.gz --entrypoint authz/decision tests",
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
    ...REGO_OPTIONS,
  ],
  positionals: { least: 0, most: 1_000 },
  run: test,
};

async function test(input: Input, io: Io): Promise<ExitCode> {
  const wishes = readWishes(input, io);
  if (!input.flags.has("watch")) return await runOnce(wishes, io);
  if (input.json) throw new Misuse("`--watch` reports again and again, and `--json` once");
  await runWatching(wishes, io);
  return 0;
}

async function runOnce(wishes: Wishes, io: Io): Promise<ExitCode> {
  const annotate = wishes.reporter === "github" ? githubDiagnostics : undefined;
  const policy = await loadPolicy(wishes.path, io, { json: wishes.json, report: annotate });
  if (policy === undefined) return 1;
  if (policy.lacksTests === true) {
    throw new Misuse(
      `${JSON.stringify(wishes.path)} was built without its tests`,
      "leave out `--no-test`",
    );
  }
  const report = runAll(policy, wishes);
  if (report.results.length === 0 && report.skipped > 0) {
    throw new Misuse("no test is left by what was asked for", "see the names with `writ test`");
  }
  const text = spellReport(report, wishes.reporter, io);
  if (wishes.output === undefined) io.out(text);
  else {
    replaceFile(resolve(io.cwd, wishes.output), text, wishes.output);
    io.out(wishes.json ? jsonReport(report) : prettyReport(report, painter(io)));
  }
  return isGood(report) ? 0 : 1;
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
    runTest(one, {
      program,
      digest,
      texts,
      engine: wishes.rego?.engine,
      ...(coverage === undefined ? {} : { coverage }),
    }),
  );
  const verdicts =
    wishes.neverBudget === 0 || isNarrowed(wishes) || wishes.rego !== undefined
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
