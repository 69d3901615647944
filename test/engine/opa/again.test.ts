import { expect, test } from "vitest";
import type { RecordedDecision } from "../../../engine/audit/again.ts";
import { requestDigest } from "../../../engine/canonical-json.ts";
import { openRegoAgain } from "../../../engine/opa/again.ts";
import { failed, type ModuleAnswer } from "../../../engine/opa/answer.ts";
import { NOON_MS } from "./modules.ts";

const DIGEST = "sha256:rego";
const REQUEST = { agent: { id: "bot" }, tool: { name: "read_file" } };
const ENTRYPOINT = "authz/decision";

const RECORD: RecordedDecision = {
  kind: "decision",
  id: "d1",
  call: "c1",
  decision: "allow",
  request: requestDigest(REQUEST, DIGEST),
  policy: { package: "authz.decision", digest: DIGEST },
  modules: [{ answer: "given" }],
  whole: { request: REQUEST, now: NOON_MS },
  ...{ rules: [{ rule: ENTRYPOINT, effect: "permit", at: "policy.wasm" }], obligations: [] },
};

const TRUE: ModuleAnswer = { kind: "defined", value: true };

function again(record: RecordedDecision, answer: ModuleAnswer = TRUE, builtins = ["sprintf"]) {
  const asked: [unknown, number][] = [];
  const decide = openRegoAgain({
    entrypoint: ENTRYPOINT,
    digest: DIGEST,
    builtins,
    ask: (...question) => {
      asked.push(question);
      return answer;
    },
  });
  return { asked, ...decide(record) };
}

test("asks what was asked, by the clock of then", () => {
  expect(again(RECORD)).toEqual({ kind: "same", asked: [[REQUEST, NOON_MS]] });
});

test.each<[string, ModuleAnswer, string]>([
  ["denies now", { kind: "defined", value: false }, "forbidden"],
  ["has no decision now", { kind: "undefined" }, "indeterminate"],
  ["gives none now", failed("it died"), "indeterminate"],
])("tells of a module that %s", (_, answer, code) => {
  const { differences } = again(RECORD, answer) as ReturnType<typeof again> & {
    differences: object[];
  };
  expect(differences).toContainEqual({ member: "decision", recorded: "allow", again: "deny" });
  expect(differences).toContainEqual({ member: "code", recorded: undefined, again: code });
});

test("a refusal is none of the module's", () => {
  const { call: _, ...record } = RECORD;
  const refused = { ok: false, code: "revoked", why: "it was revoked" } as const;
  const revoked = {
    ...record,
    decision: "deny",
    code: "revoked",
    rules: [],
    whole: { request: {}, refused },
  } as const;
  expect(again(revoked)).toEqual({ kind: "same", asked: [] });
});

test.each<[string, Partial<RecordedDecision>]>([
  ["other_policy", { policy: { package: "x", digest: "sha256:other" } }],
  ["not_decided", { policy: { package: "", digest: "" } }],
  ["not_decided", { decision: "deny", code: "state_unavailable" }],
  ["not_decided", { decision: "deny", code: "unsupported_obligation" }],
  ["session_ended", { decision: "deny", code: "session_interrupted" }],
  ["left_out", { whole: { request: { agent: { id: "bot" } }, now: NOON_MS } }],
  ["left_out", { whole: { request: REQUEST, altered: true } }],
  ["no_answer", { modules: [{ answer: "unavailable" }] }],
])("says why it asks nothing: %s", (why, change) => {
  expect(again({ ...RECORD, ...change })).toEqual({ kind: "skipped", why, asked: [] });
});

test("nor of records without requests, nor a module that draws lots", () => {
  const { whole: _, ...record } = RECORD;
  expect(again(record)).toMatchObject({ why: "not_whole" });
  expect(again(RECORD, TRUE, ["rand.intn"])).toMatchObject({ why: "random" });
});
