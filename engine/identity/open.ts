/** A configuration → issuers whose keys can be asked for. */
import { resolve } from "node:path";
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
export async function openIssuers(
  configs: readonly IssuerConfig[],
  parts: OpenParts,
): Promise<readonly Issuer[]> {
  const issuers = configs.map((config) => ({ ...config, keys: sourceOf(config, parts) }));
  await Promise.all(issuers.map(({ keys }) => keys.refresh()));
  return issuers;
}

function sourceOf({ keys, type, name }: IssuerConfig, parts: OpenParts): KeySource {
  if (keys.kind === "fixed") return fixedKeys(keys.set);
  const isUrl = keys.kind === "url";
  return createKeySource({
    load: isUrl
      ? loadUrl(keys.url, keys.privateNetworks)
      : loadFile(resolve(parts.directory, keys.path)),
    use: type === "jwt-svid" ? "jwt-svid" : "sig",
    elapsedMs: parts.elapsedMs,
    onFault: ({ message }) => {
      const where = isUrl ? keys.url : keys.path;
      parts.onFault(new Error(`the keys of ${name} could not be read from ${where}: ${message}`));
    },
  });
}
