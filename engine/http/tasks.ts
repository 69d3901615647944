import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { JSON_LIMITS } from "../limits.ts";
import type { TaskService } from "../tasks/service.ts";
import { answerBody, sendJson } from "./body.ts";
import { sendProblem } from "./problem.ts";
import { START_ANSWER_SCHEMA, START_SCHEMA, TASK_SCHEMA } from "./task-schemas.ts";

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** `/tasks` (SPEC §16). `undefined` where the service has no key to grant with: it says so, whatever is asked. */
export function serveTasks(app: FastifyInstance, tasks: TaskService | undefined): void {
  const served =
    (
      handle: (tasks: TaskService, ...asked: Parameters<Handler>) => Promise<FastifyReply>,
    ): Handler =>
    async (request, reply) =>
      tasks === undefined ? sendProblem(reply, "tasks_not_granted") : handle(tasks, request, reply);
  const start = { purpose: "starts a task", body: START_SCHEMA, answer: START_ANSWER_SCHEMA };
  app.post(
    "/tasks",
    { config: start, bodyLimit: JSON_LIMITS.byteCount },
    served(({ start: ask }, ...asked) => answerBody(...asked, { limits: JSON_LIMITS, ask })),
  );
  const show = { purpose: "shows a task", answer: TASK_SCHEMA };
  app.get("/tasks/:id", { config: show }, served(answerFind));
  const end = { purpose: "ends a task, by its grant", answer: TASK_SCHEMA };
  app.delete("/tasks/:id", { config: end }, served(answerEnd));
}

function idIn({ params }: FastifyRequest): string {
  return (params as { readonly id: string }).id;
}

async function answerFind(
  tasks: TaskService,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const found = await findIn(tasks, request);
  if (found === "unavailable") return notKnown(reply);
  return found === undefined ? sendProblem(reply, "unknown_task") : sendJson(reply, found);
}

/** What is not known here is asked of whoever shares it, who may not answer. */
async function findIn(tasks: TaskService, request: FastifyRequest) {
  try {
    return await tasks.find(idIn(request));
  } catch (fault) {
    logFault(request, fault);
    return "unavailable";
  }
}

function notKnown(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, "unavailable", { detail: "whether there is such a task is not known" });
}

function logFault({ log }: FastifyRequest, fault: unknown): void {
  log.error({ fault: fault instanceof Error ? fault.name : typeof fault }, "task");
}

/** Whoever holds the grant, or a link behind it, may end what it is for: that only takes away. */
async function answerEnd(
  tasks: TaskService,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const [, token] =
    /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(request.headers.authorization ?? "") ?? [];
  const ended = token === undefined ? "refused" : await endedBy(tasks, request, token);
  if (ended === "unavailable") return notKnown(reply);
  if (ended === "unknown") return sendProblem(reply, "unknown_task");
  if (ended === "failed") {
    const detail = "it has ended in this process, and that is not known to be kept or recorded";
    return sendProblem(reply, "not_done", { detail });
  }
  if (ended !== "refused") return sendJson(reply, ended);
  reply.header("www-authenticate", "Bearer");
  return sendProblem(reply, "unauthenticated", { detail: "show the task's grant" });
}

async function endedBy(tasks: TaskService, request: FastifyRequest, token: string) {
  const found = await findIn(tasks, request);
  if (found === undefined || found === "unavailable") return found ?? "unknown";
  try {
    return await tasks.end(idIn(request), token);
  } catch (fault) {
    logFault(request, fault);
    return "failed";
  }
}
