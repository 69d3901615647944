/**
 * What enforcement points ask at every call, past the framework, whose own work costs more than a decision. The
 * checks, limits and answers are the same. Whatever is unusual about a request, and every request once somebody
 * wants to see them all, goes the framework's way.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
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
  const headers = Object.entries(parts.headers).flat();
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
      answer(request, response, { ...parts, asking, headers });
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

interface Answering extends Omit<DirectParts, "headers"> {
  readonly asking: Asking<unknown>;
  readonly headers: readonly string[];
}

function answer(request: IncomingMessage, response: ServerResponse, parts: Answering): void {
  const { asking, headers, onFault, onAnswer } = parts;
  if (onAnswer !== undefined) tellWhenAnswered(request, response, onAnswer);
  const send = (said: Said) => write(request, response, said, headers);
  const faulted = (fault: unknown): Said => {
    onFault(fault);
    return sayProblem(problem("internal_error"));
  };
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => void chunks.push(chunk));
  request.on("end", () => {
    let said: Said | Promise<Said>;
    try {
      said = answerTo(wholeOf(chunks), asking);
    } catch (fault) {
      said = faulted(fault);
    }
    if (said instanceof Promise) said.then(send, (fault) => send(faulted(fault)));
    else send(said);
  });
}

function wholeOf(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks;
  return first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
}

function write(
  request: IncomingMessage,
  response: ServerResponse,
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
