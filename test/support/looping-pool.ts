/** A process that asks a module which loops, and waits far longer than anyone: to be killed meanwhile. */
import { createModulePool } from "../../engine/opa/pool.ts";
import { assemble, i32, RESULT } from "../engine/opa/assemble.ts";

const LOOP = [0x03, 0x40, 0x0c, 0x00, 0x0b];
const wasm = assemble({ bodies: { opa_eval: [...LOOP, ...i32(RESULT)] } });
const pool = createModulePool({ modules: [{ wasm }], deadlineMs: 600_000, size: 1 });
await pool.describe(0);
const asked = pool.ask({ module: 0, entrypoint: "a/allow", input: "{}", nowMs: 0 });
console.log("asked");
await asked;
