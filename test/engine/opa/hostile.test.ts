/**
 * Hostile modules (`hostile.ts`) decide alone: every answer is a deny within the deadline, this process does other
 * things meanwhile, and a module beside them answers as it always does.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEngine } from "../../../engine/engine.ts";
import { decidedByRego } from "../../../engine/opa/alone.ts";
import { createModulePool, type ModulePool } from "../../../engine/opa/pool.ts";
import { programOf } from "../../support/engine.ts";
import { HOSTILE } from "./hostile.ts";
import { AUTHZ, asking, NOON_MS } from "./modules.ts";

/** Long enough for a busy machine to answer what is harmless, and for nobody to wait long for what is not. */
const DEADLINE_MS = 1_000;
const PLACES = [
  { place: "processes", isTrusted: false },
  { place: "threads", isTrusted: true },
];

const program = programOf("package none");
const request = JSON.parse(asking("read_file"));

/** The module alone decides, about one request after the other. */
function decider(pool: ModulePool, module: number, entrypoint: string) {
  const service = decidedByRego({
    pool: { ...pool, ask: (question) => pool.ask({ ...question, module }) },
    entrypoint,
    program,
    identity: { package: "hostile", digest: "sha256:0" },
    now: () => NOON_MS,
    ids: { decision: () => "d", call: () => "c" },
    calls: new Map(),
    operated: createEngine({ program, digest: "sha256:0" }),
  });
  return async () => await service.decide(request);
}

describe.each(PLACES)("in $place", ({ isTrusted }) => {
  // What the scan refuses is refused before it matters where; what only remembers hurts nobody who trusts it.
  const here = HOSTILE.filter(({ isKept, refusal }) =>
    isTrusted ? isKept === undefined : refusal === undefined,
  );
  let pool: ModulePool;
  beforeAll(() => {
    const modules = [AUTHZ, ...here.map(({ wasm }) => ({ wasm: wasm() }))];
    pool = createModulePool({ modules, deadlineMs: DEADLINE_MS, isTrusted, size: 1 });
  });
  afterAll(() => pool.close());

  test.each(here.map((one, index) => ({ ...one, module: index + 1 })))(
    "a module that $does denies, and the others answer",
    async ({ module, entrypoint = "a/allow", refusal, isUnfit }) => {
      const isLoaded = refusal === undefined && isUnfit === undefined;
      expect(await pool.describe(module)).toMatchObject({ ok: isLoaded });
      const decide = decider(pool, module, entrypoint);
      for (const _ of ["first", "second"]) {
        const { answer, lateMs, turns, ranOut } = await measured(decide);
        expect(answer).toMatchObject({ kind: "answer", value: { decision: "deny" } });
        // Nothing hid in its words that a terminal would take for orders.
        expect(JSON.stringify(answer)).toMatch(/^[\x20-\x7e’]*$/);
        // A loop of a second leaves this process free to do other things.
        if (ranOut) expect(turns).toBeGreaterThan(10);
        // The answer is there by the deadline; only who measures may be late.
        expect(lateMs).toBeLessThan(5_000);
        expect(await eventually(pool)).toEqual({ kind: "defined", value: true });
      }
    },
    120_000,
  );
});

test("the whole list is here", () => {
  const numbers = new Set(HOSTILE.flatMap(({ number }) => number ?? []));
  expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, at) => at + 1));
});

const figures = { lateMs: [] as number[], lagMs: [] as number[], rssMiB: [] as number[] };

/** An answer, how long after the deadline it came, and whether this process could do other things meanwhile. */
async function measured<Answer>(answering: () => Promise<Answer>) {
  const rssBefore = process.memoryUsage.rss();
  const lag = monitorEventLoopDelay({ resolution: 1 });
  lag.enable();
  const beganMs = performance.now();
  const answer = await answering();
  const tookMs = performance.now() - beganMs;
  const lateMs = Math.max(0, tookMs - DEADLINE_MS);
  lag.disable();
  figures.lateMs.push(lateMs);
  figures.lagMs.push(lag.count === 0 ? 0 : lag.max / 1e6);
  figures.rssMiB.push((process.memoryUsage.rss() - rssBefore) / 2 ** 20);
  return { answer, lateMs, turns: lag.count, ranOut: tookMs >= DEADLINE_MS };
}

afterAll(() => {
  const most = (of: readonly number[]) => Math.max(...of).toFixed(1);
  const { lateMs, lagMs, rssMiB } = figures;
  console.log(
    `${lateMs.length} answers of hostile modules: most after the deadline ${most(lateMs)} ms, ` +
      `longest turn ${most(lagMs)} ms, most memory +${most(rssMiB)} MiB`,
  );
});

/** What was ended is replaced, and loads everything again: on a busy machine that takes a while. */
async function eventually(pool: ModulePool) {
  const question = { entrypoint: "authz/allow", input: asking("read_file"), nowMs: NOON_MS };
  const untilMs = performance.now() + 60_000;
  for (;;) {
    const answer = await pool.ask({ ...question, module: 0 });
    if (answer.kind === "defined" || performance.now() > untilMs) return answer;
  }
}
