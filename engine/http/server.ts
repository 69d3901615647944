import type { Server } from "node:http";
import type { Socket } from "node:net";
import {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
  LogController,
  type onSendHookHandler,
} from "fastify";
import { HTTP_LIMITS, JSON_LIMITS } from "../limits.ts";
import { serveBatch } from "./batch.ts";
import { takeRawBodies } from "./body.ts";
import { serveDecide } from "./decide.ts";
import { createDirect, type Direct, NOTHING_DIRECT } from "./direct.ts";
import { createChecks, createGate, type Gate } from "./gate.ts";
import { serveHealth } from "./health.ts";
import { serveOpenApi } from "./openapi.ts";
import { serveOutcome } from "./outcome.ts";
import { PROBLEM_TYPE, type ProblemName, problem, sendProblem } from "./problem.ts";
import { serveIndex } from "./resources.ts";
import type { DecisionService } from "./service.ts";
import { serveTools } from "./tools.ts";
import { mayBeSent } from "./unread.ts";

export interface ServerParts extends AppParts {
  readonly service: DecisionService;
  /** Show people what is served, at `GET /docs`. */
  readonly docs?: boolean;
  /** Further resources, behind the same checks; called before the service is ready. */
  readonly extend?: (app: FastifyInstance) => void;
}

/** What every server here is made of, whatever it serves. */
export interface AppParts {
  /** Host names, without port, that the service is asked under, besides those of this machine. */
  readonly allowedHosts?: readonly string[];
  /** Origins whose web pages may ask; none by default, and no CORS headers are ever sent. */
  readonly allowedOrigins?: readonly string[];
  /** As fastify takes it. One line a request, of status and time; never a body, a path or a header. */
  readonly logger?: FastifyServerOptions["logger"];
  /** Asked of every request that has passed the gate, even of those for which nothing is served. */
  readonly admit?: Gate;
}

/** The service, ready to `inject` into; `listen` in `listen.ts` puts it on a port. */
export function createServer({
  service,
  extend,
  docs = false,
  ...parts
}: ServerParts): FastifyInstance {
  const app = createApp(parts);
  serveOpenApi(app, docs);
  serveDecide(app, service);
  serveBatch(app, service);
  serveTools(app, service);
  serveOutcome(app, service);
  serveHealth(app, service);
  extend?.(app);
  return app;
}

declare module "fastify" {
  interface FastifyInstance {
    /** It answers what still comes, and will be asked no more. */
    readonly stopping: { isSo: boolean; askedCount: number };
    readonly direct: Direct;
  }
}

/** The checks, limits and faults that all servers share, and `GET /`. */
export function createApp(parts: AppParts): FastifyInstance {
  const { allowedHosts = [], allowedOrigins = [], logger = false, admit } = parts;
  const app: FastifyInstance = fastify({ ...FASTIFY_OPTIONS, logger });
  app.server.maxConnections = HTTP_LIMITS.connectionCount;
  const checks = createChecks({ allowedHosts, allowedOrigins });
  const gate = createGate(checks);
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers(ANSWER_HEADERS);
    if (app.stopping.isSo) app.stopping.askedCount += 1;
    if ((gate(request, reply) ?? admit?.(request, reply)) === undefined) done();
  });
  app.decorate("stopping", { isSo: false, askedCount: 0 });
  app.addHook("preClose", (done) => {
    app.stopping.isSo = true;
    waitForLastCalls(app, done);
  });
  app.addHook("onSend", boundUnread);
  app.addHook("onResponse", logAnswer);
  app.setErrorHandler(answerFault);
  const onFault = (fault: unknown) => logFault(app.log, fault);
  const onAnswer = logger === false ? undefined : answerLog(app.log);
  const direct = { checks, headers: ANSWER_HEADERS, onFault, onAnswer };
  app.decorate("direct", admit === undefined ? createDirect(app, direct) : NOTHING_DIRECT);
  takeRawBodies(app);
  serveIndex(app);
  return app;
}

/**
 * From now on every answer closes its connection. One that is idle may have a request on its way: closed at once,
 * it would be reset. Closing begins when for a while nobody has asked; `drain` bounds it all the same.
 */
function waitForLastCalls(
  app: FastifyInstance,
  done: () => void,
  rounds: number = HTTP_LIMITS.lastCallRounds,
): void {
  const { server, stopping } = app;
  server.getConnections((_error, count) => {
    if (count === 0 || rounds === 0 || !server.listening) return done();
    const before = stopping.askedCount;
    const look = () => {
      if (stopping.askedCount === before) done();
      else waitForLastCalls(app, done, rounds - 1);
    };
    // Where the machine is busy, what has come meanwhile is still to be read.
    setTimeout(() => setImmediate(look), HTTP_LIMITS.lastCallMs);
  });
}

const FASTIFY_OPTIONS = {
  http: {
    maxHeaderSize: HTTP_LIMITS.headerByteCount,
    headersTimeout: HTTP_LIMITS.headersTimeoutMs,
    connectionsCheckingInterval: HTTP_LIMITS.timeoutCheckMs,
    insecureHTTPParser: false,
  },
  requestTimeout: HTTP_LIMITS.requestTimeoutMs,
  connectionTimeout: HTTP_LIMITS.stalledMs,
  keepAliveTimeout: HTTP_LIMITS.keepAliveMs,
  maxRequestsPerSocket: HTTP_LIMITS.requestsPerConnection,
  bodyLimit: JSON_LIMITS.byteCount,
  trustProxy: false,
  requestIdHeader: false,
  exposeHeadRoutes: false,
  logController: new LogController({ disableRequestLogging: true }),
  // While shutting down, what arrives on an open connection is still decided, and the connection closed.
  return503OnClosing: false,
  routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false },
  frameworkErrors: (_error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
    sendProblem(reply, "not_found", { detail: "the path cannot be read" });
  },
  clientErrorHandler: refuseConnection,
} as const satisfies FastifyHttpOptions<Server>;

const ANSWER_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

/** All that is sent is text. Where the connection was closed, none of it is kept. */
const boundUnread: onSendHookHandler = (_request, reply, payload, done) => {
  const isText = typeof payload === "string" || payload instanceof Uint8Array;
  const byteCount = isText ? Buffer.byteLength(payload) : 0;
  done(null, mayBeSent(reply.raw, byteCount) ? payload : "");
};

/** Whatever is thrown says nothing to the caller, and is no decision. */
function answerFault(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    const offset = request.routeOptions.bodyLimit ?? 0;
    const detail = `it has more than ${offset} bytes`;
    return sendProblem(reply, "too_large", { detail, pointer: "", offset });
  }
  if (error.code?.startsWith("FST_ERR_CTP_")) return sendProblem(reply, "bad_request");
  logFault(request.log, error);
  return sendProblem(reply, "internal_error");
}

/** Messages may quote what was sent, so only the name and the places are kept. */
function logFault(log: FastifyBaseLogger, error: unknown): void {
  const isError = error instanceof Error;
  const places = isError
    ? (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line))
    : [];
  log.error({ fault: isError ? error.name : typeof error, places: places.slice(0, 8) }, "fault");
}

function logAnswer(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const route = request.routeOptions.url ?? null;
  answerLog(request.log)(route, reply.statusCode, reply.elapsedTime);
  done();
}

function answerLog(log: FastifyBaseLogger) {
  return (route: string | null, status: number, ms: number): void => {
    log.info({ route, status, milliseconds: Math.round(ms * 1_000) / 1_000 }, "answer");
  };
}

const CLIENT_FAULTS: Readonly<Record<string, ProblemName>> = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  ERR_HTTP_REQUEST_TIMEOUT: "timeout",
};

/** What never became a request: there is no reply, only a socket. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const body = problem(CLIENT_FAULTS[error.code ?? ""] ?? "bad_request");
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${body.status} ${body.title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(text)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`, () => socket.destroy());
}
