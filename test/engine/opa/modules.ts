/** Modules that OPA made of the Rego in `modules/` (`rebuild.sh`), and a context to evaluate them in. */
import { readFileSync } from "node:fs";
import type { BuiltinContext } from "../../../engine/opa/builtins/builtin.ts";
import type { ModuleSource } from "../../../engine/opa/open.ts";

export function moduleNamed(name: string): Uint8Array {
  return readFileSync(new URL(`modules/${name}.wasm`, import.meta.url));
}

export const AUTHZ: ModuleSource = {
  wasm: moduleNamed("authz"),
  data: readFileSync(new URL("modules/authz.json", import.meta.url)),
};

export const NOON_MS = Date.parse("2026-01-02T12:00:00Z");

/** The same for everyone who asks: tests must say the same at every run. */
export function contextAtNoon(): BuiltinContext {
  return {
    nowNs: BigInt(NOON_MS) * 1_000_000n,
    random: (count) => new Uint8Array(count).fill(7),
    kept: new Map(),
  };
}

/** A request as JSON. */
export function asking(tool: string, args: object = {}, agent = "bot"): string {
  return JSON.stringify({ agent: { id: agent }, tool: { name: tool, args } });
}
