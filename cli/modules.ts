/** Imported modules of Rego: their files, and what they can decide. */
import { dirname, isAbsolute, join, resolve } from "node:path";
import { blockingPool } from "../engine/opa/blocking.ts";
import { readOpaBundle } from "../engine/opa/bundle.ts";
import { EVALUATION_LIMITS, MODULE_LIMITS } from "../engine/opa/limits.ts";
import type { ModuleSource } from "../engine/opa/open.ts";
import type { FoundModule, ResolveModule } from "../lang/modules.ts";
import { Misuse } from "./command.ts";

const FILE_BYTES_MAX = MODULE_LIMITS.byteCount + EVALUATION_LIMITS.dataBytes;

/** Bytes of a file of at most so many; throws `Misuse` where there are none. */
type Read = (file: string, bytesMax: number) => Uint8Array;

/** Finds modules as seen from the files of the package in `directory`; each is looked at once. */
export function moduleResolver(directory: string, readBytes: Read): ResolveModule {
  const known = new Map<string, FoundModule>();
  return (source, path) => {
    // A policy names its neighbours, not places of one machine.
    if (isAbsolute(path) || path.includes("\0")) {
      return {
        ok: false,
        why: "is named by a place of this machine; name it from where the policy is",
      };
    }
    const file = resolve(join(directory, dirname(source)), path);
    const found = known.get(file) ?? findModule(file, readBytes);
    known.set(file, found);
    return found;
  };
}

function findModule(file: string, readBytes: Read): FoundModule {
  const read = readModule(file, readBytes);
  if ("why" in read) return { ok: false, why: read.why };
  const { wasm, data } = read;
  const described = describe(read);
  if (!described.ok) return { ok: false, why: `cannot be run: ${described.why}` };
  const binary = {
    wasm: Buffer.from(wasm).toString("base64"),
    ...(data === undefined ? {} : { data: Buffer.from(data).toString("utf8") }),
  };
  return { ok: true, binary, entrypoints: described.entrypoints };
}

/** A module by itself, or the one of a bundle with its document. */
function readModule(file: string, readBytes: Read): ModuleSource | { readonly why: string } {
  let bytes: Uint8Array;
  try {
    bytes = readBytes(file, FILE_BYTES_MAX);
  } catch (error) {
    if (error instanceof Misuse) return { why: `cannot be read: ${error.message}` };
    throw error;
  }
  if (!/\.(?:tar\.gz|tgz)$/.test(file)) return { wasm: bytes };
  const reading = readOpaBundle(bytes);
  if (!reading.ok) return { why: reading.why };
  const [module, ...others] = new Set(reading.bundle.entrypoints.values());
  const isOne = module !== undefined && others.every(({ wasm }) => wasm === module.wasm);
  return isOne ? module : { why: "is a bundle of several modules: import one of them" };
}

/** In a process of its own: what it says of itself is asked of it. */
function describe(source: ModuleSource) {
  const pool = blockingPool({ modules: [source], deadlineMs: EVALUATION_LIMITS.deadlineMs });
  try {
    return pool.describe(0);
  } finally {
    pool.close();
  }
}
