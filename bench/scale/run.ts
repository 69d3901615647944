/**
 * `npm run bench:scale`: what one process, one machine and several processes on one Redis carry, and what a key costs; writes
 * docs/scaling.md. Takes two minutes, and needs redis-server. `--quick` takes little and writes nothing; `--redraw` writes the
 * document of the last run again.
 */
import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startRedis, type TestRedis } from "../../test/support/redis.ts";
import { measureAtOnce, openBareScript, type Speed } from "../bare-script.ts";
import type { LoadOrder, LoadReport } from "../http/load.ts";
import { readResults, writeDocument, writeResults } from "../kept.ts";
import { cpuUsOf, machineFacts } from "../machine.ts";
import { paymentOf, STATEFUL } from "../stateful.ts";
import { toldBy } from "../told.ts";
import type { ChildOrder, ChildReport } from "./child.ts";
import { document } from "./document.ts";
import type { Footprint, ScaleResults, Shared, Titled } from "./results.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    redraw: { type: "boolean", default: false },
  },
});

const ROOT = new URL("../../", import.meta.url);
const SECONDS = options.quick ? 0.5 : 5;
const CONNECTIONS = 64;
const SESSIONS = 2_000;
const PORT = 18_790;
const START_MS = 60_000;
const TRIES_MOST = 3;
/** What a service answers that has waited 50 ms for Redis. */
const TOO_LATE = '"code":"state_unavailable"';
/** Calls whose outcome nobody reports take room. */
const CALLS_MOST = 1_000_000;

if (options.redraw) publish(readResults<ScaleResults>("scale"));
else await main();

async function main(): Promise<void> {
  const began = performance.now();
  const inProcess = [
    await decideIn("memory", "in memory"),
    await decideIn("journal", "kept in a file"),
  ];
  const served = [
    ...(await serve("nothing kept", "--state", "memory", "--audit", "off")),
    ...(await serve("state kept in a file", "--audit", "off")),
    ...(await serve("state kept in a file, decisions recorded")),
  ];
  const redis = await startRedis();
  try {
    served.push(...(await serve("state in Redis, decisions recorded", "--state", redis.url)));
    const bareScript = await measureBareScript(redis.url);
    const shared: Shared[] = [];
    for (const processCount of [1, 2, 4]) shared.push(await decideTogether(processCount, redis));
    const footprints = await measureKeys(`${redis.url}-keys`);
    const seconds = Math.round((performance.now() - began) / 1_000);
    const results: ScaleResults = {
      machine: { ...machineFacts(), redis: redisVersion() },
      seconds,
      inProcess,
      served,
      shared,
      bareScript,
      footprints,
    };
    console.log(document(results));
    if (options.quick) return;
    writeResults("scale", results);
    publish(results);
  } finally {
    await redis.stop();
  }
}

async function decideIn(store: string, title: string): Promise<Titled> {
  console.error(`one process, ${title} …`);
  const { count, seconds, p50Us, p99Us, cpuUs } = await decideInChild({
    store,
    number: 0,
    seconds: SECONDS,
  });
  return { title, perSecond: count / seconds, p50Us, p99Us, cpuUs };
}

function decideInChild(order: ChildOrder): Promise<ChildReport> {
  return toldBy<ChildReport>(childOf("child.ts"), order);
}

async function decideTogether(processCount: number, redis: TestRedis): Promise<Shared> {
  console.error(`${processCount} on one Redis …`);
  const redisBefore = cpuUsOf(redis.pid);
  const reports = await Promise.all(
    Array.from({ length: processCount }, (_, number) =>
      decideInChild({ store: `${redis.url}-${processCount}`, number, seconds: SECONDS }),
    ),
  );
  const sum = (of: (report: ChildReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0);
  const most = (of: (report: ChildReport) => number) => Math.max(...reports.map(of));
  const count = sum((report) => report.all);
  return {
    processCount,
    perSecond: sum((report) => report.count / report.seconds),
    p50Us: most(({ p50Us }) => p50Us),
    p99Us: most(({ p99Us }) => p99Us),
    cpuUs: sum((report) => report.cpuUs) / processCount,
    redisCpuUs: (cpuUsOf(redis.pid) - redisBefore) / count,
  };
}

async function measureKeys(url: string): Promise<readonly Footprint[]> {
  console.error("keys …");
  return toldBy<readonly Footprint[]>(childOf("footprint.ts", ["--expose-gc"]), url);
}

async function measureBareScript(url: string): Promise<Speed> {
  const { ask, close } = await openBareScript(url);
  return measureAtOnce(ask, CONNECTIONS, SECONDS).finally(close);
}

function childOf(file: string, execArgv: string[] = []): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv });
}

/** `writ serve` as it comes, in a directory of its own; nothing where this machine is too busy for it to be measured. */
async function serve(title: string, ...words: readonly string[]): Promise<readonly Titled[]> {
  console.error(`writ serve, ${title} …`);
  const folder = mkdtempSync(join(tmpdir(), "writ-scale-"));
  mkdirSync(join(folder, "policy"));
  writeFileSync(join(folder, "policy/rules.writ"), STATEFUL);
  const writ = fileURLToPath(new URL("bin/writ.js", ROOT));
  const own = ["--no-test", "--port", String(PORT), "--state-keys", String(CALLS_MOST)];
  const args = [writ, "serve", ...own, ...words, "policy"];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  try {
    const order = orderOf();
    await untilItAnswers(order);
    // Whose code is cold, and shares a core with others, may take longer than state in Redis is waited for.
    await load({ ...order, seconds: SECONDS / 4 });
    for (let tries = 1; ; tries++) {
      await untilItAnswers(order);
      const before = cpuUsOf(child.pid);
      const report = await load({ ...order, seconds: SECONDS });
      const cpuUs = (cpuUsOf(child.pid) - before) / report.count;
      if (report.wrong === undefined) return [servedOf(title, report, cpuUs)];
      if (!report.wrong.includes(TOO_LATE)) throw new Error(`an answer is wrong: ${report.wrong}`);
      if (tries === TRIES_MOST) return [];
    }
  } finally {
    child.kill();
    if (child.exitCode === null) await once(child, "exit");
    rmSync(folder, { recursive: true });
  }
}

/** Decisions alone; each is allowed. */
function orderOf(): Omit<LoadOrder, "seconds"> {
  const bodies = Array.from({ length: SESSIONS }, (_, party) => JSON.stringify(paymentOf(party)));
  const expected = bodies.map(() => true);
  const allowed = { marker: '"decision":"allow"', expected };
  return { port: PORT, path: "/decide", bodies, allowed, connections: CONNECTIONS };
}

function load(order: LoadOrder): Promise<LoadReport> {
  return toldBy<LoadReport>(childOf("../http/load.ts"), order);
}

function servedOf(title: string, { perSecond, p50Ms, p99Ms }: LoadReport, cpuUs: number): Titled {
  return { title, perSecond, p50Us: p50Ms * 1_000, p99Us: p99Ms * 1_000, cpuUs };
}

async function untilItAnswers({ port }: Pick<LoadOrder, "port">): Promise<void> {
  const endMs = performance.now() + START_MS;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (performance.now() > endMs) throw new Error("the service did not come up");
    await sleep(50);
  }
}

function redisVersion(): string {
  const told = execFileSync("redis-server", ["--version"]).toString();
  return / v=(\S+)/.exec(told)?.[1] ?? "";
}

function publish(results: ScaleResults): void {
  writeDocument("docs/scaling.md", document(results));
}
