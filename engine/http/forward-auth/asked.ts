import type { FastifyRequest } from "fastify";
import type { Json } from "../../../lang/type.ts";
import type { ProxyKind } from "./mapping.ts";
import { readTarget } from "./target.ts";

/** Where proxies ask. Envoy puts it before the path that it was asked for. */
export const FORWARD_AUTH = "/forward-auth";

interface Original {
  readonly method: string | undefined;
  readonly uri: string | undefined;
  readonly host: string | undefined;
}

/** The document `http` of the mapping's template; `undefined` where what was asked cannot be told for certain. */
export function askedOf(request: FastifyRequest, proxy: ProxyKind): Json | undefined {
  const headers = uniqueHeaders(request.raw.rawHeaders);
  const { method, uri, host } = ORIGINALS[proxy](request, headers);
  const target = uri === undefined ? undefined : readTarget(uri);
  if (target === undefined || method === undefined || !METHOD.test(method)) return undefined;
  return {
    method,
    ...(host === undefined ? {} : { host: host.toLowerCase() }),
    ...target,
    headers: Object.fromEntries(headers),
  };
}

const METHOD = /^[A-Z]{1,20}$/;

const ORIGINALS: Readonly<
  Record<ProxyKind, (request: FastifyRequest, headers: ReadonlyMap<string, string>) => Original>
> = {
  nginx: (_request, headers) => ({
    method: headers.get("x-original-method"),
    uri: headers.get("x-original-uri"),
    host: headers.get("x-original-host"),
  }),
  traefik: (_request, headers) => ({
    method: headers.get("x-forwarded-method"),
    uri: headers.get("x-forwarded-uri"),
    host: headers.get("x-forwarded-host"),
  }),
  envoy: ({ raw }, headers) => ({
    method: raw.method,
    uri: raw.url?.slice(FORWARD_AUTH.length),
    host: headers.get("host"),
  }),
};

/** By name in lower case. One that is there twice is not there: who set it last cannot be told. */
function uniqueHeaders(raw: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const repeated = new Set<string>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? "";
    if (found.has(name)) repeated.add(name);
    found.set(name, raw[at + 1] ?? "");
  }
  for (const name of repeated) found.delete(name);
  return found;
}
