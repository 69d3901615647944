import { describe, expect, test } from "vitest";
import { readAuthority } from "../../../../engine/http/forward-auth/authority.ts";
import { readTarget } from "../../../../engine/http/forward-auth/target.ts";
import { readProxyMapping } from "../../../../engine/http/index.ts";
import { outcomeOf, send } from "../support.ts";
import { PAGES, serveProxied, siteEngine } from "./site.ts";

const CREW = { "x-agent": "bot", "x-agent-group": "crew" };

const nginx = (method: string, uri: string, more: object = {}) => ({
  path: "/forward-auth",
  method: "GET",
  headers: { "x-original-method": method, "x-original-uri": uri, ...CREW, ...more },
});
const traefik = (method: string, uri: string, more: object = {}) => ({
  path: "/forward-auth",
  method: "GET",
  headers: { "x-forwarded-method": method, "x-forwarded-uri": uri, ...CREW, ...more },
});
const envoy = (method: string, uri: string, more: object = {}) => ({
  path: `/forward-auth${uri}`,
  method,
  headers: { "content-type": undefined, ...CREW, ...more },
  body: "",
});

describe.each([
  ["nginx", nginx],
  ["traefik", traefik],
  ["envoy", envoy],
] as const)("%s", (proxy, asking) => {
  const app = serveProxied({ ...PAGES, proxy });
  const status = async (method: string, uri: string, more: object = {}) =>
    (await send(app, asking(method, uri, more))).statusCode;

  test.each([
    ["GET", "/pages/a.html", 200],
    ["GET", "/pages/a%20b.html?q=1&q=2", 200],
    ["GET", "/pages/", 200],
    ["GET", "/secrets/a.html", 403],
    ["GET", "/pagesother", 403],
    ["PUT", "/pages/drafts/a.html", 200],
    ["PUT", "/pages/a.html", 403],
    ["PUT", "/pages/drafts/index.html", 403],
    ["POST", "/pages/a.html", 403],
    ["GET", "/pages/../secrets", 403],
    ["GET", "/pages/%2e%2e/secrets", 403],
    ["GET", "/pages%2Fa.html", 403],
    ["GET", "/pages//a.html", 403],
    ["GET", "/pages/%zz", 403],
    ["GET", "/pages/%ff", 403],
    ["GET", "/pages/..;/secrets", 403],
    ["GET", "/pages/a.html;x", 403],
    ["GET", "/pages/a.html?x=1;y=2", 403],
  ])("%s %s: %i", async (method, uri, expected) => {
    // What the router cannot read at all is 404, and no more passed on than any other refusal.
    const found = await status(method, uri);
    expect(found === 404 ? 403 : found).toBe(expected);
  });

  test("says who must not pass, and why", async () => {
    const response = await send(app, asking("PUT", "/pages/drafts/index.html"));
    expect(response.statusCode).toBe(403);
    expect(response.headers["x-writ-decision"]).toBe("hold");
    expect(response.headers["x-writ-code"]).toBe("approval_required");
    const denied = await send(app, asking("GET", "/secrets/a.html"));
    expect(denied.json()).toEqual({
      decision: "deny",
      code: "not_permitted",
      because: "no rule permits this",
    });
  });

  test("hands out what the proxy carries out", async () => {
    const response = await send(app, asking("PUT", "/pages/drafts/a.html"));
    expect(JSON.parse(String(response.headers["x-writ-obligations"]))).toMatchObject([
      { type: "log", level: "full" },
    ]);
    expect(response.headers["x-writ-call"]).toBeDefined();
    const unable = serveProxied({ ...PAGES, proxy, supported_obligations: [] });
    const refused = await send(unable, asking("PUT", "/pages/drafts/a.html"));
    expect(refused.statusCode).toBe(403);
    expect(refused.headers["x-writ-code"]).toBe("unsupported_obligation");
  });

  test("whoever is not told of is nobody", async () => {
    expect(await status("GET", "/pages/a.html", { "x-agent": undefined })).toBe(403);
    expect(await status("GET", "/pages/a.html", { "x-agent-group": undefined })).toBe(403);
    expect(await status("GET", "/pages/a.html", { "x-agent": ["bot", "root"] })).toBe(403);
  });

  test.each([
    "X-HTTP-Method-Override",
    "x-http-method",
    "X-Method-Override",
    "X-Original-URL",
    "X-Rewrite-URL",
    // What CGI, WSGI and Rack hand on as variables is the same in each of these spellings.
    "X_HTTP_Method_Override",
    "x-http_method.override",
  ])("%s could change what is served", async (name) => {
    for (const value of ["GET", ["GET", "PUT"]]) {
      const response = await send(app, asking("GET", "/pages/a.html", { [name]: value }));
      expect(response.statusCode).toBe(403);
      expect(response.json().because).toContain(name.toLowerCase());
    }
  });

  test("who is told of in two spellings is nobody: others may read the one that the proxy did not set", async () => {
    expect(await status("GET", "/pages/a.html", { x_agent: "root" })).toBe(403);
    expect(await status("GET", "/pages/a.html", { "x.agent_group": "crew" })).toBe(403);
    expect(await status("GET", "/pages/a.html", { x_other: "root" })).toBe(200);
  });

  test("a page's origin, type and encoding are the proxy's request's, the host is ours", async () => {
    const more = { origin: "https://site.example", "content-encoding": "gzip" };
    expect(await status("GET", "/pages/a.html", more)).toBe(200);
    const response = await send(app, asking("GET", "/pages/a.html", { host: "evil.example" }));
    expect(outcomeOf(response)).toBe("403 unexpected_host");
  });

  test.each([
    ["fails", () => Promise.reject(new Error("disk on fire"))],
    ["is away", () => ({ kind: "unavailable", because: "the disk is full" }) as const],
    ["says nothing", () => ({ kind: "answer", value: {} }) as never],
    ["says something else", () => ({ kind: "answer", value: { decision: "permit" } }) as never],
  ])("a service that %s lets nothing through, and never with 5xx", async (_name, decide) => {
    const broken = serveProxied({ ...PAGES, proxy }, { ...siteEngine(), decide });
    expect((await send(broken, asking("GET", "/pages/a.html"))).statusCode).toBe(403);
  });
});

test("headers of another proxy are not believed", async () => {
  const app = serveProxied();
  const forged = { "x-forwarded-method": "GET", "x-forwarded-uri": "/pages/a.html" };
  expect((await send(app, traefik("GET", "/pages/a.html"))).statusCode).toBe(403);
  const both = await send(app, nginx("GET", "/secrets/a.html", forged));
  expect(both.statusCode).toBe(403);
});

describe.each([
  ["nginx", "x-original-host", nginx],
  ["traefik", "x-forwarded-host", traefik],
] as const)("%s: the host in %s", (proxy, name, asking) => {
  const app = serveProxied({ ...PAGES, proxy });
  test.each<[string | string[], number]>([
    ["site.example", 200],
    ["site.example.", 403],
    [["site.example", "admin.example"], 403],
    ["site.example, admin.example", 403],
  ])("%j: %i", async (host, expected) => {
    const response = await send(app, asking("GET", "/pages/a.html", { [name]: host }));
    expect(response.statusCode).toBe(expected);
  });
});

test.each([
  ["nginx", "x_original_uri", nginx],
  ["nginx", "x_original_host", nginx],
  ["traefik", "x_forwarded_method", traefik],
  ["traefik", "x_forwarded_host", traefik],
] as const)("%s: what was asked, and %s beside it", async (proxy, name, asking) => {
  const app = serveProxied({ ...PAGES, proxy });
  const hosts = { "x-original-host": "site.example", "x-forwarded-host": "site.example" };
  const ask = async (more: object) =>
    (await send(app, asking("GET", "/pages/a.html", { ...hosts, ...more }))).statusCode;
  expect(await ask({})).toBe(200);
  expect(await ask({ [name]: "GET" })).toBe(403);
});

describe("a host", () => {
  test.each([
    ["site.example", { host: "site.example" }],
    ["SITE.Example:8080", { host: "site.example", port: 8080 }],
    ["127.0.0.1:1", { host: "127.0.0.1", port: 1 }],
    ["[::1]:65535", { host: "[::1]", port: 65_535 }],
    ["my_site", { host: "my_site" }],
  ])("%s", (text, authority) => {
    expect(readAuthority(text)).toEqual(authority);
  });

  test.each([
    "",
    ".",
    "a.",
    "a.:80",
    ".a",
    "a..b",
    "a:",
    "a:080",
    "a:65536",
    "a:b",
    "a,b",
    "a b",
    " a",
    "u@a",
    "a%2eb",
    "a/b",
    "é",
    "[::1",
    "::1",
  ])("%j is refused", (text) => {
    expect(readAuthority(text)).toBeUndefined();
  });
});

describe("a target", () => {
  test.each([
    ["/", { path: "/", segments: [""], query: {} }],
    ["/a/b", { path: "/a/b", segments: ["a", "b"], query: {} }],
    ["/a/?", { path: "/a/", segments: ["a", ""], query: {} }],
    ["/%C3%A9,v=1", { path: "/é,v=1", segments: ["é,v=1"], query: {} }],
    ["/a?x[]=%3B%23%C3%A9", { path: "/a", segments: ["a"], query: { "x[]": [";#é"] } }],
    [
      "/a?x=1&y=%26&x=2+3&z",
      { path: "/a", segments: ["a"], query: { x: ["1", "2 3"], y: ["&"], z: [""] } },
    ],
    ["/a?b?c=/d", { path: "/a", segments: ["a"], query: { "b?c": ["/d"] } }],
    ["/...", { path: "/...", segments: ["..."], query: {} }],
  ])("%s", (uri, target) => {
    expect(JSON.parse(JSON.stringify(readTarget(uri)))).toEqual(target);
  });

  test.each([
    "",
    "a",
    "*",
    "http://site.example/a",
    "//a",
    "/a//b",
    "/.",
    "/..",
    "/a/./b",
    "/a/../b",
    "/a/..",
    "/a;x",
    "/a;",
    "/a;v=1/b",
    "/a/..;x/b",
    "/a/.;/b",
    "/a/;/b",
    "/%2e%2e/b",
    "/a%2fb",
    "/a%2Fb",
    "/a%5cb",
    "/a\\b",
    "/a%00b",
    "/a%0ab",
    "/a%252e",
    "/a%3b/b",
    "/a%",
    "/a%e9",
    "/a%c0%ae",
    "/é",
    "/a b",
    "/a#b",
    "/a?b=1;c=2",
    "/a?b=1#c",
    "/a?b=é",
    "/a?b=1 ",
    "/a?b=%ff",
    "/a?b=%00",
    "/a?__proto__=1",
  ])("%s is refused", (uri) => {
    expect(readTarget(uri)).toBeUndefined();
  });
});

test.each<[string, object, string]>([
  ["no proxy", { ...PAGES, proxy: undefined }, "/proxy"],
  ["another proxy", { ...PAGES, proxy: "toString" }, "/proxy"],
  ["no request", { proxy: "nginx" }, "/request"],
  ["another document", { ...PAGES, request: { agent: { $from: "token" } } }, "/request"],
  ["more", { ...PAGES, allow: true }, "/allow"],
  [
    "obligations that are no list",
    { ...PAGES, supported_obligations: "log" },
    "/supported_obligations",
  ],
])("a mapping with %s is refused", (_name, mapping, at) => {
  const reading = readProxyMapping(JSON.parse(JSON.stringify(mapping)));
  expect(reading.ok ? [] : reading.problems.map((problem) => problem.at)).toContain(at);
});
