/** A configuration → issuers whose keys can be asked for. */
import { resolve } from "node:path";
import type { Transmitter, TransmitterConfig } from "../signals/transmitter.ts";
import type { IssuerConfig } from "./config.ts";
import type { Issuer } from "./issuer.ts";
import { createKeySource, fixedKeys, type KeySource, loadFile, loadUrl } from "./keys.ts";

export interface OpenParts {
  /** What file names are relative to. */
  readonly directory: string;
  /** Milliseconds on a clock that nobody sets. */
  readonly elapsedMs: () => number;
  /** Told of keys that could not be read, with where from. */
  readonly onFault: (fault: Error) => void;
}

/**
 * Reads every issuer's keys once. One that cannot be reached is reported, and its tokens are refused until it
 * can be.
 */
export function openIssuers(
  configs: readonly IssuerConfig[],
  parts: OpenParts,
): Promise<readonly Issuer[]> {
  return openKeys(configs, (config) => sourceOf(config, useOf(config), parts));
}

/** The same of those who push security events. */
export async function openTransmitters(
  configs: readonly TransmitterConfig[],
  parts: OpenParts,
): Promise<readonly Transmitter[]> {
  return openKeys(configs, (config) => sourceOf(config, "sig", parts));
}

async function openKeys<Config extends object>(
  configs: readonly Config[],
  source: (config: Config) => KeySource,
): Promise<readonly (Omit<Config, "keys"> & { readonly keys: KeySource })[]> {
  const opened = configs.map((config) => ({ ...config, keys: source(config) }));
  await Promise.all(opened.map(({ keys }) => keys.refresh()));
  return opened;
}

function useOf({ type }: IssuerConfig): string {
  return type === "jwt-svid" ? "jwt-svid" : "sig";
}

function sourceOf(
  { keys, name }: Pick<IssuerConfig, "keys" | "name">,
  use: string,
  parts: OpenParts,
): KeySource {
  if (keys.kind === "fixed") return fixedKeys(keys.set);
  const isUrl = keys.kind === "url";
  return createKeySource({
    load: isUrl
      ? loadUrl(keys.url, keys.privateNetworks)
      : loadFile(resolve(parts.directory, keys.path)),
    use,
    elapsedMs: parts.elapsedMs,
    onFault: ({ message }) => {
      const where = isUrl ? keys.url : keys.path;
      parts.onFault(new Error(`the keys of ${name} could not be read from ${where}: ${message}`));
    },
  });
}
