import { describe, expect, test } from "vitest";
import { createCredential } from "../../../../engine/http/admin/credential.ts";
import { outcomeOf, send, serve } from "../support.ts";
import { administered, credentialGuard, TOKEN } from "./support.ts";

interface Route {
  readonly method: string;
  readonly path: string;
}

/** Every route there is, as the service itself lists them; none is named here and forgotten later. */
async function routes(): Promise<readonly Route[]> {
  const { app } = administered();
  const listed = await send(app, { path: "/", method: "GET" });
  return listed.json<{ resources: Route[] }>().resources;
}

const ORDER = { session: "s", operator: "ann", because: "odd", label: "private" };

/** As it would be answered: what each route takes. */
function asked({ method, path }: Route, headers: Record<string, string> = {}) {
  const query = ["/session", "/approval", "/task"].includes(path) ? "?id=s" : "";
  const { label, ...order } = ORDER;
  if (path.startsWith("/approvals/")) {
    return { method, path, headers, body: { statement: "a.b.c" } };
  }
  if (path.startsWith("/revocations/")) {
    const body = { kind: "agent", id: "bot", operator: "ann", because: "odd" };
    return { method, path, headers, body };
  }
  if (path === "/tasks/end") {
    return { method, path, headers, body: { task: "t-1", operator: "ann", because: "odd" } };
  }
  if (path === "/tasks/signal") {
    const body = { agent: { id: "bot" }, operator: "ann", because: "odd" };
    return { method, path, headers, body };
  }
  const body = path === "/sessions/declassify" ? { ...order, label } : order;
  return { method, path: `${path}${query}`, headers, body };
}

/** Where what is asked is understood, and there is no such thing. */
const ANSWERS: Readonly<Record<string, string>> = {
  "/approval": "404 unknown_approval",
  "/task": "404 unknown_task",
  "/tasks/signal": "501 tasks_not_granted",
  "/approvals/approve": "403 approval_refused",
  "/approvals/refuse": "403 approval_refused",
};

const ROUTES = await routes();

test("there are routes to try", () => {
  expect(ROUTES.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
    "GET /",
    "GET /approval",
    "GET /approvals",
    "GET /metrics",
    "GET /revocations",
    "GET /session",
    "GET /sessions",
    "GET /state",
    "GET /task",
    "GET /tasks",
    "POST /approvals/approve",
    "POST /approvals/refuse",
    "POST /revocations/reactivate",
    "POST /revocations/revoke",
    "POST /sessions/declassify",
    "POST /sessions/interrupt",
    "POST /sessions/reinstate",
    "POST /tasks/end",
    "POST /tasks/signal",
  ]);
});

describe.each(ROUTES)("$method $path", (route) => {
  test("answers who has the credential", async () => {
    const { app, call } = administered({ guard: credentialGuard() });
    await call("s", "look");
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect(outcomeOf(await send(app, asked(route, headers)))).toBe(ANSWERS[route.path] ?? "200");
    const lower = { authorization: `bearer ${TOKEN}` };
    expect(outcomeOf(await send(app, asked(route, lower)))).toBe(ANSWERS[route.path] ?? "200");
  });

  test.each<[string, Record<string, string>]>([
    ["none", {}],
    ["an empty one", { authorization: "" }],
    ["the scheme alone", { authorization: "Bearer" }],
    ["a beginning of it", { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ["more than it", { authorization: `Bearer ${TOKEN}x` }],
    ["another case", { authorization: `Bearer ${TOKEN.toLowerCase()}` }],
    ["another scheme", { authorization: `Basic ${TOKEN}` }],
    ["no scheme", { authorization: TOKEN }],
    ["it among others", { authorization: `Bearer ${TOKEN} ${TOKEN}` }],
    ["it in another header", { "x-authorization": `Bearer ${TOKEN}` }],
    ["it in a cookie", { cookie: `authorization=Bearer ${TOKEN}` }],
  ])("refuses who has %s", async (_name, headers) => {
    const { app, events, driver } = administered({ guard: credentialGuard() });
    const answer = await send(app, asked(route, headers));
    expect(outcomeOf(answer)).toBe("401 unauthenticated");
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
    expect(events).toEqual([]);
    expect(driver.engine.sessions.reinstate("s")).toBe(false);
  });

  test.each<[string, Record<string, string>, string]>([
    ["a page", { origin: "https://evil.example" }, "403 cross_origin"],
    ["a page of this machine", { origin: "http://localhost:8787" }, "403 cross_origin"],
    ["a page of nowhere", { origin: "null" }, "403 cross_origin"],
    ["a rebound name", { host: "evil.example" }, "403 unexpected_host"],
  ])("refuses %s, with the credential or on the socket", async (_name, headers, refusal) => {
    const authorization = `Bearer ${TOKEN}`;
    for (const { app } of [administered(), administered({ guard: credentialGuard() })]) {
      const answer = await send(app, asked(route, { ...headers, authorization }));
      expect(outcomeOf(answer)).toBe(refusal);
    }
  });

  test("is not served where decisions are", async () => {
    if (route.path === "/") return;
    const answer = await send(serve(), asked(route, { authorization: `Bearer ${TOKEN}` }));
    expect(outcomeOf(answer)).toBe("404 not_found");
  });

  test("takes no form that a page could send", async () => {
    if (route.method !== "POST") return;
    const { app, events } = administered();
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const answer = await send(app, asked(route, { "content-type": type }));
      expect(outcomeOf(answer)).toBe("400 unsupported_media_type");
    }
    expect(outcomeOf(await send(app, { ...asked(route), method: "GET" }))).toMatch(/^40/);
    expect(events).toEqual([]);
  });
});

test("decisions are not asked for where operators are", async () => {
  const { app } = administered();
  const listed = await send(serve(), { path: "/", method: "GET" });
  for (const route of listed.json<{ resources: Route[] }>().resources) {
    if (route.path === "/") continue;
    expect(outcomeOf(await send(app, route)), route.path).toMatch(/^40[45]/);
  }
});

test("who has no credential does not even learn what is served", async () => {
  const { app } = administered({ guard: credentialGuard() });
  for (const path of ["/nothing", "/decide", "/health"]) {
    expect(outcomeOf(await send(app, { path, method: "GET" }))).toBe("401 unauthenticated");
  }
});

test.each([
  ["short", "abc"],
  ["of 252 bits", "a1B2".repeat(11).slice(0, 42)],
  ["of few hex digits", "0123456789abcdef".repeat(3)],
  ["one word repeated", "password".repeat(10)],
  ["with blanks", `${TOKEN} ${TOKEN}`],
  ["empty", ""],
])("a credential that is %s is refused", (_name, text) => {
  expect(createCredential(text).ok).toBe(false);
});
