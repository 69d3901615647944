/**
 * Answers that wait for those before them on their connection. A client may ask again before it has read, and 64 KiB
 * of short requests are answered with a thousand times as much: who reads none of it must not fill the memory.
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { HTTP_LIMITS } from "../limits.ts";

export class Unread {
  readonly #byteCounts = new WeakMap<Socket, number>();

  /** `false`: so much waits already that the connection is closed, and nothing more is to be sent. */
  admits(response: ServerResponse, byteCount: number): boolean {
    // It is the next to be sent.
    if (response.socket !== null) return true;
    const { socket } = response.req;
    const before = this.#byteCounts.get(socket) ?? 0;
    if (before + byteCount > HTTP_LIMITS.unreadByteCount) socket.destroy();
    if (socket.destroyed) return false;
    this.#byteCounts.set(socket, before + byteCount);
    response.once("close", () => {
      this.#byteCounts.set(socket, (this.#byteCounts.get(socket) ?? 0) - byteCount);
    });
    return true;
  }
}
