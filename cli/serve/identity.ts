/** Whose tokens the service accepts. */
import { dirname, resolve } from "node:path";
import type { Clock } from "../../engine/clock.ts";
import type { DecisionService } from "../../engine/http/index.ts";
import { type IssuerConfig, readIdentityConfig } from "../../engine/identity/config.ts";
import { createIdentity, type Identity } from "../../engine/identity/identity.ts";
import type { Issuer } from "../../engine/identity/issuer.ts";
import { openIssuers } from "../../engine/identity/open.ts";
import type { Revocations } from "../../engine/identity/revocation.ts";
import { identified } from "../../engine/identity/service.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { readSettingsFile } from "../settings-file.ts";

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
}

/** Around the service: without `--identity`, requests with tokens are refused. */
export async function withIdentity(
  service: DecisionService,
  { clock, revocations }: IdentityOpening,
  { values }: Input,
  io: Io,
): Promise<DecisionService> {
  const path = values.get("identity");
  if (path === undefined) return service;
  const identity = await openIdentity(path, clock, io, revocations);
  return identified(service, {
    identity,
    onFault: (fault) => io.err(`fault while verifying tokens: ${messageOf(fault)}\n`),
  });
}

export async function openIdentity(
  path: string,
  clock: Clock | (() => number),
  io: Io,
  revocations?: Revocations,
): Promise<Identity> {
  const full = resolve(io.cwd, path);
  const configs = readConfigFile(full, path);
  const faults: string[] = [];
  let isOpen = false;
  const issuers = await openIssuers(configs, {
    directory: dirname(full),
    elapsedMs: () => performance.now(),
    onFault: ({ message }) => {
      if (isOpen) io.err(`${message}\n`);
      else faults.push(message);
    },
  });
  isOpen = true;
  checkKeys(configs, issuers, faults, io);
  return createIdentity({ issuers, clock, ...(revocations && { revocations }) });
}

/** A file that is not there is a mistake; a provider that does not answer may do so in a minute. */
function checkKeys(
  configs: readonly IssuerConfig[],
  issuers: readonly Issuer[],
  faults: readonly string[],
  io: Io,
): void {
  const lacks = (kind: IssuerConfig["keys"]["kind"]) =>
    issuers.some(({ keys }, at) => configs[at]?.keys.kind === kind && keys.current() === undefined);
  if (lacks("file")) throw new Misuse(faults.join("\n"));
  for (const fault of faults) io.err(`${fault}; its tokens are refused until it can be read\n`);
  for (const { name, keys } of issuers) {
    for (const ignored of keys.current()?.ignored ?? []) io.err(`${name}: ignored ${ignored}\n`);
  }
}

function readConfigFile(full: string, path: string): readonly IssuerConfig[] {
  const read = readIdentityConfig(readSettingsFile(full, path));
  if (read.ok) return read.issuers;
  const said = read.problems.map(({ at, message }) => `\n  ${at || "it"} ${message}`).join("");
  throw new Misuse(`${path} is no identity configuration:${said}`, "see docs/delegation.md");
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
