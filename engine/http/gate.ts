import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from "fastify";
import { HTTP_LIMITS } from "../limits.ts";
import { type ProblemName, sendProblem } from "./problem.ts";

export interface GateParts {
  /** Host names, without port, that requests may be addressed to, besides those of this machine. */
  readonly allowedHosts: readonly string[];
  /** Origins (`https://console.example`) whose pages may ask. */
  readonly allowedOrigins: readonly string[];
}

export type Gate = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | undefined;

export interface Refusal {
  readonly name: ProblemName;
  readonly detail: string;
}

/** `undefined`: nothing speaks against the request. */
export type Checks = (request: IncomingMessage, resource: Resource) => Refusal | undefined;

/** What a request is for. */
interface Resource {
  readonly config: FastifyContextConfig;
  readonly is404: boolean;
}

/**
 * What is checked of every request before its body is read. A page that a browser loads may name any host it
 * likes for this machine (DNS rebinding), so both what the request is addressed to and who sent it must be
 * expected. Nothing is normalised: a path with an escape, an empty or a dotted segment is no path of ours.
 */
export function createChecks({ allowedHosts, allowedOrigins }: GateParts): Checks {
  const isExpected = expectedHosts(allowedHosts);
  const origins = new Set(allowedOrigins);
  return (request, resource) => refusalOf(request, resource, isExpected, origins);
}

export function createGate(checks: Checks): Gate {
  return (request, reply) => {
    const id = requestIdIn(request.headers);
    if (id !== undefined) reply.header("x-request-id", id);
    const { is404, routeOptions } = request;
    const refusal = checks(request.raw, { config: routeOptions.config, is404 });
    return refusal && sendProblem(reply, refusal.name, { detail: refusal.detail });
  };
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** The resource takes a query string. */
    readonly takesQuery?: boolean;
    /** `%2F` in its path is a slash: some clients escape what they put in. */
    readonly takesEscapedSlash?: boolean;
    /** A proxy asks in the words of what it was asked: path, query, type and origin are that request's. */
    readonly forwarded?: boolean;
    /** It can be asked without a body, and then without a type of one. */
    readonly mayLackBody?: boolean;
    /** The content type of its bodies, where they are no JSON. */
    readonly bodyType?: string;
    /** Probes address a machine by whatever name they have for it, and learn nothing. */
    readonly anyHost?: boolean;
  }
}

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];
const UNIQUE_HEADERS: ReadonlySet<string> = new Set([
  "host",
  "origin",
  "content-type",
  "content-encoding",
  "content-length",
  "transfer-encoding",
  "authorization",
]);
const CONTENT_TYPES: ReadonlySet<string> = new Set([
  "application/json",
  "application/json;charset=utf-8",
  "application/json; charset=utf-8",
]);
/** Visible ASCII, without what could end an attribute or open a tag where it is shown. */
const REQUEST_ID = /^[!#-%(-;=?-~]+$/;
/** Of segments that begin with a dot there is one (RFC 8615). */
const PLAIN_PATH = /^\/$|^(?:\/\.well-known)?(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/;

/** Of what else there is in one, nothing could be served below it. */
export function isPlainPath(path: string): boolean {
  return PLAIN_PATH.test(path);
}

function refusalOf(
  request: IncomingMessage,
  { config, is404 }: Resource,
  isExpected: ReturnType<typeof expectedHosts>,
  origins: ReadonlySet<string>,
): Refusal | undefined {
  const { headers, url = "" } = request;
  const repeated = repeatedHeader(request);
  if (repeated !== undefined) return { name: "repeated_header", detail: repeated };
  if (!config.anyHost && !isExpected(headers.host)) {
    return { name: "unexpected_host", detail: "add the name to the allowed hosts" };
  }
  if (config.forwarded) return undefined;
  if (headers.origin !== undefined && !origins.has(headers.origin)) {
    return { name: "cross_origin", detail: "add the origin to the allowed origins" };
  }
  const queryAt = url.indexOf("?");
  const sent = queryAt < 0 ? url : url.slice(0, queryAt);
  const path = config.takesEscapedSlash ? sent.replaceAll(/%2f/gi, "/") : sent;
  if (!isPlainPath(path)) {
    return { name: "not_found", detail: "a path is letters, digits, `-`, `.`, `_` and `~`" };
  }
  if (is404) return undefined;
  if (queryAt >= 0 && !config.takesQuery) {
    return { name: "unexpected_query", detail: "leave out what follows `?`" };
  }
  if (request.method !== "POST" || (config.mayLackBody && hasNoBody(headers))) return undefined;
  return refusalOfBody(headers, config.bodyType);
}

function hasNoBody(headers: IncomingHttpHeaders): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] === undefined && (length === undefined || length === "0");
}

function refusalOfBody(
  headers: IncomingHttpHeaders,
  bodyType: string | undefined,
): Refusal | undefined {
  const name = "unsupported_media_type";
  if (headers["content-encoding"] !== undefined) {
    return { name, detail: "`content-encoding`: compressed bodies are not taken" };
  }
  // Node reads `x, chunked` as if there were no `x`; whoever passed it on may not have.
  if ((headers["transfer-encoding"] ?? "chunked").toLowerCase() !== "chunked") {
    return { name, detail: "`transfer-encoding`: none but `chunked` is taken" };
  }
  const given = (headers["content-type"] ?? "").toLowerCase();
  if (bodyType === undefined ? !CONTENT_TYPES.has(given) : given !== bodyType) {
    return { name, detail: `\`content-type\`: send \`${bodyType ?? "application/json"}\`` };
  }
  return undefined;
}

/** Two readers of such a request may choose differently. Node keeps the first, or joins them. */
function repeatedHeader({ headers, rawHeaders }: IncomingMessage): string | undefined {
  // Nothing was joined or dropped: each was sent once.
  if (Object.keys(headers).length * 2 === rawHeaders.length) return undefined;
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    if (!UNIQUE_HEADERS.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** Clients spell it the same each time: what was expected once is not taken apart again. */
const SPELLINGS_KEPT = 100;

function expectedHosts(allowed: readonly string[]): (host: string | undefined) => boolean {
  const hosts = new Set([...LOOPBACK_NAMES, ...allowed.map((host) => host.toLowerCase())]);
  const spellings = new Set<string>();
  return (host) => {
    if (host === undefined) return false;
    if (spellings.has(host)) return true;
    const isExpected = hosts.has(hostName(host));
    if (isExpected && spellings.size < SPELLINGS_KEPT) spellings.add(host);
    return isExpected;
  };
}

/** Of `localhost:8787` or `[::1]:8787`; `""` of what is neither. */
function hostName(host: string): string {
  const [, name = ""] = /^(\[[0-9a-f:.]+\]|[^:@/?#\s]+)(?::\d{1,5})?$/i.exec(host) ?? [];
  return name.toLowerCase();
}

/** To be echoed, for the caller to find its request by; no record of ours is named by it. */
export function requestIdIn(headers: IncomingHttpHeaders): string | undefined {
  const id = headers["x-request-id"];
  if (typeof id !== "string" || id.length > HTTP_LIMITS.requestIdLength) return undefined;
  return REQUEST_ID.test(id) ? id : undefined;
}
