import { expect, onTestFinished, test } from "vitest";
import { decisionRecord } from "../../../engine/audit/record.ts";
import { createEngine } from "../../../engine/engine.ts";
import type { DecisionEvidence } from "../../../engine/evidence.ts";
import { decidedByRego } from "../../../engine/opa/alone.ts";
import { createModulePool } from "../../../engine/opa/pool.ts";
import { programOf } from "../../support/engine.ts";
import { assemble } from "./assemble.ts";
import { AUTHZ, NOON_MS } from "./modules.ts";

type Operated = Parameters<typeof decidedByRego>[0]["operated"];

function serviceOf(
  source = AUTHZ,
  entrypoint = "authz/decision",
  evidence?: (one: DecisionEvidence) => void,
  operated: Operated = createEngine({ program: programOf("package none"), digest: "sha256:0" }),
) {
  const program = programOf("package none");
  const pool = createModulePool({ modules: [source], deadlineMs: 20_000 });
  onTestFinished(() => pool.close());
  let count = 0;
  return decidedByRego({
    pool,
    entrypoint,
    program,
    identity: { package: "authz", digest: "sha256:0" },
    now: () => NOON_MS,
    ids: { decision: () => `d${++count}`, call: () => `c${++count}` },
    evidence: evidence && { decided: evidence, settled: () => {} },
    calls: new Map(),
    operated,
  });
}

const request = (id: string, name: string, args = {}) => ({ agent: { id }, tool: { name, args } });

test("Rego alone decides, with reasons and obligations, and what it rests on is recorded", async () => {
  const recorded: DecisionEvidence[] = [];
  const service = serviceOf(AUTHZ, "authz/decision", (one) => void recorded.push(one));
  const asked = request("bot", "read_file");
  const allowed = await service.decide(asked);
  expect(allowed).toMatchObject({
    value: {
      decision: "allow",
      reasons: [{ rule: "authz/decision", effect: "permit" }],
      obligations: [{ id: "o1", type: "log", level: "full" }],
    },
  });
  const denied = await service.decide(request("teller", "send_money", { amount: 5000 }));
  expect(denied).toMatchObject({
    value: { decision: "deny", code: "forbidden", because: "no transfers above 1000" },
  });
  expect(recorded.map(({ decision }) => decision.decision)).toEqual(["allow", "deny"]);
  expect(recorded[0]).toMatchObject({ input: asked, nowMs: NOON_MS });
}, 30_000);

test("a Bool decides as well", async () => {
  const service = serviceOf(AUTHZ, "authz/allow");
  expect(await service.decide(request("bot", "read_file"))).toMatchObject({
    value: { decision: "allow" },
  });
  expect(await service.decide(request("bot", "send_money"))).toMatchObject({
    value: { decision: "deny" },
  });
}, 30_000);

test.each([
  ['"true"'],
  ["1"],
  ["[]"],
  ["[true]"],
  ["{}"],
  ["null"],
  ['{"allow":"true"}'],
  ['{"allow":true,"reason":"a word that is not known"}'],
  ['{"allow":true,"reasons":"x"}'],
  ['{"allow":true,"obligations":{}}'],
  ['{"allow":true,"obligations":[{}]}'],
  ['{"allow":true,"obligations":[{"type":"log","level":"loud"}]}'],
  ['{"allow":true,"obligations":[{"type":"credential","scope":["x"],"ttl":"soon"}]}'],
  ['{"allow":true,"obligations":[{"type":"redact","paths":"*"}]}'],
])(
  "%s is no decision, and denies",
  async (said) => {
    const service = serviceOf({ wasm: assemble({ result: `[{"result":${said}}]` }) }, "a/allow");
    expect(await service.decide(request("bot", "x"))).toMatchObject({
      value: { decision: "deny", code: "indeterminate", errors: [{ cause: "module_unavailable" }] },
    });
  },
  30_000,
);

test("what is undefined, or cannot be recorded, is denied", async () => {
  const undefinedThere = serviceOf(AUTHZ, "authz/sometimes");
  expect(await undefinedThere.decide(request("bot", "x"))).toMatchObject({
    value: { decision: "deny", code: "indeterminate" },
  });
  const unrecorded = serviceOf(AUTHZ, "authz/allow", () => {
    throw new Error("the disk is full");
  });
  expect(await unrecorded.decide(request("bot", "read_file"))).toMatchObject({
    value: { decision: "deny", code: "internal_error" },
  });
}, 30_000);

test("what is no request is not asked about", async () => {
  const service = serviceOf();
  for (const input of [null, 7, {}, { agent: { id: "a" } }, { agent: "a", tool: { name: "x" } }]) {
    expect(await service.decide(input)).toMatchObject({ kind: "malformed" });
  }
});

test("a call is settled once", async () => {
  const service = serviceOf(AUTHZ, "authz/allow");
  const answer = await service.decide(request("bot", "read_file"));
  const call = answer.kind === "answer" ? answer.value.call : undefined;
  expect(await service.outcome({ call, status: "ok" })).toMatchObject({ kind: "answer" });
  expect(await service.outcome({ call, status: "ok" })).toMatchObject({ kind: "answer" });
  expect(await service.outcome({ call, status: "error" })).toMatchObject({
    kind: "already_settled",
  });
  expect(await service.outcome({ call: "c-other", status: "ok" })).toMatchObject({
    kind: "unknown_call",
  });
  expect(await service.outcome({ status: "ok" })).toMatchObject({ kind: "malformed" });
}, 30_000);

test("a session that an operator ended is denied whatever Rego says, until it is reinstated", async () => {
  const operated = createEngine({ program: programOf("package none"), digest: "sha256:0" });
  const recorded: DecisionEvidence[] = [];
  const service = serviceOf(AUTHZ, "authz/allow", (one) => void recorded.push(one), operated);
  const asked = { ...request("bot", "read_file"), session: { id: "s" } };
  expect(await service.decide(asked)).toMatchObject({ value: { decision: "allow" } });
  operated.sessions.interrupt("s");
  expect(await service.decide(asked)).toMatchObject({
    value: { decision: "deny", code: "session_interrupted", obligations: [] },
  });
  expect(await service.decide({ ...asked, session: { id: "t" } })).toMatchObject({
    value: { decision: "allow" },
  });
  operated.sessions.reinstate("s");
  expect(await service.decide(asked)).toMatchObject({ value: { decision: "allow" } });
  expect(recorded.map(({ decision }) => decision.code)).toContain("session_interrupted");
}, 30_000);

test("a session that ends while Rego is asked is ended", async () => {
  const operated = createEngine({ program: programOf("package none"), digest: "sha256:0" });
  const service = serviceOf(AUTHZ, "authz/allow", undefined, operated);
  const deciding = service.decide({ ...request("bot", "read_file"), session: { id: "s" } });
  operated.sessions.interrupt("s");
  expect(await deciding).toMatchObject({ value: { code: "session_interrupted" } });
}, 30_000);

test("where sessions cannot be looked up, nothing is allowed in one", async () => {
  const engine = createEngine({ program: programOf("package none"), digest: "sha256:0" });
  const broken = { ...engine.inspection, session: () => Promise.reject(new Error("gone")) };
  const operated = { sessions: engine.sessions, inspection: broken };
  const service = serviceOf(AUTHZ, "authz/allow", undefined, operated);
  const asked = request("bot", "read_file");
  expect(await service.decide(asked)).toMatchObject({ value: { decision: "allow" } });
  expect(await service.decide({ ...asked, session: { id: "s" } })).toMatchObject({
    value: { decision: "deny", code: "state_unavailable" },
  });
  for (const session of [null, "s", {}, { id: 7 }]) {
    expect(await service.decide({ ...asked, session })).toMatchObject({ kind: "malformed" });
  }
}, 30_000);

test("records have which module said what", async () => {
  const records: unknown[] = [];
  const program = programOf(
    'package none\nimport rego "x.wasm" entrypoint "authz/allow" as policy: Bool',
  );
  const service = serviceOf(AUTHZ, "authz/allow", (one) => {
    records.push(decisionRecord({ ...one, program }, NOON_MS, { fields: [] }));
  });
  await service.decide(request("bot", "read_file"));
  await service.decide(request("bot", "send_money"));
  expect(records).toMatchObject([
    { decision: "allow", modules: [{ name: "policy", entrypoint: "authz/allow", answer: true }] },
    { decision: "deny", modules: [{ answer: false }] },
  ]);
}, 30_000);

test("ahead of a call, nothing is said in Rego's place", () => {
  const service = serviceOf();
  expect([service.preview, service.foresee, service.tools]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
