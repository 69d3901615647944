import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { DENY_CODES } from "../../../engine/decision.ts";
import {
  DECISION_SCHEMA,
  OUTCOME_SCHEMA,
  PROBLEM_SCHEMA,
  REQUEST_SCHEMA,
} from "../../../engine/http/schemas.ts";
import { SOUND } from "./sample.ts";
import { DENIAL, send, serve } from "./support.ts";

const ajv = new Ajv2020({ allowUnionTypes: true, strictTypes: false });
const isRequest = ajv.compile(REQUEST_SCHEMA);
const isDecision = ajv.compile(DECISION_SCHEMA);
const isOutcome = ajv.compile(OUTCOME_SCHEMA);
const isProblem = ajv.compile(PROBLEM_SCHEMA);

const policy = { package: "acme.payments", digest: "sha256:00" };
const ALLOWED = {
  decision: "allow",
  id: "0193f1e2-7b3c-7d4e-8f5a-000000000001",
  call: "c-77",
  reasons: [{ rule: "pay_known_payee", effect: "permit", at: "payments.writ:41:1" }],
  obligations: [{ id: "o1", type: "credential", scope: ["payments:write"], ttl: "60s" }],
  policy,
};
const HELD = {
  decision: "hold",
  id: "d-2",
  because: "transfers over 100.00 need the person who delegated this task",
  reasons: [{ rule: "large_transfer", effect: "hold", at: "payments.writ:49:1", tags: ["money"] }],
  obligations: [],
  approval: {
    except: ["bot"],
    by: [{ party: "alice", count: 1, rule: "large_transfer" }],
    digest: "sha256:00",
    until: "2026-01-02T09:10:00Z",
  },
  policy,
};

describe("the request", () => {
  test.each([
    ["with everything", SOUND],
    ["with what must be there", { agent: { id: "a" }, tool: { name: "t" } }],
    [
      "with delegation by token",
      { agent: { id: "a" }, tool: { name: "t" }, delegation: { tokens: ["eyJ…"] } },
    ],
    [
      "with declared attributes",
      { agent: { id: "a", clearance: "internal" }, tool: { name: "t" } },
    ],
  ])("%s", (_, request) => {
    expect(isRequest(request), JSON.stringify(isRequest.errors)).toBe(true);
  });

  test.each([
    ["without an agent", { tool: { name: "t" } }],
    ["without a tool", { agent: { id: "a" } }],
    ["with more", { agent: { id: "a" }, tool: { name: "t" }, verified: true }],
    ["with more of the tool", { agent: { id: "a" }, tool: { name: "t", effect: "read" } }],
  ])("not %s", (_, request) => {
    expect(isRequest(request)).toBe(false);
  });
});

describe("the decision", () => {
  test.each<readonly [string, object]>([
    ["an allow", ALLOWED],
    ["a hold", HELD],
    ["a denial", DENIAL],
    ...DENY_CODES.map((code) => [`a denial: ${code}`, { ...DENIAL, code }] as const),
    ["a denial by sequence", { ...DENIAL, code: "out_of_sequence", next: ["send_money"] }],
    ["an interruption", { ...DENIAL, code: "forbidden", interrupt: true }],
    ["an error", { ...DENIAL, errors: [{ rule: "r", cause: "overflow", at: "p.writ:1:1" }] }],
    [
      "an obligation of one's own",
      { ...ALLOWED, obligations: [{ id: "o", type: "x", value: [1] }] },
    ],
  ])("%s", (_, decision) => {
    expect(isDecision(decision), JSON.stringify(isDecision.errors)).toBe(true);
  });

  test.each([
    ["a denial without a code", { ...DENIAL, code: undefined }],
    ["a denial with a call", { ...DENIAL, call: "c-1" }],
    ["an allow with a code", { ...ALLOWED, code: "forbidden" }],
    ["an allow with an approval", { ...ALLOWED, approval: HELD.approval }],
    ["a hold without an approval", { ...HELD, approval: undefined }],
    ["another word", { ...ALLOWED, decision: "permit" }],
    [
      "a credential without a scope",
      { ...ALLOWED, obligations: [{ id: "o", type: "credential", ttl: "1s" }] },
    ],
    ["something more", { ...ALLOWED, allow: true }],
  ])("not %s", (_, decision) => {
    expect(isDecision(JSON.parse(JSON.stringify(decision)))).toBe(false);
  });
});

test("the outcome", () => {
  expect(isOutcome({ call: "c-77", status: "ok" })).toBe(true);
  expect(isOutcome({ call: "c-77", status: "error", labels: ["untrusted"], values: [] })).toBe(
    true,
  );
  expect(isOutcome({ call: "c-77", status: "done" })).toBe(false);
  expect(isOutcome({ status: "ok" })).toBe(false);
});

test("what is served is what the schemas say", async () => {
  expect(isDecision((await send(serve())).json())).toBe(true);
  expect(isProblem((await send(serve(), { body: "{" })).json())).toBe(true);
  expect(isProblem((await send(serve(), { path: "/x" })).json())).toBe(true);
});
