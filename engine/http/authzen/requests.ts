/** Access requests over HTTP (SPEC §12.14; AuthZEN Access Request and Approval Profile). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type AccessRequest, type Ended, referenceTo } from "../../access/access-request.ts";
import { type AccessRequests, TOLD_MS } from "../../access/access-requests.ts";
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
import { readSubmission } from "./submission.ts";
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
    withTask(request, reply, serving, (task) => answerStatus(task, reply, serving)),
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
  let digest = "";
  const read = (json: unknown, problems: Problem[]) => {
    digest = digestOf(json);
    return readSubmission(json, problems);
  };
  return answerRead(request, reply, read, async (body) => {
    const { requests, binder } = serving;
    const judged = await judgeSubmission(body, { caller, binder, requests });
    if (!judged.ok) return sendAccessProblem(reply, judged.problem, judged.why);
    const { evaluation, approval, digest: asked } = judged.binding;
    const given = { caller, evaluation, approval, digest: asked, body: digest };
    const unnamed = `denial ${evaluation}`;
    const submitted = await orUnavailable(() =>
      requests.submit({ ...given, key: key === undefined ? unnamed : `key ${key}` }),
    );
    switch (submitted?.kind) {
      case "taken":
        return answerTaken(submitted.request, reply, serving);
      case "duplicate":
        return sendAccessProblem(reply, "duplicate_request");
      case "not_requestable":
        return sendAccessProblem(reply, "not_requestable", "evaluate again: the hold is over");
      default:
        return sendProblem(reply, "unavailable", { detail: "the request could not be kept" });
    }
  });
}

/** `false`: it is none that can be kept. Without one, a denial is asked about once. */
function keyIn({ headers }: FastifyRequest): string | undefined | false {
  const key = headers["idempotency-key"];
  if (key === undefined) return undefined;
  return typeof key === "string" && /^[!-~][ -~]{0,255}$/.test(key) ? key : false;
}

async function answerTaken(task: AccessRequest, reply: FastifyReply, serving: Serving) {
  const ended = await serving.requests.ended(task);
  reply.header("location", `${serving.endpoint}/${task.id}`);
  return sendJson(reply.code(ended === undefined ? 202 : 201), bodyOf(task, ended, serving));
}

/** Seconds: people decide, and a caller that polls faster learns nothing. */
const POLL_AFTER = 5;

async function answerStatus(task: AccessRequest, reply: FastifyReply, serving: Serving) {
  const ended = await serving.requests.ended(task);
  if (ended === undefined) reply.header("retry-after", String(POLL_AFTER));
  return sendJson(reply, bodyOf(task, ended, serving));
}

async function answerCancel(
  task: AccessRequest,
  request: FastifyRequest,
  reply: FastifyReply,
  serving: Serving,
): Promise<FastifyReply> {
  const cancel = async () => {
    const done = await orUnavailable(() => serving.requests.cancel(task));
    if (done === undefined) {
      return sendProblem(reply, "unavailable", { detail: "it could not be kept" });
    }
    if (!done) return sendAccessProblem(reply, "invalid_task_state");
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
  const task = requests.find(id, callerOf(request));
  if (task === undefined) return sendAccessProblem(reply, "unknown_task");
  if (task.untilMs + TOLD_MS <= requests.now()) return sendAccessProblem(reply, "task_expired");
  return answer(task);
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

/** What cannot be recorded or kept is not done. */
async function orUnavailable<Value>(act: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await act();
  } catch {
    return undefined;
  }
}
