/**
 * `npm run bench:http`: servers on one policy and the same requests, each on one core and what asks on another, at
 * three sizes. `--quick` takes little and writes nothing; `--sizes 20,1000`, `--servers writ,opa` and `--seconds 2`
 * choose, and write nothing; `--redraw` writes the table of the last run again.
 */
import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readResults, writeDocument, writeResults } from "../kept.ts";
import { cpuUsOf, machineFacts } from "../machine.ts";
import { toldBy } from "../told.ts";
import { type BenchRequest, expectedFor, makeWorkload, type Workload } from "../workload.ts";
import { SERVERS, type Server } from "./contestants.ts";
import { document, summary } from "./document.ts";
import type { LoadOrder, LoadReport } from "./load.ts";
import type { HttpResult, HttpResults } from "./results.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    redraw: { type: "boolean", default: false },
    sizes: { type: "string" },
    servers: { type: "string" },
    seconds: { type: "string" },
  },
});

const LOAD = fileURLToPath(new URL("load.ts", import.meta.url));
const SIZES = [20, 1_000, 10_000];
const CONNECTIONS = 64;
/** At half load answers that are late must not keep others from being asked for. */
const OPEN_CONNECTIONS = 256;
/** So many variants of each of 200 requests, each in a session of its own: none is counted up to a limit. */
const VARIANTS = 100;
const START_MS = 180_000;
const FIRST_PORT = 18_700;
const SERVER_CORE = 0;
const LOAD_CORE = 1;

/** Of the server that runs now. */
let complaints = "";
const COMPLAINTS_LENGTH = 2_000;

const isPinned = cpus().length > 1 && hasTaskset();
if (!isPinned)
  console.error("servers and load share cores: figures say little (no `taskset`, or one core)");
if (options.redraw) publish(readResults<HttpResults>("http"));
else await main();

async function main(): Promise<void> {
  const seconds = Number(options.seconds ?? (options.quick ? 1 : 8));
  const sizes = options.sizes?.split(",").map(Number) ?? (options.quick ? [20] : SIZES);
  const names = options.servers?.split(",");
  const chosen = SERVERS.filter(({ name }) => names?.includes(name) ?? true);
  const began = performance.now();
  const measured: HttpResult[] = [];
  for (const size of sizes) {
    const workload = makeWorkload(size);
    for (const server of chosen) {
      if (server.isOnce === true && size !== sizes[0]) continue;
      const result = await measure(server, workload, seconds);
      if (result !== undefined) measured.push(result);
    }
  }
  const results: HttpResults = {
    machine: { ...machineFacts(), isPinned },
    seconds: Math.round((performance.now() - began) / 1_000),
    measured,
  };
  console.log(`\n${summary(results)}`);
  const isWhole = !options.quick && !options.sizes && !options.servers && !options.seconds;
  if (!isWhole) return;
  writeResults("http", results);
  publish(results);
}

async function measure(
  server: Server,
  workload: Workload,
  seconds: number,
): Promise<HttpResult | undefined> {
  const port = FIRST_PORT + 2 * SERVERS.indexOf(server);
  const folder = mkdtempSync(join(tmpdir(), "writ-bench-http-"));
  const command = server.command(port);
  if (command === undefined) return undefined;
  const ruleCount = workload.rules.length;
  console.log(`${server.title}, ${ruleCount} rules …`);
  const running = start(command, server.files(workload, port), folder, port);
  try {
    const order = orderFor(server, workload, port);
    await untilItAnswers(running, order);
    await ask({ ...order, connections: CONNECTIONS, seconds: Math.max(1, seconds / 2) });
    const cpuBefore = cpuUs(running);
    const full = await ask({ ...order, connections: CONNECTIONS, seconds });
    const cpuMicros = (cpuUs(running) - cpuBefore) / full.count;
    const perSecond = full.perSecond / 2;
    const half = await ask({ ...order, connections: OPEN_CONNECTIONS, seconds, perSecond });
    const { name, title, how } = server;
    return { server: name, title, how, ruleCount, full, half, cpuMicros };
  } finally {
    running.kill();
    if (running.exitCode === null) await once(running, "exit");
    rmSync(folder, { recursive: true, force: true });
  }
}

function start(
  command: readonly string[],
  files: ReadonlyMap<string, string>,
  folder: string,
  port: number,
): ChildProcess {
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const [program = "", ...words] = pinned(command, SERVER_CORE);
  const env = { ...process.env, PORT: String(port), NODE_ENV: "production", NO_COLOR: "1" };
  const child = spawn(program, words, { cwd: folder, env, stdio: ["ignore", "ignore", "pipe"] });
  // Told where it does not come up: some complain of every connection that a measurement ends.
  child.stderr.on("data", (text: Buffer) => {
    complaints = `${complaints}${text}`.slice(-COMPLAINTS_LENGTH);
  });
  return child;
}

function pinned(command: readonly string[], core: number): readonly string[] {
  return isPinned ? ["taskset", "-c", String(core), ...command] : command;
}

/** The same questions to all: each in sessions that have not called before, and answered as the policy means it. */
function orderFor(
  server: Server,
  workload: Workload,
  port: number,
): Omit<LoadOrder, "connections" | "seconds"> {
  const { rules, requests } = workload;
  const asked = Array.from({ length: VARIANTS }, (_, variant) =>
    requests.map((request): BenchRequest => {
      return { ...request, calls: 0, session: `${request.session}-${variant}` };
    }),
  ).flat();
  const { path, marker } = server;
  const bodies = asked.map((request) => JSON.stringify(server.body(request)));
  if (marker === undefined) return { port, path, bodies };
  const known = requests.map((request) => expectedFor(rules, { ...request, calls: 0 }).allowed);
  const expected = asked.map((_, at) => known[at % known.length] ?? false);
  return { port, path, bodies, allowed: { marker, expected } };
}

async function untilItAnswers(
  running: ChildProcess,
  order: Omit<LoadOrder, "connections" | "seconds">,
): Promise<void> {
  const endMs = performance.now() + START_MS;
  const body = order.bodies[0] ?? "";
  const url = `http://127.0.0.1:${order.port}${order.path}`;
  const headers = { "content-type": "application/json" };
  for (;;) {
    if (running.exitCode !== null) throw new Error(`the server ended: ${complaints}`);
    if (performance.now() > endMs) throw new Error(`the server did not come up: ${complaints}`);
    const answer = await fetch(url, { method: "POST", headers, body }).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(100);
  }
}

async function ask(order: LoadOrder): Promise<LoadReport> {
  const [execPath = process.execPath, ...execArgv] = pinned([process.execPath], LOAD_CORE);
  const child = fork(LOAD, [], { execPath, execArgv: [...execArgv] });
  const report = await toldBy<LoadReport>(child, order);
  if (report.wrong !== undefined) throw new Error(`an answer is wrong: ${report.wrong}`);
  return report;
}

/** Where the system does not tell, that is what the table says. */
function cpuUs({ pid }: ChildProcess): number {
  try {
    return cpuUsOf(pid);
  } catch {
    return Number.NaN;
  }
}

function hasTaskset(): boolean {
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function publish(results: HttpResults): void {
  writeDocument("docs/benchmarks-http.md", document(results));
}
