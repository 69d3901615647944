import type { SessionDetail, SessionsView } from "../../engine/inspect/view.ts";
import { type AdminClient, AdminRefused, CLIENT_OPTIONS, openClient } from "../admin/client.ts";
import { ORDER_OPTIONS, orderedBy } from "../admin/order.ts";
import { showSession, showSessions } from "../admin/sessions.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { count, painter, printable } from "../terminal.ts";

const LIST_DEFAULT = 100;

export const command: Command = {
  name: "sessions",
  summary: "list, inspect, interrupt and reinstate the sessions of a running service",
  usage: "[options] [list | show ID | interrupt ID | reinstate ID | declassify ID LABEL]",
  description: [
    "Asks the `writ serve` that runs in this directory, or the one that --admin names.",
    "`list` (or nothing) lists sessions, those used last first; `show` tells what one has returned, which calls are under way, where its tasks stand and what counts it. `interrupt` ends a session at once: every further call is denied until it is reinstated. `declassify` takes a label from what the session has returned so far. The three that change something need a reason, which is recorded with who gave it.",
    "Exits with 1 when there is no such session, or nothing to change.",
    'Examples:\n  writ sessions --interrupted\n  writ sessions show s-81\n  writ sessions interrupt s-81 --because "asked by security, ticket 4711"',
  ],
  options: [
    { name: "interrupted", help: "list those that were interrupted" },
    { name: "idle", value: "DURATION", help: "list those not used for so long, such as 30m" },
    { name: "prefix", value: "TEXT", help: "list those whose id begins so" },
    { name: "most", value: "COUNT", help: `how many to list (${LIST_DEFAULT})` },
    ...ORDER_OPTIONS,
    ...CLIENT_OPTIONS,
  ],
  words: ["list", "show", "interrupt", "reinstate", "declassify"],
  positionals: { least: 0, most: 3 },
  run: sessions,
};

async function sessions(input: Input, io: Io): Promise<ExitCode> {
  const [verb = "list", id = "", label] = input.positionals;
  const form = FORMS.get(verb);
  if (form === undefined) throw new Misuse(`there is no \`writ sessions ${verb}\``, USAGE);
  if (Math.max(input.positionals.length, 1) !== form.split(" ").length) {
    throw new Misuse(`it is written \`writ sessions ${form}\``, USAGE);
  }
  const client = openClient(input, io);
  try {
    if (verb === "list") return await list(client, input, io);
    if (verb === "show") return await show(id, client, input, io);
    return await order(verb, { session: id, label }, client, input, io);
  } catch (error) {
    if (!(error instanceof AdminRefused) || error.problem !== "unknown_session") throw error;
    return unknown(id, input, io);
  }
}

const USAGE = "see `writ sessions --help`";

const FORMS: ReadonlyMap<string, string> = new Map([
  ["list", "list"],
  ["show", "show ID"],
  ["interrupt", "interrupt ID"],
  ["reinstate", "reinstate ID"],
  ["declassify", "declassify ID LABEL"],
]);

const PAGE_MOST = 1_000;

async function list(client: AdminClient, input: Input, io: Io): Promise<ExitCode> {
  const most = Number(input.values.get("most") ?? LIST_DEFAULT);
  if (!Number.isInteger(most) || most < 1) throw new Misuse("`--most` is a number from 1");
  let found: SessionsView | undefined;
  do {
    const page = await client.get<SessionsView>("/sessions", {
      interrupted: input.flags.has("interrupted") ? true : undefined,
      idle: input.values.get("idle"),
      prefix: input.values.get("prefix"),
      most: Math.min(most - (found?.sessions.length ?? 0), PAGE_MOST),
      after: found?.next,
    });
    found = { ...page, sessions: [...(found?.sessions ?? []), ...page.sessions] };
  } while (found.next !== undefined && found.sessions.length < most);
  if (input.json) io.out(`${JSON.stringify(found, null, 2)}\n`);
  else {
    const paint = painter(io);
    io.out(showSessions(found, paint));
    if (found.next !== undefined) {
      io.out(paint("dim", `the first ${count(most, "session")}: \`--most\` shows more\n`));
    }
  }
  return 0;
}

async function show(id: string, client: AdminClient, input: Input, io: Io): Promise<ExitCode> {
  const session = await client.get<SessionDetail>("/session", { id });
  io.out(input.json ? `${JSON.stringify(session, null, 2)}\n` : showSession(session, painter(io)));
  return 0;
}

async function order(
  verb: string,
  of: { readonly session: string; readonly label: string | undefined },
  client: AdminClient,
  input: Input,
  io: Io,
): Promise<ExitCode> {
  const body = { ...of, ...orderedBy(input) };
  const done = await client.post<{ readonly changed: boolean }>(`/sessions/${verb}`, body);
  if (input.json) io.out(`${JSON.stringify({ ok: done.changed, ...done }, null, 2)}\n`);
  else io.out(said(verb, of.session, of.label, done.changed, io));
  return done.changed ? 0 : 1;
}

function said(
  verb: string,
  session: string,
  label: string | undefined,
  changed: boolean,
  io: Io,
): string {
  const paint = painter(io);
  const name = paint("bold", printable(session));
  switch (verb) {
    case "interrupt":
      return `${paint("red", "interrupted")} ${name}: its calls are denied until it is reinstated\n`;
    case "reinstate":
      return changed
        ? `${paint("green", "reinstated")} ${name}\n`
        : `${name} was not interrupted: nothing changed\n`;
    default:
      return changed
        ? `${paint("yellow", "declassified")} ${name}: no longer ${printable(label ?? "")}\n`
        : `${name} does not have the label ${printable(label ?? "")}: nothing changed\n`;
  }
}

function unknown(id: string, { json }: Input, io: Io): ExitCode {
  const message = `there is no session ${JSON.stringify(id)}`;
  if (json)
    io.out(`${JSON.stringify({ ok: false, error: { kind: "unknown", message } }, null, 2)}\n`);
  else io.err(`writ sessions: ${message}\n`);
  return 1;
}
