import type { FastifyInstance } from "fastify";
import type { JsonValue } from "../json.ts";
import { OUTCOME_LIMITS } from "../limits.ts";
import { serveAsked } from "./body.ts";
import { OUTCOME_SCHEMA } from "./schemas.ts";
import type { DecisionService } from "./service.ts";

/** `POST /outcome`: what became of an allowed call; settles what was reserved for it. */
export function serveOutcome(app: FastifyInstance, service: DecisionService): void {
  const config = { purpose: "takes the outcome of an allowed call", body: OUTCOME_SCHEMA };
  const ask = (input: JsonValue) => service.outcome(input);
  serveAsked(app, "/outcome", config, { limits: OUTCOME_LIMITS, ask });
}
