/** Where bundles come from: a file, or a URL of the configuration. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { LookupFunction } from "node:net";
import { type Fetched, fetchBytes } from "../egress/fetch.ts";
import { SIGNED_BYTES_MAX } from "./signed.ts";

export interface BundleSource {
  /** As people call it. */
  readonly shown: string;
  /** `etag`: of what was fetched before; where it is still there, the answer is `same`. */
  fetch(etag: string | undefined, asking?: Asking): Promise<Fetched>;
}

/** How a server is asked; files have what they have. */
export interface Asking {
  readonly prefer: string;
  /** How long it may hold the answer back. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** A bundle of the greatest size arrives in less over 20 Mbit/s. */
const TIMEOUT_MS = 30_000;

export interface UrlSourceParts {
  readonly privateNetworks: boolean;
  /** What the server knows us by, read anew each time, since it is exchanged while we run; throws where there is none. */
  readonly token?: (() => string) | undefined;
  readonly lookup?: LookupFunction;
}

export function urlSource(
  url: URL,
  { privateNetworks, token, lookup }: UrlSourceParts,
): BundleSource {
  return {
    // A query may be a credential.
    shown: `${url.origin}${url.pathname}`,
    fetch: async (etag, asking) => {
      let shown: string | undefined;
      try {
        shown = token?.();
      } catch {
        return { kind: "failed", code: "unreachable", because: "the token for it cannot be read" };
      }
      return fetchBytes({
        url,
        privateNetworks,
        token: shown,
        etag,
        byteCountMax: SIGNED_BYTES_MAX,
        timeoutMs: TIMEOUT_MS + (asking?.waitMs ?? 0),
        prefer: asking?.prefer,
        signal: asking?.signal,
        lookup,
      });
    },
  };
}

/** What stands in for an ETag is which file it is, how long, and when it was written. */
export function fileSource(path: string, shown = path): BundleSource {
  return { shown, fetch: (etag) => readFile(path, etag) };
}

async function readFile(path: string, etag: string | undefined): Promise<Fetched> {
  const unreadable = (because: string): Fetched => ({
    kind: "failed",
    code: "unreachable",
    because,
  });
  try {
    // Opening a pipe would wait for its other end.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stat = await file.stat({ bigint: true });
      if (!stat.isFile()) return unreadable("it is no file");
      const found = [stat.dev, stat.ino, stat.size, stat.mtimeNs].join("-");
      if (found === etag) return { kind: "same" };
      if (stat.size > SIGNED_BYTES_MAX) {
        const because = `it has more than ${SIGNED_BYTES_MAX} bytes`;
        return { kind: "failed", code: "too_large", because };
      }
      return { kind: "body", bytes: await file.readFile(), etag: found };
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "it failed";
    return unreadable(`it cannot be read: ${code}`);
  }
}
