/**
 * What keeping state costs: the same decisions on the memory store and on a journal, in process and over HTTP. A turn
 * of the event loop decides a batch and is then written; `median` is what one decision takes until it is made, `all`
 * what it takes with its share of the writing.
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
import { COUNTERS_ALONE, PARTIES, paymentOf, programFrom } from "./stateful.ts";

const SECONDS = 3;
const CLIENTS = 32;

interface Kept {
  readonly name: string;
  readonly engine: Engine;
  readonly service: DecisionService;
  flush(): void;
  close(): void;
}

function inMemory(): Kept {
  const engine = engineOn({ store: createMemoryStore() });
  return { name: "memory", engine, service: engine, flush: () => {}, close: () => {} };
}

function journalled(durability: "process" | "power"): Kept {
  const directory = mkdtempSync(join(tmpdir(), "writ-bench-"));
  const journal = openSqliteJournal({ path: join(directory, "state.db"), durability });
  const engine = engineOn(journal);
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

function engineOn({ store }: Pick<Journal, "store">): Engine {
  const program = programFrom(COUNTERS_ALONE);
  return createEngine({ program, digest: makeBundle({ program }).digest, store });
}

/** Turns of `batch` decisions each, whose outcomes are reported in the next turn. */
function inProcess({ engine, flush }: Kept, batch: number): { median: number; all: number } {
  const medians: number[] = [];
  let open: string[] = [];
  let [next, decided] = [0, 0];
  const turn = (): void => {
    for (const call of open) engine.outcome({ call, status: "ok" });
    open = [];
    const began = process.hrtime.bigint();
    for (let at = 0; at < batch; at++) {
      const answer = engine.decide(paymentOf(next++ % PARTIES));
      if (answer.kind !== "answer" || answer.value.call === undefined) throw new Error("refused");
      open.push(answer.value.call);
    }
    medians.push(Number(process.hrtime.bigint() - began) / 1_000 / batch);
    flush();
    decided += batch;
  };
  const warm = performance.now() + 1_000;
  while (performance.now() < warm) turn();
  [medians.length, decided] = [0, 0];
  const began = performance.now();
  while (performance.now() < began + SECONDS * 1_000) turn();
  const all = ((performance.now() - began) * 1_000) / decided;
  return { median: quantile(medians, 0.5), all };
}

async function overHttp({ service }: Kept): Promise<{ rate: number; p50: number; p99: number }> {
  const app = createServer({ service });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const times: number[] = [];
  const end = performance.now() + (SECONDS + 1) * 1_000;
  const client = async (first: number): Promise<void> => {
    for (let at = first; performance.now() < end; at += CLIENTS) {
      const began = performance.now();
      await post(`${url}/decide`, paymentOf(at % PARTIES), agent);
      if (began > end - SECONDS * 1_000) times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, at) => client(at)));
  agent.destroy();
  await app.close();
  return { rate: times.length / SECONDS, p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
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

if (import.meta.main) {
  for (const batch of [1, 16, 64]) {
    for (const kept of [inMemory(), journalled("process")]) {
      const { median, all } = inProcess(kept, batch);
      console.log(
        `in process, ${String(batch).padStart(2)} a turn  ${kept.name.padEnd(16)} median ${median.toFixed(2)} µs, all ${all.toFixed(2)} µs`,
      );
      kept.close();
    }
  }
  for (const kept of [inMemory(), journalled("process"), journalled("power")]) {
    const { rate, p50, p99 } = await overHttp(kept);
    console.log(
      `over HTTP, ${CLIENTS} clients  ${kept.name.padEnd(16)} ${rate.toFixed(0)}/s, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
    );
    kept.close();
  }
}
