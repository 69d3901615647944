/** One connection to Redis: commands in order, each answered or failed, nothing queued while it is not there. */
import type { RedisAddress } from "./address.ts";
import { MACHINE_TIMERS, type Timers } from "./timers.ts";

export interface Link {
  /** Rejects with what Redis answered as an error, or when the connection ends. */
  send(command: readonly string[]): Promise<unknown>;
  /** Resolves when the connection is gone, with why. */
  readonly ended: Promise<Error>;
  end(): void;
}

export type OpenLink = (address: RedisAddress, timeoutMs: number) => Promise<Link>;

export async function openLink(address: RedisAddress, timeoutMs: number): Promise<Link> {
  // Who does not use it need not wait for it to load.
  const { createClient } = await import("@redis/client");
  const { host, port, tls, username, password } = address;
  // One connection, used until it ends: whoever holds it decides when to try again.
  const socket = { host, port, connectTimeout: timeoutMs, reconnectStrategy: false } as const;
  const client = createClient({
    socket: tls ? { ...socket, tls } : socket,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    RESP: 2,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
    // Whoever asks gives up long before; a timer of the client's own for each command costs more than the command.
    commandOptions: { timeout: 0 },
  });
  const ended = new Promise<Error>((resolve) => {
    client.on("error", (error: unknown) => resolve(asError(error)));
    client.on("end", () => resolve(new Error("the connection was closed")));
  });
  const end = () => {
    if (client.isOpen) client.destroy();
  };
  try {
    await within(client.connect(), timeoutMs, MACHINE_TIMERS);
  } catch (fault) {
    end();
    throw fault;
  }
  return { send: (command) => client.sendCommand([...command]), ended, end };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

export class TookTooLong extends Error {
  constructor(timeoutMs: number) {
    super(`Redis did not answer within ${timeoutMs} ms`);
  }
}

/** The answer, or a rejection once it has taken so long; an answer that comes later is dropped. */
export function within<Answer>(
  answer: Promise<Answer>,
  timeoutMs: number,
  timers: Timers,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const callOff = timers.after(timeoutMs, () => reject(new TookTooLong(timeoutMs)));
    answer.then(resolve, reject).finally(callOff);
  });
}
