import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { JSON_LIMITS } from "../../limits.ts";
import { problemOf, readBody, sendJson, sendJsonFault } from "../body.ts";
import { sendProblem, sendProblemBody } from "../problem.ts";
import { ACTIONS, type Action, type AdminEvent, type AdminParts } from "./admin.ts";
import { type Order, readOrder } from "./order.ts";

const PURPOSES: Readonly<Record<Action, string>> = {
  interrupt: "ends a session until it is reinstated",
  reinstate: "lets an interrupted session go on",
  declassify: "takes a label from what a session has returned",
};

/** `POST /sessions/interrupt` and the like. */
export function serveOrders(app: FastifyInstance, parts: AdminParts): void {
  for (const action of ACTIONS) {
    const config = { purpose: PURPOSES[action] };
    app.post(`/sessions/${action}`, { config }, (request, reply) =>
      answerOrder(action, request, reply, parts),
    );
  }
}

async function answerOrder(
  action: Action,
  request: FastifyRequest,
  reply: FastifyReply,
  parts: AdminParts,
): Promise<FastifyReply> {
  const body = readBody(request, JSON_LIMITS);
  if (!body.ok) return sendJsonFault(reply, body.fault);
  const reading = readOrder(body.value, action);
  if (!reading.ok) {
    return sendProblemBody(reply, problemOf({ kind: "malformed", faults: reading.problems }));
  }
  const { order } = reading;
  const done = await (action === "interrupt"
    ? interrupt(order, parts)
    : loosen(action, order, parts));
  if (!done.ok) {
    request.log.error({ action, fault: nameOf(done.fault) }, "order");
    return sendProblem(reply, "not_done", { detail: done.because });
  }
  return sendJson(reply, { session: order.session, action, changed: done.changed });
}

type Done =
  | { readonly ok: true; readonly changed: boolean }
  | { readonly ok: false; readonly because: string; readonly fault: unknown };

/** Done and recorded, whatever becomes of the other. */
async function interrupt(order: Order, parts: AdminParts): Promise<Done> {
  const { session, operator, because } = order;
  const end = async () => {
    const why = { by: "operator", names: [operator], because } as const;
    await parts.engine().sessions.interrupt(session, why);
    await parts.settled?.();
  };
  const record = async () => parts.onAdmin?.(eventOf("interrupt", order, parts));
  const [ended, recorded] = await Promise.allSettled([end(), record()]);
  if (ended.status === "rejected") {
    return { ok: false, because: "the session may go on", fault: ended.reason };
  }
  if (recorded.status === "rejected") {
    const because = "the session is ended, and that could not be recorded";
    return { ok: false, because, fault: recorded.reason };
  }
  return { ok: true, changed: true };
}

/** Nothing is loosened without a record of it. */
async function loosen(
  action: "reinstate" | "declassify",
  order: Order,
  parts: AdminParts,
): Promise<Done> {
  try {
    await parts.onAdmin?.(eventOf(action, order, parts));
  } catch (fault) {
    return { ok: false, because: "it could not be recorded, and was not done", fault };
  }
  const { sessions } = parts.engine();
  const { session, label = "" } = order;
  try {
    const changed = await (action === "reinstate"
      ? sessions.reinstate(session)
      : sessions.declassify(session, label));
    await parts.settled?.();
    return { ok: true, changed };
  } catch (fault) {
    return { ok: false, because: "it is recorded, and perhaps not done", fault };
  }
}

function eventOf(
  action: Action,
  order: Order,
  { guard, clock = Date.now }: AdminParts,
): AdminEvent {
  return { action, atMs: clock(), via: guard.kind, ...order };
}

/** Messages may quote what was sent. */
function nameOf(fault: unknown): string {
  return fault instanceof Error ? fault.name : typeof fault;
}
