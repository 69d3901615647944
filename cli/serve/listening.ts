/** Where the service listens. */
import { resolve } from "node:path";
import type { createServer } from "../../engine/http/index.ts";
import {
  DEFAULT_HOST,
  DEFAULT_PORT,
  type Listening,
  ListenRefused,
  listen,
  listenOnSocket,
} from "../../engine/http/index.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";

export const LISTENING_OPTIONS: readonly Option[] = [
  { name: "host", value: "ADDRESS", help: `where to listen (${DEFAULT_HOST})` },
  { name: "port", value: "PORT", help: `0 takes any that is free (${DEFAULT_PORT})` },
  {
    name: "listen",
    value: "unix:PATH",
    help: "listen on a Unix socket that only this user can open, and on no port",
  },
  { name: "allow-remote", help: "listen where other machines can reach it" },
  {
    name: "allowed-host",
    value: "NAME",
    repeatable: true,
    help: "a name that it may be asked under, besides localhost",
  },
];

export async function startListening(
  app: ReturnType<typeof createServer>,
  { values, flags }: Input,
  { cwd }: Io,
): Promise<Listening> {
  const socket = values.get("listen");
  if (socket !== undefined) return listenAt(app, socket, values, cwd);
  const host = values.get("host") ?? DEFAULT_HOST;
  const given = values.get("port");
  const port = given === undefined ? DEFAULT_PORT : portOf(given, "port");
  try {
    return await listen(app, {
      host,
      port,
      allowRemote: flags.has("allow-remote"),
      signals: false,
    });
  } catch (error) {
    if (error instanceof ListenRefused) throw new Misuse(error.message, "`--allow-remote`");
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") {
      throw new Misuse(
        `port ${port} of ${host} is taken`,
        "name another with `--port`; 0 takes any",
      );
    }
    if (code === "EACCES" || code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      throw new Misuse(`cannot listen on ${host}, port ${port}: ${String(code)}`);
    }
    throw error;
  }
}

async function listenAt(
  app: ReturnType<typeof createServer>,
  given: string,
  values: Input["values"],
  cwd: string,
): Promise<Listening> {
  const [, path] = /^unix:(.+)$/.exec(given) ?? [];
  if (path === undefined) {
    throw new Misuse(`\`--listen\` is unix:PATH, not ${JSON.stringify(given)}`);
  }
  if (values.has("host") || values.has("port")) {
    throw new Misuse("`--listen` stands for `--host` and `--port`", "leave out one or the other");
  }
  try {
    const opened = await listenOnSocket(app, resolve(cwd, path));
    return { ...opened, address: `unix:${opened.address}` };
  } catch (error) {
    if (error instanceof ListenRefused) throw new Misuse(error.message, "name another place");
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    throw new Misuse(`cannot listen on ${JSON.stringify(path)}: ${code}`);
  }
}

export function portOf(given: string, option: string): number {
  const port = Number(given);
  if (/^\d+$/.test(given) && port <= 65_535) return port;
  throw new Misuse(`\`--${option}\` is a number from 0 to 65535, not ${JSON.stringify(given)}`);
}
