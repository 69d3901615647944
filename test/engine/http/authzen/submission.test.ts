/** Access requests as they are submitted (SPEC §12.14; ARAP, Access Request Endpoint). */
import { describe, expect, test } from "vitest";
import { accessDesk, asking, type Json } from "./access-support.ts";

const REQUESTS = "/access/v1/requests";
const MINUTE = 60_000;
const error = (name: string) => `urn:openid:authzen:access-request:error:${name}`;

describe("an access request", () => {
  test("is taken, waits, is approved, and lets the same call through once", async () => {
    const desk = accessDesk();
    const held = await desk.evaluate();
    const taken = await desk.submit(desk.submissionOf(held), "k-1");
    expect(taken.status).toBe(202);
    const { task } = taken.json;
    expect(taken.headers.location).toBe(task.status_endpoint);
    expect(task).toEqual({
      id: expect.stringMatching(/^t-[A-Za-z0-9_-]{44}$/),
      status: "pending",
      status_endpoint: `https://pdp.example${REQUESTS}/${task.id}`,
      expires_at: "2026-01-02T13:10:00.000Z",
      links: { cancel: `https://pdp.example${REQUESTS}/${task.id}/cancel` },
    });
    expect(desk.recorded).toEqual([`access_request.submit gateway ${held.writ.approval.id}`]);
    const path = `${REQUESTS}/${task.id}`;
    const pending = await desk.status(path);
    expect(pending.json).toEqual({ task });
    expect(pending.headers["retry-after"]).toBe("5");

    desk.driver.nowMs += MINUTE;
    expect(await desk.say(held, "carol")).toBe("approved");
    const { links: _, ...rest } = task;
    expect((await desk.status(path)).json).toEqual({
      task: { ...rest, status: "approved" },
      result: {
        mode: "reevaluate",
        approval: {
          id: expect.stringMatching(/^g-/),
          approved_at: "2026-01-02T12:01:00.000Z",
          approved_until: "2026-01-02T12:10:00.000Z",
        },
      },
    });

    const allowed = await desk.again(
      path,
      asking(50, { context: { session: "s", time: "12:01" } }),
    );
    expect(allowed).toMatchObject({
      decision: true,
      approval: { id: expect.stringMatching(/^g-/), approved_until: "2026-01-02T12:10:00.000Z" },
    });
    expect(await desk.again(path)).toMatchObject({
      decision: false,
      reason: "approval_expired",
      next_action: "request",
      access_request: { binding_token: expect.any(String) },
    });
    expect((await desk.status(path)).json.task.status).toBe("approved");
  });

  test("of many copies asked again at once, one is allowed", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    await desk.say(held, "carol");
    const answers = await Promise.all(Array.from({ length: 20 }, () => desk.again(path)));
    expect(answers.filter(({ decision }) => decision)).toHaveLength(1);
  });

  test("without its approval named the same call is held, and its task answered at once", async () => {
    const desk = accessDesk();
    const { held } = await desk.pending();
    await desk.say(held, "carol");
    const again = await desk.evaluate();
    expect(again).toMatchObject({ decision: false, reason: "approval_required" });
    const { status, json } = await desk.submit(desk.submissionOf(again));
    expect(status).toBe(201);
    expect(json).toMatchObject({ task: { status: "approved" }, result: { mode: "reevaluate" } });
  });

  test("is one, however often it is sent with its key", async () => {
    const desk = accessDesk();
    const submitted = desk.submissionOf(await desk.evaluate());
    const answers = await Promise.all([1, 2, 3].map(() => desk.submit(submitted, "k-1")));
    expect(new Set(answers.map(({ json }) => json.task.id)).size).toBe(1);
    const reordered = Object.fromEntries(Object.entries(submitted).reverse());
    expect((await desk.submit(reordered, "k-1")).json).toEqual(answers[0]?.json);
    const other = await desk.submit({ ...submitted, requested_access: { emergency: true } }, "k-1");
    expect(other).toMatchObject({ status: 409, json: { type: error("duplicate_request") } });
    const named = await desk.submit({ ...submitted, client: { id: "x" } });
    expect(named.json.task.id).not.toBe(answers[0]?.json.task.id);
    expect((await desk.submit(submitted, "k 2")).status).toBe(202);
    expect((await desk.submit(submitted, "é")).status).toBe(400);
  });

  test.each<[string, string, (submitted: Json, held: Json) => Json]>([
    [
      "another argument",
      "invalid_denial_binding",
      (sent) => ({ ...sent, resource: asking(51).resource }),
    ],
    [
      "another subject",
      "invalid_denial_binding",
      (sent) => ({ ...sent, subject: { type: "user", id: "bob" } }),
    ],
    [
      "more of the subject",
      "invalid_denial_binding",
      (sent) => ({ ...sent, subject: { type: "user", id: "alice", properties: { role: "x" } } }),
    ],
    ["another action", "invalid_denial_binding", (sent) => ({ ...sent, action: { name: "look" } })],
    [
      "another session",
      "invalid_denial_binding",
      (sent) => ({ ...sent, context: { session: "t" } }),
    ],
    ["no context", "invalid_denial_binding", ({ context: _, ...sent }) => sent],
    [
      "null for what was not there",
      "invalid_denial_binding",
      (sent) => ({ ...sent, context: { session: "s", frozen: null } }),
    ],
    ["no denial", "invalid_denial_binding", ({ denial: _, ...sent }) => sent],
    [
      "an evaluation alone",
      "invalid_denial_binding",
      (sent, { evaluation_id }) => ({
        ...sent,
        denial: { evaluation_id, expires_at: "2026-01-02T12:10:00Z" },
      }),
    ],
    [
      "another end",
      "invalid_denial_binding",
      (sent) => denied(sent, { expires_at: "2026-01-02T13:10:00Z" }),
    ],
    ["no end", "invalid_denial_binding", (sent) => denied(sent, { expires_at: undefined })],
    [
      "another evaluation",
      "invalid_denial_binding",
      (sent) => denied(sent, { evaluation_id: "d9" }),
    ],
    [
      "a token that is none",
      "invalid_denial_binding",
      (sent) => denied(sent, { binding_token: "a.b.c" }),
    ],
    [
      "a token with another claim",
      "invalid_denial_binding",
      (sent) => denied(sent, { binding_token: changed(sent) }),
    ],
    [
      "an actor whom no token shows",
      "invalid_denial_binding",
      (sent) => ({ ...sent, client: { actor: { id: "bot" } } }),
    ],
  ])("with %s: %s", async (_, problem, change) => {
    const desk = accessDesk();
    const held = await desk.evaluate();
    const answer = await desk.submit(change(desk.submissionOf(held), held));
    expect(answer).toMatchObject({ status: 400, json: { type: error(problem) } });
    expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect([...desk.ledger.entries("request")]).toEqual([]);
  });

  test.each<[string, Json]>([
    ["items", { items: [] }],
    ["a callback", { callback: { endpoint: "https://pep.example/" } }],
    ["a denial that is none", { denial: "x" }],
    ["a subject that is none", { subject: "alice" }],
    ["a client that is none", { client: [] }],
    ["an actor without id", { client: { actor: {} } }],
  ])("with %s is malformed", async (_, change) => {
    const desk = accessDesk();
    const submitted = desk.submissionOf(await desk.evaluate());
    const { status, json } = await desk.submit({ ...submitted, ...change });
    expect({ status, type: json.type }).toEqual({
      status: 400,
      type: "urn:writ:problem:malformed_request",
    });
  });

  test("may say more, and need not say what is not asked", async () => {
    const desk = accessDesk();
    const submitted = desk.submissionOf(await desk.evaluate());
    const context = { session: "s", business_justification: "renewal" };
    expect((await desk.submit({ ...submitted, context })).status).toBe(202);
  });

  test("after the hold has ended is too late", async () => {
    const desk = accessDesk();
    const submitted = desk.submissionOf(await desk.evaluate());
    desk.driver.nowMs += 10 * MINUTE;
    expect(await desk.submit(submitted)).toMatchObject({
      status: 410,
      json: { type: error("expired_denial") },
    });
  });

  test("that is sent again with its key is the same, whatever came of it since", async () => {
    const desk = accessDesk();
    const held = await desk.evaluate();
    const submitted = desk.submissionOf(held);
    const { task } = (await desk.submit(submitted, "k-1")).json;
    await desk.say(held, "carol");
    const path = new URL(task.status_endpoint).pathname;
    expect((await desk.again(path)).decision).toBe(true);
    desk.driver.nowMs += 30 * MINUTE;
    const again = await desk.submit(submitted, "k-1");
    expect(again).toMatchObject({
      status: 201,
      json: { task: { id: task.id, status: "approved" } },
    });
    const other = await desk.submit({ ...submitted, denial: { expires_at: "x" } }, "k-1");
    expect(other).toMatchObject({ status: 409, json: { type: error("duplicate_request") } });
    desk.driver.nowMs += 60 * MINUTE;
    expect((await desk.submit(submitted, "k-1")).json.type).toBe(error("task_expired"));
  });

  test("after its approval was used cannot be made", async () => {
    const desk = accessDesk();
    const { held, submitted, path } = await desk.pending();
    await desk.say(held, "carol");
    expect((await desk.again(path)).decision).toBe(true);
    expect(await desk.submit(submitted, "later")).toMatchObject({
      status: 400,
      json: { type: error("not_requestable") },
    });
  });

  test("that cannot be recorded is not made", async () => {
    const desk = accessDesk();
    const submitted = desk.submissionOf(await desk.evaluate());
    desk.at.mayRecord = false;
    expect((await desk.submit(submitted)).status).toBe(503);
    expect([...desk.ledger.entries("request")]).toEqual([]);
  });
});

const denied = (sent: Json, change: Json): Json => ({
  ...sent,
  denial: { ...(sent.denial as Json), ...change },
});

function changed(sent: Json): string {
  const [head, body = "", signature] = String((sent.denial as Json).binding_token).split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  const other = Buffer.from(JSON.stringify({ ...claims, client_id: "gateway2" }));
  return [head, other.toString("base64url"), signature].join(".");
}

describe("actors", () => {
  const chain = [
    { from: { id: "alice", kind: "human" }, to: { id: "planner", kind: "autonomous" } },
    { from: { id: "planner", kind: "autonomous" }, to: { id: "bot", kind: "autonomous" } },
  ].map((hop) => ({ ...hop, scope: ["pay"], expires_at: "2026-01-02T13:00:00Z" }) as const);
  const token = { type: "link", issuer: "https://idp.example", subject: "alice", digest: "x" };
  const delegation = { ok: true, chain, agent: {}, principal: {}, tokens: [token] } as never;

  test.each<[string, Json, number]>([
    ["the agent", { id: "bot" }, 202],
    ["the agent, by its issuer", { id: "bot", issuer: "https://idp.example" }, 202],
    ["the whole chain", { id: "bot", act: { sub: "planner", iss: "https://idp.example" } }, 202],
    ["another agent", { id: "planner" }, 400],
    ["another issuer", { id: "bot", issuer: "https://evil.example" }, 400],
    ["an issuer that is no text", { id: "bot", issuer: {} }, 400],
    ["another chain", { id: "bot", act: { sub: "boss" } }, 400],
    [
      "a longer chain",
      { id: "bot", act: { sub: "planner", act: { sub: "alice", act: { sub: "x" } } } },
      400,
    ],
  ])("%s", async (_, actor, status) => {
    const desk = accessDesk();
    desk.at.vouched = { delegation };
    const submitted = desk.submissionOf(await desk.evaluate());
    expect((await desk.submit({ ...submitted, client: { actor } })).status).toBe(status);
  });

  test("of the subject may be left out of it, and not be others", async () => {
    const desk = accessDesk();
    const subject = { type: "user", id: "alice", properties: { act: { sub: "bot" } } };
    const body = asking(50, { subject });
    const submitted = desk.submissionOf(await desk.evaluate(body), body);
    const other = { ...subject, properties: { act: { sub: "planner" } } };
    expect((await desk.submit({ ...submitted, subject: other })).status).toBe(400);
    const { properties: _, ...bare } = subject;
    expect((await desk.submit({ ...submitted, subject: bare })).status).toBe(202);
  });
});
