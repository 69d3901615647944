/** What `writ top` shows: lines of text from one reading of the service. Pure, so that tests can look at it. */
import type { LiveState } from "../../engine/http/index.ts";
import type { SessionView } from "../../engine/inspect/view.ts";
import { ago, amount, lasting } from "../admin/show.ts";
import { type Paint, printable } from "../terminal.ts";
import { countersOf } from "./counters.ts";
import { decisionsOf } from "./decisions.ts";
import { cell, cutTo, spread } from "./line.ts";

export interface Reading {
  readonly live: LiveState;
  /** Some of those interrupted, the latest used first. */
  readonly interrupted: readonly SessionView[];
}

export type Order = "near" | "value" | "name";

export interface Frame {
  readonly columns: number;
  /** Missing = as many as there are. */
  readonly rows?: number;
  readonly order: Order;
  readonly paint: Paint;
}

export function pictureOf({ live, interrupted }: Reading, frame: Frame): readonly string[] {
  const { columns, rows } = frame;
  const above = [...headOf(live, frame), "", ...decisionsOf(live, frame), ""];
  const below = [...interruptedOf(live, interrupted, frame), ...latchesOf(live, frame)];
  const counters = countersOf(live, frame);
  const room = rows === undefined ? counters.length : rows - above.length - below.length - 1;
  const shown = [...above, ...counters.slice(0, Math.max(room, 2)), "", ...below];
  const cut = rows === undefined ? shown : shown.slice(0, rows);
  return cut.map((line) => cutTo(line, columns));
}

function headOf({ policy, ready, decisions }: LiveState, frame: Frame): readonly string[] {
  const { paint, columns } = frame;
  const digest = policy.digest.slice(0, 19);
  const left = `${paint("bold", policy.package)} ${paint("dim", `${digest}…  ${policy.rules} rules`)}`;
  const state = ready.ready ? paint("green", "● ready") : paint("red", "● not ready");
  const lines = [spread(left, `up ${lasting(decisions.seconds * 1_000)}   ${state}`, columns)];
  return ready.ready ? lines : [...lines, paint("red", `  ${printable(ready.because)}`)];
}

const INTERRUPTED_MOST = 5;
const ID_COLUMNS = 26;

function interruptedOf(
  { sessions, calls, tasks, at }: LiveState,
  interrupted: readonly SessionView[],
  { paint }: Frame,
): readonly string[] {
  const ended =
    sessions.interrupted === 0
      ? "none interrupted"
      : paint("red", `${amount(sessions.interrupted)} interrupted`);
  const title = [
    `${paint("bold", "Sessions")} ${amount(sessions.count)}, ${ended}`,
    `${paint("bold", "Tasks")} ${amount(tasks.count)}`,
    `${paint("bold", "Calls")} without an outcome ${amount(calls.count)}`,
  ].join("   ");
  const rows = interrupted.slice(0, INTERRUPTED_MOST).map((session) => {
    const { interruption } = session;
    const when = interruption === undefined ? "" : ago(interruption.at, at);
    const who =
      interruption === undefined ? "" : `${interruption.by} ${interruption.names.join(", ")}`;
    const why = printable(interruption?.because ?? "");
    return `  ${cell(paint("red", printable(session.id)), ID_COLUMNS)} ${cell(when, 12)} ${printable(who)}  ${paint("dim", why)}`;
  });
  return [title, ...rows];
}

function latchesOf({ latches }: LiveState, { paint }: Frame): readonly string[] {
  if (latches.length === 0) return [];
  const told = latches.map(({ name, set, pending }) => {
    const waiting = pending === 0 ? "" : `, ${amount(pending)} pending`;
    return `${name} ${paint(set > 0 ? "yellow" : "dim", `${amount(set)} set${waiting}`)}`;
  });
  return [`${paint("bold", "Latches")} ${told.join("   ")}`];
}
