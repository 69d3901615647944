import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterAll, expect, onTestFinished, test } from "vitest";
import type { ModuleAnswer } from "../../../engine/opa/answer.ts";
import type { ModuleSource } from "../../../engine/opa/open.ts";
import { createModulePool, type ModulePool, type Trouble } from "../../../engine/opa/pool.ts";
import { assemble, type Changes, call, IMPORTED, i32, RESULT } from "./assemble.ts";
import { AUTHZ, asking, moduleNamed, NOON_MS } from "./modules.ts";

/** Long enough for a busy machine to answer what is harmless, and for nobody to wait long for what is not. */
const DEADLINE_MS = 1_000;

interface Opened {
  readonly pool: ModulePool;
  readonly troubles: readonly Trouble[];
}

function poolOf(
  modules: readonly ModuleSource[],
  { deadlineMs = DEADLINE_MS, isTrusted = false } = {},
): Opened {
  const troubles: Trouble[] = [];
  const pool = createModulePool({
    modules,
    deadlineMs,
    isTrusted,
    onTrouble: (one) => void troubles.push(one),
  });
  onTestFinished(() => pool.close());
  return { pool, troubles };
}

function ask(pool: ModulePool, module: number, entrypoint = "a/allow"): Promise<ModuleAnswer> {
  return pool.ask({ module, entrypoint, input: asking("read_file"), nowMs: NOON_MS });
}

const TRUE = { kind: "defined", value: true };

/** Where modules run: apart from the service, or, where they are trusted, within it. */
const PLACES = [
  { place: "processes", isTrusted: false },
  { place: "threads", isTrusted: true },
];

test.each(PLACES)("what $place load says what it has and needs, and answers", async (where) => {
  const { pool } = poolOf([AUTHZ, { wasm: moduleNamed("forbidden") }], where);
  expect(await pool.describe(0)).toMatchObject({
    ok: true,
    builtins: ["time.clock", "time.now_ns"],
  });
  expect(await pool.describe(1)).toEqual({
    ok: false,
    why: "it needs `http.send`, not supplied here",
  });
  expect(await ask(pool, 0, "authz/allow")).toEqual(TRUE);
  expect(await ask(pool, 0, "authz/nobody")).toMatchObject({ kind: "failed" });
  expect(await ask(pool, 1, "forbidden/allow")).toMatchObject({ kind: "failed" });
});

const LOOP = [0x03, 0x40, 0x0c, 0x00, 0x0b];
/** Grows by 16 pages until it gets no more, then goes on asking. */
const GROW = [0x03, 0x40, ...i32(16), 0x40, 0x00, 0x1a, 0x0c, 0x00, 0x0b];
/** Writes over all memory it can get, again and again. */
const FILL = [
  ...i32(400),
  0x40,
  0x00,
  0x1a,
  0x03,
  0x40,
  0x23,
  0x02,
  ...i32(0),
  0x36,
  0x02,
  0x00,
  0x23,
  0x02,
  ...i32(64),
  0x6a,
  0x24,
  0x02,
  0x0c,
  0x00,
  0x0b,
];
/** `opa_eval` calls itself. */
const RECURSE = [...Array.from({ length: 7 }, () => i32(0)).flat(), ...call(4)];
const builtin = (id: number) => [...i32(id), ...i32(0), ...call(IMPORTED.opa_builtin0), 0x1a];
const ABORT = [...i32(RESULT), ...call(IMPORTED.opa_abort), ...i32(RESULT)];

/** The hostile modules that the scan cannot tell from others (`scan.test.ts` has those it can). */
const HOSTILE: readonly (readonly [string, Changes])[] = [
  ["loops", { bodies: { opa_eval: [...LOOP, ...i32(RESULT)] } }],
  ["recurses without end", { bodies: { opa_eval: RECURSE } }],
  ["asks for memory without end", { bodies: { opa_eval: [...GROW, ...i32(RESULT)] } }],
  ["writes until its memory ends", { bodies: { opa_eval: [...FILL, ...i32(RESULT)] } }],
  ["points outside its memory", { bodies: { opa_eval: i32(0x7fffffff) } }],
  ["points before its memory", { bodies: { opa_eval: i32(-8) } }],
  ["points nowhere", { bodies: { opa_eval: i32(0) } }],
  ["does not end its result", { result: Array<number>(70_000).fill(0x20) }],
  ["gives a result of 70 KB", { result: `[{"result":"${"x".repeat(70_000)}"}]` }],
  [
    "gives a result 10,000 deep",
    { result: `[{"result":${"[".repeat(10_000)}${"]".repeat(10_000)}}]` },
  ],
  ["says a thing twice", { result: '[{"result":false,"result":true}]' }],
  ["says __proto__", { result: '[{"result":{"__proto__":true}}]' }],
  ["says what is not UTF-8", { result: [0x22, 0xff, 0x22, 0] }],
  ["says nothing that is JSON", { result: "true, more or less" }],
  ["says many things", { result: '[{"result":true},{"result":true}]' }],
  ["gives up with colours", { result: "\u001b[31m".repeat(10_000), bodies: { opa_eval: ABORT } }],
  [
    "asks for a builtin that it did not name",
    { bodies: { opa_eval: [...builtin(7), ...i32(RESULT)] } },
  ],
  ["asks for a builtin below zero", { bodies: { opa_eval: [...builtin(-1), ...i32(RESULT)] } }],
  [
    "asks for a builtin while it is answered",
    {
      bodies: {
        opa_eval: [...builtin(0), ...i32(RESULT)],
        opa_malloc: [...builtin(0), ...i32(32_768)],
      },
    },
  ],
  [
    "gives a builtin's answer no room",
    { bodies: { opa_eval: [...builtin(0), ...i32(RESULT)], opa_malloc: i32(0x7fffff00) } },
  ],
  ["divides by zero", { bodies: { opa_eval: [...i32(1), ...i32(0), 0x6d] } }],
  ["cannot go on", { bodies: { opa_eval: [0x00] } }],
  ["keeps its heap outside its memory", { bodies: { opa_heap_ptr_get: i32(0x7fffffff) } }],
];

const EVERYWHERE = HOSTILE.flatMap(([does, changes]) =>
  PLACES.map((where) => ({ ...where, does, changes })),
);

test.each(EVERYWHERE)(
  "in $place, a module that $does has no answer, and the others have theirs",
  async ({ changes, ...where }) => {
    const { pool } = poolOf([AUTHZ, { wasm: assemble(changes) }], where);
    expect(await pool.describe(1)).toMatchObject({ ok: true });
    const { answer, lateMs, turns } = await measured(() => ask(pool, 1));
    expect(answer).toMatchObject({ kind: "failed" });
    // Nothing hid in its words that a terminal would take for orders.
    expect(answer.kind === "failed" && /^[\x20-\x7e`’]*$/.test(answer.why)).toBe(true);
    expect(await eventually(pool)).toEqual(TRUE);
    // A loop of a second leaves this process free to do other things.
    if (answer.kind === "failed" && answer.why.includes("in time"))
      expect(turns).toBeGreaterThan(10);
    // The answer is there by the deadline; only who measures may be late.
    expect(lateMs).toBeLessThan(5_000);
  },
  30_000,
);

const figures = { lateMs: [] as number[], lagMs: [] as number[], rssMiB: [] as number[] };

/** An answer, how long after the deadline it came, and whether this process could do other things meanwhile. */
async function measured(answering: () => Promise<ModuleAnswer>) {
  const rssBefore = process.memoryUsage.rss();
  const lag = monitorEventLoopDelay({ resolution: 1 });
  lag.enable();
  const beganMs = performance.now();
  const answer = await answering();
  const lateMs = Math.max(0, performance.now() - beganMs - DEADLINE_MS);
  lag.disable();
  figures.lateMs.push(lateMs);
  figures.lagMs.push(lag.count === 0 ? 0 : lag.max / 1e6);
  figures.rssMiB.push((process.memoryUsage.rss() - rssBefore) / 2 ** 20);
  return { answer, lateMs, turns: lag.count };
}

afterAll(() => {
  const most = (of: readonly number[]) => Math.max(...of).toFixed(1);
  const { lateMs, lagMs, rssMiB } = figures;
  console.log(
    `${lateMs.length} hostile modules: most after the deadline ${most(lateMs)} ms, ` +
      `longest turn ${most(lagMs)} ms, most memory +${most(rssMiB)} MiB`,
  );
});

/** A process that was ended is replaced; meanwhile the other one answers. */
async function eventually(pool: ModulePool, module = 0): Promise<ModuleAnswer> {
  for (let tries = 0; tries < 20; tries += 1) {
    const answer = await ask(pool, module, "authz/allow");
    if (answer.kind === "defined") return answer;
  }
  return ask(pool, module, "authz/allow");
}

const UNFIT: readonly (readonly [string, Changes])[] = [
  ["loops before it begins", { start: LOOP }],
  ["stops before it begins", { start: [0x00] }],
  ["says what it has in 70 KB", { entrypoints: `{"${"a".repeat(70_000)}":0}` }],
  ["lists entrypoints that are no numbers", { entrypoints: '{"a/allow":"0"}' }],
  ["wants the network", { builtins: '{"http.send":0}' }],
  ["loops while it lists what it needs", { bodies: { builtins: [...LOOP, ...i32(0)] } }],
];

test.each(UNFIT.flatMap(([does, changes]) => PLACES.map((where) => ({ ...where, does, changes }))))(
  "in $place, a module that $does is never asked",
  async ({ changes, ...where }) => {
    const { pool } = poolOf([{ wasm: assemble(changes) }, AUTHZ], where);
    expect(await pool.describe(0)).toMatchObject({ ok: false });
    expect(await ask(pool, 0)).toMatchObject({ kind: "failed" });
    expect(await pool.describe(1)).toMatchObject({ ok: true });
    expect(await eventually(pool, 1)).toEqual(TRUE);
  },
  30_000,
);

test.each(PLACES)(
  "a module that ends three $place is left alone, and told of",
  async (where) => {
    const wasm = assemble({ bodies: { opa_eval: [...LOOP, ...i32(RESULT)] } });
    const { pool, troubles } = poolOf([{ wasm }], { ...where, deadlineMs: 100 });
    await pool.describe(0);
    while (troubles.length < 3) await ask(pool, 0);
    expect(await ask(pool, 0)).toEqual({
      kind: "failed",
      why: "it failed too often, and is left alone for a while",
    });
    expect(troubles).toHaveLength(3);
  },
  60_000,
);

test.each(PLACES)(
  "more questions than $place are all answered",
  async (where) => {
    const { pool } = poolOf([AUTHZ], { ...where, deadlineMs: 20_000 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ask(pool, 0, "authz/allow")),
    );
    expect(answers).toEqual(Array(50).fill(TRUE));
  },
  30_000,
);

test("what it knows of the world is the clock that it is given, and one reading of it", async () => {
  const { pool } = poolOf([{ wasm: moduleNamed("builtins") }], { deadlineMs: 20_000 });
  expect(await ask(pool, 0, "builtins/still")).toEqual(TRUE);
  expect(await ask(pool, 0, "builtins/undefined")).toEqual({ kind: "undefined" });
  // More than a double holds: there is no such number in a policy.
  expect(await ask(pool, 0, "builtins/now")).toMatchObject({ kind: "failed" });
}, 30_000);

test.each(PLACES)(
  "Rego of a thousand million steps has no answer in $place",
  async (where) => {
    const { pool } = poolOf([{ wasm: moduleNamed("builtins") }], { ...where, deadlineMs: 500 });
    await pool.describe(0);
    expect(await ask(pool, 0, "builtins/slow")).toMatchObject({ kind: "failed" });
  },
  30_000,
);

test.each(PLACES)("after closing, $place answer nothing", async (where) => {
  const { pool } = poolOf([AUTHZ], where);
  const asked = ask(pool, 0, "authz/allow");
  pool.close();
  expect(await asked).toMatchObject({ kind: "failed" });
  expect(await ask(pool, 0)).toMatchObject({ kind: "failed" });
  expect(await pool.describe(0)).toMatchObject({ ok: false });
});
