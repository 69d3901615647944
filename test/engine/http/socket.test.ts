/** What only a socket shows: everything else is tested by `inject`, without a port. */
import { connect } from "node:net";
import { promisify } from "node:util";
import type { FastifyInstance } from "fastify";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Listening, ListenRefused, listen } from "../../../engine/http/index.ts";
import { isLoopback } from "../../../engine/http/listen.ts";
import { HTTP_LIMITS } from "../../../engine/limits.ts";
import { seedFrom } from "../../support/seed.ts";
import { randomFrom } from "./random.ts";
import { SOUND } from "./sample.ts";
import { DENIAL, serve } from "./support.ts";

let listening: Listening | undefined;
afterEach(async () => {
  await listening?.stop();
  listening = undefined;
});

async function start(app: FastifyInstance = serve(), drainMs = 1_000): Promise<number> {
  listening = await listen(app, { port: 0, signals: false, drainMs });
  return Number(new URL(listening.address).port);
}

/** Says that nothing more will be sent, so that nothing more is waited for. */
const END = Symbol("end");

/** Everything that comes back until the service closes the connection. */
function exchange(
  port: number,
  ...chunks: readonly (string | Buffer | typeof END)[]
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let received = "";
  const socket = connect(port, "127.0.0.1", () => {
    for (const chunk of chunks) {
      if (chunk === END) socket.end();
      else socket.write(chunk);
    }
  });
  socket.setEncoding("latin1");
  socket.on("data", (text) => {
    received += text;
  });
  socket.on("error", () => {});
  socket.on("close", () => resolve(received));
  return promise;
}

const HEAD = "host: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n";
const post = (head: string, body = "") => `POST /decide HTTP/1.1\r\n${head}\r\n${body}`;

/** `400 bad_request`; `403` where there is no problem body. */
function outcome(answer: string): string {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? "no answer";
  const name = /"type":"urn:writ:problem:(\w+)"/.exec(answer)?.[1];
  return name === undefined ? status : `${status} ${name}`;
}

describe("requests as they come", () => {
  const chunked = (text: string) =>
    post(
      `${HEAD}transfer-encoding: chunked\r\n`,
      `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
    );

  test.each<[string, string, string]>([
    ["a request", post(`${HEAD}content-length: 2\r\n`, "{}"), "200"],
    ["in chunks", chunked("{}"), "200"],
    [
      "chunks of what is encoded otherwise as well",
      post(`${HEAD}transfer-encoding: x, chunked\r\n`, "2\r\n{}\r\n0\r\n\r\n"),
      "400 unsupported_media_type",
    ],
    ["chunks too large", chunked(`"${"x".repeat(70_000)}"`), "400 too_large"],
    ["a length too large", post(`${HEAD}content-length: 65537\r\n`), "400 too_large"],
    ["no length and no body", post(HEAD), "400 malformed_json"],
    [
      "blanks around the content type",
      post(
        "host: localhost\r\nconnection: close\r\ncontent-type: \t application/json \t\r\ncontent-length: 2\r\n",
        "{}",
      ),
      "200",
    ],
    [
      "a hard blank after it",
      post(
        "host: localhost\r\nconnection: close\r\ncontent-type: application/json\u00a0\r\ncontent-length: 2\r\n",
        "{}",
      ),
      "400 unsupported_media_type",
    ],
    [
      "two hosts",
      post(`${HEAD}host: localhost\r\ncontent-length: 2\r\n`, "{}"),
      "400 repeated_header",
    ],
    [
      "two content types",
      post(`${HEAD}Content-Type: text/plain\r\ncontent-length: 2\r\n`, "{}"),
      "400 repeated_header",
    ],
    [
      "two origins",
      post(`${HEAD}origin: a\r\norigin: b\r\ncontent-length: 2\r\n`, "{}"),
      "400 repeated_header",
    ],
    [
      "two lengths",
      post(`${HEAD}content-length: 2\r\ncontent-length: 3\r\n`, "{}"),
      "400 bad_request",
    ],
    [
      "a length and chunks",
      post(`${HEAD}content-length: 2\r\ntransfer-encoding: chunked\r\n`, "0\r\n\r\n"),
      "400 bad_request",
    ],
    ["no host", "POST /decide HTTP/1.1\r\nconnection: close\r\n\r\n", "400"],
    ["no host in HTTP/1.0", "POST /decide HTTP/1.0\r\n\r\n", "403 unexpected_host"],
    ["a dotted path", `GET /./health HTTP/1.1\r\n${HEAD}\r\n`, "404 not_found"],
    ["a path through its parent", `GET /x/../health HTTP/1.1\r\n${HEAD}\r\n`, "404 not_found"],
    ["a backslash", `GET \\health HTTP/1.1\r\n${HEAD}\r\n`, "400 bad_request"],
    ["a backslash further on", `GET /x\\health HTTP/1.1\r\n${HEAD}\r\n`, "404 not_found"],
    ["an empty query", `POST /decide? HTTP/1.1\r\n${HEAD}\r\n`, "400 unexpected_query"],
    ["a fragment", `GET /health#x HTTP/1.1\r\n${HEAD}\r\n`, "404 not_found"],
    ["a whole URL", `GET http://localhost/health HTTP/1.1\r\n${HEAD}\r\n`, "404 not_found"],
    [
      "a whole URL of another",
      `GET http://evil.example/health HTTP/1.1\r\n${HEAD}\r\n`,
      "404 not_found",
    ],
    ["an asterisk", `OPTIONS * HTTP/1.1\r\n${HEAD}\r\n`, "404 not_found"],
    ["an unusual method", `PROPFIND /decide HTTP/1.1\r\n${HEAD}\r\n`, "405 method_not_allowed"],
    ["no such method", `ALLOW /decide HTTP/1.1\r\n${HEAD}\r\n`, "400 bad_request"],
    ["large headers", post(`${HEAD}x: ${"x".repeat(9_000)}\r\n`), "431 headers_too_large"],
    ["line feeds alone", "GET /health HTTP/1.1\nhost: localhost\n\n", "400 bad_request"],
    ["a header that is no header", post(`${HEAD}nonsense\r\n`), "400 bad_request"],
    ["another protocol", "\u0016\u0003\u0001\u0002\u0000\u0001", "400 bad_request"],
  ])("%s", async (_, request, expected) => {
    const answer = await exchange(await start(), Buffer.from(request, "latin1"));
    expect(outcome(answer)).toBe(expected);
  });

  test("a second request behind the first is a request of its own", async () => {
    const first = post(
      "host: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n",
      "{}",
    );
    const second = post(`${HEAD}content-length: 1\r\n`, "{");
    const answer = await exchange(await start(), first, second);
    expect(answer.match(/HTTP\/1\.1 (\d+)/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
  });
});

test("a body that comes in several pieces is read as one, and what follows a whole document refused", async () => {
  const port = await start();
  const post = (body: string) =>
    exchange(
      port,
      `POST /decide HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
        `connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
  // With its head it is longer than what Node reads at once.
  const sound = JSON.stringify(SOUND);
  const room = " ".repeat(65_500 - sound.length);
  expect(await post(`${sound}${room}`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await post(`${sound}${room.slice(1)}x`)).toContain('"code":"trailing_content"');
});

describe("damaged requests", () => {
  const runs = Number(process.env.WRIT_SOCKET_RUNS ?? 3_000);
  const seed = seedFrom("WRIT_SOCKET_SEED");

  test(`none is a server error, seed ${seed}`, { timeout: 30_000 + runs * 10 }, async () => {
    const random = randomFrom(seed);
    const port = await start();
    const answered = new Map<string, number>();
    const pieces = [
      "\r\n",
      "\n",
      ":",
      " ",
      "\t",
      "\u0000",
      "\u00ff",
      "0",
      "chunked",
      "host: x\r\n",
      "{}",
    ];
    const whole = post(`${HEAD}x-request-id: 1\r\ncontent-length: 2\r\n`, "{}");
    const damaged = () => {
      let text = whole;
      for (let count = 1 + random.below(3); count > 0; count -= 1) {
        const at = random.below(text.length + 1);
        const cut = random.below(3) * random.below(4);
        text =
          text.slice(0, at) +
          (random.below(3) > 0 ? random.pick(pieces) : "") +
          text.slice(at + cut);
      }
      return text;
    };
    const one = async () => {
      const request = damaged();
      const answer = await exchange(port, Buffer.from(request, "latin1"), END);
      const kind = outcome(answer);
      answered.set(kind, (answered.get(kind) ?? 0) + 1);
      if (/^HTTP\/1\.1 5/m.test(answer)) expect.fail(`${JSON.stringify(request)} → ${answer}`);
    };
    for (let run = 0; run < runs; run += 50) await Promise.all(Array.from({ length: 50 }, one));
    expect(answered.get("200"), JSON.stringify([...answered])).toBeGreaterThan(runs / 20);
    expect(answered.get("400 bad_request")).toBeGreaterThan(runs / 20);
  });
});

describe("slow clients", () => {
  // How often sockets are looked at, and what a busy machine adds.
  const late = HTTP_LIMITS.timeoutCheckMs + 5_000;

  test("500 that never end their headers are all gone in time, and others are answered meanwhile", async () => {
    const port = await start();
    const begun = performance.now();
    const slow = Array.from({ length: 500 }, () =>
      exchange(port, "POST /decide HTTP/1.1\r\nhost: lo"),
    );
    let areGone = false;
    const gone = Promise.all(slow).finally(() => {
      areGone = true;
    });
    let answeredCount = 0;
    for (; !areGone; answeredCount += 1) {
      const answer = await exchange(port, post(`${HEAD}content-length: 2\r\n`, "{}"));
      expect(outcome(answer)).toBe("200");
    }
    expect(answeredCount).toBeGreaterThan(10);
    const answers = await gone;
    const took = performance.now() - begun;
    expect(took).toBeGreaterThan(HTTP_LIMITS.headersTimeoutMs - 100);
    expect(took).toBeLessThan(HTTP_LIMITS.headersTimeoutMs + late);
    expect(new Set(answers.map(outcome))).toEqual(new Set(["408 timeout"]));
  });

  test("so is one that never ends its body", async () => {
    const port = await start();
    const begun = performance.now();
    const answer = await exchange(port, post(`${HEAD}content-length: 10\r\n`, "{"));
    expect(performance.now() - begun).toBeLessThan(HTTP_LIMITS.requestTimeoutMs + late);
    expect(outcome(answer)).toBe("408 timeout");
  });
});

test("a flood of connections that say nothing is bounded, and passes", async () => {
  const app = serve();
  const port = await start(app);
  const held = promisify(app.server.getConnections.bind(app.server));
  let most = 0;
  const flood = Array.from({ length: HTTP_LIMITS.connectionCount + 500 }, () =>
    connect(port, "127.0.0.1", async () => {
      most = Math.max(most, await held());
    }).on("error", () => {}),
  );
  // Whom the kernel turned away may never hear of it: the service's own count is what must come down.
  await vi.waitFor(async () => expect([most > 0, await held()]).toEqual([true, 0]), {
    timeout: 45_000,
    interval: 200,
  });
  expect(most).toBeLessThanOrEqual(HTTP_LIMITS.connectionCount);
  for (const socket of flood) socket.destroy();
  const answer = await exchange(port, post(`${HEAD}content-length: 2\r\n`, "{}"));
  expect(outcome(answer)).toBe("200");
}, 60_000);

describe("starting and stopping", () => {
  test.each(["127.0.0.1", "127.1.2.3", "::1", "localhost"])("%s is this machine only", (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  test.each([
    "0.0.0.0",
    "::",
    "",
    "10.1.2.3",
    "writ.example",
    "127.1",
    "localhost.example",
    "1::1",
  ])("%j is refused unless remote use is allowed", async (host) => {
    const app = serve();
    await expect(listen(app, { host, port: 0 })).rejects.toThrow(ListenRefused);
    await app.close();
  });

  test("remote use can be allowed", async () => {
    listening = await listen(serve(), {
      host: "0.0.0.0",
      port: 0,
      allowRemote: true,
      signals: false,
    });
    expect(listening.address).toMatch(/^http:/);
  });

  test("what is in flight is answered, and then all is closed", async () => {
    const asked = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    const app = serve({
      decide: async () => {
        asked.resolve();
        await answered.promise;
        return { kind: "answer", value: DENIAL };
      },
    });
    const port = await start(app);
    const answer = exchange(
      port,
      post("host: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n", "{}"),
    );
    await asked.promise;
    const stopping = listening?.stop();
    // What was on its way is answered for a moment, and told that this is the end.
    const last = await exchange(port, "GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n");
    expect(outcome(last)).toBe("503 unavailable");
    expect(last).toMatch(/\r\nconnection: close\r\n.*it is stopping/is);
    await vi.waitFor(() => expect(app.server.listening).toBe(false));
    expect(outcome(await exchange(port, post(HEAD)))).toBe("no answer");
    answered.resolve();
    expect(outcome(await answer)).toBe("200");
    await stopping;
    await listening?.stopped;
  });

  test("who asks on and on over new connections does not keep it from stopping", async () => {
    const app = serve();
    const port = await start(app);
    const idle = connect(port, "127.0.0.1").on("error", () => {});
    const ask = () =>
      exchange(port, "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    // Answered behind it: the idle one has been taken.
    await ask();
    let isStopped = false;
    const stopping = listening?.stop().then(() => {
      isStopped = true;
    });
    let asked = 0;
    for (; !isStopped; asked += 1) await ask();
    await stopping;
    idle.destroy();
    expect(asked).toBeGreaterThan(1);
  }, 30_000);

  test("what is never answered does not keep it from stopping", async () => {
    const asked = Promise.withResolvers<void>();
    const app = serve({
      decide: () => {
        asked.resolve();
        return new Promise<never>(() => {});
      },
    });
    const port = await start(app, 100);
    const answer = exchange(port, post(`${HEAD}content-length: 2\r\n`, "{}"));
    await asked.promise;
    await listening?.stop();
    expect(outcome(await answer)).toBe("no answer");
  });

  test("the first signal stops it, and leaves the second its usual effect", async () => {
    const before = process.listenerCount("SIGTERM");
    listening = await listen(serve(), { port: 0 });
    expect(process.listenerCount("SIGTERM")).toBe(before + 1);
    process.emit("SIGTERM");
    expect(process.listenerCount("SIGTERM")).toBe(before);
    expect(process.listenerCount("SIGINT")).toBe(before);
    await listening.stopped;
  });
});
