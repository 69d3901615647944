/**
 * OPA's bundles: a gzipped tar with compiled modules and the document that belongs to them. Read into memory,
 * nothing is written anywhere; Rego text in it is passed over. Pure but for inflating.
 */
import { gunzipSync } from "node:zlib";
import { parse as parseYaml } from "yaml";
import type { RefusalCode } from "../bundles/refusal.ts";
import { parseJsonText } from "../json-text.ts";
import { type BundleKey, signatureFault } from "./bundle-signature.ts";
import type { ModuleSource } from "./open.ts";
import { readTar, type TarFile, TarRefused } from "./tar.ts";

export interface OpaBundle {
  readonly revision: string | undefined;
  /** Entrypoints that the manifest names, with their module. */
  readonly entrypoints: ReadonlyMap<string, ModuleSource>;
}

export type BundleReading =
  | { readonly ok: true; readonly bundle: OpaBundle }
  | {
      readonly ok: false;
      readonly code: Extract<RefusalCode, "malformed" | "bad_signature">;
      /** What follows `the bundle`. */
      readonly why: string;
    };

/** Inflated; a bundle that is larger is refused as it grows. */
const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;
const FILES_MAX = 10_000;

/**
 * With a key, a bundle without a signature of it is refused; without one, a bundle that has signatures is: what
 * is signed is meant to be verified.
 */
export function readOpaBundle(bytes: Uint8Array, key?: BundleKey): BundleReading {
  try {
    const files = filesIn(bytes);
    const fault = signatureFault(files, key);
    if (fault !== undefined) return { ok: false, code: "bad_signature", why: fault };
    return { ok: true, bundle: bundleOf(files) };
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, code: "malformed", why: error.message };
    throw error;
  }
}

class Unreadable extends Error {}

function filesIn(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const { name, data } of entriesIn(bytes)) {
    const path = name.replace(/^(?:\.?\/)+/, "");
    if (
      path === "" ||
      path.split("/").some((step) => step === "" || step === "." || step === "..")
    ) {
      throw new Unreadable(`holds a file of the name ${JSON.stringify(name)}`);
    }
    if (files.has(path)) throw new Unreadable(`holds \`${path}\` twice`);
    if (files.size >= FILES_MAX) throw new Unreadable(`holds more than ${FILES_MAX} files`);
    files.set(path, data);
  }
  return files;
}

function entriesIn(bytes: Uint8Array): readonly TarFile[] {
  let archive: Uint8Array;
  try {
    archive = gunzipSync(bytes, { maxOutputLength: BUNDLE_BYTES_MAX });
  } catch {
    throw new Unreadable(`is no gzipped archive of at most ${BUNDLE_BYTES_MAX} bytes`);
  }
  try {
    return readTar(archive);
  } catch (error) {
    if (error instanceof TarRefused) throw new Unreadable(`is an archive that ${error.message}`);
    throw error;
  }
}

function bundleOf(files: ReadonlyMap<string, Uint8Array>): OpaBundle {
  if (files.has("patch.json")) throw new Unreadable("is a delta, and needs what it changes");
  const manifest = jsonIn(files, ".manifest") ?? {};
  const { revision, wasm } = manifest as Partial<Record<string, unknown>>;
  const data = Buffer.from(JSON.stringify(documentIn(files)));
  const named = Array.isArray(wasm) ? wasm.map(namedModule) : [];
  const entrypoints = named.map(({ entrypoint, module }) => {
    const found = files.get(module.replace(/^\//, ""));
    if (found === undefined) throw new Unreadable(`does not hold \`${module}\``);
    return [entrypoint, { wasm: found, data }] as const;
  });
  if (entrypoints.length === 0) {
    throw new Unreadable("names no compiled module: `opa build -t wasm -e …` makes one");
  }
  return {
    revision: typeof revision === "string" && revision !== "" ? revision : undefined,
    entrypoints: new Map(entrypoints),
  };
}

function namedModule(json: unknown): { readonly entrypoint: string; readonly module: string } {
  const { entrypoint, module } = (json ?? {}) as Partial<Record<string, unknown>>;
  if (typeof entrypoint !== "string" || typeof module !== "string") {
    throw new Unreadable("has a manifest that cannot be read");
  }
  return { entrypoint, module };
}

function jsonIn(files: ReadonlyMap<string, Uint8Array>, path: string): unknown {
  const bytes = files.get(path);
  if (bytes === undefined) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return /\.ya?ml$/.test(path) ? parseYaml(text, { maxAliasCount: 100 }) : parseJsonText(text);
  } catch {
    throw new Unreadable(`has a \`${path}\` that cannot be read`);
  }
}

/** Every `data.json` at the place that its directory says. */
function documentIn(files: ReadonlyMap<string, Uint8Array>): object {
  const document: Record<string, unknown> = Object.create(null);
  const paths = [...files.keys()].filter((path) => /(?:^|\/)data\.(?:json|ya?ml)$/.test(path));
  // Directories before what is in them, so that none overwrites another.
  for (const path of paths.sort((a, b) => a.split("/").length - b.split("/").length)) {
    put(document, path.split("/").slice(0, -1), jsonIn(files, path));
  }
  return document;
}

function put(document: Record<string, unknown>, steps: readonly string[], value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Unreadable("has data that is no object");
  }
  let inside = document;
  for (const step of steps) {
    if (!(step in inside)) inside[step] = Object.create(null);
    inside = inside[step] as Record<string, unknown>;
    if (typeof inside !== "object" || inside === null || Array.isArray(inside))
      throw new Unreadable("has data in two places");
  }
  for (const [name, member] of Object.entries(value)) {
    if (name in inside) throw new Unreadable("has data in two places");
    inside[name] = member;
  }
}
