/**
 * Modules that OPA made, with a fault in them: some give other answers, some trap, loop or say nothing that can
 * be read. Whatever they do, they do it to a process of their own. `WRIT_MUTANTS=50000` runs so many; without it
 * as many as fit into the time that a test may take.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import type { ModuleAnswer } from "../../../engine/opa/answer.ts";
import type { ModuleSource } from "../../../engine/opa/open.ts";
import { createModulePool, type ModulePool } from "../../../engine/opa/pool.ts";
import { scanModule } from "../../../engine/opa/scan.ts";
import { randomFrom } from "../../differential/random.ts";
import type { SdkQuestion } from "../../support/sdk-answer.ts";
import { seedFrom } from "../../support/seed.ts";
import { AUTHZ, asking, NOON_MS } from "./modules.ts";
import { mutantsOf } from "./mutants.ts";

const GIVEN = process.env.WRIT_MUTANTS;
const COUNT = Number(GIVEN ?? 50_000);
const TIME_MS = GIVEN === undefined ? 40_000 : Number.POSITIVE_INFINITY;
/** Long enough for a busy machine to answer what is harmless. */
const DEADLINE_MS = 1_000;
/** Loaded into one pool, behind one that is as OPA made it. */
const TOGETHER = 40;

const TRUE = { kind: "defined", value: true } as const;
const ENTRYPOINT = "authz/allow";
/** With what OPA's own module answers. */
const QUESTIONS = [
  { input: asking("read_file"), allowed: true },
  { input: asking("send_money", { amount: 5000 }, "teller"), allowed: false },
];

function ask(pool: ModulePool, module: number, input: string): Promise<ModuleAnswer> {
  return pool.ask({ module, entrypoint: ENTRYPOINT, input, nowMs: NOON_MS });
}

interface Tally {
  made: number;
  scanned: number;
  loaded: number;
  /** Processes that were ended. */
  troubles: number;
  readonly answers: Record<"as before" | "otherwise" | "undefined" | "failed", number>;
  /** What is allowed that was not, and what the module itself gives as its answer. */
  readonly allowed: { readonly wasm: Uint8Array; readonly input: string }[];
}

test(
  "mutated modules answer for themselves, and nothing else is harmed",
  async () => {
    const seed = seedFrom("WRIT_MUTANTS_SEED");
    console.log(`WRIT_MUTANTS_SEED=${seed}`);
    const random = randomFrom(seed);
    const make = mutantsOf(AUTHZ.wasm);
    const tally: Tally = {
      made: 0,
      scanned: 0,
      loaded: 0,
      troubles: 0,
      answers: { "as before": 0, otherwise: 0, undefined: 0, failed: 0 },
      allowed: [],
    };
    const rssBefore = process.memoryUsage.rss();
    const lag = monitorEventLoopDelay({ resolution: 5 });
    lag.enable();
    const untilMs = performance.now() + TIME_MS;
    do {
      const batch: ModuleSource[] = [AUTHZ];
      while (batch.length <= TOGETHER && tally.made < COUNT) {
        const wasm = make(random);
        tally.made += 1;
        if (!scanModule(wasm).ok) continue;
        tally.scanned += 1;
        batch.push({ ...AUTHZ, wasm });
      }
      await run(batch, tally);
    } while (tally.made < COUNT && performance.now() < untilMs);
    lag.disable();
    const rssMiB = (process.memoryUsage.rss() - rssBefore) / 2 ** 20;
    const { allowed, ...counts } = tally;
    console.log(JSON.stringify({ ...counts, allowed: allowed.length }));
    console.log(
      `loop lag p99 ${(lag.percentile(99) / 1e6).toFixed(0)} ms, most ${(lag.max / 1e6).toFixed(0)} ms; ` +
        `memory +${rssMiB.toFixed(0)} MiB`,
    );
    expect(counts.loaded).toBeGreaterThan(0);
    expect(counts.answers["as before"]).toBeGreaterThan(0);
    // Ten times what 20,000 of them took.
    expect(rssMiB).toBeLessThan(512);
    // Loops of others are not waited for: half of all turns take no longer than a busy machine lets them.
    expect(lag.percentile(50) / 1e6).toBeLessThan(DEADLINE_MS);
    await confirm(allowed);
  },
  GIVEN === undefined ? 300_000 : 3 * 3_600_000,
);

async function run(batch: readonly ModuleSource[], tally: Tally): Promise<void> {
  const pool = createModulePool({
    modules: batch,
    deadlineMs: DEADLINE_MS,
    size: 1,
    onTrouble: () => {
      tally.troubles += 1;
    },
  });
  try {
    const described = await Promise.all(batch.map((_, module) => pool.describe(module)));
    tally.loaded += described.filter(({ ok }) => ok).length - 1;
    for (const [module, { wasm }] of batch.entries()) {
      if (module === 0) continue;
      for (const { input, allowed } of QUESTIONS) {
        const answer = await ask(pool, module, input);
        count(answer, allowed, tally);
        if (!allowed && answer.kind === "defined" && answer.value === true) {
          tally.allowed.push({ wasm, input });
        }
      }
    }
    // Beside all of them, the one without a fault says what it always does.
    expect(await eventually(pool)).toEqual(TRUE);
  } finally {
    pool.close();
  }
}

function count(answer: ModuleAnswer, allowed: boolean, { answers }: Tally): void {
  if (answer.kind !== "defined") answers[answer.kind] += 1;
  else answers[answer.value === allowed ? "as before" : "otherwise"] += 1;
}

/** A process that was ended is replaced, and loads everything again: on a busy machine that takes a while. */
async function eventually(pool: ModulePool): Promise<ModuleAnswer> {
  const untilMs = performance.now() + 90_000;
  for (;;) {
    const answer = await ask(pool, 0, asking("read_file"));
    if (answer.kind === "defined" || performance.now() > untilMs) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Every new allow is the module's own word: alone it says so again, and so does another host of the same ABI. */
async function confirm(allowed: Tally["allowed"]): Promise<void> {
  const said = { true: 0, "no answer": 0 };
  for (const { wasm, input } of allowed) {
    const pool = createModulePool({ modules: [{ ...AUTHZ, wasm }], deadlineMs: 20_000, size: 1 });
    await pool.describe(0);
    expect(await ask(pool, 0, input)).toEqual(TRUE);
    pool.close();
    const answer = await sdkAnswer(wasm, input);
    if (answer !== undefined) expect(answer).toEqual([{ result: true }]);
    said[answer === undefined ? "no answer" : "true"] += 1;
  }
  console.log(`new allows, as the SDK has them: ${JSON.stringify(said)}`);
}

/** `undefined` where the SDK fails or does not come to an end. */
function sdkAnswer(wasm: Uint8Array, input: string): Promise<unknown> {
  const question: SdkQuestion = {
    wasm,
    data: Buffer.from(AUTHZ.data ?? "{}").toString(),
    entrypoint: ENTRYPOINT,
    input,
    nowNs: NOON_MS * 1e6,
    clock: [12, 0, 0],
  };
  const worker = new Worker(new URL("../../support/sdk-answer.ts", import.meta.url), {
    workerData: question,
  });
  return new Promise((resolve) => {
    const end = (answer: unknown) => {
      clearTimeout(timer);
      void worker.terminate();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), 10_000);
    worker.once("error", () => end(undefined));
    worker.once("message", ({ answer }: { answer?: unknown }) => end(answer));
  });
}
