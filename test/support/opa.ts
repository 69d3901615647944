/** OPA itself, where there is one, and its SDK from npm: to decide what was written for them. */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { compile } from "../../lang/compile.ts";
import type { Program } from "../../lang/ir.ts";

/** The command, or `undefined` where it is not installed. */
export const opa = [process.env.OPA ?? "opa", join(homedir(), "go/bin/opa")].find(
  (path) => spawnSync(path, ["version"]).status === 0,
);

/** The same, where it was built to run WebAssembly (`go install -tags opa_wasm …`). */
export const opaWithWasm =
  opa !== undefined && /^WebAssembly: available$/m.test(String(spawnSync(opa, ["version"]).stdout))
    ? opa
    : undefined;

export interface LoadedModule {
  evaluate(input: unknown, entrypoint?: string): readonly { readonly result: unknown }[];
  setData(data: unknown): void;
  /** What the module and its host share. */
  readonly mem: { readonly buffer: ArrayBuffer };
}

export const { loadPolicySync } = createRequire(import.meta.url)("@open-policy-agent/opa-wasm") as {
  /** Bytes, or what they were compiled to. */
  loadPolicySync(module: object): LoadedModule;
};

/** Of `t.writ`; throws with the first thing that is wrong with it. */
export function programOf(text: string): Program {
  const { program, diagnostics } = compile({ directory: "t", files: [{ path: "t.writ", text }] });
  if (program === undefined) throw new Error(`${diagnostics[0]?.message}\n${text}`);
  return program;
}
