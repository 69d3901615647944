/**
 * OPA's bundles: a gzipped tar with compiled modules and the document that belongs to them. Read into memory,
 * nothing is written anywhere; Rego text in it is passed over. Pure but for inflating.
 */
import { gunzipSync } from "node:zlib";
import type { RefusalCode } from "../bundles/refusal.ts";
import { BundleRefused, isMembers, moduleText, readDocument } from "./bundle-document.ts";
import { readManifest, strayPlace } from "./bundle-manifest.ts";
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
    if (error instanceof BundleRefused) {
      return { ok: false, code: "malformed", why: error.message };
    }
    throw error;
  }
}

function filesIn(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const { name, data } of entriesIn(bytes)) {
    const path = name.replace(/^(?:\.?\/)+/, "");
    if (
      path === "" ||
      path.split("/").some((step) => step === "" || step === "." || step === "..")
    ) {
      throw new BundleRefused(`holds a file of the name ${JSON.stringify(name)}`);
    }
    if (files.has(path)) throw new BundleRefused(`holds \`${path}\` twice`);
    if (files.size >= FILES_MAX) throw new BundleRefused(`holds more than ${FILES_MAX} files`);
    files.set(path, data);
  }
  return files;
}

function entriesIn(bytes: Uint8Array): readonly TarFile[] {
  let archive: Uint8Array;
  try {
    archive = gunzipSync(bytes, { maxOutputLength: BUNDLE_BYTES_MAX });
  } catch {
    throw new BundleRefused(`is no gzipped archive of at most ${BUNDLE_BYTES_MAX} bytes`);
  }
  try {
    return readTar(archive);
  } catch (error) {
    if (error instanceof TarRefused) throw new BundleRefused(`is an archive that ${error.message}`);
    throw error;
  }
}

function bundleOf(files: ReadonlyMap<string, Uint8Array>): OpaBundle {
  if (files.has("patch.json")) throw new BundleRefused("is a delta, and needs what it changes");
  const { revision, modules, roots } = readManifest(files);
  const document = documentIn(files);
  const stray = strayPlace(document, roots);
  if (stray !== undefined) {
    throw new BundleRefused(`has data at \`${stray}\`, outside of its roots`);
  }
  const data = Buffer.from(moduleText(document));
  const entrypoints = [...modules].map(([entrypoint, module]) => {
    const found = files.get(module.replace(/^\//, ""));
    if (found === undefined) throw new BundleRefused(`does not hold \`${module}\``);
    return [entrypoint, { wasm: found, data }] as const;
  });
  if (entrypoints.length === 0) {
    throw new BundleRefused("names no compiled module: `opa build -t wasm -e …` makes one");
  }
  return { revision, entrypoints: new Map(entrypoints) };
}

/** Every `data.json` at the place that its directory says. */
function documentIn(files: ReadonlyMap<string, Uint8Array>): object {
  const document: Record<string, unknown> = Object.create(null);
  const paths = [...files.keys()].filter((path) => /(?:^|\/)data\.(?:json|ya?ml)$/.test(path));
  // Directories before what is in them, so that none overwrites another.
  for (const path of paths.sort((a, b) => a.split("/").length - b.split("/").length)) {
    const bytes = files.get(path) ?? new Uint8Array();
    put(document, path.split("/").slice(0, -1), readDocument(path, bytes));
  }
  return document;
}

function put(document: Record<string, unknown>, steps: readonly string[], value: unknown): void {
  if (!isMembers(value)) throw new BundleRefused("has data that is no object");
  let inside = document;
  for (const step of steps) {
    if (!(step in inside)) inside[step] = Object.create(null);
    const next = inside[step];
    if (!isMembers(next)) throw new BundleRefused("has data in two places");
    inside = next;
  }
  for (const [name, member] of Object.entries(value)) {
    if (name in inside) throw new BundleRefused("has data in two places");
    inside[name] = member;
  }
}
