import type { FastifyInstance } from "fastify";
import type { Gate } from "../gate.ts";
import { sendProblem } from "../problem.ts";
import { type AppParts, createApp } from "../server.ts";
import type { AdminParts, Guard } from "./admin.ts";
import { serveApprovals } from "./approvals.ts";
import { type MetricsParts, serveMetrics } from "./metrics.ts";
import { serveOrders } from "./orders.ts";
import { serveRevocations } from "./revocations.ts";
import { serveSessions } from "./sessions.ts";
import { serveState } from "./state.ts";
import { serveTasks } from "./tasks.ts";

/**
 * The operators' service: an app of its own, which shares no port with decisions. No page may ask it anything,
 * and it answers to no name but this machine's.
 */
export function createAdminServer(parts: AdminParts & Pick<AppParts, "logger">): FastifyInstance {
  const { guard, logger = false } = parts;
  const app = createApp({ logger, admit: keeperOf(guard) });
  serveState(app, parts);
  serveMetrics(app, parts);
  serveSessions(app, parts);
  serveOrders(app, parts);
  serveApprovals(app, parts);
  serveRevocations(app, parts);
  serveTasks(app, parts);
  return app;
}

/** `GET /metrics` alone, for a Prometheus on another machine: nothing can be ordered here. */
export function createMetricsServer(parts: MetricsParts): FastifyInstance {
  const app = createApp({});
  serveMetrics(app, parts, { anyHost: true });
  return app;
}

/** Even of paths that lead nowhere, nothing is said to who has no credential. */
function keeperOf(guard: Guard): Gate {
  if (guard.kind === "socket") return () => undefined;
  return ({ headers }, reply) => {
    if (guard.credential.isIn(headers.authorization)) return undefined;
    reply.header("www-authenticate", "Bearer");
    return sendProblem(reply, "unauthenticated");
  };
}
