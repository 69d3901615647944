/** What a bundle of OPA's says of itself: which module answers for which entrypoint, and what it speaks of. Pure. */
import { BundleRefused, isMembers, readDocument } from "./bundle-document.ts";

export interface BundleManifest {
  readonly revision: string | undefined;
  /** The module, by its path, of each entrypoint. */
  readonly modules: ReadonlyMap<string, string>;
  /** Paths below `data` that the bundle may speak of; `[]` is one, and holds all others. */
  readonly roots: readonly (readonly string[])[];
}

/** The name ends so wherever it stands, as OPA has it: of two it is not clear which one counts. */
const MANIFEST = /\.manifest(?:\.pb)?$/;

export function readManifest(files: ReadonlyMap<string, Uint8Array>): BundleManifest {
  const [path, other] = [...files.keys()].filter((name) => MANIFEST.test(name));
  if (other !== undefined) {
    throw new BundleRefused(`has two manifests, \`${path}\` and \`${other}\``);
  }
  const bytes = files.get(".manifest");
  const json = bytes === undefined ? {} : readDocument(".manifest", bytes);
  if (!isMembers(json)) throw new BundleRefused(UNREADABLE);
  const { revision, wasm, roots } = json;
  const manifest = {
    revision: typeof revision === "string" && revision !== "" ? revision : undefined,
    modules: modulesNamed(wasm ?? []),
    roots: rootsNamed(roots ?? [""]),
  };
  const stray = [...manifest.modules.keys()].find(
    (entrypoint) => !isWithin(stepsOf(entrypoint), manifest.roots),
  );
  if (stray !== undefined) {
    throw new BundleRefused(`has the entrypoint \`${stray}\` outside of its roots`);
  }
  return manifest;
}

const UNREADABLE = "has a manifest that cannot be read";

function modulesNamed(json: unknown): ReadonlyMap<string, string> {
  const modules = new Map<string, string>();
  if (!Array.isArray(json)) throw new BundleRefused(UNREADABLE);
  for (const { entrypoint, module } of json.map((one) => (isMembers(one) ? one : {}))) {
    if (typeof entrypoint !== "string" || typeof module !== "string") {
      throw new BundleRefused(UNREADABLE);
    }
    if (modules.has(entrypoint)) {
      throw new BundleRefused(`names the entrypoint \`${entrypoint}\` twice`);
    }
    modules.set(entrypoint, module);
  }
  return modules;
}

function rootsNamed(json: unknown): BundleManifest["roots"] {
  if (!Array.isArray(json) || json.some((root) => typeof root !== "string")) {
    throw new BundleRefused(UNREADABLE);
  }
  const roots = json.map((root: string) => stepsOf(root.replace(/^\/+|\/+$/g, "")));
  const isTold = roots.some((root, index) => isWithin(root, roots.toSpliced(index, 1)));
  if (isTold) throw new BundleRefused("has roots within each other");
  return roots;
}

function stepsOf(path: string): readonly string[] {
  return path === "" ? [] : path.split("/");
}

function isWithin(path: readonly string[], roots: BundleManifest["roots"]): boolean {
  return roots.some((root) => root.every((step, index) => path[index] === step));
}

/** The first place of a document that is outside of `roots`, if any is. */
export function strayPlace(
  value: unknown,
  roots: BundleManifest["roots"],
  path: readonly string[] = [],
): string | undefined {
  if (isWithin(path, roots)) return undefined;
  const leadsToRoot = roots.some((root) => isWithin(root, [path]));
  if (!leadsToRoot || !isMembers(value)) return path.join("/");
  for (const [name, member] of Object.entries(value)) {
    const stray = strayPlace(member, roots, [...path, name]);
    if (stray !== undefined) return stray;
  }
  return undefined;
}
