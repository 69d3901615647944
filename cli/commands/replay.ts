import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { digestOfProgram } from "../../engine/bundle.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { parseJson } from "../documents.ts";
import { isOpaFile, loadPolicy } from "../files.ts";
import { openRegoAlone, REGO_OPTIONS, refuseRegoOptions } from "../rego.ts";
import { isRunsFile } from "../replay/agentdojo-data.ts";
import type { Asked } from "../replay/asked.ts";
import { readLines, readWholeText } from "../replay/lines.ts";
import { replayCases } from "../replay/requests.ts";
import { replayRuns } from "../replay/runs.ts";
import { CASES_EXAMPLE, CASES_HELP, NO_SETUP, readSetup, type Setup } from "../replay/setup.ts";

export const command: Command = {
  name: "replay",
  summary: "decide recorded requests again, perhaps under another policy",
  usage: "[options] POLICY TRACE…",
  description: [
    "Decides every call of the TRACEs again under POLICY, with a clock and a state of their own, and sums up what came of it. With --against, decides them under OTHER as well and lists every decision that differs.",
    'A trace is JSON Lines of `{ "request": …, "outcome"?: …, "at"?: …, "run"?: …, "expect"?: …, "rule"?: … }`: the request as `POST /decide` takes it, the outcome as `POST /outcome` does without `call`. An `expect` that is not met is a finding, as is a `rule` (or tag, or code) that is not among the reasons. `-` reads standard input.',
    "Recorded agent runs (`--format agentdojo`, files `runs.MODEL.SUITE.jsonl`) are scored: per suite, model and attack, successful attacks whose serving calls were all stopped, and per suite and model, benign runs, ground-truth plans and the attacker's goals asked for by the owner that pass. What the enforcement point knows beside the calls stands in `replay.json` beside the policy. Lines of any other shape are made requests by its `cases` (`--format cases`). docs/replay.md has all of it.",
    'Of lines such as `{ "id": "c1", "tool": "pay", "args": { "to": "bob" }, "label": "bad" }` this `replay.json` makes requests; `{ "$from": "case", "path": P }` is the value at P of the line:',
    CASES_EXAMPLE,
    "POLICY and OTHER may be bundles of OPA's (`.tar.gz`), decided by their Rego alone. Beside a policy of Writ's, what differs is then what is decided and with which obligations: the rules have other names.",
    "Examples:\n  writ replay policies/payments trace.jsonl\n  writ replay policies/next trace.jsonl --against authz.tar.gz --entrypoint authz/decision\n  writ replay policies/payments trace.jsonl --against main.json\n  writ replay policies/retail cases.jsonl --explain c1\n  writ replay policies/agentdojo/banking runs.*.banking.jsonl --stopped 98 --untouched 95",
  ],
  options: [
    { name: "against", value: "OTHER", help: "list decisions that differ under this policy" },
    {
      name: "explain",
      value: "ID",
      help: "explain one request, by its id or as `line 7`, as `writ explain` does",
    },
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
    ...REGO_OPTIONS,
  ],
  positionals: { least: 2, most: 10_000 },
  run: replay,
};

async function replay(input: Input, io: Io): Promise<ExitCode> {
  const [path = "", ...traces] = input.positionals;
  const against = input.values.get("against");
  if (![path, against ?? ""].some(isOpaFile)) refuseRegoOptions(input);
  const loaded = await loadReplayed(path, input, io);
  if (loaded === undefined) return 1;
  const other = against === undefined ? undefined : await loadReplayed(against, input, io);
  if (against !== undefined && other === undefined) return 1;
  const setup = loadSetup(path, input.values.get("setup"), io);
  const format = formatOf(input.values.get("format"), traces, setup, io);
  const asked: Asked = {
    ...loaded,
    other: other?.policy,
    setup,
    traces,
    input,
    io,
  };
  if (format !== "agentdojo") return await replayCases(asked, format);
  if ([loaded, other].some((one) => one?.policy.engine !== undefined)) {
    throw new Misuse("agent runs are decided by policies of Writ's, not by Rego alone");
  }
  if (input.values.has("explain")) {
    throw new Misuse("`--explain` explains single requests, not agent runs", "see `--verbose`");
  }
  return replayRuns(asked);
}

/** A policy, or a bundle of OPA's; `undefined` where it cannot be loaded: what is wrong has been said. */
async function loadReplayed(
  path: string,
  input: Input,
  io: Io,
): Promise<Pick<Asked, "policy" | "sources"> | undefined> {
  if (isOpaFile(path)) {
    const { program, digest, engine } = openRegoAlone(path, input, io);
    const policy = { program, digest, engine, evaluator: generateEvaluator(program) };
    return { policy, sources: [] };
  }
  const loaded = await loadPolicy(path, io, input);
  if (loaded === undefined) return undefined;
  const { program, sources } = loaded;
  const evaluator = generateEvaluator(program);
  return { policy: { program, digest: digestOfProgram(program), evaluator }, sources };
}

/** `replay.json` lies in the policy's directory. */
function loadSetup(policyPath: string, given: string | undefined, { cwd }: Io): Setup {
  const path = resolve(cwd, policyPath);
  const directory = statSync(path).isDirectory() ? path : dirname(path);
  const file = given === undefined ? join(directory, "replay.json") : resolve(cwd, given);
  if (given === undefined && !existsSync(file)) return NO_SETUP;
  const name = given ?? "replay.json";
  const text = readWholeText(file);
  if (text.trim() === "") throw new Misuse(`${name} is empty`, CASES_HELP);
  return readSetup(parseJson(text, name), name);
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
