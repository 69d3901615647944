import type { FastifyReply } from "fastify";

/** Every answer that is not 2xx (RFC 9457). `type` is `urn:writ:problem:` and the name here. */
export const PROBLEMS = {
  malformed_json: { status: 400, title: "the body is not strict JSON" },
  malformed_request: { status: 400, title: "the body is not what this resource takes" },
  too_large: { status: 400, title: "the body is too large" },
  unsupported_media_type: {
    status: 400,
    title: "the body is not of the type that this resource takes",
  },
  unexpected_query: { status: 400, title: "this resource takes no query" },
  repeated_header: { status: 400, title: "a header that must be unique is there twice" },
  bad_request: { status: 400, title: "the request is not valid HTTP" },
  unexpected_query_value: { status: 400, title: "the query is not what this resource takes" },
  unauthenticated: {
    status: 401,
    title: "a credential is needed, and none that is known was shown",
  },
  unexpected_host: { status: 403, title: "the service does not answer for this host" },
  approval_refused: { status: 403, title: "the statement does not count" },
  cross_origin: { status: 403, title: "requests by web pages are not answered" },
  not_found: { status: 404, title: "nothing is served here" },
  unknown_call: { status: 404, title: "no such call is waiting for its outcome" },
  unknown_session: { status: 404, title: "there is no such session" },
  unknown_approval: { status: 404, title: "there is no such approval" },
  unknown_task: { status: 404, title: "there is no such task" },
  method_not_allowed: { status: 405, title: "this resource does not take the method" },
  timeout: { status: 408, title: "the request took too long to arrive" },
  already_settled: { status: 409, title: "the call has another outcome already" },
  approval_closed: { status: 409, title: "nothing more can be said of the approval" },
  headers_too_large: { status: 431, title: "the headers are too large" },
  over_budget: { status: 503, title: "the body asks for more than one body may" },
  tasks_not_granted: {
    status: 501,
    title: "no tasks are granted here: the service was given no key for it",
  },
  internal_error: { status: 500, title: "the service failed; treat it as a denial" },
  not_done: { status: 503, title: "the order was not carried out, or could not be recorded" },
  unavailable: { status: 503, title: "no decision can be given now; treat it as a denial" },
} as const satisfies Record<string, { status: number; title: string }>;
export type ProblemName = keyof typeof PROBLEMS;

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What is wrong with this very request. */
  readonly detail?: string;
  /** Of `malformed_json`: one of `JSON_FAULT_CODES`. */
  readonly code?: string;
  /** JSON pointer to the first place that is wrong; `""` is the whole body. */
  readonly pointer?: string;
  /** Of `malformed_json`: where reading stopped, in bytes. */
  readonly offset?: number;
  /** Of `malformed_request`: everything that is wrong. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

export type ProblemMembers = Omit<Problem, "type" | "title" | "status">;

export function problem(name: ProblemName, members: ProblemMembers = {}): Problem {
  const { title, status } = PROBLEMS[name];
  return { type: `urn:writ:problem:${name}`, title, status, ...members };
}

export const PROBLEM_TYPE = "application/problem+json";

export function sendProblem(
  reply: FastifyReply,
  name: ProblemName,
  members?: ProblemMembers,
): FastifyReply {
  return sendProblemBody(reply, problem(name, members));
}

export function sendProblemBody(reply: FastifyReply, body: Problem): FastifyReply {
  return reply.code(body.status).header("content-type", PROBLEM_TYPE).send(JSON.stringify(body));
}
