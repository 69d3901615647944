import type { FastifyInstance } from "fastify";
import { sendJson } from "./body.ts";
import { sendProblem } from "./problem.ts";
import type { DecisionService } from "./service.ts";

/** `GET /health` says that the process answers, `GET /ready` that it may be asked. */
export function serveHealth(app: FastifyInstance, service: DecisionService): void {
  app.get(
    "/health",
    { config: { purpose: "says that the service runs", anyHost: true } },
    (_request, reply) => sendJson(reply, { status: "ok" }),
  );
  app.get(
    "/ready",
    { config: { purpose: "says whether it can decide", anyHost: true } },
    (_request, reply) => {
      if (app.stopping.isSo) return sendProblem(reply, "unavailable", { detail: "it is stopping" });
      const readiness = service.readiness();
      if (readiness.ready) {
        const { warnings } = readiness;
        return sendJson(reply, {
          status: "ready",
          ...(warnings === undefined ? {} : { warnings }),
        });
      }
      return sendProblem(reply, "unavailable", { detail: readiness.because });
    },
  );
}
