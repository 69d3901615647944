import type { FastifyInstance } from "fastify";
import type { Answer } from "../answer.ts";
import type { Decision } from "../decision.ts";
import { JSON_LIMITS } from "../limits.ts";
import { answerBody } from "./body.ts";
import { DECISION_SCHEMA, REQUEST_SCHEMA } from "./schemas.ts";
import type { DecisionService } from "./service.ts";

/** `POST /decide`: a denial is an answer like any other, and always 200. */
export function serveDecide(app: FastifyInstance, service: DecisionService): void {
  const config = {
    purpose: "decides one call of a tool",
    body: REQUEST_SCHEMA,
    answer: DECISION_SCHEMA,
  };
  app.post("/decide", { config, bodyLimit: JSON_LIMITS.byteCount }, (request, reply) =>
    answerBody(request, reply, {
      limits: JSON_LIMITS,
      ask: async (input) => checked(await service.decide(input)),
    }),
  );
}

/** An answer that is no decision must not reach a caller that looks only for a denial. */
export function checked(answer: Answer<Decision>): Answer<Decision> {
  if (answer.kind !== "answer") return answer;
  const { decision } = answer.value;
  if (decision !== "allow" && decision !== "deny" && decision !== "hold") {
    throw new Error("the engine answered with no decision");
  }
  return answer;
}
