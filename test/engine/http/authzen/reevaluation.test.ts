/** Evaluating again with an approval (SPEC §12.14; ARAP, Completion Semantics). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accessDesk, asking, type Json } from "./access-support.ts";

const MINUTE = 60_000;

describe("an approval that is named", () => {
  const approved = async () => {
    const desk = accessDesk();
    const made = await desk.pending();
    await desk.say(made.held, "carol");
    return { desk, ...made };
  };

  test("is found by a search that names it, and by no other", async () => {
    const { desk, path } = await approved();
    const { json } = await desk.status(path);
    const search = async (context: Json) => {
      const { context: _, ...body } = asking();
      const asked = { ...body, context: { session: "s", time: "12:00", ...context } };
      return (await desk.ask("POST", "/access/v1/search/subject", asked)).json.results;
    };
    expect(await search({})).toEqual([]);
    expect(await search({ approval: json.result.approval })).toEqual([
      { type: "user", id: "alice" },
    ]);
    expect((await desk.again(path)).decision).toBe(true);
    expect(await search({ approval: json.result.approval })).toEqual([]);
  });

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

  test.each<unknown>(["x", [], null, 7, { id: {} }, { id: [{}] }])(
    "as an object: %j",
    async (approval) => {
      const { desk } = await approved();
      const body = asking(50, { context: { session: "s", approval } });
      expect(await desk.evaluate(body)).toMatchObject({
        decision: false,
        reason: "approval_unverifiable",
      });
    },
  );

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

  test.each<[string, (made: Awaited<ReturnType<typeof approved>>) => unknown]>([
    ["that was used", ({ desk, path }) => desk.again(path)],
    ["that was revoked", ({ desk }) => (desk.at.revoked = true)],
    ["that has ended", ({ desk }) => (desk.driver.nowMs += 10 * MINUTE)],
  ])("%s is over, whatever else stands against the call", async (_, end) => {
    const made = await approved();
    await made.desk.status(made.path);
    await end(made);
    made.desk.at.vouched = {
      refused: { ok: false, cause: "token_expired", why: "it was revoked" } as never,
    };
    expect(await made.desk.again(made.path)).toMatchObject({
      decision: false,
      reason: "approval_expired",
      next_action: "none",
    });
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
