/** Where the policy comes from that is served: a directory, what `writ build` made of one, or a bundle that is fetched again and again. */
import {
  type Active,
  type ActivePolicy,
  createActive,
  type OperatedService,
} from "../../engine/active.ts";
import { digestOfProgram } from "../../engine/bundle.ts";
import type { ReloadStatus } from "../../engine/bundles/reload.ts";
import type { EvidenceSink } from "../../engine/evidence.ts";
import type { Ids } from "../../engine/ids.ts";
import type { Program } from "../../lang/ir.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { loadPolicy, type Policy, SIGNED_EXTENSION } from "../files.ts";
import { isOpaBundle, programOfNothing } from "../rego.ts";
import { count, painter } from "../terminal.ts";
import { failedTests } from "../tests.ts";
import { BUNDLE_OPTIONS, type BundleParts, type FoundBundle, findBundle } from "./bundle.ts";
import { findRego, followRego } from "./rego.ts";
import { warningsOf } from "./reloads.ts";
import { watchPolicy } from "./watch.ts";

export const POLICY_OPTIONS: readonly Option[] = [
  ...BUNDLE_OPTIONS,
  { name: "watch", help: "load POLICY again whenever its files change" },
  { name: "no-test", help: "load it even if its tests fail" },
];

/** What of an engine belongs to one policy; all else is shared by every engine of a service. */
export interface NamedPolicy {
  readonly program: Program;
  readonly digest: string;
  readonly revision?: string | undefined;
  /** The key that its bundle's signature was verified with; missing where nobody signed it. */
  readonly signedBy?: string;
}

export type MakePolicy = (policy: NamedPolicy) => ActivePolicy;

/** Decides by it once it can do so without a pause. */
export type ActivatePolicy = (policy: NamedPolicy) => Promise<void>;

export interface PolicyParts {
  readonly makeEngine: (policy: NamedPolicy) => OperatedService;
  /** Milliseconds since the Unix epoch, never backwards. */
  readonly now: () => number;
  readonly ids: Ids;
  /** Told of each policy that decides from now on. */
  readonly onSwap?: (next: ActivePolicy) => void;
  /** Into the audit log, where there is one. */
  readonly record?: BundleParts["record"];
  readonly evidence?: EvidenceSink | undefined;
}

export interface OpenedPolicy {
  readonly active: Active;
  /** Of the present policy; before there is one, of one that declares nothing, so that sessions can be ended. */
  readonly engine: () => OperatedService;
  /** What examples are taken from; missing where no policy was loaded from files. */
  readonly loaded?: Policy | undefined;
  /** Missing where nothing is reloaded. */
  readonly reloads?: (() => ReloadStatus) | undefined;
  /** Reloads from now on. */
  start(): void;
  stop(): Promise<void>;
}

/** A policy that was found fit to be served, or how to get one; nothing is open yet. */
export interface FoundPolicy {
  open(parts: PolicyParts): Promise<OpenedPolicy>;
}

/** `undefined` where there is none to serve: what is wrong has been said. */
export async function findPolicy(input: Input, io: Io): Promise<FoundPolicy | undefined> {
  const [path] = input.positionals;
  refuseMixed(path, input);
  if (path === undefined) {
    const source = input.values.get("bundle") ?? "";
    if (isOpaBundle(source, input)) return followRego(source, input, io);
    const found = findBundle(input, io);
    return { open: (parts) => openFound(found, prepare(parts), parts) };
  }
  if (isOpaBundle(path, input)) return findRego(path, input, io);
  const loaded = await loadTested(path, input, io);
  if (loaded === undefined) return undefined;
  return { open: (parts) => openLoaded(loaded, prepare(parts), input, io) };
}

interface Prepared extends Pick<OpenedPolicy, "active" | "engine"> {
  readonly make: MakePolicy;
  readonly activate: ActivatePolicy;
  /** What operators should know while decisions are made all the same. */
  warn(of: () => readonly string[]): void;
}

function prepare(parts: PolicyParts): Prepared {
  const make: MakePolicy = (policy) => ({ ...policy, service: parts.makeEngine(policy) });
  const nothing = parts.makeEngine({ program: programOfNothing(), digest: "" });
  let warnings = (): readonly string[] => [];
  const active = createActive({ ...parts, warnings: () => warnings() });
  return {
    active,
    engine: () => active.present()?.service ?? nothing,
    make,
    activate: async (policy) => {
      const next = make(policy);
      try {
        await next.service.warmUp?.();
      } catch (fault) {
        next.service.close?.();
        throw fault;
      }
      active.swap(next);
    },
    warn: (of) => {
      warnings = of;
    },
  };
}

async function openFound(
  found: FoundBundle,
  { active, engine, make, warn }: Prepared,
  { now, record }: PolicyParts,
): Promise<OpenedPolicy> {
  const { reloader, start, stop } = await found.open({ active, make, now, record });
  warn(() => warningsOf(reloader.status(), now()));
  const stopAll = async () => {
    await stop();
    active.close();
  };
  return { active, engine, reloads: reloader.status, start, stop: stopAll };
}

async function openLoaded(
  loaded: Policy,
  { active, engine, activate, warn }: Prepared,
  input: Input,
  io: Io,
): Promise<OpenedPolicy> {
  const { program, path } = loaded;
  await activate({ program, digest: digestOfProgram(program) });
  let stop = () => {};
  const start = () => {
    if (!input.flags.has("watch")) return;
    const watched = watchPolicy(path, input, io, { active, activate });
    stop = watched.stop;
    warn(() => {
      const because = watched.failing();
      return because === undefined ? [] : [`the latest change is not loaded: ${because}`];
    });
  };
  const stopAll = async () => {
    stop();
    active.close();
  };
  return { active, engine, loaded, start, stop: stopAll };
}

function refuseMixed(path: string | undefined, input: Input): void {
  const { values, flags, lists } = input;
  const bundled = values.has("bundle");
  if (path === undefined && !bundled) {
    throw new Misuse(
      "no policy is named",
      "usage: writ serve POLICY, or writ serve --bundle SOURCE --bundle-key FILE",
    );
  }
  if (path !== undefined && bundled) {
    throw new Misuse("`--bundle` and POLICY are two policies", "leave one out");
  }
  if (values.has("opa-wait") && !isOpaBundle(values.get("bundle") ?? "", input)) {
    throw new Misuse("`--opa-wait` is of the URL of a bundle of OPA's", "`--bundle URL`");
  }
  const ofBundles = BUNDLE_OPTIONS.map(({ name }) => name);
  const alone = ofBundles.find((name) => values.has(name) || flags.has(name) || lists.has(name));
  if (!bundled && alone !== undefined) {
    throw new Misuse(`\`--${alone}\` is of a bundle`, "`--bundle SOURCE`");
  }
  if (path?.endsWith(SIGNED_EXTENSION)) {
    throw new Misuse(
      "a signed bundle is served only once its signature was verified",
      `writ serve --bundle ${path} --bundle-key FILE`,
    );
  }
  if (!flags.has("watch")) return;
  if (bundled) throw new Misuse("a bundle is watched anyway", "leave `--watch` out");
  if (path?.endsWith(".json")) throw new Misuse("`--watch` is of a directory of `.writ` files");
}

async function loadTested(path: string, input: Input, io: Io): Promise<Policy | undefined> {
  const policy = await loadPolicy(path, io, input);
  if (policy === undefined || input.flags.has("no-test")) return policy;
  const failed = failedTests(policy);
  if (failed.length === 0) return policy;
  refuse(failed, input, io);
  return undefined;
}

function refuse(failed: readonly string[], { json }: Input, io: Io): void {
  if (json) {
    io.out(`${JSON.stringify({ event: "refused", failed })}\n`);
    return;
  }
  const title = painter(io)("red", "not served");
  io.err(`${title}: ${count(failed.length, "test")} of the policy failed\n`);
  for (const name of failed) io.err(`  ${name}\n`);
  io.err("see `writ test`\n");
}
