/** A policy as the bundle that OPA loads (SPEC §11.7): `policy.wasm`, and a manifest that names its entrypoints. */
import { readFileSync } from "node:fs";
import { createTarGzip } from "nanotar";
import type { Program } from "../../../lang/ir.ts";
import { moduleEmitter } from "./emit.ts";
import type { PolicyInModule } from "./guest.ts";
import { guestScript } from "./guest-script.ts";

const RUNTIME = new URL("runtime/runtime.wasm", import.meta.url);

export const ENTRYPOINTS = ["writ/decision", "writ/allow"] as const;

/** Why there can be no module of a policy; `undefined` where there can. */
export function whyNotEmitted({ modules }: Program): string | undefined {
  const [first] = modules;
  return first === undefined
    ? undefined
    : "a module cannot hold the modules that `import rego` names";
}

/** What a module of the policy cannot decide, and denies. */
export function limitsOfModule({ tasks, readsOrigin }: Program): readonly string[] {
  return [
    ...(tasks.length > 0 ? ["a request that names a task is denied"] : []),
    ...(readsOrigin ? ["`origin` is not known: rules that need it do not permit"] : []),
  ];
}

export async function emitOpaBundle(policy: PolicyInModule): Promise<Uint8Array> {
  const emit = moduleEmitter({ runtime: readFileSync(RUNTIME), guest: await guestScript() });
  const manifest = {
    revision: policy.revision ?? policy.digest,
    // What is beside them is the host's: `data.writ.state`.
    roots: ENTRYPOINTS,
    wasm: ENTRYPOINTS.map((entrypoint) => ({ entrypoint, module: "/policy.wasm" })),
  };
  return createTarGzip([
    { name: "/.manifest", data: JSON.stringify(manifest) },
    { name: "/data.json", data: "{}" },
    { name: "/policy.wasm", data: emit(JSON.stringify(policy)) },
  ]);
}
