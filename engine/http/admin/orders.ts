import type { FastifyInstance } from "fastify";
import { ACTIONS, type Action, type AdminEvent, type AdminParts } from "./admin.ts";
import { answerOrder, type Done, loosen, tighten } from "./carry-out.ts";
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
      answerOrder(request, reply, {
        action,
        read: (body, problems) => readOrder(body, action, problems),
        carryOut: (order) => carryOut(action, order, parts),
        shown: (changed, { session }) => ({ session, action, changed }),
      }),
    );
  }
}

function carryOut(action: Action, order: Order, parts: AdminParts): Promise<Done<boolean>> {
  const record = async () => parts.onAdmin?.(eventOf(action, order, parts));
  const act = async () => {
    const changed = await changeBy(action, order, parts);
    await parts.settled?.();
    return changed;
  };
  if (action !== "interrupt") return loosen({ act, record });
  return tighten(
    { act, record },
    {
      done: "the session may go on",
      recorded: "the session is ended, and that could not be recorded",
    },
  );
}

/** Whether anything was changed. */
async function changeBy(action: Action, order: Order, { engine }: AdminParts): Promise<boolean> {
  const { session, label = "", operator, because } = order;
  const { sessions } = engine();
  switch (action) {
    case "interrupt":
      await sessions.interrupt(session, { by: "operator", names: [operator], because });
      return true;
    case "reinstate":
      return sessions.reinstate(session);
    case "declassify":
      return sessions.declassify(session, label);
  }
}

function eventOf(
  action: Action,
  order: Order,
  { guard, clock = Date.now }: AdminParts,
): AdminEvent {
  return { action, atMs: clock(), via: guard.kind, ...order };
}
