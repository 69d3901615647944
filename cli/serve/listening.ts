/** Where the service listens. */

import type { createServer } from "../../engine/http/index.ts";
import {
  DEFAULT_HOST,
  DEFAULT_PORT,
  type Listening,
  ListenRefused,
  listen,
} from "../../engine/http/index.ts";
import { type Input, Misuse, type Option } from "../command.ts";

export const LISTENING_OPTIONS: readonly Option[] = [
  { name: "host", value: "ADDRESS", help: `where to listen (${DEFAULT_HOST})` },
  { name: "port", value: "PORT", help: `0 takes any that is free (${DEFAULT_PORT})` },
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
): Promise<Listening> {
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

export function portOf(given: string, option: string): number {
  const port = Number(given);
  if (/^\d+$/.test(given) && port <= 65_535) return port;
  throw new Misuse(`\`--${option}\` is a number from 0 to 65535, not ${JSON.stringify(given)}`);
}
