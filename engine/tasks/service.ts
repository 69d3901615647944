/** What is asked of tasks besides calls in them: to start one, to look at it, to end it, and whether it may go on. */
import type { Answer } from "../answer.ts";
import type { OperatorAction } from "../audit/record.ts";
import type { DecisionService } from "../http/service.ts";
import type { Members } from "./asking.ts";
import { continuing } from "./continuing.ts";
import { type Started, type StartParts, startTask } from "./start.ts";
import { type TaskEnd, type TaskStatus, type TaskView, viewOf } from "./task.ts";
import type { Ended, Tasks } from "./tasks.ts";

export interface TaskService {
  start(input: unknown): Promise<Answer<Started>>;
  find(id: string): Promise<TaskView | undefined>;
  /** By who shows its grant; `unknown` where there is no such task, `refused` where the token is another. */
  end(id: string, token: string): Promise<TaskView | "unknown" | "refused">;
  /** Each of the agent's tasks that the policy no longer allows is ended. */
  signal(signal: Signal): Promise<Signalled>;
}

/** What an operator tells of an agent. */
export interface Signal {
  /** As a request has it. */
  readonly agent: Members & { readonly id: string };
  readonly operator: string;
  readonly because: string;
}

export interface Signalled {
  readonly agent: string;
  readonly tasks: readonly { readonly id: string; readonly status: TaskStatus | "undecided" }[];
}

export type EndTask = (id: string, by: Omit<TaskEnd, "atMs">) => Promise<Ended | undefined>;

/** Ended first: a record that fails must not keep a task alive. */
export function endingOf(
  tasks: Tasks,
  record: ((action: OperatorAction) => Promise<void>) | undefined,
): EndTask {
  return async (id, by) => {
    const ended = await tasks.end(id, by);
    if (ended?.changed !== true) return ended;
    const details = { task: id, name: ended.task.name, because: by.because };
    await record?.({ action: "task.end", by: by.by, details });
    return ended;
  };
}

export interface TaskServiceParts extends StartParts {
  readonly end: EndTask;
}

export function createTaskService(parts: TaskServiceParts): TaskService {
  const { tasks } = parts;
  const view = (task: Ended["task"]) => viewOf(task, tasks.now(), tasks.isRevoked);
  return {
    start: (input) => startTask(input, parts),
    async find(id) {
      const task = await tasks.lookUp(id);
      return task && view(task);
    },
    async end(id, token) {
      const task = await tasks.lookUp(id);
      if (task === undefined) return "unknown";
      if (!tasks.isGrant(task, token)) return "refused";
      const ended = await parts.end(id, { by: task.agent, because: "by who holds its grant" });
      return ended === undefined ? "unknown" : view(ended.task);
    },
    signal: (signal) => signalled(signal, parts),
  };
}

async function signalled(signal: Signal, parts: TaskServiceParts): Promise<Signalled> {
  const tasks: Signalled["tasks"][number][] = [];
  const faults: unknown[] = [];
  for (const { id } of await parts.tasks.activeOf(signal.agent.id)) {
    try {
      tasks.push({ id, status: await statusAfter(id, signal, parts) });
    } catch (fault) {
      faults.push(fault);
    }
  }
  // One end that cannot be kept or recorded must not leave the other tasks going on.
  if (faults.length > 0) throw faults[0];
  return { agent: signal.agent.id, tasks };
}

async function statusAfter(
  id: string,
  { agent, operator, because }: Signal,
  { tasks, service, end }: TaskServiceParts & { readonly service: DecisionService },
): Promise<Signalled["tasks"][number]["status"]> {
  const task = tasks.find(id);
  if (task === undefined) return "expired";
  const said = await continuing(task, agent, service);
  if (said.kind === "undecided") return "undecided";
  if (said.kind === "allowed") return "active";
  await end(id, { by: "writ", because: `${said.because}, as ${operator} told: ${because}` });
  return "ended";
}
