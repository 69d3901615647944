import { BlockList, isIP } from "node:net";
import type { FastifyInstance } from "fastify";
import { HTTP_LIMITS } from "../limits.ts";

export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_PORT = 8787;

export interface ListenParts {
  /** An address of this machine, or `localhost`. */
  readonly host?: string;
  readonly port?: number;
  /** The service does not yet know who asks, so whoever can reach an address may ask for decisions. */
  readonly allowRemote?: boolean;
  /** Stop when the process is told to; the second time it ends at once. */
  readonly signals?: boolean;
  readonly drainMs?: number;
}

export interface Listening {
  /** `http://127.0.0.1:8787` */
  readonly address: string;
  /** Takes no more connections, answers what is in flight, and resolves when all is closed. */
  stop(): Promise<void>;
  /** Resolves once stopped, for whatever reason. */
  readonly stopped: Promise<void>;
}

/** A bind that would weaken the service is refused with a message for people. */
export class ListenRefused extends Error {}

/** Puts the service on a port. Prints nothing; rejects when the port is taken. */
export async function listen(app: FastifyInstance, parts: ListenParts = {}): Promise<Listening> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, allowRemote = false, signals = true } = parts;
  if (!allowRemote && !isLoopback(host)) {
    throw new ListenRefused(
      `\`${host}\` can be reached from other machines, and the service does not authenticate who asks yet; ` +
        "allow it expressly, behind something that does",
    );
  }
  const address = await app.listen({ host, port });
  const stopped = new Promise<void>((resolve) => app.server.once("close", resolve));
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= drain(app, parts.drainMs);
    return stopping;
  };
  if (signals) stopOnSignals(stop, stopped);
  return { address, stop, stopped };
}

/** Of what is neither an address nor `localhost` nothing is known before it is looked up. */
export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const version = isIP(host);
  return version !== 0 && LOOPBACK.check(host, version === 4 ? "ipv4" : "ipv6");
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Takes no more connections and answers what is in flight, for so long at most. */
export async function drain(
  app: FastifyInstance,
  drainMs: number = HTTP_LIMITS.drainMs,
): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), drainMs);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
}

function stopOnSignals(stop: () => Promise<void>, stopped: Promise<void>): void {
  // Removed with the first signal, so that the second has its usual effect.
  const onSignal = () => {
    remove();
    void stop();
  };
  const remove = () => {
    process.off("SIGTERM", onSignal);
    process.off("SIGINT", onSignal);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  void stopped.then(remove);
}
