/**
 * What enforcement points ask at every call, past the framework, whose own work costs more than a decision. The
 * checks, limits and answers are the same. Whatever is unusual about a request, and every request once somebody
 * wants to see them all, goes the framework's way.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate as atEndOfTurn } from "node:timers";
import type { FastifyInstance } from "fastify";
import { type JsonReading, readJson } from "../json.ts";
import { type Asking, answerTo, type Said, sayProblem } from "./body.ts";
import { type Checks, requestIdIn } from "./gate.ts";
import { problem } from "./problem.ts";

export interface Direct {
  /** `POST` of `path` is asked this. */
  serve(path: string, asking: Asking<unknown>): void;
}

export interface DirectParts {
  readonly checks: Checks;
  /** With each answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly onFault: (fault: unknown) => void;
  /** Told of each answer, once it is sent or nobody is there any more. */
  readonly onAnswer: ((path: string, status: number, milliseconds: number) => void) | undefined;
}

/** Where each request has to be seen by more than the checks. */
export const NOTHING_DIRECT: Direct = { serve: () => {} };

/** In front of a framework that has its own hooks and nobody else's yet. */
export function createDirect(app: FastifyInstance, parts: DirectParts): Direct {
  const resources = new Map<string, Asking<unknown>>();
  const take = answeringInTurns(parts);
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
      whenRead(request, (bytes) => take({ request, response, bytes, asking }));
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

function whenRead(request: IncomingMessage, then: (bytes: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => void chunks.push(chunk));
  request.on("end", () => {
    const [first] = chunks;
    then(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks));
  });
}

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly bytes: Buffer;
  readonly asking: Asking<unknown>;
}

/** So many go through each step together: more would wait longer for each other, and gain little. */
const TOGETHER = 32;

/**
 * What came in one turn of the event loop is answered at its end, step by step for many at once: what a step needs
 * is in the processor's caches then, and whoever waits for answers is woken once.
 */
function answeringInTurns({ headers, onFault }: DirectParts): (asked: Asked) => void {
  const sent = Object.entries(headers).flat();
  const faulted = (fault: unknown): Said => {
    onFault(fault);
    return sayProblem(problem("internal_error"));
  };
  const said = ({ asking }: Asked, reading: JsonReading): Said | Promise<Said> => {
    try {
      return answerTo(reading, asking.ask);
    } catch (fault) {
      return faulted(fault);
    }
  };
  let waiting: Asked[] = [];
  const answerAll = () => {
    const all = waiting;
    waiting = [];
    for (let at = 0; at < all.length; at += TOGETHER) {
      const some = all.slice(at, at + TOGETHER);
      const readings = some.map(({ bytes, asking }) => readJson(bytes, asking.limits));
      const answers = readings.map((reading, index) => said(some[index] as Asked, reading));
      for (const [index, answer] of answers.entries()) {
        const send = (given: Said) => write(some[index] as Asked, given, sent);
        if (answer instanceof Promise) answer.then(send, (fault) => send(faulted(fault)));
        else send(answer);
      }
    }
  };
  return (asked) => {
    if (waiting.push(asked) === 1) atEndOfTurn(answerAll);
  };
}

function write(
  { request, response }: Asked,
  { status, type, text }: Said,
  headers: readonly string[],
): void {
  const own = ["content-type", type, "content-length", String(Buffer.byteLength(text)), ...headers];
  const id = requestIdIn(request.headers);
  if (id !== undefined) own.push("x-request-id", id);
  response.writeHead(status, own).end(text);
}

function tellWhenAnswered(
  { url = "" }: IncomingMessage,
  response: ServerResponse,
  tell: NonNullable<DirectParts["onAnswer"]>,
): void {
  const beganMs = performance.now();
  response.once("close", () => tell(url, response.statusCode, performance.now() - beganMs));
}
