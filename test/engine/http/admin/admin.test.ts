import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { START } from "../../../support/engine.ts";
import { outcomeOf, send } from "../support.ts";
import { type Administered, administered } from "./support.ts";

const get = (app: Administered["app"], path: string) => send(app, { path, method: "GET" });

describe("GET /state", () => {
  test("tells counters by how near they are to what rules compare them with", async () => {
    const { app, call } = administered();
    await call("s", "pay", { amount: 478.2 });
    for (let at = 0; at < 20; at += 1) await call("busy", "look");
    await call("busy", "look");
    const { counters, latches, keys_most, policy } = (await get(app, "/state")).json();
    expect(policy).toEqual({ package: "example", digest: "sha256:test", rules: 3 });
    expect(keys_most).toBe(100_000);
    expect(counters).toMatchObject([
      {
        name: "calls",
        per: ["session"],
        within: "10s",
        keys: 2,
        limits: [{ most: 20, rule: "looking", effect: "permit" }],
        highest: [
          { key: ["busy"], value: 21, limit: 20, reached: true },
          { key: ["s"], value: 1, limit: 20, reached: false },
        ],
      },
      {
        name: "spend",
        per: ["principal"],
        limits: [
          { most: 500, rule: "paying", at: expect.stringMatching(/^policy\.writ:\d+:\d+$/) },
        ],
        highest: [{ key: ["alice"], value: 478.2, limit: 500, reached: false }],
      },
      {
        name: "tools",
        per: ["session", "tool"],
        limits: [],
        highest: [{ key: ["busy", "look"] }, {}],
      },
    ]);
    expect(latches).toMatchObject([{ name: "looked", keys: 1, set: 0, pending: 1 }]);
  });

  test("tells what is decided, and what waits for its outcome", async () => {
    const { app, call } = administered();
    await call("s", "look");
    await call("s", "boom");
    const live = (await get(app, "/state?keys=1")).json();
    expect(live).toMatchObject({
      at: "2026-01-02T12:00:00Z",
      ready: { ready: true },
      sessions: { count: 1, interrupted: 1 },
      calls: { count: 1 },
      decisions: { total: { allow: 1, deny: 1, hold: 0, failed: 0 }, codes: { forbidden: 1 } },
    });
  });
});

describe("GET /sessions", () => {
  const ids = async (app: Administered["app"], path: string) =>
    (await get(app, path)).json<{ sessions: { id: string }[] }>().sessions.map(({ id }) => id);

  test("page by page, each session once", async () => {
    const { app, call, driver } = administered();
    for (let at = 0; at < 25; at += 1) {
      driver.nowMs += at % 3;
      await call(`s ${at}/%`, "look");
    }
    const seen: string[] = [];
    let next: string | undefined;
    do {
      const page = next === undefined ? "" : `&after=${encodeURIComponent(next)}`;
      const answer = (await get(app, `/sessions?most=4${page}`)).json();
      expect(answer.sessions.length).toBeLessThanOrEqual(4);
      seen.push(...answer.sessions.map(({ id }: { id: string }) => id));
      next = answer.next;
    } while (next !== undefined);
    expect(seen).toHaveLength(25);
    expect(new Set(seen).size).toBe(25);
  });

  test("those interrupted, idle, or of a prefix", async () => {
    const { app, call, driver } = administered();
    await call("old", "look");
    driver.nowMs += 3_600_000;
    await call("team/new", "look");
    await call("team/ended", "boom");
    expect(await ids(app, "/sessions?interrupted=true")).toEqual(["team/ended"]);
    expect(await ids(app, "/sessions?idle=30m")).toEqual(["old"]);
    expect(await ids(app, "/sessions?prefix=team%2F&interrupted=false")).toEqual(["team/new"]);
    const [ended] = (await get(app, "/sessions?interrupted=true")).json().sessions;
    expect(ended).toMatchObject({
      interrupted: true,
      interruption: { by: "rule", names: ["ending"], because: "it does not end well" },
    });
  });

  test.each([
    "/sessions?interrupted=yes",
    "/sessions?interrupted=true&interrupted=false",
    "/sessions?most=0",
    "/sessions?most=1001",
    "/sessions?most=1e2",
    "/sessions?idle=1",
    "/sessions?after=nothing",
    "/sessions?who=ann",
    "/sessions?prefix=a+b",
    "/sessions?prefix=%zz",
    "/sessions?prefix=%ff",
    "/sessions?prefix",
    "/session",
    "/session?id=a&id=b",
    "/state?keys=101",
    "/state?__proto__=1",
  ])("%s is refused", async (path) => {
    expect(outcomeOf(await get(administered().app, path))).toBe("400 unexpected_query_value");
  });

  test("any id comes back as it was", async () => {
    const { app, driver } = administered();
    const id = fc.string({ unit: "grapheme", minLength: 1 });
    await fc.assert(
      fc.asyncProperty(id, async (session) => {
        driver.engine.sessions.interrupt(session);
        const answer = await get(app, `/session?id=${encodeURIComponent(session)}`);
        expect(answer.json().id).toBe(session);
      }),
      { numRuns: 200 },
    );
  });
});

test("GET /session tells where a session stands", async () => {
  const { app, call, driver } = administered();
  const first = driver.call(
    "look",
    {},
    {
      session: { id: "s" },
      principal: { id: "alice" },
      intent: { task: "errand" },
    },
  );
  driver.ok(first, "text", { sensitivity: "internal" });
  await call("s", "look", {}, { intent: { task: "errand" } });
  expect((await get(app, "/session?id=s")).json()).toMatchObject({
    id: "s",
    since: "2026-01-02T12:00:00Z",
    labels: ["private"],
    sensitivity: "internal",
    interrupted: false,
    calls: 1,
    under_way: [{ tool: "look", since: "2026-01-02T12:00:00Z" }],
    tasks: [
      {
        name: "errand",
        calls: 2,
        calls_most: 5,
        until: "2026-01-02T12:15:00Z",
        under_way: 1,
        next: ["look", "pay"],
        complete: true,
      },
    ],
    counters: [
      { name: "calls", key: ["s"], value: 2, limit: 20 },
      { name: "tools", key: ["s", "look"], value: 2 },
    ],
    latches: [{ name: "looked", key: ["s"], state: "set" }],
  });
  expect(outcomeOf(await get(app, "/session?id=nobody"))).toBe("404 unknown_session");
});

describe("orders", () => {
  const BASE = { session: "s", operator: "ann", because: "it looked odd" };
  const order = (app: Administered["app"], action: string, more: object = {}) =>
    send(app, { path: `/sessions/${action}`, body: { ...BASE, ...more } });
  const decided = ({ driver }: Administered) => driver.call("look").code;

  test("an interrupted session is ended until it is reinstated, and all is told of", async () => {
    const admin = administered();
    expect((await order(admin.app, "interrupt")).json()).toEqual({
      session: "s",
      action: "interrupt",
      changed: true,
    });
    expect(decided(admin)).toBe("session_interrupted");
    const row = (await get(admin.app, "/session?id=s")).json();
    expect(row.interruption).toEqual({
      by: "operator",
      names: ["ann"],
      because: "it looked odd",
      at: "2026-01-02T12:00:00Z",
    });
    expect((await order(admin.app, "reinstate")).json().changed).toBe(true);
    expect((await order(admin.app, "reinstate")).json().changed).toBe(false);
    expect(decided(admin)).toBeUndefined();
    const told = { ...BASE, atMs: START, via: "socket", label: undefined };
    expect(admin.events).toEqual([
      { ...told, action: "interrupt" },
      { ...told, action: "reinstate" },
      { ...told, action: "reinstate" },
    ]);
  });

  test("a label is taken from a session that has it", async () => {
    const { app, driver, events } = administered();
    driver.ok(driver.call("look"), "text");
    const declassify = () => order(app, "declassify", { label: "private" });
    expect((await declassify()).json().changed).toBe(true);
    expect((await declassify()).json().changed).toBe(false);
    expect((await get(app, "/session?id=s")).json().labels).toEqual([]);
    expect(events[0]).toMatchObject({ action: "declassify", label: "private" });
  });

  test("nothing is loosened that cannot be recorded; an interruption is made all the same", async () => {
    const onAdmin = () => Promise.reject(new Error("the disk is full"));
    const admin = administered({ onAdmin });
    const ended = await order(admin.app, "interrupt");
    expect(outcomeOf(ended)).toBe("503 not_done");
    expect(ended.json().detail).toContain("is ended");
    expect(decided(admin)).toBe("session_interrupted");
    const reinstated = await order(admin.app, "reinstate");
    expect(outcomeOf(reinstated)).toBe("503 not_done");
    expect(reinstated.body).not.toContain("disk");
    expect(decided(admin)).toBe("session_interrupted");
  });

  test("an order is answered once it lasts", async () => {
    const admin = administered({ settled: () => Promise.reject(new Error("no flush")) });
    expect(outcomeOf(await order(admin.app, "interrupt"))).toBe("503 not_done");
    expect(admin.events).toMatchObject([{ action: "interrupt" }]);
  });

  test.each<[string, string, object]>([
    ["nobody orders", "interrupt", { operator: undefined }],
    ["no reason is given", "interrupt", { because: "" }],
    ["the reason is long", "interrupt", { because: "x".repeat(501) }],
    ["a name hides something", "interrupt", { operator: "ann\u202e" }],
    ["a reason breaks its line", "reinstate", { because: "fine\nallowed by bob" }],
    ["a session has no name", "reinstate", { session: "" }],
    ["a session is a list", "reinstate", { session: ["s"] }],
    ["no label is named", "declassify", {}],
    ["a label where none belongs", "interrupt", { label: "private" }],
    ["something else is asked", "interrupt", { force: true }],
  ])("where %s, it is refused", async (_name, action, more) => {
    const { app, events } = administered();
    expect(outcomeOf(await order(app, action, more))).toBe("400 malformed_request");
    expect(events).toEqual([]);
  });
});
