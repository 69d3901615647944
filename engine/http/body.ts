import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Answer } from "../answer.ts";
import { type JsonFault, type JsonReading, type JsonValue, readJson } from "../json.ts";
import type { JsonLimits } from "../limits.ts";
import { PROBLEM_TYPE, type Problem, problem, sendProblemBody } from "./problem.ts";

/** Faults listed in one answer; the first few say what to do. */
const LISTED_FAULTS = 20;

/** Leaves bodies as the bytes that came. Which content types there are is the gate's to say. */
export function takeRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
}

export interface Asking<Value> {
  readonly limits: JsonLimits;
  ask(input: JsonValue): Answer<Value> | Promise<Answer<Value>>;
}

/** What is sent, by whichever way the request came in. */
export interface Said {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Of a body that was read strictly: what `ask` says of it. */
export function answerTo<Value>(
  reading: JsonReading,
  ask: Asking<Value>["ask"],
): Said | Promise<Said> {
  if (!reading.ok) return sayProblem(problemOfJson(reading.fault));
  const answer = ask(reading.value);
  return answer instanceof Promise ? answer.then(sayAnswer) : sayAnswer(answer);
}

export async function answerBody<Value>(
  request: FastifyRequest,
  reply: FastifyReply,
  { limits, ask }: Asking<Value>,
): Promise<FastifyReply> {
  const { status, type, text } = await answerTo(readBody(request, limits), ask);
  return reply.code(status).header("content-type", type).send(text);
}

/** A resource that is asked again and again; `path` has no parameters. */
export function serveAsked(
  app: FastifyInstance,
  path: string,
  config: FastifyContextConfig,
  asking: Asking<unknown>,
): void {
  const bodyLimit = asking.limits.byteCount;
  app.post(path, { config, bodyLimit }, (request, reply) => answerBody(request, reply, asking));
  app.direct.serve(path, asking);
}

function bytesOf({ body }: FastifyRequest): Uint8Array {
  return body instanceof Uint8Array ? body : NO_BYTES;
}

const NO_BYTES = new Uint8Array();

export function readBody(request: FastifyRequest, limits: JsonLimits): JsonReading {
  return readJson(bytesOf(request), limits);
}

export function sendJsonFault(reply: FastifyReply, fault: JsonFault): FastifyReply {
  return sendProblemBody(reply, problemOfJson(fault));
}

function problemOfJson({ code, message, at }: JsonFault): Problem {
  return problem("malformed_json", { detail: message, code, ...at });
}

function sayAnswer<Value>(answer: Answer<Value>): Said {
  if (answer.kind !== "answer") return sayProblem(problemOf(answer));
  return { status: 200, type: JSON_TYPE, text: JSON.stringify(answer.value) };
}

export function sayProblem(body: Problem): Said {
  // As the framework spells it.
  const type = `${PROBLEM_TYPE}; charset=utf-8`;
  return { status: body.status, type, text: JSON.stringify(body) };
}

/** What is said where there is no answer. */
export function problemOf<Value>(answer: Exclude<Answer<Value>, { kind: "answer" }>): Problem {
  switch (answer.kind) {
    case "malformed": {
      const errors = answer.faults
        .slice(0, LISTED_FAULTS)
        .map(({ at, message }) => ({ pointer: at, detail: message }));
      const first = errors[0] ?? { pointer: "", detail: "is not valid" };
      return problem("malformed_request", { ...first, errors });
    }
    case "unknown_call":
    case "already_settled":
    case "unavailable":
      return problem(answer.kind, { detail: answer.because });
    default:
      throw new Error("the engine gave no answer");
  }
}

export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.header("content-type", JSON_TYPE).send(JSON.stringify(value));
}

const JSON_TYPE = "application/json; charset=utf-8";
