import type { LiveState } from "../../engine/http/index.ts";
import type { SessionsView } from "../../engine/inspect/view.ts";
import { type AdminClient, CLIENT_OPTIONS, openClient } from "../admin/client.ts";
import type { Command, ExitCode, Input, Io } from "../command.ts";
import { painter } from "../terminal.ts";
import { watch } from "../top/live.ts";
import { pictureOf, type Reading } from "../top/picture.ts";

export const command: Command = {
  name: "top",
  summary: "watch counters near their limits, and what is decided, live",
  usage: "[options]",
  description: [
    "Shows what a running `writ serve` is doing, each second anew: counters by how near they are to what rules compare them with, decisions each second by what they are, how long they take, calls whose outcome is awaited, sessions that were interrupted and why. It asks the service of this directory, or the one that --admin names.",
    "Keys: q quits, s sorts by nearness, value or name, p pauses. Where there is no terminal, or with --once, it prints once and ends; with --json, what `GET /state` answers (SPEC §12.10).",
    "A limit is found where a rule compares a counter with a constant, alone or with what the call would add; other counters show their value alone.",
    "Examples:\n  writ top\n  writ top --once\n  writ top --json | jq '.counters[].highest[0]'",
  ],
  options: [{ name: "once", help: "print once, and end" }, ...CLIENT_OPTIONS],
  positionals: { least: 0, most: 0 },
  run: top,
};

/** Keys of each counter that are asked for. */
const KEYS = 20;
const INTERRUPTED = 5;
/** Where it does not know how wide lines may be. */
const PLAIN_COLUMNS = 120;

async function top(input: Input, io: Io): Promise<ExitCode> {
  const client = openClient(input, io);
  if (input.json) {
    io.out(`${JSON.stringify(await client.get<LiveState>("/state", { keys: KEYS }), null, 2)}\n`);
    return 0;
  }
  const { screen } = io;
  if (screen === undefined || input.flags.has("once")) {
    const columns = screen?.size().columns ?? PLAIN_COLUMNS;
    const lines = pictureOf(await read(client), { columns, order: "near", paint: painter(io) });
    io.out(`${lines.map((line) => line.trimEnd()).join("\n")}\n`);
    return 0;
  }
  await watch({ read: () => read(client), place: client.place }, screen, io);
  return 0;
}

async function read(client: AdminClient): Promise<Reading> {
  const live = await client.get<LiveState>("/state", { keys: KEYS });
  const none = live.sessions.interrupted === 0;
  const query = { interrupted: true, most: INTERRUPTED };
  const { sessions } = none ? { sessions: [] } : await client.get<SessionsView>("/sessions", query);
  return { live, interrupted: sessions };
}
