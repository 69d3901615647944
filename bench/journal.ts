/**
 * What keeping state costs: the same decisions on the memory store and on a journal, by turns in one run, so that a
 * busy machine slows both. In process a turn of the event loop decides a batch, and is then written; `decided` is what
 * one decision takes until it is made, `kept` what it takes with its outcome and its share of the writing, both
 * medians, and `cpu` the latter as processor time, mean. `--json` prints the same as JSON.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeBundle } from "../engine/bundle.ts";
import { durable } from "../engine/durable.ts";
import { createEngine, type Engine } from "../engine/engine.ts";
import { createServer } from "../engine/http/index.ts";
import type { DecisionService } from "../engine/http/service.ts";
import type { Journal } from "../engine/state/journal.ts";
import { createMemoryStore } from "../engine/state/memory.ts";
import { openSqliteJournal } from "../engine/state/sqlite/journal.ts";
import { quantile } from "./quantile.ts";
import { COUNTERS_ALONE, IN_TASK, PARTIES, paymentOf, programFrom, STATEFUL } from "./stateful.ts";

const SECONDS = 3;

interface Kept {
  readonly name: string;
  readonly engine: Engine;
  readonly service: DecisionService;
  flush(): void;
  close(): void;
}

function inMemory(text: string): Kept {
  const engine = engineOn(text, { store: createMemoryStore() });
  return { name: "memory", engine, service: engine, flush: () => {}, close: () => {} };
}

function journalled(text: string, durability: "process" | "power"): Kept {
  const directory = mkdtempSync(join(tmpdir(), "writ-bench-"));
  const journal = openSqliteJournal({ path: join(directory, "state.db"), durability });
  const engine = engineOn(text, journal);
  return {
    name: durability === "power" ? "journal, synced" : "journal",
    engine,
    service: durable(engine, journal),
    flush: () => journal.flush(),
    close: () => {
      journal.close();
      rmSync(directory, { recursive: true });
    },
  };
}

function engineOn(text: string, { store }: Pick<Journal, "store">): Engine {
  const program = programFrom(text);
  return createEngine({ program, digest: makeBundle({ program }).digest, store });
}

interface Turns {
  readonly store: string;
  readonly what: string;
  readonly batch: number;
  readonly decidedUs: number;
  readonly keptUs: number;
  readonly cpuUs: number;
}

const ROUND = 2_000;

/** Turns of `batch` decisions each, whose outcomes are reported in the next turn. */
function inProcess(what: string, text: string, more: object, batch: number): readonly Turns[] {
  const requests = Array.from({ length: PARTIES }, (_, party) => paymentOf(party, more));
  const stores = [inMemory(text), journalled(text, "process")];
  const runs = stores.map((kept) => turnsOf(kept, requests, batch));
  for (let warm = 0; warm < 10; warm++) for (const { round } of runs) round(false);
  const end = performance.now() + SECONDS * 1_000;
  while (performance.now() < end) for (const { round } of runs) round(true);
  for (const { close } of stores) close();
  return runs.map(({ told }) => ({ what, batch, ...told() }));
}

function turnsOf({ name, engine, flush }: Kept, requests: readonly object[], batch: number) {
  const [decided, kept]: [number[], number[]] = [[], []];
  let open: string[] = [];
  let [next, cpuUs, count] = [0, 0, 0];
  const turn = (isTimed: boolean): void => {
    const began = process.hrtime.bigint();
    for (const call of open) engine.outcome({ call, status: "ok" });
    open = [];
    const settled = process.hrtime.bigint();
    for (let at = 0; at < batch; at++) {
      const answer = engine.decide(requests[next++ % requests.length]);
      if (answer.kind !== "answer" || answer.value.call === undefined) throw new Error("refused");
      open.push(answer.value.call);
    }
    if (isTimed) decided.push(microsecondsSince(settled) / batch);
    flush();
    if (isTimed) kept.push(microsecondsSince(began) / batch);
  };
  const round = (isTimed: boolean): void => {
    const before = process.cpuUsage();
    for (let at = 0; at < ROUND; at += batch) turn(isTimed);
    const { user, system } = process.cpuUsage(before);
    if (isTimed) [cpuUs, count] = [cpuUs + user + system, count + ROUND];
  };
  const told = () => ({
    store: name,
    decidedUs: quantile(decided, 0.5),
    keptUs: quantile(kept, 0.5),
    cpuUs: cpuUs / count,
  });
  return { round, told };
}

function microsecondsSince(began: bigint): number {
  return Number(process.hrtime.bigint() - began) / 1_000;
}

interface Served {
  readonly store: string;
  readonly clients: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** In rounds of each store by turns. The clients are in this process too. */
async function overHttp(stores: readonly Kept[], clients: number): Promise<readonly Served[]> {
  const apps = stores.map(({ service }) => createServer({ service }));
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const all = await Promise.all(
    apps.map(async (app) => {
      const url = await app.listen({ host: "127.0.0.1", port: 0 });
      return roundsOf(`${url}/decide`, clients, agent);
    }),
  );
  for (const { round } of all) await round(false);
  for (let at = 0; at < SECONDS / ROUND_SECONDS; at++)
    for (const { round } of all) await round(true);
  agent.destroy();
  for (const app of apps) await app.close();
  return all.map(({ told }, at) => ({ store: stores[at]?.name ?? "", clients, ...told() }));
}

const ROUND_SECONDS = 0.25;

function roundsOf(url: string, clients: number, agent: Agent) {
  const times: number[] = [];
  let [next, seconds] = [0, 0];
  const round = async (isTimed: boolean): Promise<void> => {
    const start = performance.now();
    const client = async (): Promise<void> => {
      while (performance.now() < start + ROUND_SECONDS * 1_000) {
        const began = performance.now();
        await post(url, paymentOf(next++ % PARTIES), agent);
        if (isTimed) times.push(performance.now() - began);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
    if (isTimed) seconds += (performance.now() - start) / 1_000;
  };
  const told = () => ({
    perSecond: times.length / seconds,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
  });
  return { round, told };
}

function post(url: string, body: object, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const asking = request(url, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("end", resolve);
    });
    asking.on("error", reject);
    asking.end(JSON.stringify(body));
  });
}

function tellTurns({ what, batch, store, decidedUs, keptUs, cpuUs }: Turns): string {
  const figures = `decided ${decidedUs.toFixed(2)} µs, kept ${keptUs.toFixed(2)} µs, cpu ${cpuUs.toFixed(2)} µs`;
  return `${what}, ${String(batch).padStart(2)} a turn  ${store.padEnd(16)} ${figures}`;
}

function tellServed({ clients, store, perSecond, p50Ms, p99Ms }: Served): string {
  const figures = `${perSecond.toFixed(0)}/s, p50 ${p50Ms.toFixed(3)} ms, p99 ${p99Ms.toFixed(2)} ms`;
  return `over HTTP, ${clients} clients  ${store.padEnd(16)} ${figures}`;
}

if (import.meta.main) {
  const turns = [1, 16, 64].flatMap((batch) => [
    ...inProcess("counters", COUNTERS_ALONE, {}, batch),
    ...inProcess("counters, latch, task", STATEFUL, IN_TASK, batch),
  ]);
  const served: Served[] = [];
  for (const clients of [1, 32]) {
    const stores = [
      inMemory(COUNTERS_ALONE),
      journalled(COUNTERS_ALONE, "process"),
      journalled(COUNTERS_ALONE, "power"),
    ];
    served.push(...(await overHttp(stores, clients)));
    for (const { close } of stores) close();
  }
  if (process.argv.includes("--json")) console.log(JSON.stringify({ turns, served }, null, 2));
  else console.log([...turns.map(tellTurns), ...served.map(tellServed)].join("\n"));
}
