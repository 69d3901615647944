import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import type { ModuleAnswer } from "../../../engine/opa/answer.ts";
import type { ModuleSource } from "../../../engine/opa/open.ts";
import { createModulePool, type ModulePool, type Trouble } from "../../../engine/opa/pool.ts";
import { assemble, i32, RESULT } from "./assemble.ts";
import { LOOP } from "./hostile.ts";
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

test("a thread that computes without end is ended", async () => {
  const threads: Worker[] = [];
  const begun = (message: unknown) => void threads.push((message as { worker: Worker }).worker);
  subscribe("worker_threads", begun);
  onTestFinished(() => void unsubscribe("worker_threads", begun));
  const wasm = assemble({ bodies: { opa_eval: [...LOOP, ...i32(RESULT)] } });
  const { pool } = poolOf([{ wasm }], { isTrusted: true, deadlineMs: 100 });
  await pool.describe(0);
  const ended = Promise.race(threads.map((thread) => once(thread, "exit")));
  expect(await ask(pool, 0)).toMatchObject({ kind: "failed" });
  await ended;
}, 60_000);

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
