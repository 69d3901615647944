/** A bundle of OPA's that is served by itself: its Rego decides, and no policy of ours. */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import {
  type Active,
  type ActivePolicy,
  createActive,
  type OperatedService,
} from "../../engine/active.ts";
import { replace } from "../../engine/bundles/floor.ts";
import { type BundleSource, fileSource } from "../../engine/bundles/source.ts";
import { type Calls, decidedByRego } from "../../engine/opa/alone.ts";
import { createRegoChooser } from "../../engine/opa/chooser.ts";
import { type Follower, followBundle, type SavedBundle } from "../../engine/opa/follow.ts";
import { type OpenedRego, type OpeningParts, openRego } from "../../engine/opa/opened.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { durationOf } from "../duration.ts";
import { readBytes } from "../files.ts";
import {
  bundleKey,
  programOfNothing,
  programOfRego,
  REGO_BYTES_MAX,
  REGO_OPTIONS,
} from "../rego.ts";
import { HOME, openHome } from "./home.ts";
import { moduleDeadline, trusts } from "./modules.ts";
import type { FoundPolicy, OpenedPolicy, PolicyParts } from "./policy.ts";
import { recordRefusal, tellActivated, tellReload, warningsOf } from "./reloads.ts";
import { findSource, pollEvery } from "./source.ts";

export const SERVED_REGO_OPTIONS: readonly Option[] = [
  ...REGO_OPTIONS,
  {
    name: "opa-wait",
    value: "DURATION",
    help: "let the server of an OPA bundle hold requests back so long until there is a newer one",
  },
];

/** As long as servers and what stands between hold requests without giving them up. */
const WAIT_MAX_MS = 600_000;

/** Refused as a whole where its signature, its module or the entrypoint is not what it must be. */
export async function findRego(path: string, input: Input, io: Io): Promise<FoundPolicy> {
  if (input.values.has("opa-wait")) throw new Misuse("`--opa-wait` is of a bundle's URL");
  const bytes = readBytes(resolve(io.cwd, path), REGO_BYTES_MAX);
  const rego = await openRego(bytes, openingOf(path, input, io));
  if (!rego.ok) throw new Misuse(`the bundle ${JSON.stringify(path)}: ${rego.because}`);
  return {
    open: async (parts: PolicyParts): Promise<OpenedPolicy> => {
      const active = createActive(parts);
      const { engine, swap } = decidingBy(active, parts);
      swap(rego);
      return { active, engine, start: () => {}, stop: async () => active.close() };
    },
  };
}

/** Fetched again and again, and decided by while nothing newer is as it must be. */
export function followRego(given: string, input: Input, io: Io): FoundPolicy {
  const opening = openingOf(given, input, io);
  if (opening.key === undefined) {
    throw new Misuse(
      "a bundle that is fetched is believed by its signature alone, and no key is named",
      "`--opa-key FILE`, and `opa build --signing-key`",
    );
  }
  refuseOthers(input);
  const { source, isUrl, intervalMs } = findSource(given, input, io);
  const waitMs = waitOf(input, isUrl);
  return {
    open: async (parts: PolicyParts): Promise<OpenedPolicy> => {
      const warnings = () => warningsOf(follower.status(), parts.now());
      const active = createActive({ ...parts, warnings });
      const { engine, swap } = decidingBy(active, parts);
      const chooser = createRegoChooser();
      const follower: Follower = followBundle({
        source,
        waitMs,
        now: parts.now,
        open: (bytes) => openRego(bytes, opening, chooser.choose),
        saved: savedIn(openHome(io.cwd), source, opening),
        activate: async (rego, from) => {
          await recordActivation(rego, from, parts);
          tellActivated(swap(rego), "", input, io);
        },
        onEvent: (event) => {
          if (event.kind === "refused") recordRefusal(event, parts.record);
          tellReload(event, input, io);
        },
      });
      if (!(await follower.first())) await follower.startFromSaved();
      let stopPolling = () => {};
      const start = () => {
        stopPolling = pollEvery(intervalMs, () => follower.check());
      };
      const stop = async () => {
        follower.stop();
        stopPolling();
        active.close();
        await chooser.close();
      };
      return { active, engine, reloads: follower.status, start, stop };
    },
  };
}

/** One for each source and entrypoint: what was decided by for another is none for this one. */
function savedIn(home: string, { shown }: BundleSource, { entrypoint }: OpeningParts): SavedBundle {
  const of = createHash("sha256").update(JSON.stringify([shown, entrypoint ?? ""]));
  const name = `opa-${of.digest("hex").slice(0, 16)}.tar.gz`;
  const path = join(home, name);
  return {
    source: fileSource(path, join(HOME, name)),
    write: (bytes) => replace(path, bytes),
  };
}

/** Policies one after the other, which know each other's calls and sessions. */
function decidingBy(active: Active, parts: PolicyParts) {
  const operated = parts.makeEngine({ program: programOfNothing(), digest: "" });
  const calls: Calls = new Map();
  let present: OperatedService | undefined;
  return {
    engine: () => present ?? operated,
    swap: (rego: OpenedRego): ActivePolicy => {
      const { pool, entrypoint, digest, revision } = rego;
      const program = programOfRego(rego);
      const named = { package: program.package, digest };
      const identity = { ...named, ...(revision === undefined ? {} : { revision }) };
      const of = { ...parts, pool, entrypoint, program, identity, operated, calls };
      const service = { ...decidedByRego(of), close: pool.close };
      const policy = { program, digest, revision, entrypoint, service };
      active.swap(policy);
      present = service;
      return policy;
    },
  };
}

function openingOf(path: string, input: Input, io: Io): OpeningParts {
  const key = bundleKey(input, io);
  return {
    key,
    entrypoint: input.values.get("entrypoint"),
    deadlineMs: moduleDeadline(input),
    // One that it does not verify is not opened.
    isTrusted: trusts(input, key !== undefined),
    onTrouble: (why) => io.err(`${path}: ${why}\n`),
  };
}

/** Options of signed bundles that mean nothing here, and would be thought to do something. */
function refuseOthers({ values, lists, flags }: Input): void {
  if ((lists.get("bundle-key") ?? []).length > 0) {
    throw new Misuse("`--bundle-key` is of a bundle of `writ build`", "`--opa-key FILE`");
  }
  if (values.has("bundle-grace")) {
    throw new Misuse("`--bundle-grace` is of a bundle that expires", "a bundle of OPA's does not");
  }
  if (flags.has("no-test")) {
    throw new Misuse("`--no-test` is of tests", "a bundle of OPA's has none: `opa test`");
  }
}

function waitOf({ values }: Input, isUrl: boolean): number {
  const given = values.get("opa-wait");
  if (given === undefined) return 0;
  const waitMs = durationOf(given, "opa-wait");
  if (!isUrl) throw new Misuse("`--opa-wait` is of a bundle's URL");
  if (waitMs >= 1_000 && waitMs <= WAIT_MAX_MS) return waitMs;
  throw new Misuse("`--opa-wait` is from 1s to 10m");
}

async function recordActivation(
  { entrypoint, digest, revision }: OpenedRego,
  source: string,
  { record }: PolicyParts,
): Promise<void> {
  const details = { source, package: entrypoint.replaceAll("/", "."), digest, revision };
  await record?.({ action: "bundle.activate", by: "service", details });
}
