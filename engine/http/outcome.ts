import type { FastifyInstance } from "fastify";
import { OUTCOME_LIMITS } from "../limits.ts";
import { answerBody } from "./body.ts";
import { OUTCOME_SCHEMA } from "./schemas.ts";
import type { DecisionService } from "./service.ts";

/** `POST /outcome`: what became of an allowed call; settles what was reserved for it. */
export function serveOutcome(app: FastifyInstance, service: DecisionService): void {
  const config = { purpose: "takes the outcome of an allowed call", body: OUTCOME_SCHEMA };
  app.post("/outcome", { config, bodyLimit: OUTCOME_LIMITS.byteCount }, (request, reply) =>
    answerBody(request, reply, {
      limits: OUTCOME_LIMITS,
      ask: (input) => service.outcome(input),
    }),
  );
}
