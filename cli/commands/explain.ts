import { digestOfProgram } from "../../engine/bundle.ts";
import type { Decision } from "../../engine/decision.ts";
import type { Vouched } from "../../engine/engine.ts";
import { type Unfolded, unfold } from "../../engine/explain/explain.ts";
import { textsOf } from "../../engine/explain/texts.ts";
import type { Situation } from "../../engine/explain/trace.ts";
import { createIds } from "../../engine/ids.ts";
import type { ModuleAnswer } from "../../engine/opa/answer.ts";
import { createWatchedEngine } from "../../engine/testing/watched.ts";
import type { Command, ExitCode, Input, Io } from "../command.ts";
import { showDecision, showUnfolded } from "../explanation.ts";
import { isOpaFile, loadPolicy, type Policy } from "../files.ts";
import { openRegoAlone, REGO_OPTIONS, refuseRegoOptions } from "../rego.ts";
import { clockAt, decidedOf, type NamedRequest, readRequests } from "../requests.ts";
import { indent, painter, printable } from "../terminal.ts";
import { VOUCHING_OPTIONS, vouchFor } from "../vouching.ts";

export const command: Command = {
  name: "explain",
  summary: "show why a request is decided as it is, and what nearly applied",
  usage: "[options] POLICY REQUEST",
  description: [
    "Decides the request in the file REQUEST (`-` is standard input) under POLICY and shows how that came about: every rule that applies, with the value of each of its conditions and of what they are made of; rules that nearly apply and what stopped them; and for a denial by default the permit that lacks least.",
    "Of several requests, one on each line, all are decided in order and the last is explained: those before it are its history. `writ replay --explain` explains one of a trace.",
    "Of a bundle of OPA's (`.tar.gz`) it shows what its Rego said; how Rego came to it, `opa eval --explain` tells.",
    "Examples:\n  writ explain policies/payments request.json\n  writ explain --json policies/payments - < history.ndjson",
  ],
  options: [
    { name: "now", value: "TIME", help: "decide as if it were TIME, such as 2026-01-02T15:04:05Z" },
    ...VOUCHING_OPTIONS,
    ...REGO_OPTIONS,
  ],
  positionals: { least: 2, most: 2 },
  run: explain,
};

async function explain(input: Input, io: Io): Promise<ExitCode> {
  const [policyPath = "", requestPath = ""] = input.positionals;
  const clock = clockAt(input.values.get("now"));
  if (isOpaFile(policyPath)) return explainRego(policyPath, requestPath, clock, input, io);
  refuseRegoOptions(input);
  const policy = await loadPolicy(policyPath, io, input);
  if (policy === undefined) return 1;
  const requests = await readRequests(requestPath, io);
  const vouched = await vouchFor(requests, input, clock, io);
  const explained = explainLast(policy, requests, clock, vouched);
  const { decision, unfolded } = explained;
  if (input.json) {
    io.out(`${JSON.stringify({ decision, ...unfolded }, null, 2)}\n`);
    return 0;
  }
  const paint = painter(io);
  io.out(showDecision(decision, paint));
  if (unfolded !== undefined) io.out(showUnfolded(decision, unfolded, paint));
  return 0;
}

/** Rego alone remembers nothing, so that the last request is explained by itself. */
async function explainRego(
  path: string,
  requestPath: string,
  clock: () => number,
  input: Input,
  io: Io,
): Promise<ExitCode> {
  const { engine, entrypoint, ask } = openRegoAlone(path, input, io);
  const requests = await readRequests(requestPath, io);
  const vouched = await vouchFor(requests, input, clock, io);
  const last = requests.length - 1;
  const request = requests[last];
  if (request === undefined) throw new Error("there was no request to explain");
  const nowMs = clock();
  const decider = engine({ clock: () => nowMs, ids: createIds() });
  const decision = decidedOf(decider.decide(request.json, vouched[last]), request.name);
  const said = ask(request.json, nowMs);
  if (input.json) {
    io.out(`${JSON.stringify({ decision, entrypoint, said }, null, 2)}\n`);
    return 0;
  }
  io.out(showDecision(decision, painter(io)));
  io.out(`\n${entrypoint} says\n${indent(`${wordsOf(said)}\n`, "  ")}`);
  return 0;
}

function wordsOf(said: ModuleAnswer): string {
  if (said.kind === "undefined") return "nothing: it is undefined";
  if (said.kind === "failed") return `nothing: ${printable(said.why)}`;
  const lines = JSON.stringify(said.value, null, 2).split("\n");
  return lines.map(printable).join("\n");
}

interface Explained {
  readonly decision: Decision;
  /** Missing where no rule was asked: a request that is refused as it is read. */
  readonly unfolded: Unfolded | undefined;
}

function explainLast(
  { program, sources }: Policy,
  requests: readonly NamedRequest[],
  clock: () => number,
  vouched: readonly Vouched[],
): Explained {
  const texts = textsOf(program, sources);
  const faults: unknown[] = [];
  let isLast = false;
  let unfolded: Unfolded | undefined;
  const engine = createWatchedEngine({
    program,
    digest: digestOfProgram(program),
    clock,
    onFault: (fault) => void faults.push(fault),
    watchers: {
      // State is read here: deciding changes it.
      situation: (situation: Situation) => {
        if (isLast) unfolded = unfold(situation, texts);
      },
      disagreement: (what) => void faults.push(new Error(`two evaluators disagree about ${what}`)),
    },
  });
  let decision: Decision | undefined;
  for (const [index, { name, json }] of requests.entries()) {
    isLast = index === requests.length - 1;
    decision = decidedOf(engine.decide(json, vouched[index]), name);
  }
  const [fault] = faults;
  if (fault !== undefined) throw fault;
  if (decision === undefined) throw new Error("there was no request to explain");
  return { decision, unfolded };
}
