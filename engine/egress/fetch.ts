/**
 * Fetches what the configuration names (or sends it something), and nothing that a request names: https, or http to this machine. The
 * address is checked when it is connected to, so that no name leads elsewhere a moment later; redirects are not
 * followed, nothing is inflated, and time and size are bounded.
 */
import { lookup as lookupName } from "node:dns";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { type AllowedAddresses, refusalOfAddress } from "./address.ts";

export interface Fetching {
  readonly url: URL;
  /** Addresses such as 10.0.0.0/8 may be connected to. */
  readonly privateNetworks: boolean;
  /** Of what was fetched before: asks whether it is still the same. */
  readonly etag?: string | undefined;
  /** Sent there; missing = it is only asked. */
  readonly post?: { readonly contentType: string; readonly body: Uint8Array } | undefined;
  /** Of the answer. */
  readonly byteCountMax: number;
  /** For all of it. */
  readonly timeoutMs: number;
  /** The media type that is wanted; missing = any. */
  readonly accept?: string | undefined;
  /** Shown as a bearer token (RFC 6750); no redirect takes it elsewhere. */
  readonly token?: string | undefined;
  /** How the server may answer (RFC 7240). */
  readonly prefer?: string | undefined;
  /** Given up when this is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Missing = the machine's resolver. */
  readonly lookup?: LookupFunction | undefined;
}

export type Fetched =
  | {
      readonly kind: "body";
      readonly bytes: Uint8Array;
      readonly etag: string | undefined;
      readonly contentType?: string | undefined;
    }
  | { readonly kind: "same" }
  | {
      readonly kind: "failed";
      readonly code: "unreachable" | "too_large";
      readonly because: string;
    };

export type UrlReading =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly why: string };

/** A URL as the configuration may name one. */
export function readUrl(text: string): UrlReading {
  if (!URL.canParse(text)) return { ok: false, why: "is no URL" };
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    return { ok: false, why: "holds a user or a password" };
  }
  if (url.hash !== "") return { ok: false, why: "has a `#`, which is never sent" };
  if (url.protocol === "https:") return { ok: true, url };
  if (url.protocol === "http:" && namesThisMachine(url)) return { ok: true, url };
  if (url.protocol === "http:") return { ok: false, why: "is not https, and not of this machine" };
  return { ok: false, why: `is \`${url.protocol}\`, and https is wanted` };
}

export async function fetchBytes(fetching: Fetching): Promise<Fetched> {
  const timeout = AbortSignal.timeout(fetching.timeoutMs);
  const signals = fetching.signal === undefined ? [timeout] : [timeout, fetching.signal];
  try {
    return await ask(fetching, AbortSignal.any(signals));
  } catch (error) {
    const because = timeout.aborted
      ? `it took longer than ${fetching.timeoutMs / 1_000} s`
      : whyFailed(error);
    return { kind: "failed", code: "unreachable", because };
  }
}

class Refused extends Error {}

function ask(fetching: Fetching, signal: AbortSignal): Promise<Fetched> {
  const { url, etag, post, token, prefer, accept = "*/*" } = fetching;
  const allowed: AllowedAddresses = {
    loopback: namesThisMachine(url) ? "only" : "never",
    privateNetworks: fetching.privateNetworks,
  };
  const literal = hostOf(url);
  const refusal = isIP(literal) === 0 ? undefined : refusalOfAddress(literal, allowed);
  if (refusal !== undefined) throw new Refused(`${literal} ${refusal}`);
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      method: post === undefined ? "GET" : "POST",
      agent: false,
      signal,
      rejectUnauthorized: true,
      lookup: checkedLookup(fetching.lookup ?? lookupName, allowed),
      headers: {
        accept,
        "accept-encoding": "identity",
        "user-agent": "writ",
        ...(etag === undefined ? {} : { "if-none-match": etag }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(prefer === undefined ? {} : { prefer }),
        ...(post === undefined
          ? {}
          : { "content-type": post.contentType, "content-length": post.body.byteLength }),
      },
    });
    asked.on("error", reject);
    asked.on("response", (response) => {
      read(response, fetching).then(resolve, reject);
    });
    asked.end(post?.body);
  });
}

async function read(
  response: IncomingMessage,
  { etag: asked, byteCountMax }: Fetching,
): Promise<Fetched> {
  const { statusCode = 0, headers } = response;
  const stop = (code: "unreachable" | "too_large", because: string): Fetched => {
    response.destroy();
    return { kind: "failed", code, because };
  };
  // Of a caller that has nothing yet, it would be taken for what is there.
  if (statusCode === 304 && asked !== undefined) {
    response.resume();
    return { kind: "same" };
  }
  if (statusCode >= 300 && statusCode < 400 && statusCode !== 304) {
    return stop("unreachable", `it leads elsewhere (${statusCode}), which is not followed`);
  }
  if (statusCode !== 200) return stop("unreachable", `it was answered with ${statusCode}`);
  if (!["", "identity"].includes(headers["content-encoding"] ?? "")) {
    return stop("unreachable", "it is compressed, which is not undone");
  }
  const tooLarge = `it has more than ${byteCountMax} bytes`;
  if (Number(headers["content-length"] ?? 0) > byteCountMax) return stop("too_large", tooLarge);
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    byteCount += chunk.length;
    if (byteCount > byteCountMax) return stop("too_large", tooLarge);
    chunks.push(chunk);
  }
  const { etag, "content-type": contentType } = headers;
  return { kind: "body", bytes: Buffer.concat(chunks), etag, contentType };
}

/** One address that is refused refuses all: which of them is connected to is not ours to choose. */
function checkedLookup(lookup: LookupFunction, allowed: AllowedAddresses): LookupFunction {
  return (name, options, done) => {
    lookup(name, options, (error, addresses, family) => {
      if (error !== null) {
        done(error, addresses, family);
        return;
      }
      const found = typeof addresses === "string" ? [{ address: addresses }] : addresses;
      for (const { address } of found) {
        const refusal = refusalOfAddress(address, allowed);
        if (refusal === undefined) continue;
        done(new Refused(`${name} is ${address}, which ${refusal}`), "");
        return;
      }
      done(null, addresses, family);
    });
  };
}

function namesThisMachine(url: URL): boolean {
  const host = hostOf(url);
  if (host === "localhost") return true;
  return isIP(host) !== 0 && refusalOfAddress(host, ONLY_LOOPBACK) === undefined;
}

const ONLY_LOOPBACK: AllowedAddresses = { loopback: "only", privateNetworks: false };

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

/** What the system says may quote what it was given; its codes do not. */
function whyFailed(error: unknown): string {
  if (error instanceof Refused) return error.message;
  const code = error instanceof Error && "code" in error ? String(error.code) : "it failed";
  return `it cannot be reached: ${code}`;
}
