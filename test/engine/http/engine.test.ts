import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { DECISION_SCHEMA } from "../../../engine/http/schemas.ts";
import { paymentsEngine, SOUND } from "./sample.ts";
import { outcomeOf, send, serve } from "./support.ts";

const isDecision = new Ajv2020({ allowUnionTypes: true, strictTypes: false }).compile(
  DECISION_SCHEMA,
);

async function decide(app: ReturnType<typeof serve>, body: unknown) {
  const response = await send(app, { body });
  expect(outcomeOf(response)).toBe("200");
  const decision = response.json();
  expect(isDecision(decision), JSON.stringify(isDecision.errors)).toBe(true);
  return decision;
}

test("a payment is allowed, made, and reported once", async () => {
  const app = serve(paymentsEngine());
  const { id, call, ...decision } = await decide(app, SOUND);
  expect(decision).toEqual({
    decision: "allow",
    reasons: [
      {
        rule: "pay_known_payee",
        effect: "permit",
        at: expect.stringMatching(/^payments\.writ:14:/),
      },
    ],
    obligations: [{ id: "o1", type: "credential", scope: ["payments:write"], ttl: "60s" }],
    policy: { package: "acme.payments", digest: "sha256:00" },
  });
  const report = (status: string) => send(app, { path: "/outcome", body: { call, status } });
  expect((await report("ok")).json()).toEqual({ call, status: "ok" });
  expect(outcomeOf(await report("error"))).toBe("409 already_settled");
  const never = await send(app, { path: "/outcome", body: { call: "c-x", status: "ok" } });
  expect(outcomeOf(never)).toBe("404 unknown_call");
});

test.each([
  [
    "too much",
    { tool: { ...SOUND.tool, args: { ...SOUND.tool.args, amount: 100.01 } } },
    "not_permitted",
  ],
  ["from a document", { intent: { ...SOUND.intent, source: "document" } }, "forbidden"],
  ["for an unknown purpose", { intent: { ...SOUND.intent, purpose: "fun" } }, "invalid_request"],
  ["with an unknown tool", { tool: { name: "burn_money" } }, "invalid_request"],
])("a payment %s is denied: 200", async (_, changed, code) => {
  const decision = await decide(serve(paymentsEngine()), { ...SOUND, ...changed });
  expect(decision).toMatchObject({ decision: "deny", code });
});

test("what is no request is pointed at, and everything that is wrong is said", async () => {
  const body = { agent: { id: 1 }, tool: { args: {} }, allow: true };
  const response = await send(serve(paymentsEngine()), { body });
  expect(outcomeOf(response)).toBe("400 malformed_request");
  const pointers = response.json().errors.map(({ pointer }: { pointer: string }) => pointer);
  expect(pointers).toEqual(expect.arrayContaining(["/agent/id", "/tool/name", "/allow"]));
  expect(response.json().pointer).toBe(pointers[0]);
});

test("what is no outcome is pointed at", async () => {
  const body = { call: "c-1", status: "done" };
  const response = await send(serve(paymentsEngine()), { path: "/outcome", body });
  expect(outcomeOf(response)).toBe("400 malformed_request");
  expect(response.json().pointer).toBe("/status");
});
