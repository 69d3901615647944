/** Sessions as text: a table of many, a page of one. */
import type { SessionDetail, SessionsView, SessionView } from "../../engine/inspect/view.ts";
import { count, type Paint, printable, table } from "../terminal.ts";
import { ago, amount, bar, outOf, shareOf } from "./show.ts";

export function showSessions({ sessions, at }: SessionsView, paint: Paint): string {
  if (sessions.length === 0) return "no sessions\n";
  const head = ["SESSION", "BEGAN", "USED", "SENSITIVITY", "LABELS", ""];
  const rows = sessions.map((session) => [
    paint("bold", printable(session.id)),
    ago(session.since, at),
    ago(session.used, at),
    sensitivityOf(session),
    session.labels.map(printable).join(" "),
    session.interrupted ? paint("red", interruptionOf(session, at)) : "",
  ]);
  return table([head.map((cell) => paint("dim", cell)), ...rows]);
}

/** Where the policy has no levels, nothing is the lowest of them. */
function sensitivityOf({ sensitivity }: SessionView): string {
  return sensitivity === 0 ? "" : printable(String(sensitivity));
}

/** `interrupted 2m ago by rule runaway: too many calls` */
export function interruptionOf({ interruption }: SessionView, at: string): string {
  if (interruption === undefined) return "interrupted";
  const { by, names, because } = interruption;
  const who = names.length === 0 ? by : `${by} ${names.map(printable).join(", ")}`;
  const why = because === undefined ? "" : `: ${printable(because)}`;
  return `interrupted ${ago(interruption.at, at)} by ${who}${why}`;
}

export function showSession(session: SessionDetail, paint: Paint): string {
  const { at } = session;
  const facts = [
    ["began", `${ago(session.since, at)}  ${paint("dim", session.since)}`],
    ["used", `${ago(session.used, at)}  ${paint("dim", session.used)}`],
    ["sensitivity", sensitivityOf(session) || paint("dim", "none")],
    ["labels", session.labels.map(printable).join(" ") || paint("dim", "none")],
  ];
  const state = session.interrupted ? ` ${paint("red", interruptionOf(session, at))}` : "";
  return [
    `${paint("bold", printable(session.id))}${state}\n`,
    table(facts.map(([name = "", value = ""]) => [`  ${paint("dim", name)}`, value])),
    part(`Calls under way: ${amount(session.calls)}`, callsOf(session), paint),
    part("Tasks", tasksOf(session, paint), paint),
    part("Counters", countersOf(session, paint), paint),
    part("Latches", latchesOf(session, paint), paint),
  ].join("");
}

function part(title: string, rows: readonly (readonly string[])[], paint: Paint): string {
  if (rows.length === 0) return "";
  return `\n${paint("bold", title)}\n${table(rows)}`;
}

function callsOf({ under_way, calls, at }: SessionDetail): readonly (readonly string[])[] {
  const rows = under_way.map(({ call, tool, since }) => [`  ${tool}`, ago(since, at), call]);
  const rest = calls - under_way.length;
  return rest > 0 ? [...rows, [`  … ${rest} more`]] : rows;
}

function tasksOf({ tasks, at }: SessionDetail, paint: Paint): readonly (readonly string[])[] {
  return tasks.map((task) => [
    `  ${task.name}`,
    task.calls_most === undefined
      ? count(task.calls, "call")
      : `${outOf(task.calls, task.calls_most)} calls`,
    `began ${ago(task.since, at)}${task.until === undefined ? "" : `, until ${task.until}`}`,
    task.next === undefined ? "" : standing(task.next, task.complete === true, paint),
  ]);
}

function standing(next: readonly string[], complete: boolean, paint: Paint): string {
  const steps = next.length === 0 ? "nothing more" : next.map(printable).join(" | ");
  return `${paint("dim", "next")} ${steps}${complete ? paint("green", "  may end here") : ""}`;
}

const BAR_COLUMNS = 20;

function countersOf({ counters }: SessionDetail, paint: Paint): readonly (readonly string[])[] {
  return counters.map((counter) => {
    const share = shareOf(counter);
    return [
      `  ${counter.name}`,
      counter.key.length > 1 ? counter.key.map(printable).join(" ") : "",
      share === undefined ? "" : bar(share, BAR_COLUMNS, paint),
      outOf(counter.value, counter.limit),
      counter.within === undefined ? "" : paint("dim", `within ${counter.within}`),
    ];
  });
}

function latchesOf({ latches }: SessionDetail, paint: Paint): readonly (readonly string[])[] {
  return latches.map(({ name, key, state }) => [
    `  ${name}`,
    key.length > 1 ? key.map(printable).join(" ") : "",
    paint(state === "set" ? "yellow" : "dim", state),
  ]);
}
