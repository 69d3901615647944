/** Whose tokens the service accepts. */
import { dirname, resolve } from "node:path";
import type { Clock } from "../../engine/clock.ts";
import { messageOf } from "../../engine/fault.ts";
import type { DecisionService } from "../../engine/http/index.ts";
import { type IdentityConfig, readIdentityConfig } from "../../engine/identity/config.ts";
import type { KeysConfig } from "../../engine/identity/config-parts.ts";
import {
  createIdentity,
  type Identity,
  type RestingIdentity,
} from "../../engine/identity/identity.ts";
import type { Issuer } from "../../engine/identity/issuer.ts";
import type { KeySource } from "../../engine/identity/keys.ts";
import { type OpenParts, openIssuers } from "../../engine/identity/open.ts";
import type { Revocations } from "../../engine/identity/revocation.ts";
import { identified } from "../../engine/identity/service.ts";
import { createStatuses, type Statuses } from "../../engine/status/statuses.ts";
import type { Granter } from "../../engine/tasks/start.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { readSettingsFile } from "../settings-file.ts";
import { issuerOf } from "./tasks.ts";

export const IDENTITY_OPTIONS: readonly Option[] = [
  {
    name: "identity",
    value: "FILE",
    help: "whose delegation tokens are accepted (docs/delegation.md)",
  },
];

interface IdentityOpening {
  readonly clock: Clock;
  readonly revocations: Revocations;
  /** Whose grants of tasks are accepted, beside what `--identity` names. */
  readonly granter: Granter | undefined;
}

/** `undefined` where no tokens are accepted. */
export async function openServiceIdentity(
  { clock, revocations, granter }: IdentityOpening,
  { values }: Input,
  io: Io,
): Promise<RestingIdentity | undefined> {
  const path = values.get("identity");
  if (path === undefined && granter === undefined) return undefined;
  const issuers = path === undefined ? [] : await issuersIn(path, io);
  const own = granter === undefined ? [] : await ownIssuers(granter, issuers);
  const statuses = openStatuses(io);
  return createIdentity({
    issuers: [...issuers, ...own],
    clock,
    revocations,
    statuses,
    tasks: true,
  });
}

/** Around the service: where no tokens are accepted, requests with tokens are refused. */
export function withIdentity(
  service: DecisionService,
  identity: Identity | undefined,
  io: Io,
): DecisionService {
  if (identity === undefined) return service;
  return identified(service, {
    identity,
    onFault: (fault) => io.err(`fault while verifying tokens: ${messageOf(fault)}\n`),
  });
}

/** `tasks`: grants of tasks are looked at as well, though nobody here knows whether they still count. */
export async function openIdentity(
  path: string,
  clock: Clock | (() => number),
  io: Io,
  tasks = false,
): Promise<Identity> {
  const issuers = await issuersIn(path, io);
  return createIdentity({ issuers, clock, statuses: openStatuses(io), tasks });
}

/** The lists that tokens name: one that cannot be read is told. */
function openStatuses(io: Io): Statuses {
  return createStatuses({
    elapsedMs: () => performance.now(),
    onFault: ({ message }) => io.err(`${message}\n`),
  });
}

function issuersIn(path: string, io: Io): Promise<readonly Issuer[]> {
  return openSigners(path, readIdentityFile(path, io).issuers, openIssuers, io);
}

/** The service's own, which nobody else may speak for. */
async function ownIssuers(granter: Granter, others: readonly Issuer[]): Promise<readonly Issuer[]> {
  if (others.some(({ type, name }) => type === "link" && name === granter.name)) {
    throw new Misuse(`\`--identity\` has an issuer ${granter.name}, which is this service's own`);
  }
  const config = issuerOf(granter, others[0]?.workloads ?? []);
  return openIssuers([config], { directory: "", elapsedMs: () => 0, onFault: () => {} });
}

type Signer<Keys> = { readonly name: string; readonly keys: Keys };

/** Whose keys `path` names, with their keys. */
export async function openSigners<
  Config extends Signer<KeysConfig>,
  Opened extends Signer<KeySource>,
>(
  path: string,
  configs: readonly Config[],
  open: (configs: readonly Config[], parts: OpenParts) => Promise<readonly Opened[]>,
  io: Io,
): Promise<readonly Opened[]> {
  const faults: string[] = [];
  let isOpen = false;
  const opened = await open(configs, {
    directory: dirname(resolve(io.cwd, path)),
    elapsedMs: () => performance.now(),
    onFault: ({ message }) => {
      if (isOpen) io.err(`${message}\n`);
      else faults.push(message);
    },
  });
  isOpen = true;
  checkKeys(configs, opened, faults, io);
  return opened;
}

/** A file that is not there is a mistake; a provider that does not answer may do so in a minute. */
function checkKeys(
  configs: readonly Signer<KeysConfig>[],
  opened: readonly Signer<KeySource>[],
  faults: readonly string[],
  io: Io,
): void {
  const lacks = (kind: KeysConfig["kind"]) =>
    opened.some(({ keys }, at) => configs[at]?.keys.kind === kind && keys.current() === undefined);
  if (lacks("file")) throw new Misuse(faults.join("\n"));
  for (const fault of faults) io.err(`${fault}; its tokens are refused until it can be read\n`);
  for (const { name, keys } of opened) {
    for (const ignored of keys.current()?.ignored ?? []) io.err(`${name}: ignored ${ignored}\n`);
  }
}

export function readIdentityFile(path: string, { cwd }: Pick<Io, "cwd">): IdentityConfig {
  const read = readIdentityConfig(readSettingsFile(resolve(cwd, path), path));
  if (read.ok) return read;
  const said = read.problems.map(({ at, message }) => `\n  ${at || "it"} ${message}`).join("");
  throw new Misuse(`${path} is no identity configuration:${said}`, "see docs/delegation.md");
}
