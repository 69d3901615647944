/** Where approvals can be asked for: what a hold says, and who may ask (SPEC §12.14; ARAP, Requestable Denial Context). */
import { createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readMapping } from "../../../../engine/http/authzen/index.ts";
import type { JsonValue } from "../../../../engine/json.ts";
import { accessDesk, asking, type Json, SECRETS } from "./access-support.ts";

const REQUESTS = "/access/v1/requests";
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
    expect(desk.approvals.newest(1).count).toBe(0);
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
