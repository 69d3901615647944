import { digestOfProgram } from "../../engine/bundle.ts";
import type { Decision } from "../../engine/decision.ts";
import { createEngine, type DecidingEngine } from "../../engine/engine.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import { createIds } from "../../engine/ids.ts";
import { containedModules } from "../../engine/opa/programs.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { showDecision } from "../explanation.ts";
import { isOpaFile, loadPolicy } from "../files.ts";
import { openRegoAlone, REGO_OPTIONS, refuseRegoOptions } from "../rego.ts";
import { clockAt, decidedOf, readRequests } from "../requests.ts";
import { painter } from "../terminal.ts";
import { VOUCHING_OPTIONS, vouchFor } from "../vouching.ts";

export const command: Command = {
  name: "decide",
  summary: "decide requests from a file",
  usage: "[options] POLICY REQUEST",
  description: [
    "Decides the request in the file REQUEST (`-` is standard input) under POLICY, a directory of `.writ` files, one such file, or what `writ build` wrote; or a bundle of OPA's (`.tar.gz`), whose Rego then decides alone. Several requests, one on each line, are decided in order by one engine, so that later ones are counted with earlier ones.",
    "Exits with 0 when decisions were made, whatever they are; with --expect, with 1 when one is another.",
    "Examples:\n  writ decide policies/payments request.json\n  writ decide --json --expect allow policies/payments - < requests.ndjson",
  ],
  options: [
    {
      name: "expect",
      value: "DECISION",
      help: "allow, deny or hold: exit with 1 when one is another",
    },
    { name: "now", value: "TIME", help: "decide as if it were TIME, such as 2026-01-02T15:04:05Z" },
    ...VOUCHING_OPTIONS,
    ...REGO_OPTIONS,
  ],
  positionals: { least: 2, most: 2 },
  run: decide,
};

async function decide(input: Input, io: Io): Promise<ExitCode> {
  const [policyPath = "", requestPath = ""] = input.positionals;
  const expected = input.values.get("expect");
  if (expected !== undefined && !["allow", "deny", "hold"].includes(expected)) {
    throw new Misuse(`\`--expect\` is allow, deny or hold, not \`${expected}\``);
  }
  const clock = clockAt(input.values.get("now"));
  const faults: unknown[] = [];
  const engine = await openEngine(policyPath, { clock, faults }, input, io);
  if (engine === undefined) return 1;
  const requests = await readRequests(requestPath, io);
  const vouched = await vouchFor(requests, input, clock, io);
  const decisions = requests.map(({ name, json }, index) =>
    decidedOf(engine.decide(json, vouched[index]), name),
  );
  const [fault] = faults;
  if (fault !== undefined) throw fault;
  if (input.json) {
    io.out(`${JSON.stringify(decisions.length === 1 ? decisions[0] : decisions, null, 2)}\n`);
  } else {
    for (const decision of decisions) io.out(showDecision(decision, painter(io)));
  }
  const isExpected = ({ decision }: Decision) => expected === undefined || decision === expected;
  return decisions.every(isExpected) ? 0 : 1;
}

/** `undefined` where the policy cannot be loaded: what is wrong has been said. */
async function openEngine(
  path: string,
  { clock, faults }: { readonly clock: () => number; readonly faults: unknown[] },
  input: Input,
  io: Io,
): Promise<DecidingEngine | undefined> {
  if (isOpaFile(path)) return openRegoAlone(path, input, io).engine({ clock, ids: createIds() });
  refuseRegoOptions(input);
  const policy = await loadPolicy(path, io, input);
  if (policy === undefined) return undefined;
  const { program } = policy;
  return createEngine({
    program,
    digest: digestOfProgram(program),
    clock,
    evaluator: generateEvaluator(program),
    modules: containedModules(program),
    onFault: (fault) => void faults.push(fault),
  });
}
