import type { FastifyInstance, FastifyReply } from "fastify";
import type { Received, Receiver } from "../signals/receive.ts";
import { EVENT_ERRORS } from "../signals/refusal.ts";
import { SET_TYPE } from "../signals/set.ts";
import { sendJson } from "./body.ts";
import { sendProblem } from "./problem.ts";
import { closed } from "./schemas.ts";

/** Of one token, in its one spelling. */
const BYTES_MOST = 16 * 1024;

const REFUSAL_SCHEMA = closed({ err: { enum: EVENT_ERRORS }, description: { type: "string" } }, [
  "err",
  "description",
]);

/** `POST /events`: security events, as they are pushed (RFC 8935). 202 says that what they take back is kept. */
export function serveEvents(app: FastifyInstance, receiver: Pick<Receiver, "receive">): void {
  const config = {
    purpose: "takes a security event, signed by a transmitter",
    bodyType: `application/${SET_TYPE}`,
    body: { type: "string" },
    statuses: [202],
    refusal: REFUSAL_SCHEMA,
  };
  app.post("/events", { config, bodyLimit: BYTES_MOST }, async ({ body }, reply) => {
    // What is not ASCII is no token in any reading.
    const text = body instanceof Uint8Array ? Buffer.from(body).toString("latin1") : "";
    return answer(reply, await receiver.receive(text));
  });
}

function answer(reply: FastifyReply, received: Received): FastifyReply {
  switch (received.kind) {
    case "accepted":
      return reply.code(202).send();
    case "refused": {
      const { err, why } = received;
      return sendJson(reply.code(400).header("content-language", "en"), { err, description: why });
    }
    case "unavailable":
      return sendProblem(reply, "not_done", { detail: received.because });
  }
}
