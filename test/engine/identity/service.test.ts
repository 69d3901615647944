/** Tokens in requests, from the edge to the decision. */
import { expect, test } from "vitest";
import type { Decision } from "../../../engine/decision.ts";
import { createEngine } from "../../../engine/engine.ts";
import type { Identity } from "../../../engine/identity/identity.ts";
import { identified } from "../../../engine/identity/service.ts";
import { programOf, START } from "../../support/engine.ts";
import { chainOf, issuerOf, type Json, LINKS, signer, verifierOf } from "../../support/identity.ts";

const program = programOf(`
purpose payments, payments.payroll
tool pay { effect write, args { amount: Decimal, to: String }, scope "payments:write" }
tool look { effect read }

permit by_person
  tool pay
  when delegation.verified and delegation.depth <= 2 and delegation.root is human and principal is human

permit looking
  tool look
  when delegation.verified
`);

const issuer = signer();
const faults: unknown[] = [];

async function serviceWith(identity?: Identity) {
  const engine = createEngine({ program, digest: "sha256:test", clock: () => START });
  const verifier =
    identity ??
    (await verifierOf([
      issuerOf(issuer, { type: "link", issuer: LINKS, roots: ["alice", "bot"], humans: ["alice"] }),
    ]));
  return identified(engine, { identity: verifier, onFault: (fault) => faults.push(fault) });
}

const { tokens } = await chainOf(["alice", "planner", "bot"], issuer, (index) =>
  index === 0 ? { tools: { pay: { amount: { max: 100 } }, look: {} }, purpose: "payments" } : {},
);

const REQUEST: Json = {
  agent: { id: "bot" },
  principal: { id: "alice" },
  tool: { name: "pay", args: { amount: 20, to: "bob" } },
  delegation: { tokens },
};

async function ask(more: Json = {}, identity?: Identity): Promise<Decision> {
  const answer = await (await serviceWith(identity)).decide({ ...REQUEST, ...more });
  if (answer.kind !== "answer") throw new Error(JSON.stringify(answer));
  return answer.value;
}

function said({ decision, code, cause }: Decision): string {
  return [decision, code, cause].filter((part) => part !== undefined).join(" ");
}

const paying = (amount: number) => ({ tool: { name: "pay", args: { amount, to: "bob" } } });

test.each<[string, Json, string]>([
  ["as delegated", {}, "allow"],
  ["without saying who it is for", { principal: undefined }, "deny indeterminate"],
  ["above the bound of its first hop", paying(101), "deny delegation_invalid argument_outside"],
  ["for another", { principal: { id: "carol" } }, "deny delegation_invalid root_mismatch"],
  ["by another", { agent: { id: "planner" } }, "deny delegation_invalid agent_mismatch"],
  [
    "by an agent called a person",
    { agent: { id: "bot", kind: "human" } },
    "deny delegation_invalid kind_conflict",
  ],
  [
    "for a person called a workload",
    { principal: { id: "alice", kind: "workload" } },
    "deny delegation_invalid kind_conflict",
  ],
  ["for a person called so", { principal: { id: "alice", kind: "human" } }, "allow"],
  [
    "with half the chain",
    { delegation: { tokens: tokens.slice(0, 1) } },
    "deny delegation_invalid agent_mismatch",
  ],
  ["with no token", { delegation: { tokens: [] } }, "deny delegation_invalid chain_empty"],
  ["with none at all", { delegation: undefined }, "deny not_permitted"],
])("a call %s", async (_, more, wanted) => {
  const request = Object.fromEntries(
    Object.entries({ ...REQUEST, ...more }).filter(([, value]) => value !== undefined),
  );
  const answer = await (await serviceWith()).decide(request);
  expect(answer.kind === "answer" && said(answer.value)).toBe(wanted);
});

test("a chain that was seen is decided on without a promise", async () => {
  const service = await serviceWith();
  await service.decide(REQUEST);
  expect(service.decide(REQUEST)).not.toBeInstanceOf(Promise);
});

test("an engine without configuration refuses tokens, and one that asserts them beside a chain", () => {
  const engine = createEngine({ program, digest: "sha256:test", clock: () => START });
  const answer = engine.decide(REQUEST);
  expect(answer.kind === "answer" && said(answer.value)).toBe(
    "deny delegation_invalid tokens_not_accepted",
  );
  expect(engine.decide({ ...REQUEST, delegation: { tokens, chain: [] } }).kind).toBe("malformed");
  expect(engine.decide({ ...REQUEST, delegation: { tokens: "x" } }).kind).toBe("malformed");
});

test("whatever fails while verifying is a denial that says so", async () => {
  const throwing: Identity = {
    verify: () => {
      throw new Error("planted");
    },
  };
  expect(said(await ask({}, throwing))).toBe("deny internal_error");
  const rejecting: Identity = { verify: () => Promise.reject(new Error("planted")) };
  expect(said(await ask({}, rejecting))).toBe("deny internal_error");
  expect(faults).toHaveLength(2);
});

test("what the tokens say of groups and attestation stands, and what contradicts them is refused", async () => {
  const facts: Identity = {
    verify: () => ({
      ok: true,
      chain: [],
      self: { party: { id: "bot", kind: "workload" }, expires_at: "2026-01-02T12:01:00Z" },
      agent: { groups: ["a"], attested: false },
      principal: {},
      tokens: [],
    }),
  };
  const asked = async (agent: Json, more: Json = {}) => {
    const service = await serviceWith(facts);
    const request = {
      ...more,
      agent: { id: "bot", ...agent },
      tool: { name: "look" },
      delegation: { tokens: ["x"] },
    };
    const answer = await service.decide(request);
    return answer.kind === "answer" ? said(answer.value) : answer.kind;
  };
  expect(await asked({})).toBe("allow");
  expect(await asked({ groups: ["a"] })).toBe("allow");
  expect(await asked({ groups: ["a", "b"] })).toBe("deny delegation_invalid identity_conflict");
  expect(await asked({ attested: true })).toBe("deny delegation_invalid identity_conflict");
  expect(await asked({ kind: "autonomous" })).toBe("deny delegation_invalid kind_conflict");
  expect(await asked({ id: "other" })).toBe("deny delegation_invalid agent_mismatch");
  const by = (principal: Json) => asked({}, { principal: { id: "bot", ...principal } });
  expect(await by({})).toBe("allow");
  expect(await by({ kind: "human" })).toBe("deny delegation_invalid kind_conflict");
  expect(await by({ id: "alice" })).toBe("deny delegation_invalid root_mismatch");
});
