/**
 * A Unix socket to listen on, which only this user can open. It is made in a directory of its own and moved
 * into place, so that it is never there with other permissions, and what it replaces is gone in one step.
 */
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { connect } from "node:net";
import { dirname, join, relative, resolve } from "node:path";
import type { FastifyInstance } from "fastify";
import { drain, type Listening, ListenRefused } from "./listen.ts";

/** Of `sockaddr_un`, less on some systems than on others; a longer path would be cut off. */
const PATH_BYTES_MOST = 103;

/** Its directory is there. Rejects with `ListenRefused` where something else is, or a service that lives. */
export async function listenOnSocket(
  app: FastifyInstance,
  path: string,
  drainMs?: number,
): Promise<Listening> {
  const place = resolve(path);
  await refuseUnlessStale(place);
  const nest = mkdtempSync(join(dirname(place), ".s-"));
  const made = join(nest, "s");
  try {
    await app.listen({ path: shortest(made) });
    chmodSync(made, 0o600);
    renameSync(made, place);
  } catch (fault) {
    await app.close();
    throw fault;
  } finally {
    rmSync(made, { force: true });
    rmdirSync(nest);
  }
  const { ino } = lstatSync(place);
  const stopped = new Promise<void>((done) => app.server.once("close", () => done()));
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    try {
      if (statOf(place)?.ino === ino) unlinkSync(place);
    } finally {
      // What cannot be removed is replaced by the next start, once nobody listens on it.
      await drain(app, drainMs);
    }
  };
  return {
    address: place,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
    stopped,
  };
}

/** The same socket by fewer bytes, where it is below the current directory. */
export function shortest(path: string): string {
  const near = relative(process.cwd(), path);
  const short = near.length < path.length ? near : path;
  if (Buffer.byteLength(short) > PATH_BYTES_MOST) {
    throw new ListenRefused(
      `\`${path}\` is longer than the ${PATH_BYTES_MOST} bytes that a socket's path may have`,
    );
  }
  return short;
}

/** What a service left that ended without its farewell may go; whatever else is there may not. */
async function refuseUnlessStale(path: string): Promise<void> {
  const found = statOf(path);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new ListenRefused(`\`${path}\` is there, and is no socket`);
  }
  if (await answers(path)) {
    throw new ListenRefused(`another service listens on \`${path}\``);
  }
}

/** Refused is the one answer that says that nobody is there. */
function answers(path: string): Promise<boolean> {
  return new Promise((tell) => {
    const socket = connect(shortest(path));
    socket.once("connect", () => {
      socket.destroy();
      tell(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      tell(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
