/** How orders of operators are read and carried out: what tightens never waits for its record, what loosens always. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { JsonValue } from "../../json.ts";
import { JSON_LIMITS } from "../../limits.ts";
import type { Problem } from "../../value-reader.ts";
import { problemOf, readBody, sendJson, sendJsonFault } from "../body.ts";
import { sendProblem, sendProblemBody } from "../problem.ts";

type Read<Order> = (body: JsonValue, problems: Problem[]) => Order | undefined;

interface Carrying<Order, Value> {
  readonly action: string;
  readonly read: Read<Order>;
  carryOut(order: Order): Promise<Done<Value>>;
  /** What is answered once it is done. */
  shown(value: Value, order: Order): object;
}

export function answerOrder<Order, Value>(
  request: FastifyRequest,
  reply: FastifyReply,
  { action, read, carryOut, shown }: Carrying<Order, Value>,
): Promise<FastifyReply> {
  return answerRead(request, reply, read, async (order) => {
    const done = await carryOut(order);
    if (done.ok) return sendJson(reply, shown(done.value, order));
    request.log.error({ action, fault: nameOf(done.fault) }, "order");
    return sendProblem(reply, "not_done", { detail: done.because });
  });
}

/** Messages may quote what was sent. */
function nameOf(fault: unknown): string {
  return fault instanceof Error ? fault.name : typeof fault;
}

/** Reads a body strictly, and answers with what `answer` makes of it; what is wrong with it is listed. */
export async function answerRead<Order>(
  request: FastifyRequest,
  reply: FastifyReply,
  read: Read<Order>,
  answer: (order: Order) => Promise<FastifyReply>,
): Promise<FastifyReply> {
  const body = readBody(request, JSON_LIMITS);
  if (!body.ok) return sendJsonFault(reply, body.fault);
  const problems: Problem[] = [];
  const order = read(body.value, problems);
  if (order === undefined || problems.length > 0) {
    return sendProblemBody(reply, problemOf({ kind: "malformed", faults: problems }));
  }
  return answer(order);
}

export type Done<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly because: string; readonly fault: unknown };

export interface Ordered<Value> {
  act(): Promise<Value>;
  record(): Promise<void>;
}

/** Done and recorded, whatever becomes of the other. */
export async function tighten<Value>(
  { act, record }: Ordered<Value>,
  failing: { readonly done: string; readonly recorded: string },
): Promise<Done<Value>> {
  const [done, recorded] = await Promise.allSettled([act(), record()]);
  if (done.status === "rejected") return { ok: false, because: failing.done, fault: done.reason };
  if (recorded.status === "rejected") {
    return { ok: false, because: failing.recorded, fault: recorded.reason };
  }
  return { ok: true, value: done.value };
}

/** Nothing is loosened without a record of it. */
export async function loosen<Value>({ act, record }: Ordered<Value>): Promise<Done<Value>> {
  try {
    await record();
  } catch (fault) {
    return { ok: false, because: "it could not be recorded, and was not done", fault };
  }
  try {
    return { ok: true, value: await act() };
  } catch (fault) {
    return { ok: false, because: "it is recorded, and perhaps not done", fault };
  }
}
