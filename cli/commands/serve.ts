import { digestOfProgram } from "../../engine/bundle.ts";
import { createEngine, type Engine } from "../../engine/engine.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import type { EvidenceSink } from "../../engine/evidence.ts";
import {
  createServer,
  type Listening,
  measured,
  type ServerParts,
} from "../../engine/http/index.ts";
import type { Command, ExitCode, Input, Io } from "../command.ts";
import { loadPolicy, type Policy } from "../files.ts";
import { ADMIN_OPTIONS, openAdmin } from "../serve/admin.ts";
import { AUDIT_OPTIONS, openAudit, type ServedAudit } from "../serve/audit.ts";
import { DOORS_OPTIONS, readDoors } from "../serve/doors.ts";
import { curlFor, exampleFor } from "../serve/example.ts";
import { IDENTITY_OPTIONS, withIdentity } from "../serve/identity.ts";
import { LISTENING_OPTIONS, startListening } from "../serve/listening.ts";
import { count, painter } from "../terminal.ts";
import { failedTests } from "../tests.ts";

export const command: Command = {
  name: "serve",
  summary: "answer requests over HTTP",
  usage: "[options] POLICY",
  description: [
    "Loads POLICY, runs its tests, and answers `POST /decide` and `POST /outcome` until it is stopped by Ctrl-C or SIGTERM; requests under way are answered first. State is kept in this process, and ends with it.",
    "Every decision is recorded before its answer leaves; while nothing can be recorded, nothing is decided. `writ audit` reads the records.",
    "It listens on this machine only. Whoever can reach it can ask it: to be reached from others, put it behind something that says who asks, and use --allow-remote.",
    "With --json, prints one JSON document a line: one when it listens, then one for each request, without what was asked.",
    "Examples:\n  writ serve policies/payments\n  writ serve --port 0 --json payments.json",
  ],
  options: [
    ...LISTENING_OPTIONS,
    ...ADMIN_OPTIONS,
    ...AUDIT_OPTIONS,
    ...DOORS_OPTIONS,
    ...IDENTITY_OPTIONS,
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
  const audit = await openAudit(input, io);
  try {
    return await serveAudited(policy, audit, input, io);
  } finally {
    await audit.close();
  }
}

async function serveAudited(
  policy: Policy,
  audit: ServedAudit,
  input: Input,
  io: Io,
): Promise<ExitCode> {
  const { program } = policy;
  const digest = digestOfProgram(program);
  const doors = readDoors(input, io);
  const makeEngine = engineMaker(policy, digest, io);
  const engine = makeEngine(audit.evidence);
  const { service, measures } = measured(await withIdentity(audit.around(engine), input, io));
  const app = createServer({
    service,
    allowedHosts: [...(input.lists.get("allowed-host") ?? []), ...doors.allowedHosts],
    extend: doors.open(service),
    logger: loggerFor(input, io),
  });
  const listening = await startListening(app, input);
  const admin = await orStop(
    listening,
    openAdmin({ engine: () => engine, service, measures, ...audit.admin }, input, io),
  );
  const example = exampleFor(policy, () => makeEngine(), io);
  const curl = curlFor(example, listening.address);
  if (input.json) {
    const identity = { package: program.package, digest, rules: program.rules.length };
    io.out(
      `${JSON.stringify({ event: "listening", url: listening.address, admin: admin?.address, audit: audit.shown, policy: identity, curl })}\n`,
    );
  } else {
    const paint = painter(io);
    io.out(
      `${paint("bold", listening.address)} decides by ${program.package} (${count(program.rules.length, "rule")}, ${digest.slice(0, 19)}…)\n` +
        (admin === undefined
          ? ""
          : `operators: ${admin.address} (\`writ top\`, \`writ sessions\`)\n`) +
        `records: ${audit.shown}\n` +
        `\nAsk it:\n\n${curl}\n\n${paint("dim", "Ctrl-C stops it.")}\n`,
    );
  }
  const because = await Promise.race([io.stopped, listening.stopped, audit.ended]);
  await listening.stop();
  await admin?.stop();
  if (input.json) io.out(`${JSON.stringify({ event: "stopped", because })}\n`);
  return because === undefined ? 0 : 2;
}

/** What is open would keep the process alive. */
async function orStop<Opened>(listening: Listening, opening: Promise<Opened>): Promise<Opened> {
  try {
    return await opening;
  } catch (error) {
    await listening.stop();
    throw error;
  }
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

function engineMaker(
  { program }: Policy,
  digest: string,
  io: Io,
): (evidence?: EvidenceSink) => Engine {
  const evaluator = generateEvaluator(program);
  const onFault = (fault: unknown) => {
    io.err(`fault while deciding: ${fault instanceof Error ? fault.message : fault}\n`);
  };
  return (evidence) =>
    createEngine({
      program,
      digest,
      evaluator,
      onFault,
      ...(evidence === undefined ? {} : { evidence }),
    });
}

function loggerFor({ json }: Input, io: Io): NonNullable<ServerParts["logger"]> {
  if (!json) return false;
  // Where it listens is told once, with what is served.
  const write = (line: string) => void (line.includes('"msg":"Server listening') || io.out(line));
  return { level: "info", stream: { write } };
}
