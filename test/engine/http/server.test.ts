import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { PROBLEMS } from "../../../engine/http/index.ts";
import { PROBLEM_SCHEMA } from "../../../engine/http/schemas.ts";
import { JSON_LIMITS, OUTCOME_LIMITS } from "../../../engine/limits.ts";
import { DENIAL, outcomeOf, type Sent, send, serve } from "./support.ts";

const validateProblem = new Ajv2020({ allowUnionTypes: true, strictTypes: false }).compile(
  PROBLEM_SCHEMA,
);

describe("what is served", () => {
  test("a denial is an answer like any other", async () => {
    const response = await send(serve());
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(response.json()).toEqual(DENIAL);
  });

  test("the engine is given exactly what was sent", async () => {
    const seen: unknown[] = [];
    const app = serve({
      decide: (input) => {
        seen.push(input);
        return { kind: "answer", value: DENIAL };
      },
    });
    const body = { agent: { id: "é😀", n: [0, -1, 98.7, null, true] }, toString: "x" };
    await send(app, { body });
    expect(JSON.stringify(seen)).toBe(JSON.stringify([body]));
    expect((seen[0] as object).valueOf).toBe(undefined);
  });

  test("an engine may take its time", async () => {
    const app = serve({ decide: async () => ({ kind: "answer", value: DENIAL }) });
    expect((await send(app)).json()).toEqual(DENIAL);
  });

  test("the index lists every resource", async () => {
    const response = await send(serve(), { path: "/", method: "GET" });
    const { resources } = response.json<{ resources: { method: string; path: string }[] }>();
    expect(resources.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /",
      "GET /openapi.json",
      "POST /decide",
      "POST /decide/batch",
      "POST /tools",
      "POST /outcome",
      "GET /health",
      "GET /ready",
    ]);
  });

  test("an outcome is settled, unknown, or there already", async () => {
    const body = { call: "c-1", status: "ok" };
    const path = "/outcome";
    const settled = serve({
      outcome: () => ({ kind: "answer", value: { call: "c-1", status: "ok" } }),
    });
    expect((await send(settled, { path, body })).json()).toEqual(body);
    expect(outcomeOf(await send(serve(), { path, body }))).toBe("404 unknown_call");
    const twice = serve({ outcome: () => ({ kind: "already_settled", because: "as `error`" }) });
    expect(outcomeOf(await send(twice, { path, body }))).toBe("409 already_settled");
  });

  test("the service is healthy before it is ready", async () => {
    const app = serve({ readiness: () => ({ ready: false, because: "no policy is loaded" }) });
    expect(outcomeOf(await send(app, { path: "/health", method: "GET" }))).toBe("200");
    const ready = await send(app, { path: "/ready", method: "GET" });
    expect(outcomeOf(ready)).toBe("503 unavailable");
    expect(ready.json().detail).toBe("no policy is loaded");
    expect(outcomeOf(await send(serve(), { path: "/ready", method: "GET" }))).toBe("200");
  });

  test("further resources stand behind the same checks", async () => {
    const app = serve({}, { extend: (own) => void own.get("/v1/data/*", async () => ({})) });
    const get = (path: string, host?: string) =>
      send(app, { path, method: "GET", headers: host === undefined ? {} : { host } });
    expect(outcomeOf(await get("/v1/data/acme/payments"))).toBe("200");
    expect(outcomeOf(await get("/v1/data/acme%2fpayments"))).toBe("404 not_found");
    expect(outcomeOf(await get("/v1/data/acme", "evil.example"))).toBe("403 unexpected_host");
  });
});

describe("what is refused", () => {
  const big = (bytes: number) => `"${"x".repeat(bytes - 2)}"`;
  const host = (name: string): Sent => ({ headers: { host: name } });

  test.each<[string, Sent, string]>([
    ["an unknown path", { path: "/nope" }, "404 not_found"],
    ["an unknown path, got", { path: "/nope", method: "GET" }, "404 not_found"],
    ["a path with an escape", { path: "/%64ecide" }, "404 not_found"],
    ["a broken escape", { path: "/%zz" }, "404 not_found"],
    ["an escaped slash", { path: "/decide%2f" }, "404 not_found"],
    ["an escaped null", { path: "/decide%00" }, "404 not_found"],
    ["a doubled slash", { path: "//decide" }, "404 not_found"],
    ["a closing slash", { path: "/decide/" }, "404 not_found"],
    ["a path parameter", { path: "/decide;x=1" }, "404 not_found"],
    ["another case", { path: "/Decide" }, "404 not_found"],
    ["a query", { path: "/decide?allow=true" }, "400 unexpected_query"],
    ["a query to health", { path: "/health?x", method: "GET" }, "400 unexpected_query"],
    ["GET", { method: "GET" }, "405 method_not_allowed"],
    ["HEAD", { method: "HEAD" }, "405 method_not_allowed"],
    ["PUT", { method: "PUT" }, "405 method_not_allowed"],
    ["PATCH", { method: "PATCH" }, "405 method_not_allowed"],
    ["DELETE", { method: "DELETE" }, "405 method_not_allowed"],
    ["OPTIONS", { method: "OPTIONS" }, "405 method_not_allowed"],
    ["POST to health", { path: "/health" }, "405 method_not_allowed"],
    [
      "a method in disguise",
      { method: "GET", headers: { "x-http-method-override": "POST" } },
      "405 method_not_allowed",
    ],
    ["another host", host("evil.example"), "403 unexpected_host"],
    ["another host on our port", host("evil.example:8787"), "403 unexpected_host"],
    ["a host that begins like ours", host("localhost.evil.example"), "403 unexpected_host"],
    ["a host that ends like ours", host("evil.localhost"), "403 unexpected_host"],
    ["a closing dot", host("localhost."), "403 unexpected_host"],
    ["a user before the host", host("evil@localhost"), "403 unexpected_host"],
    ["two hosts", host("localhost, evil.example"), "403 unexpected_host"],
    ["the machine's address in another spelling", host("0x7f.1"), "403 unexpected_host"],
    ["any address", host("0.0.0.0:8787"), "403 unexpected_host"],
    ["a bad port", host("localhost:port"), "403 unexpected_host"],
    ["a page of another site", { headers: { origin: "https://evil.example" } }, "403 cross_origin"],
    [
      "a page of this machine",
      { headers: { origin: "http://localhost:8787" } },
      "403 cross_origin",
    ],
    ["a page of nowhere", { headers: { origin: "null" } }, "403 cross_origin"],
    [
      "a preflight",
      { method: "OPTIONS", headers: { origin: "https://evil.example" } },
      "403 cross_origin",
    ],
    [
      "a page asking for health",
      { path: "/health", method: "GET", headers: { origin: "null" } },
      "403 cross_origin",
    ],
    ["no body", { body: "" }, "400 malformed_json"],
    ["a body that is no JSON", { body: "agent=x" }, "400 malformed_json"],
    ["a key twice", { body: '{"agent":{},"agent":{}}' }, "400 malformed_json"],
    ["a prototype", { body: '{"__proto__":{"decision":"allow"}}' }, "400 malformed_json"],
    ["a body too large", { body: big(JSON_LIMITS.byteCount + 1) }, "400 too_large"],
    ["a length that lies", { body: "{}", headers: { "content-length": "3" } }, "400 bad_request"],
    ["gzip", { headers: { "content-encoding": "gzip" } }, "400 unsupported_media_type"],
    ["identity", { headers: { "content-encoding": "identity" } }, "400 unsupported_media_type"],
  ])("%s", async (_, sent, expected) => {
    const response = await send(serve({ decide: mustNotBeAsked }), sent);
    if (sent.method === "HEAD") {
      expect(`${response.statusCode} method_not_allowed`).toBe(expected);
      return;
    }
    expect(outcomeOf(response)).toBe(expected);
    expect(response.headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect(validateProblem(response.json()), JSON.stringify(validateProblem.errors)).toBe(true);
    expect(response.body).not.toMatch(/node_modules|\.ts|FST_|Error:/);
  });

  function mustNotBeAsked(): never {
    throw new Error("the engine was asked");
  }

  test("an outcome may be larger, up to its own limit", async () => {
    const settle = (bytes: number) => send(serve(), { path: "/outcome", body: big(bytes) });
    expect(outcomeOf(await settle(OUTCOME_LIMITS.byteCount))).toBe("404 unknown_call");
    expect(outcomeOf(await settle(OUTCOME_LIMITS.byteCount + 1))).toBe("400 too_large");
  });

  test("the largest body is read", async () => {
    const body = big(JSON_LIMITS.byteCount);
    expect(outcomeOf(await send(serve(), { body }))).toBe("200");
  });

  test.each(["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:8787", "[::1]", "[::1]:8787"])(
    "the host %s is this machine",
    async (host) => {
      expect(outcomeOf(await send(serve(), { headers: { host } }))).toBe("200");
    },
  );

  test("hosts and origins can be allowed, each exactly", async () => {
    const parts = { allowedHosts: ["Writ.Example"], allowedOrigins: ["https://console.example"] };
    const status = async (headers: Record<string, string>) =>
      outcomeOf(await send(serve({}, parts), { headers }));
    expect(await status({ host: "writ.example:443" })).toBe("200");
    expect(await status({ host: "x.writ.example" })).toBe("403 unexpected_host");
    expect(await status({ origin: "https://console.example" })).toBe("200");
    expect(await status({ origin: "http://console.example" })).toBe("403 cross_origin");
    expect(await status({ origin: "https://console.example.evil" })).toBe("403 cross_origin");
  });

  test("a probe may use any name of the machine", async () => {
    const headers = { host: "10.1.2.3:8787" };
    for (const path of ["/health", "/ready"]) {
      expect(outcomeOf(await send(serve(), { path, method: "GET", headers }))).toBe("200");
    }
  });

  test("another method is told which there are", async () => {
    const response = await send(serve(), { method: "DELETE" });
    expect(response.headers.allow).toBe("POST");
  });

  test("broken JSON is pointed at", async () => {
    const response = await send(serve(), { body: '{"agent":{"id":"a","id":"b"}}' });
    expect(response.json()).toEqual({
      type: "urn:writ:problem:malformed_json",
      title: PROBLEMS.malformed_json.title,
      status: 400,
      detail: "the key occurs twice",
      code: "duplicate_key",
      pointer: "/agent/id",
      offset: 19,
    });
  });

  test("what is wrong with a request is all said, up to a bound", async () => {
    const faults = Array.from({ length: 30 }, (_, index) => ({
      at: `/x/${index}`,
      message: "is missing",
    }));
    const app = serve({ decide: () => ({ kind: "malformed", faults }) });
    const problem = (await send(app)).json();
    expect(problem).toMatchObject({ status: 400, pointer: "/x/0", detail: "is missing" });
    expect(problem.errors.length).toBe(20);
    expect(validateProblem(problem)).toBe(true);
  });
});

describe("what goes wrong inside", () => {
  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("secret-in-message at /etc/passwd");
      },
    ],
    [
      "throws no error",
      () => {
        throw "secret-in-message";
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret-in-message"))],
    ["gives nothing", () => undefined],
    ["gives another kind", () => ({ kind: "allow" })],
    ["gives no decision", () => ({ kind: "answer", value: {} })],
    [
      "gives an unknown decision",
      () => ({ kind: "answer", value: { ...DENIAL, decision: "yes" } }),
    ],
    ["gives what cannot be spelled", () => ({ kind: "answer", value: { ...DENIAL, n: 1n } })],
  ])("an engine that %s: 500, and nothing said of it", async (_, decide) => {
    const response = await send(serve({ decide: decide as () => never }));
    expect(outcomeOf(response)).toBe("500 internal_error");
    expect(Object.keys(response.json())).toEqual(["type", "title", "status"]);
    expect(response.body).not.toMatch(/secret|allow|passwd/);
  });

  test("an engine that can record nothing: 503", async () => {
    const app = serve({ decide: () => ({ kind: "unavailable", because: "the log is full" }) });
    expect(outcomeOf(await send(app))).toBe("503 unavailable");
  });
});

describe("headers of answers", () => {
  test("no answer is stored, sniffed or rendered, and none invites other origins", async () => {
    for (const sent of [{}, { path: "/nope" }, { body: "" }, { path: "/health", method: "GET" }]) {
      const { headers } = await send(serve(), sent);
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["content-security-policy"]).toMatch(/^default-src 'none'/);
      expect(
        Object.keys(headers).filter((name) => /^access-control|powered|^server$/.test(name)),
      ).toEqual([]);
    }
  });

  test.each([
    ["abc-1.2_3:4", true],
    ["0193f1e2-7b3c-7d4e-8f5a-000000000001", true],
    ["x".repeat(128), true],
    ["x".repeat(129), false],
    ["a b", false],
    ["a<b>", false],
    ["\u00e9", false],
    ["", false],
  ])("x-request-id %j comes back: %j", async (id, isEchoed) => {
    for (const path of ["/decide", "/nope"]) {
      const response = await send(serve(), { path, headers: { "x-request-id": id } });
      expect(response.headers["x-request-id"]).toBe(isEchoed ? id : undefined);
    }
  });

  test("what proxies say is not believed", async () => {
    const seen: string[] = [];
    const extend = (app: ReturnType<typeof serve>) => {
      app.get("/seen", async ({ ip, host, protocol }) => {
        seen.push(ip, host, protocol);
        return {};
      });
    };
    const headers = {
      "x-forwarded-for": "6.6.6.6",
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "https",
      forwarded: "for=6.6.6.6",
    };
    await send(serve({}, { extend }), { path: "/seen", method: "GET", headers });
    expect(seen).toEqual(["127.0.0.1", "localhost:8787", "http"]);
  });
});

describe("the log", () => {
  async function logged(sent: Sent, decide?: () => never): Promise<string[]> {
    const lines: string[] = [];
    const logger = { level: "trace", stream: { write: (line: string) => void lines.push(line) } };
    await send(serve(decide ? { decide } : {}, { logger }), sent);
    return lines;
  }

  test("a line a request: route, status and time", async () => {
    const [line = "{}", ...others] = await logged({});
    expect(others).toEqual([]);
    expect(JSON.parse(line)).toMatchObject({ msg: "answer", route: "/decide", status: 200 });
  });

  test("nothing that was sent", async () => {
    const secret = "s3cret\r\n\u001b[31m\u2028";
    const path = "/s3cret?s3cret=1";
    const headers = { authorization: "Bearer s3cret", "x-request-id": "s3cret" };
    const fault = (): never => {
      throw new Error("s3cret");
    };
    const lines = [
      ...(await logged({ body: { agent: { id: secret } }, headers })),
      ...(await logged({ body: { agent: { id: secret } }, headers }, fault)),
      ...(await logged({ body: '{"s3cret":1,"s3cret":2}' })),
      ...(await logged({ path, headers })),
      ...(await logged({ headers: { host: "s3cret" } })),
    ];
    expect(lines.length).toBe(6);
    expect(lines.join("")).not.toMatch(/s3cret/);
    for (const line of lines) expect(line.indexOf("\n")).toBe(line.length - 1);
  });
});
