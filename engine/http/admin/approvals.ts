/** Approvals as operators see them, and as approvers decide them: by a statement that they signed. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { APPROVAL_STATUSES, type Verdict, viewOf } from "../../approvals/approval.ts";
import { isObject, onlyMembers, type Problem, wrong } from "../../value-reader.ts";
import { sendJson } from "../body.ts";
import { sendProblem } from "../problem.ts";
import type { AdminParts } from "./admin.ts";
import { answerRead } from "./carry-out.ts";
import { readCount, readQuery, refuseQuery } from "./query.ts";

const MOST_DEFAULT = 100;
const MOST = 1_000;

/** `GET /approvals`, newest first, `GET /approval?id=…`, and `POST /approvals/approve` and `/refuse`. */
export function serveApprovals(app: FastifyInstance, parts: AdminParts): void {
  const list = {
    purpose: "lists what waits for approval, and what became of it",
    takesQuery: true,
  };
  app.get("/approvals", { config: list }, async (request, reply) =>
    answerList(request, reply, parts),
  );
  const one = { purpose: "shows one approval, with the request it is of", takesQuery: true };
  app.get("/approval", { config: one }, async ({ raw }, reply) => {
    const query = readQuery(raw.url ?? "", ["id"]);
    if (!query.ok) return refuseQuery(reply, query.why);
    const { id } = query.value;
    if (id === undefined) return refuseQuery(reply, "`id` is missing");
    return answerOne(id, reply, parts);
  });
  serveVerdict(app, "approve", "approves a request, by a signed statement", parts);
  serveVerdict(app, "refuse", "refuses a request, by a signed statement", parts);
}

function answerList({ raw }: FastifyRequest, reply: FastifyReply, { approvals }: AdminParts) {
  const query = readQuery(raw.url ?? "", ["status", "most"]);
  if (!query.ok) return refuseQuery(reply, query.why);
  const { status: given } = query.value;
  const status = APPROVAL_STATUSES.find((known) => known === given);
  if (given !== undefined && status === undefined) {
    return refuseQuery(reply, `\`status\` is one of ${APPROVAL_STATUSES.join(", ")}`);
  }
  const most = readCount(query.value.most, MOST_DEFAULT, MOST);
  if (!most.ok) return refuseQuery(reply, `\`most\` ${most.why}`);
  const found = approvals.newest(most.value, status);
  const views = found.approvals.map((one) => viewOf(one, approvals.statusOf(one)));
  return sendJson(reply, { ...found, approvals: views, approvers: approvals.approverCount });
}

async function answerOne(id: string, reply: FastifyReply, { approvals }: AdminParts) {
  const found = await approvals.lookUp(id).catch(() => "unavailable" as const);
  if (found === "unavailable") {
    const detail = "whether there is such an approval is not known";
    return sendProblem(reply, "unavailable", { detail });
  }
  if (found === undefined) return sendProblem(reply, "unknown_approval");
  return sendJson(reply, viewOf(found, approvals.statusOf(found)));
}

function serveVerdict(
  app: FastifyInstance,
  verdict: Verdict,
  purpose: string,
  parts: AdminParts,
): void {
  app.post(`/approvals/${verdict}`, { config: { purpose } }, (request, reply) =>
    answerRead(request, reply, readStatementIn, (statement) =>
      answerVerdict(verdict, statement, request, reply, parts),
    ),
  );
}

function readStatementIn(json: unknown, problems: Problem[]): string | undefined {
  if (!isObject(json)) return wrong(problems, "", "an object", json);
  const { statement } = onlyMembers(json, ["statement"], "", problems);
  if (typeof statement === "string") return statement;
  return wrong(problems, "/statement", "a text", statement);
}

/** Recorded before it counts: an approval that nobody could account for is none. */
async function answerVerdict(
  verdict: Verdict,
  statement: string,
  request: FastifyRequest,
  reply: FastifyReply,
  { approvals, record }: AdminParts,
): Promise<FastifyReply> {
  try {
    const taken = await approvals.take(statement, verdict, async ({ id, digest, status }, by) => {
      const details = { approval: id, request: digest, status };
      await record?.({ action: `approval.${verdict}`, by, details });
    });
    if (!taken.ok) return sendProblem(reply, taken.problem, { detail: taken.why });
    return sendJson(reply, viewOf(taken.approval, approvals.statusOf(taken.approval)));
  } catch (fault) {
    request.log.error({ verdict, fault: fault instanceof Error ? fault.name : "" }, "approval");
    const detail = "it could not be recorded or kept, and does not count";
    return sendProblem(reply, "not_done", { detail });
  }
}
