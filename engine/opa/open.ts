/** A module from its bytes to something that answers: scanned, compiled, asked what it has and needs. */
import { randomBytes } from "node:crypto";
import type { BuiltinContext } from "./builtins/builtin.ts";
import { BUILTINS } from "./builtins/index.ts";
import { createHost, type Described, type Host } from "./host.ts";
import { sizeFault } from "./limits.ts";
import { Refused } from "./reader.ts";
import { scanModule } from "./scan.ts";
import { createWasmModule } from "./wasm.ts";

export interface ModuleSource {
  readonly wasm: Uint8Array;
  /** The document that belongs to it: JSON in UTF-8. */
  readonly data?: Uint8Array;
}

/** Throws `Refused`, or whatever the module did. To be called where the module may do its worst, or is trusted. */
export function openModule(source: ModuleSource, { reuse }: { reuse: boolean }): Host {
  const tooLarge = sizeFault(source);
  if (tooLarge !== undefined) throw new Refused(tooLarge);
  const { wasm, data } = source;
  const scan = scanModule(wasm);
  if (!scan.ok) throw new Refused(scan.why);
  const host = createHost({
    compiled: createWasmModule(wasm),
    scanned: scan.module,
    ...(data === undefined ? {} : { data }),
    builtins: BUILTINS,
    reuse,
  });
  const missing = missingBuiltins(host.described);
  if (missing.length > 0) {
    throw new Refused(
      `it needs ${missing.map((name) => `\`${name}\``).join(", ")}, not supplied here`,
    );
  }
  return host;
}

function missingBuiltins({ builtins }: Described): readonly string[] {
  return [...builtins.keys()].filter((name) => !BUILTINS.has(name)).sort();
}

/** What one evaluation knows of the world. */
export function contextAt(nowMs: number): BuiltinContext {
  return {
    nowNs: BigInt(Math.trunc(nowMs)) * 1_000_000n,
    random: (count) => randomBytes(count),
    kept: new Map(),
  };
}
