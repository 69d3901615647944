/** Tasks as text: a table of many, a page of one. */
import type { TaskStatus, TaskView } from "../../engine/tasks/task.ts";
import { type Paint, printable, type Style, table } from "../terminal.ts";

const STYLES: Readonly<Record<TaskStatus, Style>> = {
  active: "green",
  ended: "red",
  revoked: "red",
  expired: "dim",
};

export function showTasks(tasks: readonly TaskView[], paint: Paint): string {
  if (tasks.length === 0) return "no tasks\n";
  const head = ["ID", "TASK", "STATUS", "UNTIL", "AGENT", "FOR"];
  const rows = tasks.map(({ id, task, status, until, agent, root }) => [
    paint("bold", printable(id)),
    printable(task),
    paint(STYLES[status], status),
    until,
    printable(agent),
    printable(root),
  ]);
  return table([head.map((cell) => paint("dim", cell)), ...rows]);
}

export function showTask(view: TaskView, paint: Paint): string {
  const { id, status, task, identity, agent, root, session, started, until, decision } = view;
  const facts = [
    ["task", task],
    ["identity", identity],
    ["agent", agent],
    ["for", root],
    ["session", session],
    ["started", `${started} by decision ${decision}`],
    ["until", until],
    ...(view.ended === undefined
      ? []
      : [["ended", `${view.ended.at} by ${view.ended.by}: ${view.ended.because}`]]),
  ];
  const lines = facts.map(([name = "", value = ""]) => [
    `  ${paint("dim", name)}`,
    printable(value),
  ]);
  return `${paint("bold", printable(id))} ${paint(STYLES[status], status)}\n${table(lines)}`;
}
