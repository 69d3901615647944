/** Tasks that were granted, as operators see and end them (SPEC §16). */
import type { FastifyInstance } from "fastify";
import type { JsonValue } from "../../json.ts";
import type { Signal, Signalled, TaskService } from "../../tasks/service.ts";
import { type TaskView, viewOf } from "../../tasks/task.ts";
import type { Ended } from "../../tasks/tasks.ts";
import { isObject, type Problem, readId, wrong } from "../../value-reader.ts";
import { sendJson } from "../body.ts";
import { sendProblem } from "../problem.ts";
import type { AdminParts } from "./admin.ts";
import { answerOrder, type Done, tighten } from "./carry-out.ts";
import { readMembers, readWhy } from "./order.ts";
import { readCount, readQuery, refuseQuery } from "./query.ts";

const MOST_DEFAULT = 100;
const MOST = 1_000;

/** `GET /tasks`, started last first, `GET /task?id=…`, and `POST /tasks/end` and `/tasks/signal`. */
export function serveTasks(app: FastifyInstance, parts: AdminParts): void {
  const { tasks, signal } = parts;
  const view = (task: Ended["task"]): TaskView => viewOf(task, tasks.now(), tasks.isRevoked);
  const list = { purpose: "lists tasks that were granted", takesQuery: true };
  app.get("/tasks", { config: list }, async ({ raw }, reply) => {
    const query = readQuery(raw.url ?? "", ["agent", "status", "most"]);
    if (!query.ok) return refuseQuery(reply, query.why);
    const { agent, status } = query.value;
    const most = readCount(query.value.most, MOST_DEFAULT, MOST);
    if (!most.ok) return refuseQuery(reply, `\`most\` ${most.why}`);
    const wanted = tasks
      .all()
      .map(view)
      .filter((one) => status === undefined || one.status === status)
      .filter((one) => agent === undefined || one.agent === agent);
    return sendJson(reply, { tasks: wanted.slice(0, most.value), count: wanted.length });
  });
  const one = { purpose: "shows one task that was granted", takesQuery: true };
  app.get("/task", { config: one }, async ({ raw }, reply) => {
    const query = readQuery(raw.url ?? "", ["id"]);
    if (!query.ok) return refuseQuery(reply, query.why);
    const { id } = query.value;
    if (id === undefined) return refuseQuery(reply, "`id` is missing");
    const found = await tasks.lookUp(id);
    return found === undefined ? sendProblem(reply, "unknown_task") : sendJson(reply, view(found));
  });
  const end = { purpose: "ends a task, and every link below its grant, at once" };
  app.post("/tasks/end", { config: end }, (request, reply) =>
    answerOrder(request, reply, {
      action: "end",
      read: readEnd,
      carryOut: (order) => carryOut(order, parts),
      shown: (ended) => ({
        action: "end",
        changed: ended?.changed === true,
        ...(ended === undefined ? {} : { task: view(ended.task) }),
      }),
    }),
  );
  const tell = { purpose: "ends tasks of an agent that may not go on as it is now" };
  app.post("/tasks/signal", { config: tell }, (request, reply) =>
    signal === undefined
      ? sendProblem(reply, "tasks_not_granted")
      : answerOrder(request, reply, {
          action: "signal",
          read: readSignal,
          carryOut: (order) => told(order, signal),
          shown: (signalled) => signalled,
        }),
  );
}

interface EndOrder {
  readonly id: string;
  readonly operator: string;
  readonly because: string;
}

function readEnd(input: JsonValue, problems: Problem[]): EndOrder | undefined {
  const given = readMembers(input, ["task"], problems);
  if (given === undefined) return undefined;
  const id = readId(given.task, "/task", problems);
  const why = readWhy(given, problems);
  return id === undefined || why === undefined ? undefined : { id, ...why };
}

function readSignal(input: JsonValue, problems: Problem[]): Signal | undefined {
  const given = readMembers(input, ["agent"], problems);
  if (given === undefined) return undefined;
  const { agent } = given;
  if (!isObject(agent)) return wrong(problems, "/agent", "an object", agent);
  const id = readId(agent.id, "/agent/id", problems);
  const why = readWhy(given, problems);
  return id === undefined || why === undefined ? undefined : { agent: { ...agent, id }, ...why };
}

function carryOut(
  { id, operator: by, because }: EndOrder,
  { tasks, record, guard }: AdminParts,
): Promise<Done<Ended | undefined>> {
  const details = { task: id, because, via: guard.kind };
  return tighten(
    {
      act: () => tasks.end(id, { by, because }),
      record: async () => record?.({ action: "task.end", by, details }),
    },
    {
      done: "it has ended in this process, and that is not known to be kept",
      recorded: "it has ended, and that is not recorded",
    },
  );
}

/** Each end is recorded as it is made. */
async function told(order: Signal, signal: TaskService["signal"]): Promise<Done<Signalled>> {
  try {
    return { ok: true, value: await signal(order) };
  } catch (fault) {
    const because = "what has ended has in this process, and that is not known to be kept";
    return { ok: false, because, fault };
  }
}
