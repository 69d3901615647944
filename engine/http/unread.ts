/**
 * Answers that wait for those before them on their connection. A client may ask again before it has read, and 64 KiB
 * of short requests are answered with a thousand times as much: who reads none of it must not fill the memory.
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { HTTP_LIMITS } from "../limits.ts";

const byteCounts = new WeakMap<Socket, number>();

/** `false`: so much waits already that the connection is closed, and nothing more is to be sent. */
export function mayBeSent(response: ServerResponse, byteCount: number): boolean {
  // It is the next to be sent.
  if (response.socket !== null) return true;
  const { socket } = response.req;
  const before = byteCounts.get(socket) ?? 0;
  if (before + byteCount > HTTP_LIMITS.unreadByteCount) socket.destroy();
  if (socket.destroyed) return false;
  byteCounts.set(socket, before + byteCount);
  response.once("close", () => {
    byteCounts.set(socket, (byteCounts.get(socket) ?? 0) - byteCount);
  });
  return true;
}
