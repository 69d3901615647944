/** Access requests over HTTP (SPEC §12.14; AuthZEN Access Request and Approval Profile). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type AccessRequest, type Ended, referenceTo } from "../../access/access-request.ts";
import {
  type AccessRequests,
  type Submission,
  type Submitted,
  TOLD_MS,
} from "../../access/access-requests.ts";
import type { Binder } from "../../access/binding.ts";
import { digestOf } from "../../canonical-json.ts";
import { JSON_LIMITS } from "../../limits.ts";
import { isObject, type Problem, wrong } from "../../value-reader.ts";
import { answerRead } from "../admin/carry-out.ts";
import { sendJson } from "../body.ts";
import { ACCESS_REQUEST_SCHEMA, CANCELLATION_SCHEMA, TASK_SCHEMA } from "../door-schemas.ts";
import { sendProblem, sendProblemBody } from "../problem.ts";
import { admitting, callerOf, type EnforcementPoint } from "./callers.ts";
import { JWKS, REQUESTS } from "./metadata.ts";
import { readSubmission, type SubmittedBody } from "./submission.ts";
import { judgeSubmission } from "./submitted.ts";

export interface AccessParts {
  readonly requests: AccessRequests;
  readonly binder: Binder;
  readonly enforcementPoints: readonly EnforcementPoint[];
}

/** ARAP, Error Responses. `type` is `urn:openid:authzen:access-request:error:` and the name. */
export const ACCESS_PROBLEMS = {
  not_requestable: { status: 400, title: "nothing can be asked for here" },
  invalid_denial_binding: { status: 400, title: "this is not what was held" },
  expired_denial: { status: 410, title: "what was held has ended" },
  duplicate_request: { status: 409, title: "the key was used for another request" },
  unknown_task: { status: 404, title: "there is no such task" },
  task_expired: { status: 410, title: "the task has ended, and is told of no more" },
  invalid_task_state: { status: 409, title: "the task has ended already" },
} as const satisfies Record<string, { status: number; title: string }>;
export type AccessProblem = keyof typeof ACCESS_PROBLEMS;

function sendAccessProblem(reply: FastifyReply, name: AccessProblem, detail?: string) {
  const type = `urn:openid:authzen:access-request:error:${name}`;
  const told = detail === undefined ? {} : { detail };
  return sendProblemBody(reply, { type, ...ACCESS_PROBLEMS[name], ...told });
}

/** `base`: the path of the service; `url`: the same with its origin, as metadata has it. */
export function serveRequests(
  app: FastifyInstance,
  parts: AccessParts,
  { base, url }: { readonly base: string; readonly url: string },
): void {
  const serving: Serving = { ...parts, endpoint: url + REQUESTS };
  const onRequest = admitting(parts.enforcementPoints);
  const bodyLimit = JSON_LIMITS.byteCount;
  const submitting = {
    purpose: "AuthZEN: asks for an approval of a call that was held",
    body: ACCESS_REQUEST_SCHEMA,
    answer: TASK_SCHEMA,
    statuses: [201, 202],
  };
  app.post(base + REQUESTS, { config: submitting, bodyLimit, onRequest }, (request, reply) =>
    answerSubmission(request, reply, serving),
  );
  const telling = { purpose: "AuthZEN: what became of it", answer: TASK_SCHEMA };
  app.get(`${base}${REQUESTS}/:task`, { config: telling, onRequest }, (request, reply) =>
    withTask(request, reply, serving, (task) => answerTask(task, reply, serving)),
  );
  const cancelling = {
    purpose: "AuthZEN: asks for it no more",
    body: CANCELLATION_SCHEMA,
    answer: TASK_SCHEMA,
    mayLackBody: true,
  };
  app.route({
    method: ["POST", "DELETE"],
    url: `${base}${REQUESTS}/:task/cancel`,
    config: cancelling,
    bodyLimit,
    onRequest,
    handler: (request, reply) =>
      withTask(request, reply, serving, (task) => answerCancel(task, request, reply, serving)),
  });
  const config = { purpose: "AuthZEN: keys that verify what is signed here" };
  app.get(base + JWKS, { config }, (_request, reply) => sendJson(reply, parts.binder.jwks));
}

interface Serving extends AccessParts {
  readonly endpoint: string;
}

async function answerSubmission(
  request: FastifyRequest,
  reply: FastifyReply,
  serving: Serving,
): Promise<FastifyReply> {
  const caller = callerOf(request);
  const key = keyIn(request);
  if (key === false) {
    const detail = "`idempotency-key`: up to 256 visible characters";
    return sendProblem(reply, "bad_request", { detail });
  }
  let body = "";
  const read = (json: unknown, problems: Problem[]) => {
    body = digestOf(json);
    return readSubmission(json, problems);
  };
  return answerRead(request, reply, read, async (submitted) => {
    const { requests } = serving;
    const known = key === undefined ? undefined : requests.known({ caller, key, body });
    if (known !== undefined) return answerSubmitted(known, reply, serving);
    return answerNew(submitted, { caller, key, body }, reply, serving);
  });
}

/** `false`: it is none that can be kept. Without one, a denial is asked about once. */
function keyIn({ headers }: FastifyRequest): string | undefined | false {
  const key = headers["idempotency-key"];
  if (key === undefined) return undefined;
  return typeof key === "string" && /^[!-~][ -~]{0,255}$/.test(key) ? `key ${key}` : false;
}

async function answerNew(
  submitted: SubmittedBody,
  { caller, key, body }: Pick<Submission, "caller" | "body"> & { readonly key: string | undefined },
  reply: FastifyReply,
  serving: Serving,
): Promise<FastifyReply> {
  const { requests, binder } = serving;
  const judging = await attempt(() => judgeSubmission(submitted, { caller, binder, requests }));
  if (!judging.ok) return notKept(reply);
  const { value: judged } = judging;
  if (!judged.ok) return sendAccessProblem(reply, judged.problem, judged.why);
  const { evaluation, approval, digest } = judged.binding;
  const given = { caller, key: key ?? `denial ${evaluation}`, body, evaluation, approval, digest };
  const done = await attempt(() => requests.submit(given));
  return done.ok ? answerSubmitted(done.value, reply, serving) : notKept(reply);
}

function answerSubmitted(submitted: Submitted, reply: FastifyReply, serving: Serving) {
  switch (submitted.kind) {
    case "taken": {
      const { request: task } = submitted;
      if (!isTold(task, serving.requests)) return sendAccessProblem(reply, "task_expired");
      reply.header("location", `${serving.endpoint}/${task.id}`);
      return answerTask(task, reply, serving, { waiting: 202, ended: 201 });
    }
    case "duplicate":
      return sendAccessProblem(reply, "duplicate_request");
    case "not_requestable":
      return sendAccessProblem(reply, "not_requestable", "evaluate again: the hold is over");
    case "full":
      return notKept(reply);
  }
}

/** Seconds: people decide, and a caller that polls faster learns nothing. */
const POLL_AFTER = 5;

async function answerTask(
  task: AccessRequest,
  reply: FastifyReply,
  serving: Serving,
  statuses = { waiting: 200, ended: 200 },
): Promise<FastifyReply> {
  const told = await attempt(() => serving.requests.ended(task));
  if (!told.ok) return notKept(reply);
  const { value: ended } = told;
  if (ended === undefined) reply.header("retry-after", String(POLL_AFTER));
  reply.code(ended === undefined ? statuses.waiting : statuses.ended);
  return sendJson(reply, bodyOf(task, ended, serving));
}

async function answerCancel(
  task: AccessRequest,
  request: FastifyRequest,
  reply: FastifyReply,
  serving: Serving,
): Promise<FastifyReply> {
  const cancel = async () => {
    const done = await attempt(() => serving.requests.cancel(task));
    if (!done.ok) return notKept(reply);
    if (!done.value) return sendAccessProblem(reply, "invalid_task_state");
    return sendJson(reply, bodyOf(task, { status: "cancelled" }, serving));
  };
  const hasBody = request.body instanceof Uint8Array && request.body.length > 0;
  return hasBody ? answerRead(request, reply, readCancellation, cancel) : cancel();
}

/** Why is for people, and not kept. */
function readCancellation(json: unknown, problems: Problem[]): object | undefined {
  if (!isObject(json)) return wrong(problems, "", "an object", json);
  for (const name of ["reason", "comment"]) {
    const value = json[name];
    if (value !== undefined && typeof value !== "string") {
      wrong(problems, `/${name}`, "text", value);
    }
  }
  return json;
}

/** The task that is named, where it is this caller's. */
async function withTask(
  request: FastifyRequest,
  reply: FastifyReply,
  { requests }: Serving,
  answer: (task: AccessRequest) => Promise<FastifyReply>,
): Promise<FastifyReply> {
  const { task: id = "" } = request.params as { readonly task?: string };
  const caller = callerOf(request);
  const known = requests.find(id, caller);
  const caughtUp = known !== undefined || (await attempt(() => requests.catchUp())).ok;
  if (!caughtUp) return notKept(reply);
  const task = known ?? requests.find(id, caller);
  if (task === undefined) return sendAccessProblem(reply, "unknown_task");
  return isTold(task, requests) ? answer(task) : sendAccessProblem(reply, "task_expired");
}

function isTold({ untilMs }: AccessRequest, requests: AccessRequests): boolean {
  return requests.now() < untilMs + TOLD_MS;
}

function bodyOf(task: AccessRequest, ended: Ended | undefined, { endpoint }: Serving): object {
  const { id, untilMs } = task;
  const status = ended?.status ?? "pending";
  return {
    task: {
      id,
      status,
      status_endpoint: `${endpoint}/${id}`,
      expires_at: new Date(untilMs + TOLD_MS).toISOString(),
      ...(status === "pending" ? { links: { cancel: `${endpoint}/${id}/cancel` } } : {}),
    },
    ...(ended?.status === "approved"
      ? { result: { mode: "reevaluate", approval: referenceTo(task, ended.approvedAtMs) } }
      : {}),
  };
}

type Attempted<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false };

/** What cannot be recorded or kept is not done, and not told. */
async function attempt<Value>(act: () => Promise<Value>): Promise<Attempted<Value>> {
  try {
    return { ok: true, value: await act() };
  } catch {
    return { ok: false };
  }
}

function notKept(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, "unavailable", { detail: "it could not be recorded or kept" });
}
