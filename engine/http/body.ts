import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Answer } from "../answer.ts";
import { type JsonFault, type JsonReading, type JsonValue, readJson } from "../json.ts";
import type { JsonLimits } from "../limits.ts";
import { type Problem, problem, sendProblem, sendProblemBody } from "./problem.ts";

/** Faults listed in one answer; the first few say what to do. */
const LISTED_FAULTS = 20;

/** Leaves bodies as the bytes that came. Which content types there are is the gate's to say. */
export function takeRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
}

interface Asking<Value> {
  readonly limits: JsonLimits;
  ask(input: JsonValue): Answer<Value> | Promise<Answer<Value>>;
}

/** Reads the body strictly and answers with what `ask` says of it. */
export async function answerBody<Value>(
  request: FastifyRequest,
  reply: FastifyReply,
  { limits, ask }: Asking<Value>,
): Promise<FastifyReply> {
  const reading = readBody(request, limits);
  if (!reading.ok) return sendJsonFault(reply, reading.fault);
  return sendAnswer(reply, await ask(reading.value));
}

export function readBody({ body }: FastifyRequest, limits: JsonLimits): JsonReading {
  return readJson(body instanceof Uint8Array ? body : new Uint8Array(), limits);
}

export function sendJsonFault(reply: FastifyReply, fault: JsonFault): FastifyReply {
  const { code, message, at } = fault;
  return sendProblem(reply, "malformed_json", { detail: message, code, ...at });
}

function sendAnswer<Value>(reply: FastifyReply, answer: Answer<Value>): FastifyReply {
  if (answer.kind === "answer") return sendJson(reply, answer.value);
  return sendProblemBody(reply, problemOf(answer));
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
  return reply
    .header("content-type", "application/json; charset=utf-8")
    .send(JSON.stringify(value));
}
