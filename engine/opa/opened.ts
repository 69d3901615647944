/** A bundle of OPA's from its bytes to a module that runs: signature, contents, entrypoint, the module itself. */
import { type Refusal, refuse } from "../bundles/refusal.ts";
import { digestOf } from "../canonical-json.ts";
import { readOpaBundle } from "./bundle.ts";
import type { BundleKey } from "./bundle-signature.ts";
import { sizeFault } from "./limits.ts";
import type { ModuleSource } from "./open.ts";
import { createModulePool, type Described, type ModulePool } from "./pool.ts";

export interface ChoosingParts {
  readonly key: BundleKey | undefined;
  /** Missing = the only one. */
  readonly entrypoint: string | undefined;
}

export interface OpeningParts extends ChoosingParts {
  readonly deadlineMs: number;
  /** Runs in threads of this process, and else in processes. */
  readonly isTrusted: boolean;
  readonly onTrouble: (why: string) => void;
}

/** What decides of a bundle that is as it must be; whether its module runs is still to be seen. */
export interface ChosenRego {
  readonly ok: true;
  readonly entrypoint: string;
  readonly source: ModuleSource;
  /** Of module, data and entrypoint: what decides. */
  readonly digest: string;
  readonly revision: string | undefined;
}

export interface OpenedRego extends ChosenRego {
  /** Whoever has it closes it. */
  readonly pool: ModulePool;
}

/** `choose` reads the bundle, which takes as long as it likes: a service that answers reads it in another thread. */
export async function openRego(
  bytes: Uint8Array,
  { deadlineMs, isTrusted, onTrouble, ...wanted }: OpeningParts,
  choose: (
    bytes: Uint8Array,
    parts: ChoosingParts,
  ) => ChosenRego | Refusal | Promise<ChosenRego | Refusal> = chooseRego,
): Promise<OpenedRego | Refusal> {
  const chosen = await choose(bytes, wanted);
  if (!chosen.ok) return chosen;
  const pool = createModulePool({
    modules: [chosen.source],
    deadlineMs,
    isTrusted,
    onTrouble: ({ why }) => onTrouble(why),
  });
  const unfit = unfitFor(chosen.entrypoint, await pool.describe(0));
  if (unfit === undefined) return { ...chosen, pool };
  pool.close();
  return refuse("no_program", unfit);
}

/** Why a module cannot decide: a manifest may name an entrypoint that its module does not have. */
export function unfitFor(entrypoint: string, described: Described): string | undefined {
  if (!described.ok) return notRun(described.why);
  if (described.entrypoints.includes(entrypoint)) return undefined;
  return `its module has no entrypoint \`${entrypoint}\``;
}

function notRun(why: string): string {
  return `its module cannot be run: ${why}`;
}

export function chooseRego(
  bytes: Uint8Array,
  { key, entrypoint: wanted }: ChoosingParts,
): ChosenRego | Refusal {
  const reading = readOpaBundle(bytes, key);
  if (!reading.ok) return refuse(reading.code, `it ${reading.why}`);
  const { entrypoints, revision } = reading.bundle;
  const names = [...entrypoints.keys()].sort();
  const entrypoint = wanted ?? (names.length === 1 ? names[0] : undefined);
  const source = entrypoint === undefined ? undefined : entrypoints.get(entrypoint);
  if (entrypoint === undefined || source === undefined) {
    const wrong = entrypoint === undefined ? "has several entrypoints" : `has no \`${entrypoint}\``;
    const help = `\`--entrypoint\` names one of ${names.join(", ")}`;
    return refuse("no_program", `it ${wrong}; ${help}`);
  }
  // Before it is handed on to what runs it, which takes as long as it is large.
  const tooLarge = sizeFault(source);
  if (tooLarge !== undefined) return refuse("no_program", notRun(tooLarge));
  const digest = digestOf({
    wasm: Buffer.from(source.wasm).toString("base64"),
    data: Buffer.from(source.data ?? "{}").toString("utf8"),
    entrypoint,
  });
  return { ok: true, entrypoint, source, digest, revision };
}
