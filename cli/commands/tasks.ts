import type { Signalled } from "../../engine/tasks/service.ts";
import type { TaskView } from "../../engine/tasks/task.ts";
import { type AdminClient, AdminRefused, CLIENT_OPTIONS, openClient } from "../admin/client.ts";
import { ORDER_OPTIONS, orderedBy } from "../admin/order.ts";
import { showTask, showTasks } from "../admin/tasks.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { painter, printable } from "../terminal.ts";

const LIST_DEFAULT = 100;
const VERBS = ["list", "show", "end", "signal"];
const STATUSES = ["active", "ended", "expired", "revoked"];

export const command: Command = {
  name: "tasks",
  summary: "list, show and end tasks that a running service has granted",
  usage: "[options] [list | show ID | end ID | signal AGENT]",
  description: [
    "Asks the `writ serve` that runs in this directory, or the one that --admin names.",
    "`list` (or nothing) lists tasks that go on, those started last first; `show` tells who does one, for whom, and until when. `end` ends one at once: from the next request on, whatever is called under its grant or under a link behind it is denied, for good. `signal` tells how far an agent is trusted now: each of its tasks that the policy refuses then has ended. Both need a reason, which is recorded with who gave it.",
    "Exits with 1 when there is no such task, or it has ended already.",
    'Examples:\n  writ tasks\n  writ tasks --status all --agent planner\n  writ tasks end t-81 --because "asked by security, ticket 4711"\n  writ tasks signal planner --trust 0.2 --because "odd calls, ticket 4712"',
  ],
  options: [
    {
      name: "status",
      value: "STATUS",
      help: "list those that are active (if nothing is said), ended, expired or revoked; or all",
    },
    { name: "agent", value: "ID", help: "list those of this agent" },
    { name: "most", value: "COUNT", help: `how many to list (${LIST_DEFAULT})` },
    {
      name: "trust",
      value: "NUMBER",
      help: "how far the agent of `signal` is trusted, from 0 to 1",
    },
    ...ORDER_OPTIONS,
    ...CLIENT_OPTIONS,
  ],
  words: VERBS,
  positionals: { least: 0, most: 2 },
  run: tasks,
};

const USAGE = "see `writ tasks --help`";

async function tasks(input: Input, io: Io): Promise<ExitCode> {
  const [verb = "list", id] = input.positionals;
  if (!VERBS.includes(verb)) {
    throw new Misuse(`there is no \`writ tasks ${verb}\``, USAGE);
  }
  if ((verb === "list") !== (id === undefined)) {
    const form = { list: verb, signal: "signal AGENT" }[verb] ?? `${verb} ID`;
    throw new Misuse(`it is written \`writ tasks ${form}\``, USAGE);
  }
  const client = openClient(input, io);
  if (id === undefined) return list(client, input, io);
  if (verb === "signal") return signal(id, client, input, io);
  return verb === "show" ? show(id, client, input, io) : end(id, client, input, io);
}

async function list(client: AdminClient, { values, json }: Input, io: Io): Promise<ExitCode> {
  const status = values.get("status") ?? "active";
  if (status !== "all" && !STATUSES.includes(status)) {
    throw new Misuse(`\`--status\` is one of ${STATUSES.join(", ")} and all`, USAGE);
  }
  const found = await client.get<{ readonly tasks: readonly TaskView[] }>("/tasks", {
    status: status === "all" ? undefined : status,
    agent: values.get("agent"),
    most: values.get("most") ?? LIST_DEFAULT,
  });
  io.out(json ? `${JSON.stringify(found, null, 2)}\n` : showTasks(found.tasks, painter(io)));
  return 0;
}

async function show(id: string, client: AdminClient, input: Input, io: Io): Promise<ExitCode> {
  try {
    const task = await client.get<TaskView>("/task", { id });
    io.out(input.json ? `${JSON.stringify(task, null, 2)}\n` : showTask(task, painter(io)));
    return 0;
  } catch (error) {
    if (!(error instanceof AdminRefused) || error.problem !== "unknown_task") throw error;
    return unknown(id, input, io);
  }
}

interface EndAnswer {
  readonly changed: boolean;
  /** Missing where there is none. */
  readonly task?: TaskView;
}

async function end(id: string, client: AdminClient, input: Input, io: Io): Promise<ExitCode> {
  const body = { task: id, ...orderedBy(input) };
  const done = await client.post<EndAnswer>("/tasks/end", body);
  if (done.task === undefined) return unknown(id, input, io);
  const name = painter(io)("bold", printable(id));
  if (input.json) io.out(`${JSON.stringify({ ok: done.changed, ...done }, null, 2)}\n`);
  else if (!done.changed) io.out(`${name} had ended already: nothing changed\n`);
  else io.out(`${painter(io)("red", "ended")} ${name}, and every link below its grant\n`);
  return done.changed ? 0 : 1;
}

async function signal(id: string, client: AdminClient, input: Input, io: Io): Promise<ExitCode> {
  const agent = { id, trust: trustIn(input) };
  const told = await client.post<Signalled>("/tasks/signal", { agent, ...orderedBy(input) });
  if (input.json) {
    io.out(`${JSON.stringify({ ok: true, ...told }, null, 2)}\n`);
    return 0;
  }
  const paint = painter(io);
  const name = paint("bold", printable(id));
  if (told.tasks.length === 0) io.out(`no task of ${name} goes on\n`);
  for (const { id: task, status } of told.tasks) {
    io.out(`${paint(status === "active" ? "green" : "red", status)} ${printable(task)}\n`);
  }
  return 0;
}

function trustIn({ values }: Input): number {
  const given = values.get("trust") ?? "";
  const trust = Number(given);
  if (/^\d/.test(given) && trust >= 0 && trust <= 1) return trust;
  throw new Misuse("`writ tasks signal` needs `--trust`, from 0 to 1", USAGE);
}

function unknown(id: string, { json }: Input, io: Io): ExitCode {
  const message = `there is no task ${JSON.stringify(id)}`;
  const said = { ok: false, error: { kind: "unknown", message } };
  if (json) io.out(`${JSON.stringify(said, null, 2)}\n`);
  else io.err(`writ tasks: ${message}\n`);
  return 1;
}
