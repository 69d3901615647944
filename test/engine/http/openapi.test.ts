import { createHash } from "node:crypto";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import {
  readMapping,
  readProxyMapping,
  serveAuthzen,
  serveDataApi,
  serveForwardAuth,
} from "../../../engine/http/index.ts";
import { MAPPING, recordsEngine } from "./authzen/records.ts";
import { PAGES } from "./forward-auth/site.ts";
import { send, serve } from "./support.ts";

const service = recordsEngine();
const authzen = readMapping(JSON.parse(JSON.stringify(MAPPING)));
const proxied = readProxyMapping(JSON.parse(JSON.stringify(PAGES)));
const app = serve(service, {
  extend: (own) => {
    if (authzen.ok) serveAuthzen(own, { service, mapping: authzen.mapping });
    if (proxied.ok) serveForwardAuth(own, { service, mapping: proxied.mapping });
    serveDataApi(own, { service, packageName: () => "records" });
  },
});

interface Operation {
  readonly summary: string;
  readonly operationId: string;
  readonly requestBody?: { readonly content: Content };
  readonly responses: { readonly "200": { readonly content?: Content } };
}
type Content = Readonly<Record<"application/json", { readonly schema: object }>>;

const get = (path: string) => send(app, { path, method: "GET" });
const response = await get("/openapi.json");
const document = response.json<{
  openapi: string;
  info: object;
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}>();
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
const ajv = new Ajv2020({ allowUnionTypes: true, strictTypes: false, strictRequired: false });

test("it describes what is served, and nothing else", async () => {
  const { resources } = (await get("/")).json<{ resources: { method: string; path: string }[] }>();
  const served = resources.map(({ method, path }) => `${method} ${path.replace("*", "{path}")}`);
  const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  expect(described.sort()).toEqual(served.filter((one) => one !== "GET /").sort());
});

test("it is a document of OpenAPI 3.1 with a name for every operation", () => {
  expect(document).toMatchObject({ openapi: "3.1.0", info: { title: "Writ", version: "1" } });
  const names = operations.map(({ operation }) => operation.operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const { operation, path } of operations) expect(operation.summary, path).not.toBe("");
});

test("every schema is one", () => {
  for (const { operation, path } of operations) {
    const parts = [operation.requestBody?.content, operation.responses["200"].content];
    for (const part of parts.filter((one) => one !== undefined)) {
      expect(() => ajv.compile(part["application/json"].schema), path).not.toThrow();
    }
  }
});

describe("what is sent and answered is as described", () => {
  const request = {
    agent: { id: "app" },
    principal: { id: "alice", groups: ["staff"] },
    tool: { name: "read" },
    resource: { type: "record", id: "record-1", status: "active" },
  };
  const { tool: _, ...asker } = request;
  const tuple = {
    subject: { type: "user", id: "alice" },
    action: { name: "read" },
    resource: { type: "record", id: "record-1" },
  };

  test.each<[string, string, unknown]>([
    ["/decide", "/decide", request],
    ["/decide/batch", "/decide/batch", { requests: [request, request] }],
    ["/tools", "/tools", asker],
    ["/tools", "/tools", { ...asker, tools: [{ name: "read" }, { name: "write" }] }],
    ["/access/v1/evaluation", "/access/v1/evaluation", tuple],
    ["/access/v1/evaluations", "/access/v1/evaluations", { ...tuple, evaluations: [{}, {}] }],
    [
      "/access/v1/search/subject",
      "/access/v1/search/subject",
      { ...tuple, subject: { type: "user" }, page: { limit: 1 } },
    ],
    ["/v1/data/{path}", "/v1/data/records", { input: request }],
    ["/v1/data/{path}", "/v1/data/records/allow", { input: request }],
  ])("%s", async (path, url, body) => {
    const operation = document.paths[path]?.post;
    const [sent, answered] = [operation?.requestBody?.content, operation?.responses["200"].content];
    if (sent === undefined || answered === undefined) throw new Error("it is not described");
    const isSent = ajv.compile(sent["application/json"].schema);
    expect(isSent(body), JSON.stringify(isSent.errors)).toBe(true);
    const answer = await send(app, { path: url, body });
    expect(answer.statusCode).toBe(200);
    const isAnswer = ajv.compile(answered["application/json"].schema);
    expect(isAnswer(answer.json()), JSON.stringify(isAnswer.errors)).toBe(true);
  });
});

describe("the page for people", () => {
  const page = (docs: boolean) => send(serve({}, { docs }), { path: "/docs", method: "GET" });

  test("is off where nobody asks for it", async () => {
    expect((await page(false)).statusCode).toBe(404);
  });

  test("runs nothing and fetches nothing", async () => {
    const { headers, body } = await page(true);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    const [, style = ""] = /<style>(.*?)<\/style>/s.exec(body) ?? [];
    const hash = createHash("sha256").update(style).digest("base64");
    expect(headers["content-security-policy"]).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
    );
    expect(body).not.toMatch(/<script|<link|<img|https?:\/\/(?!json-schema\.org)| on\w+=/);
    for (const path of ["/decide", "/decide/batch", "/tools"]) expect(body).toContain(path);
  });
});
