import type { FastifyRequest } from "fastify";
import type { Json } from "../../../lang/type.ts";
import { type Authority, readAuthority } from "./authority.ts";
import type { ProxyKind } from "./mapping.ts";
import { readTarget } from "./target.ts";

/** Where proxies ask. Envoy puts it before the path that it was asked for. */
export const FORWARD_AUTH = "/forward-auth";

/** What a proxy says was asked of it: `http` of the mapping's template, or why that cannot be told for certain. */
export type Asked =
  | { readonly ok: true; readonly http: Json }
  | { readonly ok: false; readonly because: string };

interface Original {
  readonly method: string | undefined;
  readonly uri: string | undefined;
  readonly host: string | undefined;
}

export function askedOf(request: FastifyRequest, proxy: ProxyKind): Asked {
  const { headers, repeated } = readHeaders(request.raw.rawHeaders);
  const doubtful = [...headers.keys(), ...repeated].find((name) => DOUBTFUL.has(variableOf(name)));
  if (doubtful !== undefined) return unclear(`\`${doubtful}\` may change what is served`);
  const { method, uri, host } = ORIGINALS[proxy](request, headers);
  if (method === undefined || !METHOD.test(method)) return unclear("the method is not clear");
  const target = uri === undefined ? undefined : readTarget(uri);
  if (target === undefined) return unclear("path or query may be read differently elsewhere");
  const authority = repeated.has(HOSTS[proxy]) ? undefined : authorityOf(host);
  if (authority === undefined) return unclear("the host may be read differently elsewhere");
  return {
    ok: true,
    http: { method, ...authority, ...target, headers: Object.fromEntries(headers) },
  };
}

function unclear(because: string): Asked {
  return { ok: false, because: `what was asked is not clear: ${because}` };
}

const METHOD = /^[A-Z]{1,20}$/;

/**
 * What a header becomes where it is handed on as a variable (CGI, WSGI, Rack): there `X_A` and `X.A` are read as `X-A`
 * is, and whoever passes them on has not looked at them as such.
 */
function variableOf(name: string): string {
  return name.replaceAll(/[^a-z0-9]/g, "_");
}

/** By these, frameworks behind proxies let a client ask for another method or path than the proxy saw. */
const DOUBTFUL: ReadonlySet<string> = new Set(
  [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
  ].map(variableOf),
);

const HOSTS: Readonly<Record<ProxyKind, string>> = {
  nginx: "x-original-host",
  traefik: "x-forwarded-host",
  caddy: "x-forwarded-host",
  envoy: "host",
};

const ORIGINALS: Readonly<
  Record<ProxyKind, (request: FastifyRequest, headers: ReadonlyMap<string, string>) => Original>
> = {
  nginx: (_request, headers) => ({
    method: headers.get("x-original-method"),
    uri: headers.get("x-original-uri"),
    host: headers.get(HOSTS.nginx),
  }),
  traefik: forwarded,
  caddy: forwarded,
  envoy: ({ raw }, headers) => ({
    method: raw.method,
    uri: raw.url?.slice(FORWARD_AUTH.length),
    host: headers.get(HOSTS.envoy),
  }),
};

function forwarded(_request: FastifyRequest, headers: ReadonlyMap<string, string>): Original {
  return {
    method: headers.get("x-forwarded-method"),
    uri: headers.get("x-forwarded-uri"),
    host: headers.get("x-forwarded-host"),
  };
}

/** Whoever sends no host makes no mapping that takes one. */
function authorityOf(host: string | undefined): Partial<Authority> | undefined {
  return host === undefined ? {} : readAuthority(host);
}

/** By name in lower case. One that is there twice, in whatever spelling, is not there: who set it last cannot be told. */
function readHeaders(raw: readonly string[]): {
  readonly headers: ReadonlyMap<string, string>;
  readonly repeated: ReadonlySet<string>;
} {
  const headers = new Map<string, string>();
  const repeated = new Set<string>();
  const seen = new Map<string, string>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? "";
    const other = seen.get(variableOf(name));
    if (other !== undefined) repeated.add(other).add(name);
    seen.set(variableOf(name), name);
    headers.set(name, raw[at + 1] ?? "");
  }
  for (const name of repeated) headers.delete(name);
  return { headers, repeated };
}
