/** Past the framework or through it: whoever asks cannot tell. Only a socket shows it, since `inject` is the framework's. */
import { connect } from "node:net";
import { type FastifyInstance, fastify } from "fastify";
import { afterEach, describe, expect, test } from "vitest";
import type { Asking } from "../../../engine/http/body.ts";
import { createDirect } from "../../../engine/http/direct.ts";
import { createChecks } from "../../../engine/http/gate.ts";
import { type DecisionService, type Listening, listen } from "../../../engine/http/index.ts";
import { type Asked, Turns } from "../../../engine/http/turns.ts";
import { JSON_LIMITS } from "../../../engine/limits.ts";
import { seedFrom } from "../../support/seed.ts";
import { randomFrom } from "./random.ts";
import { DENIAL, serve } from "./support.ts";

const open: Listening[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});

async function portOf(app: FastifyInstance): Promise<number> {
  const listening = await listen(app, { port: 0, signals: false, drainMs: 1_000 });
  open.push(listening);
  return Number(new URL(listening.address).port);
}

/** Everything that comes back. Who says too early that nothing follows is not answered. */
function exchange(port: number, sent: Buffer): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let received = "";
  const socket = connect(port, "127.0.0.1", () => socket.write(sent));
  socket.setEncoding("latin1");
  socket.on("data", (text) => {
    received += text;
    if (/HTTP\/1\.1 [2-5]/.test(received)) socket.end();
  });
  socket.on("error", () => {});
  socket.on("close", () => resolve(received));
  return promise;
}

/** Says what it was asked, and fails as it is asked to. */
const SERVICE: Partial<DecisionService> = {
  decide(input) {
    const asked = JSON.stringify(input);
    const answer = { kind: "answer", value: { ...DENIAL, because: asked.slice(0, 300) } } as const;
    if (asked.includes("throw")) throw new Error("as it was asked to");
    if (asked.includes("reject")) return Promise.reject(new Error("as it was asked to"));
    if (asked.includes("late")) return new Promise((tell) => setImmediate(() => tell(answer)));
    if (asked.includes("unable")) return { kind: "unavailable", because: "no disk" };
    return answer;
  },
};

/** Headers in their order by name: that in which they are sent is nobody's business. */
function spelled(answer: string): string {
  return answer
    .split(/(?=HTTP\/1\.1 \d)/)
    .map((one) => {
      const [head = "", body] = one.split("\r\n\r\n");
      const [status, ...headers] = head.split("\r\n");
      const kept = headers.filter((header) => !/^date:/i.test(header)).sort();
      return [status, ...kept, body].join("\n");
    })
    .join("\n");
}

const BODIES = ['{"a":1}', "{", '{"a":1,"a":2}', "", '{"do":"throw"}', '{"do":"reject"}'].concat([
  '{"do":"late"}',
  '{"do":"unable"}',
  `"${"x".repeat(66_000)}"`,
  '{"é":"\u{1f600}"}',
]);
const STARTS = [
  ...Array.from({ length: 8 }, () => "POST /decide HTTP/1.1"),
  "POST /outcome HTTP/1.1",
  "GET /decide HTTP/1.1",
  "POST /decide? HTTP/1.1",
  "POST /decide/ HTTP/1.1",
  "POST /decide HTTP/1.0",
  "POST //decide HTTP/1.1",
];
const HEADERS = [
  "x-request-id: r-1",
  'x-request-id: "<r>"',
  `x-request-id: ${"r".repeat(200)}`,
  "origin: https://evil.example",
  "origin: https://console.example",
  "content-encoding: gzip",
  "content-type: text/plain",
  "Content-Type: application/json",
  "host: localhost",
  "accept: */*\r\naccept: text/html",
  "authorization: a\r\nauthorization: b",
  "expect: 100-continue",
  "expect: nothing",
  "__proto__: x",
  "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  "connection: keep-alive",
];
const HOSTS = [
  "localhost",
  "localhost:1",
  "127.0.0.1:80",
  "LOCALHOST",
  "evil.example",
  "a@localhost",
];

const SEED = seedFrom("WRIT_DIRECT_SEED");
const RUNS = Number(process.env.WRIT_DIRECT_RUNS ?? 1_500);

test(`one answer, whichever way a request takes, seed ${SEED}`, {
  timeout: 60_000 + RUNS * 20,
}, async () => {
  const random = randomFrom(SEED);
  const origins = { allowedOrigins: ["https://console.example"] };
  const direct = await portOf(serve(SERVICE, origins));
  const seeing = { extend: hooked, ...origins };
  const framework = await portOf(serve(SERVICE, seeing));
  const kinds = new Map<string, number>();
  const one = async () => {
    const body = Buffer.from(random.pick(BODIES));
    const lines = [
      random.pick(STARTS),
      `host: ${random.below(3) > 0 ? "localhost" : random.pick(HOSTS)}`,
    ];
    lines.push("content-type: application/json", "connection: close");
    for (let count = random.below(3); count > 0; count -= 1) lines.push(random.pick(HEADERS));
    const isChunked = random.below(6) === 0;
    lines.push(isChunked ? "transfer-encoding: chunked" : `content-length: ${body.length}`);
    const chunks = isChunked ? [`${body.length.toString(16)}\r\n`, body, "\r\n0\r\n\r\n"] : [body];
    if (isChunked && body.length === 0) chunks.splice(0, 3, "0\r\n\r\n");
    const parts = [`${lines.join("\r\n")}\r\n\r\n`, ...chunks].map((part) => Buffer.from(part));
    const sent = Buffer.concat(parts);
    const [here, there] = await Promise.all([exchange(direct, sent), exchange(framework, sent)]);
    expect(spelled(here), sent.toString("latin1").slice(0, 2_000)).toBe(spelled(there));
    const kind = here.slice(9, 12);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  };
  for (let run = 0; run < RUNS; run += 20) await Promise.all(Array.from({ length: 20 }, one));
  for (const kind of ["200", "400", "403", "500", "503"]) {
    expect(kinds.get(kind), `${kind} of ${JSON.stringify([...kinds])}`).toBeGreaterThan(RUNS / 100);
  }
});

function hooked(app: FastifyInstance): void {
  app.addHook("onRequest", (_request, _reply, done) => done());
}

describe("which way", () => {
  const POST = (path = "/x", more = "") =>
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n${more}content-length: 2\r\n\r\n{}`,
    );

  async function wayOf(
    sent: Buffer,
    prepare: (app: FastifyInstance) => void = () => {},
  ): Promise<string | undefined> {
    const app: FastifyInstance = fastify();
    app.decorate("stopping", { isSo: false, askedCount: 0 });
    const checks = createChecks({ allowedHosts: [], allowedOrigins: [] });
    const parts = { checks, headers: {}, onFault: () => {}, onAnswer: undefined };
    const ask = () => ({ kind: "answer", value: "directly" }) as const;
    createDirect(app, parts).serve("/x", { limits: JSON_LIMITS, ask });
    app.post("/x", () => "through the framework");
    app.post("/y", () => "through the framework");
    prepare(app);
    const answer = await exchange(await portOf(app), sent);
    return /directly|through the framework/.exec(answer)?.[0];
  }

  test("a plain request, past the framework", async () => {
    expect(await wayOf(POST())).toBe("directly");
  });

  test("another resource, through it", async () => {
    expect(await wayOf(POST("/y"))).toBe("through the framework");
  });

  test("what the checks are against, through it", async () => {
    expect(await wayOf(POST("/x", "origin: null\r\n"))).toBe("through the framework");
  });

  test.each(["onRequest", "preHandler", "onSend", "onResponse"] as const)(
    "all, once somebody sees each request by %s",
    async (name) => {
      const way = await wayOf(POST(), (app) => {
        void app.register((inner, _options, done) => {
          inner.addHook(name as "onRequest", async () => {});
          done();
        });
      });
      expect(way).toBe("through the framework");
    },
  );

  test("as before, where hooks are told of routes or of the end alone", async () => {
    const way = await wayOf(POST(), (app) => {
      app.addHook("onRoute", () => {});
      app.addHook("onClose", async () => {});
    });
    expect(way).toBe("directly");
  });

  test("all, once it stops: the framework closes their connections", async () => {
    const way = await wayOf(POST(), (app) => {
      app.stopping.isSo = true;
    });
    expect(way).toBe("through the framework");
  });

  test("all, where each has to be admitted", async () => {
    let admitted = 0;
    const admit = () => {
      admitted += 1;
      return undefined;
    };
    await exchange(await portOf(serve(SERVICE, { admit })), POST("/decide"));
    expect(admitted).toBe(1);
  });
});

test("a body that comes bit by bit is read as one", async () => {
  const text = JSON.stringify({ long: "x".repeat(40_000) });
  const port = await portOf(serve(SERVICE));
  const socket = connect(port, "127.0.0.1");
  socket.setEncoding("latin1");
  socket.write("POST /decide HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
  socket.write(`connection: close\r\ncontent-length: ${text.length}\r\n\r\n`);
  for (let at = 0; at < text.length; at += 10_000) {
    await new Promise((next) => setTimeout(next, 20));
    socket.write(text.slice(at, at + 10_000));
  }
  let received = "";
  for await (const more of socket) received += more;
  expect(received).toContain("HTTP/1.1 200");
  expect(received).toContain(`${text.slice(0, 50).replaceAll('"', '\\"')}`);
});

test("what one request meets with is nothing to the others of its turn", () => {
  const faults: unknown[] = [];
  const turns = new Turns({ headers: {}, onFault: (fault) => void faults.push(fault) });
  const sent: string[] = [];
  const destroyed: string[] = [];
  const take = (name: string, asking: Asking<unknown>, text = "{}", broken = false) => {
    const writeHead = (status: number) => {
      if (broken) throw new Error("as it was asked to");
      return { end: () => void sent.push(`${name} ${status}`) };
    };
    turns.take({
      request: { headers: {} },
      response: { writeHead, destroy: () => void destroyed.push(name) },
      bytes: Buffer.from(text),
      asking,
    } as unknown as Asked);
  };
  const fail = (): never => {
    throw new Error("as it was asked to");
  };
  const ask = () => ({ kind: "answer", value: 1 }) as const;
  const usual = { limits: JSON_LIMITS, ask };
  take("first", usual);
  take("in the limits", Object.defineProperty({ ...usual }, "limits", { get: fail }));
  take("in the asking", { ...usual, ask: fail });
  take("in the answer", { ...usual, ask: () => ({ kind: "answer", value: 1n }) });
  take("in the sending", usual, "{}", true);
  take("malformed", usual, "{");
  for (let at = 0; at < 40; at += 1) take(`further ${at}`, usual);
  const all = Promise.withResolvers<void>();
  setImmediate(all.resolve);
  return all.promise.then(() => {
    const of = (status: number) => sent.filter((line) => line.endsWith(String(status)));
    expect(of(500)).toEqual(["in the limits 500", "in the asking 500", "in the answer 500"]);
    expect(of(400)).toEqual(["malformed 400"]);
    expect(of(200)).toHaveLength(41);
    expect(destroyed).toEqual(["in the sending"]);
    expect(faults).toHaveLength(4);
  });
});

test("a line in the log for each answer, of status and time", async () => {
  const lines: string[] = [];
  const logger = { level: "info", stream: { write: (line: string) => void lines.push(line) } };
  const port = await portOf(serve(SERVICE, { logger }));
  const post = (body: string) =>
    `POST /decide HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  await exchange(port, Buffer.from(post('{"secret":1}')));
  await exchange(port, Buffer.from(post('{"do":"throw","secret":1}')));
  const told = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg !== undefined);
  const answers = told.filter(({ msg }) => msg === "answer");
  expect(answers).toMatchObject([
    { route: "/decide", status: 200, milliseconds: expect.any(Number) },
    { route: "/decide", status: 500, milliseconds: expect.any(Number) },
  ]);
  expect(told.some(({ msg, fault }) => msg === "fault" && fault === "Error")).toBe(true);
  expect(lines.join("")).not.toContain("secret");
});
