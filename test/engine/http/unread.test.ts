/** Who asks on and reads nothing: neither the memory nor a place among the connections is theirs. */
import { connect, type Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Decision } from "../../../engine/decision.ts";
import { type Listening, listen } from "../../../engine/http/index.ts";
import { HTTP_LIMITS } from "../../../engine/limits.ts";
import { DENIAL, serve } from "./support.ts";

const open: Listening[] = [];
const clients: Socket[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const one of open.splice(0)) await one.stop();
});

function denying(because: string): FastifyInstance {
  const value: Decision = { ...DENIAL, because };
  return serve({ decide: () => ({ kind: "answer", value }) });
}

async function connected(app: FastifyInstance): Promise<Socket> {
  const listening = await listen(app, { port: 0, signals: false, drainMs: 1_000 });
  open.push(listening);
  const client = connect(Number(new URL(listening.address).port), "127.0.0.1");
  clients.push(client.pause().on("error", () => {}));
  await new Promise((done) => client.once("connect", done));
  return client;
}

function connectionCount({ server }: FastifyInstance): Promise<number> {
  return new Promise((tell) => server.getConnections((_error, count) => tell(count)));
}

const HEAD = "POST /decide HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
const PLAIN = `${HEAD}content-length: 2\r\n\r\n{}`;
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`;

describe.each([
  ["past the framework", PLAIN],
  ["through it", CHUNKED],
  ["of a resource that is read", "GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n"],
])("answers %s", (_way, request) => {
  test("that nobody reads end their connection", { timeout: 60_000 }, async () => {
    const app = denying("x".repeat(256 * 1024));
    const client = await connected(app);
    // Answers of 20 MB and more, beyond what the machine has buffers for.
    client.write(request.repeat(500));
    await vi.waitFor(async () => expect(await connectionCount(app)).toBe(0), { timeout: 10_000 });
  });

  test("that somebody reads all come", { timeout: 60_000 }, async () => {
    const client = await connected(denying("because"));
    let received = "";
    client.setEncoding("latin1").on("data", (text) => {
      received += text;
    });
    client.resume().write(request.repeat(40));
    const count = () => received.split("HTTP/1.1 ").length - 1;
    await vi.waitFor(() => expect(count()).toBe(40), { timeout: 10_000 });
  });
});

test("an answer that nobody takes on is given up", {
  timeout: 60_000,
}, async () => {
  const app = denying("x".repeat(16 * 1024 * 1024));
  expect(app.server.timeout).toBe(HTTP_LIMITS.stalledMs);
  app.server.timeout = 500;
  const client = await connected(app);
  client.write(PLAIN);
  await vi.waitFor(async () => expect(await connectionCount(app)).toBe(0), { timeout: 10_000 });
});
