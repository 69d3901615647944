/** AuthZEN Access Request and Approval Profile, Draft 1 (SPEC §12.14). */
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ACCESS_PROBLEMS, readMapping } from "../../../../engine/http/authzen/index.ts";
import type { JsonValue } from "../../../../engine/json.ts";
import { accessDesk, asking, type Json, SECRETS } from "./access-support.ts";

const SPEC = readFileSync(new URL("../../../../SPEC.md", import.meta.url), "utf8");
const REQUESTS = "/access/v1/requests";
const MINUTE = 60_000;
const error = (name: string) => `urn:openid:authzen:access-request:error:${name}`;

describe("a held evaluation", () => {
  test("says where its approval can be asked for, until when, and with what", async () => {
    const desk = accessDesk();
    const held = await desk.evaluate();
    expect(held).toMatchObject({
      decision: false,
      reason: "approval_required",
      evaluation_id: expect.any(String),
      evaluated_at: "2026-01-02T12:00:00.000Z",
      access_request: {
        endpoint: "https://pdp.example/access/v1/requests",
        expires_at: "2026-01-02T12:10:00Z",
        binding_token: expect.any(String),
      },
    });
    expect(held.next_action).toBeUndefined();
  });

  test("hands out a token that the published key verifies, and that says nothing of arguments", async () => {
    const desk = accessDesk();
    const { access_request } = await desk.evaluate();
    const [head = "", body = "", signature = ""] = access_request.binding_token.split(".");
    const { kid } = JSON.parse(Buffer.from(head, "base64url").toString());
    const { json } = await desk.ask("GET", "/access/v1/jwks", undefined, "nobody");
    const key = json.keys.find((one: Json) => one.kid === kid);
    expect(key).toMatchObject({ kty: "OKP", crv: "Ed25519", use: "sig" });
    const publicKey = createPublicKey({ key, format: "jwk" });
    const signed = Buffer.from(signature, "base64url");
    expect(verify(null, Buffer.from(`${head}.${body}`), publicKey, signed)).toBe(true);
    const claims = JSON.parse(Buffer.from(body, "base64url").toString());
    expect(claims).toMatchObject({
      iss: "https://pdp.example",
      aud: "https://pdp.example/access/v1/requests",
      client_id: "gateway",
      denial_expires_at: "2026-01-02T12:10:00Z",
      binding_context_members: ["frozen", "session"],
    });
    expect(JSON.stringify(claims)).not.toMatch(/alice|amount/);
  });

  test.each([
    ["an allow", asking(5)],
    ["a denial", asking(600)],
    ["what is no request", asking(5, { action: { name: "fly" } })],
  ])("and no other: %s", async (_, body) => {
    expect((await accessDesk().evaluate(body)).access_request).toBeUndefined();
  });

  test("nor one that was refused, however often it is asked", async () => {
    const desk = accessDesk();
    expect(await desk.say(await desk.evaluate(), "carol", "refuse")).toBe("refused");
    const again = await desk.evaluate();
    expect(again).toMatchObject({ decision: false, writ: { approval: { status: "refused" } } });
    expect(again.access_request).toBeUndefined();
  });

  test("is told of each item of several", async () => {
    const desk = accessDesk();
    const { resource, ...rest } = asking();
    const evaluations = [{ resource }, asking(5)];
    const { json } = await desk.ask("POST", "/access/v1/evaluations", { ...rest, evaluations });
    const [held, allowed] = json.evaluations;
    expect(held.context.access_request).toBeDefined();
    expect(allowed).toMatchObject({ decision: true });
    const { status } = await desk.submit(desk.submissionOf(held.context));
    expect(status).toBe(202);
  });
});

describe("metadata", () => {
  test("says where access requests are taken, and which keys verify", async () => {
    const path = "/.well-known/authzen-configuration";
    const { json } = await accessDesk().ask("GET", path, undefined, "nobody");
    expect(json).toMatchObject({
      access_request_endpoint: "https://pdp.example/access/v1/requests",
      jwks_uri: "https://pdp.example/access/v1/jwks",
      capabilities: ["urn:openid:authzen:capability:access-request"],
    });
  });
});

describe("who asks", () => {
  test.each([
    ["POST", "/access/v1/evaluation"],
    ["POST", "/access/v1/evaluations"],
    ["POST", REQUESTS],
    ["GET", `${REQUESTS}/t-1`],
    ["POST", `${REQUESTS}/t-1/cancel`],
    ["DELETE", `${REQUESTS}/t-1/cancel`],
  ])("must be known: %s %s", async (method, path) => {
    const desk = accessDesk();
    const body = method === "POST" ? asking() : undefined;
    const unnamed = await desk.ask(method, path, body, "nobody");
    expect(unnamed.status).toBe(401);
    expect(unnamed.headers["www-authenticate"]).toBe("Bearer");
    const forged = { authorization: `Bearer ${SECRETS.gateway.replace("0", "1")}` };
    expect((await desk.ask(method, path, body, "nobody", forged)).status).toBe(401);
    expect(desk.approvals.all()).toEqual([]);
  });

  test("is told of nothing that another asked for", async () => {
    const desk = accessDesk();
    const { path, submitted, task } = await desk.pending();
    expect(await desk.status(path, "other")).toMatchObject({
      status: 404,
      json: { type: error("unknown_task") },
    });
    const cancel = await desk.ask("POST", `${path}/cancel`, undefined, "other");
    expect(cancel).toMatchObject({ status: 404, json: { type: error("unknown_task") } });
    // Word for word what one that was never there is answered.
    const never = `${REQUESTS}/t-${"A".repeat(44)}`;
    expect((await desk.status(never, "other")).json).toEqual(
      (await desk.status(path, "other")).json,
    );
    expect(await desk.submit(submitted, undefined, "other")).toMatchObject({
      status: 400,
      json: { type: error("invalid_denial_binding") },
    });
    const guessed = `${path.slice(0, -1)}${path.endsWith("A") ? "B" : "A"}`;
    expect((await desk.status(guessed)).status).toBe(404);
    expect((await desk.status(path)).json.task).toEqual(task);
  });

  test("cannot use what another asked for, though the call be the same", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    await desk.say(held, "carol");
    expect(await desk.again(path, asking(), "other")).toMatchObject({
      decision: false,
      reason: "approval_unverifiable",
      next_action: "none",
    });
    expect((await desk.evaluate(asking(), "other")).decision).toBe(false);
    expect((await desk.again(path)).decision).toBe(true);
  });
});

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

describe("a task", () => {
  const statusOf = async (desk: ReturnType<typeof accessDesk>, path: string) => {
    const { status, json } = await desk.status(path);
    return status === 200 ? json.task.status : `${status} ${json.type.split(":").at(-1)}`;
  };

  test("is denied once somebody refuses", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    await desk.say(held, "carol", "refuse");
    expect(await statusOf(desk, path)).toBe("denied");
    expect((await desk.status(path)).json.result).toBeUndefined();
  });

  test("waits for everybody who is asked", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending(200);
    await desk.say(held, "carol");
    expect(await statusOf(desk, path)).toBe("pending");
    await desk.say(held, "dave");
    expect(await statusOf(desk, path)).toBe("approved");
  });

  test("ends with the hold, is told of for an hour, and then no more", async () => {
    const desk = accessDesk();
    const { path } = await desk.pending();
    desk.driver.nowMs += 10 * MINUTE;
    expect(await statusOf(desk, path)).toBe("expired");
    desk.driver.nowMs += 60 * MINUTE;
    expect(await statusOf(desk, path)).toBe("410 task_expired");
  });

  test("that was approved stays so after its end, and is good for nothing", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    await desk.say(held, "carol");
    desk.driver.nowMs += 10 * MINUTE;
    expect(await statusOf(desk, path)).toBe("approved");
    expect(await desk.again(path)).toMatchObject({
      reason: "approval_expired",
      next_action: "request",
    });
  });

  test("is cancelled: nobody can approve it, and it is held anew", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    const cancelled = await desk.ask("POST", `${path}/cancel`, { reason: "changed_mind" });
    expect(cancelled).toMatchObject({ status: 200, json: { task: { status: "cancelled" } } });
    expect(cancelled.json.task.links).toBeUndefined();
    expect(await desk.say(held, "carol")).toBe("approval_closed");
    expect(await statusOf(desk, path)).toBe("cancelled");
    const again = await desk.ask("DELETE", `${path}/cancel`);
    expect(again).toMatchObject({ status: 409, json: { type: error("invalid_task_state") } });
    const anew = await desk.evaluate();
    expect(anew.writ.approval.id).not.toBe(held.writ.approval.id);
    expect(desk.recorded.at(-1)).toBe(`access_request.cancel gateway ${held.writ.approval.id}`);
  });

  test("can be cancelled without a body, and not with one that is none", async () => {
    const desk = accessDesk();
    const { path } = await desk.pending();
    expect((await desk.ask("POST", `${path}/cancel`, [])).status).toBe(400);
    expect((await desk.ask("POST", `${path}/cancel`, { reason: 7 })).status).toBe(400);
    expect((await desk.ask("DELETE", `${path}/cancel`)).status).toBe(200);
  });

  test("that others wait for too is cancelled for its caller alone", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    const other = await desk.pending(50, "other");
    expect(other.held.writ.approval.id).toBe(held.writ.approval.id);
    await desk.ask("POST", `${path}/cancel`);
    expect(await desk.say(held, "carol")).toBe("approved");
    expect(await statusOf(desk, path)).toBe("cancelled");
    expect((await desk.status(other.path, "other")).json.task.status).toBe("approved");
  });

  test("whose approval was revoked is cancelled", async () => {
    const desk = accessDesk();
    const { path } = await desk.pending();
    desk.at.revoked = true;
    expect(await statusOf(desk, path)).toBe("cancelled");
    desk.at.revoked = false;
    expect(await statusOf(desk, path)).toBe("cancelled");
  });

  test("has failed where its approval was lost", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    desk.ledger.drop("approval", held.writ.approval.digest);
    expect(await statusOf(desk, path)).toBe("failed");
  });
});

describe("an approval that is named", () => {
  const approved = async () => {
    const desk = accessDesk();
    const made = await desk.pending();
    await desk.say(made.held, "carol");
    return { desk, ...made };
  };

  test("is of that very call", async () => {
    const { desk, path } = await approved();
    for (const change of [
      asking(51),
      asking(50, { subject: { type: "user", id: "bob" } }),
      asking(50, { context: { session: "t" } }),
    ]) {
      expect(await desk.again(path, change)).toMatchObject({
        decision: false,
        reason: "out_of_scope",
        next_action: "request",
        access_request: { binding_token: expect.any(String) },
      });
    }
    expect((await desk.again(path)).decision).toBe(true);
  });

  test.each<[string, Json]>([
    ["another id", { id: `g-${"A".repeat(44)}` }],
    ["the id that operators know it by", { id: "a-1" }],
    ["a later end", { approved_until: "2026-01-02T13:10:00.000Z" }],
    ["a state", { state: "x" }],
    ["no id", { id: undefined }],
  ])("as it was handed out: %s", async (_, change) => {
    const { desk, path } = await approved();
    const answer = await desk.again(path, asking(), "gateway", change);
    expect(answer).toMatchObject({
      decision: false,
      reason: "approval_unverifiable",
      next_action: "none",
    });
    expect(answer.access_request).toBeUndefined();
  });

  test.each<unknown>(["x", [], null, 7])("as an object: %j", async (approval) => {
    const { desk } = await approved();
    const body = asking(50, { context: { session: "s", approval } });
    expect(await desk.evaluate(body)).toMatchObject({
      decision: false,
      reason: "approval_unverifiable",
    });
  });

  test("before anybody approved is none", async () => {
    const desk = accessDesk();
    const { task } = await desk.pending();
    const approval = {
      id: task.id.replace("t-", "g-"),
      approved_at: "2026-01-02T12:00:00.000Z",
      approved_until: "2026-01-02T12:10:00.000Z",
    };
    const body = asking(50, { context: { session: "s", approval } });
    expect(await desk.evaluate(body)).toMatchObject({
      decision: false,
      reason: "approval_unverifiable",
    });
  });

  test("does not stand against what a rule forbids, and is not used up by it", async () => {
    const { desk, path } = await approved();
    const frozen = { frozen: true, session: "s" };
    const context = { context: frozen };
    expect(await desk.again(path, asking(50, context))).toMatchObject({
      decision: false,
      reason: "out_of_scope",
      next_action: "none",
    });
    const { vouched } = desk.at;
    desk.at.vouched = {
      refused: { ok: false, cause: "token_expired", why: "it was revoked" } as never,
    };
    expect(await desk.again(path)).toMatchObject({ reason: "policy_denied", next_action: "none" });
    desk.at.vouched = vouched;
    expect((await desk.again(path)).decision).toBe(true);
  });

  test("waits where a call before it has not reported, and counts once it has", async () => {
    const { desk, path } = await approved();
    const look = desk.driver.call("look");
    expect(await desk.again(path)).toMatchObject({
      decision: false,
      reason: "grant_pending",
      next_action: "retry",
      retry_after: 2,
      writ: { code: "prerequisite_pending" },
    });
    desk.driver.fail(look);
    expect((await desk.again(path)).decision).toBe(true);
  });

  test("is superseded by another policy", async () => {
    const { desk, path } = await approved();
    desk.at.policy = "sha256:other";
    expect(await desk.again(path)).toMatchObject({ decision: false, reason: "approval_expired" });
  });

  test("that was revoked is over", async () => {
    const { desk, path } = await approved();
    await desk.status(path);
    desk.at.revoked = true;
    expect(await desk.again(path)).toMatchObject({ decision: false, reason: "approval_expired" });
  });
});

test("whatever is named as an approval, no call is allowed that nobody approved", async () => {
  const desk = accessDesk();
  const { path, held } = await desk.pending();
  await desk.say(held, "carol");
  const { json } = await desk.status(path);
  const { id, ...times } = json.result.approval;
  const named = fc.oneof(
    fc.jsonValue(),
    fc.record({ id: fc.oneof(fc.string(), fc.constant(id)) }),
    fc.constant({ id, ...times }),
    fc.record({ id: fc.constant(id), approved_until: fc.string(), approved_at: fc.string() }),
  );
  await fc.assert(
    fc.asyncProperty(named, fc.integer({ min: 11, max: 49 }), async (approval, amount) => {
      const body = asking(amount, { context: { session: "s", approval } });
      const { status, json: answer } = await desk.ask("POST", "/access/v1/evaluation", body);
      // Of what is JSON to fast-check some is none to us.
      expect(status === 400 || answer.decision === false).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test.each<[string, Json, string]>([
  [
    "no key",
    { enforcement_points: [{ id: "a", credential: "b" }] },
    "/access_requests/key is missing",
  ],
  [
    "nobody",
    { key: "k", enforcement_points: [] },
    "/access_requests/enforcement_points must be a list",
  ],
  [
    "one twice",
    {
      key: "k",
      enforcement_points: [
        { id: "a", credential: "b" },
        { id: "a", credential: "c" },
      ],
    },
    "/access_requests/enforcement_points/1/id is there a second time",
  ],
  [
    "another member",
    { key: "k", endpoint: "x", enforcement_points: [{ id: "a", credential: "b" }] },
    "/access_requests/endpoint means nothing here",
  ],
])("a mapping with access requests of %s is refused", (_, access_requests, problem) => {
  const mapping = {
    policy_decision_point: "https://p.example",
    requests: [{ request: {} }],
    access_requests,
  };
  const read = readMapping(mapping as unknown as JsonValue);
  const problems = read.ok ? [] : read.problems.map(({ at, message }) => `${at} ${message}`);
  expect(problems.join("\n")).toContain(problem);
});

test("a mapping that makes requests of the approval that is named, or has no URL, is refused", () => {
  const access_requests = { key: "k", enforcement_points: [{ id: "a", credential: "b" }] };
  const requests = [{ request: { a: { $from: "context", path: "/approval/id" } } }];
  const read = readMapping({ requests, access_requests } as unknown as JsonValue);
  expect(read.ok ? [] : read.problems.map(({ at }) => at)).toEqual([
    "/access_requests",
    "/policy_decision_point",
  ]);
});

test("SPEC §12.14 lists every problem with its status", () => {
  const [, section = ""] = SPEC.split("### 12.14 Access requests");
  const [, table = ""] = section.split("| problem, `");
  const rows = [...table.matchAll(/^\| `(\w+)`[^|]*\| (\d+) \|$/gm)];
  expect(Object.fromEntries(rows.map(([, name, status]) => [name, Number(status)]))).toEqual(
    Object.fromEntries(Object.entries(ACCESS_PROBLEMS).map(([name, { status }]) => [name, status])),
  );
});
