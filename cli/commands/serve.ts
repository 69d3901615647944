import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { digestOfProgram } from "../../engine/bundle.ts";
import { createEngine, type Engine } from "../../engine/engine.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import {
  createServer,
  DEFAULT_HOST,
  DEFAULT_PORT,
  type Listening,
  ListenRefused,
  listen,
  type ServerParts,
} from "../../engine/http/index.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { loadPolicy, type Policy, parseJson, readText } from "../files.ts";
import { count, painter } from "../terminal.ts";
import { failedTests } from "../tests.ts";

export const command: Command = {
  name: "serve",
  summary: "answer requests over HTTP",
  usage: "[options] POLICY",
  description: [
    "Loads POLICY, runs its tests, and answers `POST /decide` and `POST /outcome` until it is stopped by Ctrl-C or SIGTERM; requests under way are answered first. State is kept in this process, and ends with it.",
    "It listens on this machine only. Whoever can reach it can ask it: to be reached from others, put it behind something that says who asks, and use --allow-remote.",
    "With --json, prints one JSON document a line: one when it listens, then one for each request, without what was asked.",
    "Examples:\n  writ serve policies/payments\n  writ serve --port 0 --json payments.json",
  ],
  options: [
    { name: "host", value: "ADDRESS", help: `where to listen (${DEFAULT_HOST})` },
    { name: "port", value: "PORT", help: `0 takes any that is free (${DEFAULT_PORT})` },
    { name: "allow-remote", help: "listen where other machines can reach it" },
    {
      name: "allowed-host",
      value: "NAME",
      repeatable: true,
      help: "a name that it may be asked under, besides localhost",
    },
    { name: "no-test", help: "load it even if its tests fail" },
  ],
  positionals: { least: 1, most: 1 },
  run: serve,
};

async function serve(input: Input, io: Io): Promise<ExitCode> {
  const [path = ""] = input.positionals;
  const policy = await loadPolicy(path, io, input);
  if (policy === undefined) return 1;
  const failed = input.flags.has("no-test") ? [] : failedTests(policy);
  if (failed.length > 0) return refuse(failed, input, io);
  const { program } = policy;
  const digest = digestOfProgram(program);
  const makeEngine = engineMaker(policy, digest, io);
  const app = createServer({
    service: makeEngine(),
    allowedHosts: input.lists.get("allowed-host") ?? [],
    logger: loggerFor(input, io),
  });
  const listening = await startListening(app, input);
  const example = exampleFor(policy, makeEngine, io);
  const curl = `curl -s ${listening.address}/decide -H 'content-type: application/json' -w '\\n' -d ${quoteForShell(JSON.stringify(example))}`;
  if (input.json) {
    const identity = { package: program.package, digest, rules: program.rules.length };
    io.out(
      `${JSON.stringify({ event: "listening", url: listening.address, policy: identity, curl })}\n`,
    );
  } else {
    const paint = painter(io);
    io.out(
      `${paint("bold", listening.address)} decides by ${program.package} (${count(program.rules.length, "rule")}, ${digest.slice(0, 19)}…)\n\n` +
        `Ask it:\n\n${curl}\n\n${paint("dim", "Ctrl-C stops it.")}\n`,
    );
  }
  await Promise.race([io.stopped, listening.stopped]);
  await listening.stop();
  if (input.json) io.out(`${JSON.stringify({ event: "stopped" })}\n`);
  return 0;
}

function refuse(failed: readonly string[], { json }: Input, io: Io): ExitCode {
  if (json) io.out(`${JSON.stringify({ event: "refused", failed })}\n`);
  else {
    io.err(
      `${painter(io)("red", "not served")}: ${count(failed.length, "test")} of the policy failed\n`,
    );
    for (const name of failed) io.err(`  ${name}\n`);
    io.err("see `writ test`\n");
  }
  return 1;
}

function engineMaker({ program }: Policy, digest: string, io: Io): () => Engine {
  const evaluator = generateEvaluator(program);
  const onFault = (fault: unknown) => {
    io.err(`fault while deciding: ${fault instanceof Error ? fault.message : fault}\n`);
  };
  return () => createEngine({ program, digest, evaluator, onFault });
}

function loggerFor({ json }: Input, io: Io): NonNullable<ServerParts["logger"]> {
  if (!json) return false;
  // Where it listens is told once, with what is served.
  const write = (line: string) => void (line.includes('"msg":"Server listening') || io.out(line));
  return { level: "info", stream: { write } };
}

async function startListening(
  app: ReturnType<typeof createServer>,
  { values, flags }: Input,
): Promise<Listening> {
  const host = values.get("host") ?? DEFAULT_HOST;
  const port = portOf(values.get("port"));
  try {
    return await listen(app, {
      host,
      port,
      allowRemote: flags.has("allow-remote"),
      signals: false,
    });
  } catch (error) {
    if (error instanceof ListenRefused) throw new Misuse(error.message, "`--allow-remote`");
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") {
      throw new Misuse(
        `port ${port} of ${host} is taken`,
        "name another with `--port`; 0 takes any",
      );
    }
    if (code === "EACCES" || code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      throw new Misuse(`cannot listen on ${host}, port ${port}: ${String(code)}`);
    }
    throw error;
  }
}

function portOf(given: string | undefined): number {
  if (given === undefined) return DEFAULT_PORT;
  const port = Number(given);
  if (/^\d+$/.test(given) && port <= 65_535) return port;
  throw new Misuse(`\`--port\` is a number from 0 to 65535, not ${JSON.stringify(given)}`);
}

const EXAMPLE_BYTES_MAX = 64 * 1024;

/** A request worth trying: one that is allowed, if the policy shows any. */
function exampleFor(policy: Policy, makeEngine: () => Engine, { cwd }: Io): unknown {
  const candidates = [...examplesBeside(resolve(cwd, policy.path)), ...requestsOfTests(policy)];
  const allowed = candidates.find((request) => {
    const answer = makeEngine().decide(request);
    return answer.kind === "answer" && answer.value.decision === "allow";
  });
  const [tool] = policy.program.tools;
  return (
    allowed ?? candidates[0] ?? { agent: { id: "agent" }, tool: { name: tool?.wire ?? "tool" } }
  );
}

function examplesBeside(path: string): unknown[] {
  const directory = join(path, "examples");
  if (!existsSync(directory) || !statSync(directory).isDirectory()) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => parseJson(readText(join(directory, name), EXAMPLE_BYTES_MAX), name));
}

function requestsOfTests({ tests }: Policy): unknown[] {
  return tests.flatMap(({ steps }) =>
    steps.flatMap((step) =>
      step.kind === "decide" && step.expect?.decision === "allow" ? [step.request] : [],
    ),
  );
}

function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
