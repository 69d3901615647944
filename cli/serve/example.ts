/** A request worth trying, for whoever has just started the service. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { digestOfProgram } from "../../engine/bundle.ts";
import { createEngine } from "../../engine/engine.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import { containedModules } from "../../engine/opa/programs.ts";
import { type Io, Misuse } from "../command.ts";
import { parseJson } from "../documents.ts";
import { type Policy, readText } from "../files.ts";
import { quoteForShell } from "../terminal.ts";
import { sampleRequest } from "./sample.ts";

/** The `curl` line that asks it. */
export function curlFor(example: unknown, address: string): string {
  const [, socket] = /^unix:(.+)$/.exec(address) ?? [];
  const url =
    socket === undefined ? address : `--unix-socket ${quoteForShell(socket)} http://localhost`;
  return `curl -s ${url}/decide -H 'content-type: application/json' -w '\\n' -d ${quoteForShell(JSON.stringify(example))}`;
}

const EXAMPLE_BYTES_MAX = 64 * 1024;

/** One that is allowed, if the policy shows any. */
export function exampleFor(policy: Policy, { cwd }: Io): unknown {
  const { program } = policy;
  const parts = {
    program,
    digest: digestOfProgram(program),
    evaluator: generateEvaluator(program),
    modules: containedModules(program),
  };
  const candidates = [...examplesBeside(resolve(cwd, policy.path)), ...requestsOfTests(policy)];
  const allowed = candidates.find((request) => {
    const answer = createEngine(parts).decide(request);
    return answer.kind === "answer" && answer.value.decision === "allow";
  });
  return allowed ?? candidates[0] ?? sampleRequest(program);
}

function examplesBeside(path: string): unknown[] {
  const directory = join(path, "examples");
  if (!existsSync(directory) || !statSync(directory).isDirectory()) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .flatMap((name) => exampleIn(join(directory, name)));
}

/** Nothing that is served hangs on an example: one that cannot be read is none. */
function exampleIn(path: string): unknown[] {
  try {
    return [parseJson(readText(path, EXAMPLE_BYTES_MAX), path)];
  } catch (error) {
    if (error instanceof Misuse) return [];
    throw error;
  }
}

function requestsOfTests({ tests }: Policy): unknown[] {
  return tests.flatMap(({ steps }) =>
    steps.flatMap((step) =>
      step.kind === "decide" && step.expect?.decision === "allow" ? [step.request] : [],
    ),
  );
}
