import type { FastifyInstance } from "fastify";
import type { Answer } from "../answer.ts";
import type { Decision } from "../decision.ts";
import type { JsonValue } from "../json.ts";
import { JSON_LIMITS } from "../limits.ts";
import { serveAsked } from "./body.ts";
import { DECISION_SCHEMA, REQUEST_SCHEMA } from "./schemas.ts";
import type { DecisionService } from "./service.ts";

/** `POST /decide`: a denial is an answer like any other, and always 200. */
export function serveDecide(app: FastifyInstance, service: DecisionService): void {
  const config = {
    purpose: "decides one call of a tool",
    body: REQUEST_SCHEMA,
    answer: DECISION_SCHEMA,
  };
  const ask = (input: JsonValue) => {
    const answer = service.decide(input);
    return answer instanceof Promise ? answer.then(checked) : checked(answer);
  };
  serveAsked(app, "/decide", config, { limits: JSON_LIMITS, ask });
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
