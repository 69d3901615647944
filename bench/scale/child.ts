/** One process that decides and reports outcomes as fast as it can, on the store that it is told, and says how fast that was. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { makeBundle } from "../../engine/bundle.ts";
import { createEngine, type Engine } from "../../engine/engine.ts";
import { createSharedEngine } from "../../engine/shared-engine.ts";
import { createMemoryStore } from "../../engine/state/memory.ts";
import { connectRedis } from "../../engine/state/redis/store.ts";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import { redisAt } from "../../test/support/redis-address.ts";
import { IN_TASK, PARTIES, paymentOf, programFrom, STATEFUL } from "../stateful.ts";
import { tell } from "../told.ts";

export interface ChildOrder {
  /** `memory`, `journal`, or a Redis's address. */
  readonly store: string;
  /** Which of several: each has people of its own. */
  readonly number: number;
  readonly seconds: number;
}

export interface ChildReport {
  readonly count: number;
  /** With those of before the clock. */
  readonly all: number;
  readonly seconds: number;
  readonly cpuUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const IN_FLIGHT = 64;
const WARM_UP_SECONDS = 1;

class Measured {
  readonly #histogram: RecordableHistogram = createHistogram();
  #count = 0;
  #before = 0;
  #beganMs = performance.now();
  #cpu = process.cpuUsage();

  begin(): void {
    this.#histogram.reset();
    this.#before = this.#count;
    this.#count = 0;
    this.#beganMs = performance.now();
    this.#cpu = process.cpuUsage();
  }

  took(ns: number, count: number): void {
    this.#histogram.record(Math.max(1, Math.round(ns / count)));
    this.#count += count;
  }

  report(): ChildReport {
    const { user, system } = process.cpuUsage(this.#cpu);
    const seconds = (performance.now() - this.#beganMs) / 1_000;
    const count = this.#count;
    const [p50Us = 0, p99Us = 0] = [50, 99].map((at) => this.#histogram.percentile(at) / 1_000);
    return {
      count,
      all: this.#before + count,
      seconds,
      cpuUs: (user + system) / count,
      p50Us,
      p99Us,
    };
  }
}

async function run({ store, number, seconds }: ChildOrder): Promise<ChildReport> {
  const program = programFrom(STATEFUL);
  const { digest } = makeBundle({ program });
  const request = (n: number) => paymentOf(number * PARTIES + (n % PARTIES), IN_TASK);
  if (store === "memory") {
    return inTurns(createEngine({ program, digest, store: createMemoryStore() }), request, seconds);
  }
  if (store !== "journal") {
    const shared = await connectRedis({ address: redisAt(store), timeoutMs: 10_000 });
    const engine = createSharedEngine({ program, digest, store: shared });
    return atOnce(engine, request, seconds).finally(() => shared.close());
  }
  const directory = mkdtempSync(join(tmpdir(), "writ-scale-"));
  const journal = openSqliteJournal({ path: join(directory, "state.db") });
  try {
    const engine = createEngine({ program, digest, store: journal.store });
    return inTurns(engine, request, seconds, () => journal.flush());
  } finally {
    journal.close();
    rmSync(directory, { recursive: true });
  }
}

/** Turns of the event loop in which so many decisions come; their outcomes come in the next. */
function inTurns(
  engine: Engine,
  request: (n: number) => object,
  seconds: number,
  flush = () => {},
): ChildReport {
  const measured = new Measured();
  let open: string[] = [];
  let next = 0;
  const forSeconds = (most: number) => {
    const endMs = performance.now() + most * 1_000;
    while (performance.now() < endMs) {
      for (const call of open) engine.outcome({ call, status: "ok" });
      open = [];
      const began = process.hrtime.bigint();
      for (let at = 0; at < IN_FLIGHT; at++) open.push(callOf(engine.decide(request(next++))));
      measured.took(Number(process.hrtime.bigint() - began), IN_FLIGHT);
      flush();
    }
  };
  forSeconds(WARM_UP_SECONDS);
  measured.begin();
  forSeconds(seconds);
  return measured.report();
}

/** So many at a time, each asking again as soon as it is answered. */
async function atOnce(
  engine: ReturnType<typeof createSharedEngine>,
  request: (n: number) => object,
  seconds: number,
): Promise<ChildReport> {
  const measured = new Measured();
  let next = 0;
  const forSeconds = async (most: number) => {
    const endMs = performance.now() + most * 1_000;
    const one = async () => {
      while (performance.now() < endMs) {
        const began = process.hrtime.bigint();
        const call = callOf(await engine.decide(request(next++)));
        measured.took(Number(process.hrtime.bigint() - began), 1);
        await engine.outcome({ call, status: "ok" });
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  };
  await forSeconds(WARM_UP_SECONDS);
  measured.begin();
  await forSeconds(seconds);
  return measured.report();
}

function callOf(answer: ReturnType<Engine["decide"]>): string {
  if (answer.kind === "answer" && answer.value.call !== undefined) return answer.value.call;
  throw new Error(`a call was refused: ${JSON.stringify(answer)}`);
}

tell(run);
