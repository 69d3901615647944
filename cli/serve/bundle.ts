/** Serves a signed bundle that is fetched again and again, from a file or a URL. */
import { resolve } from "node:path";
import type { Active } from "../../engine/active.ts";
import type { OperatorAction } from "../../engine/audit/record.ts";
import type { Passed } from "../../engine/bundles/examine.ts";
import { type FloorStore, FloorUnreadable, openFloor } from "../../engine/bundles/floor.ts";
import { poll } from "../../engine/bundles/poll.ts";
import {
  createReloader,
  type ReloadEvent,
  type Reloader,
  type ReloadParts,
} from "../../engine/bundles/reload.ts";
import { type BundleSource, fileSource, urlSource } from "../../engine/bundles/source.ts";
import { createExaminer } from "../../engine/bundles/thread.ts";
import { readUrl } from "../../engine/egress/fetch.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { durationOf } from "../duration.ts";
import { verifyingKeys } from "../signing.ts";
import { HOME, openHome } from "./home.ts";
import type { MakePolicy } from "./policy.ts";
import { tellReload } from "./reloads.ts";

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

const FILE_INTERVAL_MS = 2_000;
const URL_INTERVAL_MS = 60_000;
const INTERVAL_MIN_MS = 100;
const GRACE_MS = 24 * 3_600_000;

/** A source and keys that are fit to be used; nothing is fetched yet. */
export interface FoundBundle {
  /** Decides by what its source holds; else by what was decided by last; else by nothing yet. */
  open(parts: BundleParts): Promise<ServedBundle>;
}

export function findBundle(input: Input, io: Io): FoundBundle {
  const { values, lists, flags } = input;
  const given = values.get("bundle") ?? "";
  const keys = verifyingKeys(lists.get("bundle-key") ?? [], io);
  if (keys.length === 0) {
    throw new Misuse(
      "a bundle is believed by its signature alone, and no key is named",
      "`--bundle-key FILE`: see `writ keys --help`",
    );
  }
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(given);
  const usualMs = isUrl ? URL_INTERVAL_MS : FILE_INTERVAL_MS;
  const found: Found = {
    source: isUrl ? sourceAt(given, flags) : fileSource(resolve(io.cwd, given), given),
    keys,
    intervalMs: durationIn(values, "bundle-interval", usualMs),
    graceMs: durationIn(values, "bundle-grace", GRACE_MS),
  };
  if (found.intervalMs < INTERVAL_MIN_MS) {
    throw new Misuse(`\`--bundle-interval\` is at least ${INTERVAL_MIN_MS}ms`);
  }
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
    prepare: ({ program, manifest: { digest, revision, serial } }) =>
      parts.make({ program, digest, revision: revision ?? String(serial) }),
    record: parts.record && ((passed) => recordActivation(passed, found.source, parts)),
    onEvent: (event) => {
      if (stopped) return;
      if (event.kind === "refused") recordRefusal(event, parts);
      tellReload(event, input, io);
    },
  });
  const isThere = await reloader.check();
  if (!isThere && floor.present() !== undefined) await reloader.startFromSaved();
  let stopPolling = () => {};
  return {
    reloader,
    start() {
      const check = () => reloader.check();
      stopPolling = poll({ intervalMs, random: Math.random, check, after });
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

/** Nothing was changed, so nothing waits for it; a log that cannot be written says so itself. */
function recordRefusal(
  { refusal, source }: Extract<ReloadEvent, { kind: "refused" }>,
  { record }: BundleParts,
): void {
  const { code, because } = refusal;
  const details = { source, code, because };
  record?.({ action: "bundle.refuse", by: "service", details }).catch(() => {});
}

export function sourceAt(given: string, flags: Input["flags"]): BundleSource {
  const reading = readUrl(given);
  if (reading.ok) return urlSource(reading.url, { privateNetworks: flags.has("bundle-private") });
  throw new Misuse(
    `\`--bundle ${given}\` ${reading.why}`,
    "https, or http to this machine; or the path of a file",
  );
}

function durationIn(values: Input["values"], name: string, otherwise: number): number {
  const given = values.get(name);
  return given === undefined ? otherwise : durationOf(given, name);
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

export function after(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
}
