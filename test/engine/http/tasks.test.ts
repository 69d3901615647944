/** `/tasks` over HTTP: what is answered, and that it is as described. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { serveTasks } from "../../../engine/http/index.ts";
import {
  START_ANSWER_SCHEMA,
  START_SCHEMA,
  TASK_SCHEMA,
} from "../../../engine/http/task-schemas.ts";
import type { TaskService } from "../../../engine/tasks/service.ts";
import { asking, grantOf, rigOf } from "../tasks/support.ts";
import { outcomeOf, send, serve } from "./support.ts";

const ajv = new Ajv2020({ allowUnionTypes: true, strictTypes: false, strictRequired: false });
const isStart = ajv.compile(START_SCHEMA);
const isStarted = ajv.compile(START_ANSWER_SCHEMA);
const isTask = ajv.compile(TASK_SCHEMA);

async function served(more: Partial<TaskService> = {}) {
  const rig = await rigOf();
  const tasks = { ...rig.tasks, ...more };
  const app = serve(rig.service, { extend: (own) => serveTasks(own, tasks) });
  return { rig, app };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test("a task is started, shown and ended, as it is described", async () => {
  const { rig, app } = await served();
  const start = asking();
  expect(isStart(start), JSON.stringify(isStart.errors)).toBe(true);
  const started = (await send(app, { path: "/tasks", body: start })).json();
  expect(isStarted(started), JSON.stringify(isStarted.errors)).toBe(true);
  const { id, token } = started.grant;
  expect(await rig.ask([token], "look")).toBe("allow");
  const shown = (await send(app, { path: `/tasks/${id}`, method: "GET" })).json();
  expect(isTask(shown), JSON.stringify(isTask.errors)).toBe(true);
  expect(shown).toMatchObject({ id, status: "active" });
  const ending = { path: `/tasks/${id}`, method: "DELETE", headers: bearer(token) };
  const ended = (await send(app, ending)).json();
  expect(isTask(ended), JSON.stringify(isTask.errors)).toBe(true);
  expect(ended).toMatchObject({ id, status: "ended" });
  expect(await rig.ask([token], "look")).toBe("revoked");
});

test("a denial is an answer, without a grant", async () => {
  const { app } = await served();
  const body = asking(grantOf({ lasts: "1h" }));
  const response = await send(app, { path: "/tasks", body });
  expect(response.statusCode).toBe(200);
  expect(isStarted(response.json()), JSON.stringify(isStarted.errors)).toBe(true);
  expect(response.json()).toMatchObject({ decision: "deny", code: "not_permitted" });
  expect(response.json().grant).toBeUndefined();
});

describe("it is refused", () => {
  test.each<[string, unknown, string]>([
    ["what is no JSON", "{", "400 malformed_json"],
    ["what says a thing twice", '{"agent":{"id":"a"},"agent":{"id":"b"}}', "400 malformed_json"],
    ["what is no request", {}, "400 malformed_request"],
  ])("%s", async (_, body, expected) => {
    const { app } = await served();
    expect(outcomeOf(await send(app, { path: "/tasks", body }))).toBe(expected);
  });

  test.each<[string, Record<string, string>]>([
    ["no grant", {}],
    ["another scheme", { authorization: "Basic YTpi" }],
    ["no token", { authorization: "Bearer" }],
    ["two of them", { authorization: "Bearer a.b.c d.e.f" }],
    ["another token", bearer("a.b.c")],
  ])("to end a task with %s", async (_, headers) => {
    const { rig, app } = await served();
    const { id, token } = await rig.grant();
    const response = await send(app, { path: `/tasks/${id}`, method: "DELETE", headers });
    expect(outcomeOf(response)).toBe("401 unauthenticated");
    expect(response.headers["www-authenticate"]).toBe("Bearer");
    expect(await rig.ask([token], "look")).toBe("allow");
  });

  test("what is not known, or cannot be done", async () => {
    const { rig, app } = await served();
    const { token } = await rig.grant();
    const other = { path: "/tasks/t-other", headers: bearer(token) };
    expect(outcomeOf(await send(app, { ...other, method: "GET" }))).toBe("404 unknown_task");
    expect(outcomeOf(await send(app, { ...other, method: "DELETE" }))).toBe("404 unknown_task");
    const failing = await served({ end: () => Promise.reject(new Error("the disk is full")) });
    const granted = await failing.rig.grant();
    const ending = { path: `/tasks/${granted.id}`, method: "DELETE" };
    const showing = { headers: bearer(granted.token) };
    expect(outcomeOf(await send(failing.app, { ...ending, ...showing }))).toBe("503 not_done");
  });

  test("what cannot be known, of which nothing is said to have ended", async () => {
    const { rig, app } = await served({ find: () => Promise.reject(new Error("Redis is gone")) });
    const { id, token } = await rig.grant();
    for (const method of ["GET", "DELETE"] as const) {
      const asked = await send(app, { path: `/tasks/${id}`, method, headers: bearer(token) });
      expect(outcomeOf(asked)).toBe("503 unavailable");
    }
    expect(await rig.ask([token], "look")).toBe("allow");
  });

  test("a page, and whoever names another host", async () => {
    const { rig, app } = await served();
    const { id, token } = await rig.grant();
    const ending = { path: `/tasks/${id}`, method: "DELETE" };
    const origin = { ...bearer(token), origin: "https://evil.example" };
    expect(outcomeOf(await send(app, { ...ending, headers: origin }))).toBe("403 cross_origin");
    const host = { ...bearer(token), host: "evil.example" };
    expect(outcomeOf(await send(app, { ...ending, headers: host }))).toBe("403 unexpected_host");
  });
});

test("where no tasks are granted, it says so whatever is asked", async () => {
  const app = serve({}, { extend: (own) => serveTasks(own, undefined) });
  const asked = [
    { path: "/tasks", body: asking() },
    { path: "/tasks", body: "{" },
    { path: "/tasks/t-1", method: "GET" },
    { path: "/tasks/t-1", method: "DELETE", headers: bearer("a.b.c") },
  ];
  for (const one of asked) expect(outcomeOf(await send(app, one))).toBe("501 tasks_not_granted");
});

test("what is said of an agent ends nothing here: operators tell it elsewhere", async () => {
  const { rig, app } = await served();
  const { token } = await rig.grant();
  const body = { agent: { id: "bot", trust: 0 }, operator: "bot", because: "mine" };
  expect(outcomeOf(await send(app, { path: "/tasks/signal", body }))).toMatch(/^40[45]/);
  expect(await rig.ask([token], "look")).toBe("allow");
});

test("OpenAPI has each of them, with the task's id as a parameter", async () => {
  const { app } = await served();
  const { paths } = (await send(app, { path: "/openapi.json", method: "GET" })).json();
  expect(Object.keys(paths["/tasks/{id}"])).toEqual(["get", "delete"]);
  expect(paths["/tasks/{id}"].delete.parameters).toMatchObject([{ name: "id", in: "path" }]);
  expect(paths["/tasks"].post.requestBody).toBeDefined();
});
