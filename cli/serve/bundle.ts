/** Serves a signed bundle that is fetched again and again, from a file or a URL. */
import type { Active } from "../../engine/active.ts";
import type { OperatorAction } from "../../engine/audit/record.ts";
import type { Passed } from "../../engine/bundles/examine.ts";
import { type FloorStore, FloorUnreadable, openFloor } from "../../engine/bundles/floor.ts";
import { createReloader, type Reloader, type ReloadParts } from "../../engine/bundles/reload.ts";
import type { BundleSource } from "../../engine/bundles/source.ts";
import { createExaminer } from "../../engine/bundles/thread.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { durationOf } from "../duration.ts";
import { verifyingKeys } from "../signing.ts";
import { HOME, openHome } from "./home.ts";
import type { MakePolicy } from "./policy.ts";
import { recordRefusal, tellReload } from "./reloads.ts";
import { findSource, pollEvery } from "./source.ts";

export const BUNDLE_OPTIONS: readonly Option[] = [
  {
    name: "bundle",
    value: "SOURCE",
    help: "instead of POLICY: a signed bundle, a file or an https URL, fetched again when it changes; with --opa-key, one of OPA's",
  },
  {
    name: "bundle-key",
    value: "FILE",
    repeatable: true,
    help: "a public key that bundles may be signed with",
  },
  {
    name: "bundle-interval",
    value: "DURATION",
    help: "how often to look for a newer one (2s for a file, 60s for a URL)",
  },
  {
    name: "bundle-grace",
    value: "DURATION",
    help: "how long after it has expired a bundle is still decided by (24h)",
  },
  {
    name: "bundle-token-file",
    value: "FILE",
    help: "holds the bearer token that the bundle's server asks for; read anew at each request",
  },
  {
    name: "bundle-private",
    help: "let the URL lead into private networks, such as 10.0.0.0/8",
  },
];

export interface BundleParts {
  readonly active: Active;
  readonly make: MakePolicy;
  readonly now: () => number;
  /** Into the audit log, where there is one. */
  readonly record?: ((action: OperatorAction) => Promise<void>) | undefined;
}

export interface ServedBundle {
  readonly reloader: Reloader;
  start(): void;
  stop(): Promise<void>;
}

const GRACE_MS = 24 * 3_600_000;

/** A source and keys that are fit to be used; nothing is fetched yet. */
export interface FoundBundle {
  /** Decides by what its source holds; else by what was decided by last; else by nothing yet. */
  open(parts: BundleParts): Promise<ServedBundle>;
}

export function findBundle(input: Input, io: Io): FoundBundle {
  const keys = verifyingKeys(input.lists.get("bundle-key") ?? [], io);
  if (keys.length === 0) {
    throw new Misuse(
      "a bundle is believed by its signature alone, and no key is named",
      "`--bundle-key FILE`: see `writ keys --help`",
    );
  }
  const { source, intervalMs } = findSource(input.values.get("bundle") ?? "", input, io);
  const grace = input.values.get("bundle-grace");
  const graceMs = grace === undefined ? GRACE_MS : durationOf(grace, "bundle-grace");
  const found: Found = { source, keys, intervalMs, graceMs };
  return { open: (parts) => openBundle(found, parts, input, io) };
}

interface Found extends Pick<ReloadParts, "source" | "keys" | "graceMs"> {
  readonly intervalMs: number;
}

async function openBundle(
  { intervalMs, ...found }: Found,
  parts: BundleParts,
  input: Input,
  io: Io,
): Promise<ServedBundle> {
  const floor = floorIn(openHome(io.cwd));
  const examiner = createExaminer();
  let stopped = false;
  const reloader = createReloader({
    ...parts,
    ...found,
    examiner,
    floor,
    runsTests: !input.flags.has("no-test"),
    prepare: ({ program, keyId, manifest: { digest, revision, serial } }) =>
      parts.make({ program, digest, revision: revision ?? String(serial), signedBy: keyId }),
    record: parts.record && ((passed) => recordActivation(passed, found.source, parts)),
    onEvent: (event) => {
      if (stopped) return;
      if (event.kind === "refused") recordRefusal(event, parts.record);
      tellReload(event, input, io);
    },
  });
  const isThere = await reloader.check();
  if (!isThere && floor.present() !== undefined) await reloader.startFromSaved();
  let stopPolling = () => {};
  return {
    reloader,
    start() {
      stopPolling = pollEvery(intervalMs, () => reloader.check());
    },
    async stop() {
      stopped = true;
      stopPolling();
      await examiner.close();
    },
  };
}

async function recordActivation(
  { manifest, keyId }: Passed,
  { shown }: BundleSource,
  { record }: BundleParts,
): Promise<void> {
  const { package: name, digest, serial, revision } = manifest;
  const details = { source: shown, package: name, digest, serial, revision };
  await record?.({ action: "bundle.activate", by: keyId, details });
}

function floorIn(home: string): FloorStore {
  try {
    return openFloor(home);
  } catch (error) {
    if (!(error instanceof FloorUnreadable)) throw error;
    throw new Misuse(
      error.message,
      `an older bundle could be let in: see what happened, then remove it from ${HOME}`,
    );
  }
}
