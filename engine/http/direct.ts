/**
 * What enforcement points ask at every call, past the framework, whose own work costs more than a decision. The
 * checks, limits and answers are the same. Whatever is unusual about a request, and every request once somebody
 * wants to see them all, goes the framework's way.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import type { Asking } from "./body.ts";
import type { Checks } from "./gate.ts";
import { Turns, type TurnsParts } from "./turns.ts";

export interface Direct {
  /** `POST` of `path` is asked this. */
  serve(path: string, asking: Asking<unknown>): void;
}

export interface DirectParts extends TurnsParts {
  readonly checks: Checks;
  /** Told of each answer, once it is sent or nobody is there any more. */
  readonly onAnswer: ((path: string, status: number, milliseconds: number) => void) | undefined;
}

/** Where each request has to be seen by more than the checks. */
export const NOTHING_DIRECT: Direct = { serve: () => {} };

/** In front of a framework that has its own hooks and nobody else's yet. */
export function createDirect(app: FastifyInstance, parts: DirectParts): Direct {
  const resources = new Map<string, Asking<unknown>>();
  const turns = new Turns(parts);
  let isSeenByOthers = false;
  onRequestHook(app, () => {
    isSeenByOthers = true;
  });
  const [framework] = app.server.listeners("request");
  app.server.removeAllListeners("request");
  app.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const asking = resources.get(request.url ?? "");
    const isOurs = asking !== undefined && !isSeenByOthers && !app.stopping.isSo;
    if (isOurs && isUsual(request, asking, parts.checks)) {
      if (parts.onAnswer !== undefined) tellWhenAnswered(request, response, parts.onAnswer);
      turns.take({ request, response, asking });
    } else {
      framework?.call(app.server, request, response);
    }
  });
  return { serve: (path, asking) => void resources.set(path, asking) };
}

/** Calls back when a hook is added that is told of requests. */
function onRequestHook(app: FastifyInstance, then: () => void): void {
  const { addHook } = app;
  Object.assign(app, {
    addHook(this: FastifyInstance, ...given: Parameters<typeof addHook>) {
      if (!HOOKS_OF_THE_SERVER.has(given[0])) then();
      return Reflect.apply(addHook, this, given);
    },
  });
}

const HOOKS_OF_THE_SERVER: ReadonlySet<string> = new Set([
  "onRoute",
  "onRegister",
  "onReady",
  "onListen",
  "preClose",
  "onClose",
]);

/** A resource that takes a body of JSON, and nothing else. */
const USUAL = { config: {}, is404: false } as const;

function isUsual(request: IncomingMessage, { limits }: Asking<unknown>, checks: Checks): boolean {
  if (request.method !== "POST") return false;
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  if (encoding !== undefined || !(Number(length) <= limits.byteCount)) return false;
  return checks(request, USUAL) === undefined;
}

function tellWhenAnswered(
  { url = "" }: IncomingMessage,
  response: ServerResponse,
  tell: NonNullable<DirectParts["onAnswer"]>,
): void {
  const beganMs = performance.now();
  response.once("close", () => tell(url, response.statusCode, performance.now() - beganMs));
}
