import { expect, test } from "vitest";
import { createRequestReader, type Reading } from "../../engine/request-reader.ts";
import { programOf, START } from "../support/engine.ts";

const program = programOf(`
level Sensitivity = public < internal < restricted
purpose payments, payments.payroll, support
label untrusted
tool pay named "send-money" { effect write, scope ["pay"], args { amount: Decimal, to: Email, note: String?, items: List<{ sku: String }> } }
tool probe { effect read, args { anything: Any, when: Time, where: Path, n: Int, tags: Set<String>, prices: Map<Decimal>, state: "on" | "off" } }
tool pinned { effect read, digest "sha256:1" }
tool remote { effect read, server "mcp://a" }
tool open { effect read, args { x: Int?, * } }
resource account { owner: String }
principal { limit: Decimal = 10.5, team: String?, floor: Int? = 3 }
session { confirmed: Bool }
environment { frozen: Bool = false }
task payout { purpose payments.payroll }
`);

const read = createRequestReader(program);
const context = { nowMs: START, session: () => undefined };
const session = { id: "s", confirmed: true };
const pay = {
  name: "send-money",
  args: { amount: 98.7, to: "A@B.example", items: [{ sku: "x" }] },
};
const base = { agent: { id: "bot" }, session, tool: pay };

function faults(input: unknown): string {
  const reading = read(input, context);
  if (reading.ok) return "accepted";
  return `${reading.kind}: ${reading.problems.map(({ at, message }) => `${at} ${message}`).join("; ")}`;
}

function accepted(input: unknown): Extract<Reading, { ok: true }> {
  const reading = read(input, context);
  if (!reading.ok) throw new Error(faults(input));
  return reading;
}

test("a default stands in for `null` where a value may be absent", () => {
  const { roots } = accepted({ ...base, principal: { id: "alice", floor: null } }).request;
  expect(roots.principal?.floor).toBe(3);
});

test("what is not told takes its most careful value", () => {
  const { roots } = accepted({
    ...base,
    principal: { id: "alice" },
    resource: { type: "account", id: "1", owner: "o" },
  }).request;
  expect(roots.agent).toEqual({
    id: "bot",
    kind: "autonomous",
    groups: new Set(),
    attested: false,
    trust: 0,
  });
  expect(roots.principal).toEqual({
    id: "alice",
    kind: "autonomous",
    groups: new Set(),
    limit: 105_000,
    floor: 3,
  });
  expect(roots.resource).toEqual({
    type: "account",
    id: "1",
    owner: "o",
    labels: new Set(),
    sensitivity: 2,
  });
  expect(roots.intent).toEqual({ source: "unknown" });
  expect(roots.session).toEqual({
    id: "s",
    confirmed: true,
    started_at: START,
    status: "active",
    labels: new Set(),
    sensitivity: 0,
  });
  expect(roots.environment).toEqual({ now: START, frozen: false });
  expect(roots.delegation).toMatchObject({
    depth: 0,
    chain: [],
    verified: false,
    root: { id: "alice" },
  });
});

test("arguments are typed and in canonical form", () => {
  expect(accepted(base).request.roots.args).toEqual({
    amount: 987_000,
    to: "A@b.example",
    items: [{ sku: "x" }],
  });
});

test("records inherit nothing, whatever is asked of them", () => {
  const { agent } = accepted(base).request.roots;
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
    expect(agent[name]).toBeUndefined();
    expect(name in agent).toBe(false);
  }
});

const probe = {
  anything: { a: [1, null] },
  when: "2026-01-02",
  where: "/a/../b",
  n: 1,
  tags: ["x", "x"],
  prices: { a: 1 },
  state: "on",
};

test.each([
  [{ anything: null }, "accepted"],
  [{ when: 5 }, "/tool/args/when is not a string that is a time but the number 5"],
  [{ when: "soon" }, "/tool/args/when is not a time such as"],
  [{ where: "../etc" }, "/tool/args/where climbs above where it starts"],
  [{ n: 1.5 }, "/tool/args/n is not a whole number"],
  [{ n: "1" }, "/tool/args/n is not a whole number but a string"],
  [{ n: 2 ** 53 }, "/tool/args/n is beyond"],
  [{ n: null }, "/tool/args/n is not a whole number but null"],
  [{ tags: "x" }, "/tool/args/tags is not a list"],
  [{ tags: [1] }, "/tool/args/tags/0 is not a string"],
  [{ prices: { "a/b": "x" } }, "/tool/args/prices/a~1b"],
  [{ prices: { a: 0.00001 } }, "more than four fraction digits"],
  [{ state: "of" }, "/tool/args/state is no value that the policy knows"],
  [{ extra: 1 }, "/tool/args/extra is not declared"],
  [{ anything: "\ud800" }, "holds half a character"],
  [{ n: undefined }, "/tool/args/n is missing"],
])("arguments %j: %s", (args, wanted) => {
  const found = faults({ ...base, tool: { name: "probe", args: { ...probe, ...args } } });
  expect(found).toContain(wanted);
  if (wanted !== "accepted") expect(found).toMatch(/^invalid: /);
});

test("names that mean something to JavaScript are refused inside free data", () => {
  const anything: unknown = JSON.parse('{"__proto__":{"x":1}}');
  const found = faults({ ...base, tool: { name: "probe", args: { ...probe, anything } } });
  expect(found).toContain("is a forbidden name");
});

test.each([
  [null, "malformed:  is not an object but null"],
  [{}, "malformed: /agent is missing; /tool is missing"],
  [{ ...base, extra: 1 }, "malformed: /extra is no member that a request has"],
  [{ ...base, agent: "bot" }, "malformed: /agent is not an object"],
  [{ ...base, agent: { id: "" } }, "malformed: /agent/id is not an id but an empty string"],
  [
    { ...base, agent: { id: "b\u200bot" } },
    "malformed: /agent/id holds the hidden character U+200B",
  ],
  [{ ...base, agent: { id: "bot", kind: "robot" } }, "malformed: /agent/kind is no kind"],
  [
    { ...base, agent: { id: "bot", attested: 1 } },
    "malformed: /agent/attested is not true or false",
  ],
  [
    { ...base, agent: { id: "bot", trust: 1.1 } },
    "malformed: /agent/trust is not a number from 0 to 1",
  ],
  [{ ...base, principal: null }, "malformed: /principal is not an object but null"],
  [{ ...base, intent: { goal: "x" } }, "malformed: /intent/goal is no member"],
  [{ ...base, intent: { source: "me" } }, "malformed: /intent/source is no source"],
  [{ ...base, tool: { name: "probe", args: [] } }, "malformed: /tool/args is not an object"],
  [{ ...base, delegation: { chain: "x" } }, "malformed: /delegation/chain is not a list"],
  // What JSON has none of, and a host's objects may: holes in lists, and what is inherited.
  [{ ...base, delegation: { chain: new Array(1) } }, "malformed: /delegation/chain/0 is missing"],
  [
    { ...base, agent: { id: "bot", groups: new Array(1) } },
    "malformed: /agent/groups/0 is missing",
  ],
  [{ ...base, agent: Object.create({ id: "bot" }) }, "malformed: /agent/id is missing"],
  [{ ...base, agent: Object.assign(Object.create({ a: 1 }), { id: "bot" }) }, "invalid: /agent/a"],
  [
    { ...base, delegation: { chain: [], tokens: ["x"] } },
    "malformed: /delegation/chain stands beside `tokens`",
  ],
  [
    { ...base, delegation: { chain: [{ from: "a", to: "bot", scope: [], depth: -1 }] } },
    "malformed: /delegation/chain/0/depth is not a whole number from 0",
  ],
  [
    {
      ...base,
      delegation: { chain: [{ from: "a", to: "bot", scope: [], tools: { t: { a: {} } } }] },
    },
    "malformed: /delegation/chain/0/tools/t/a bounds nothing",
  ],
  [{ ...base, context: { ip: "1.2.3" } }, "malformed: /context/ip is not an IP address"],
  [{ ...base, context: null }, "malformed: /context is not an object but null"],
  [{ ...base, tool: { name: "unheard" } }, "invalid: /tool/name is no tool"],
  [{ ...base, tool: { name: "pay" } }, "invalid: /tool/name is no tool"],
  [{ ...base, tool: { name: "constructor" } }, "invalid: /tool/name is no tool"],
  [
    { ...base, tool: { name: "pinned", digest: "sha256:2" } },
    "invalid: /tool/digest is not the declared one",
  ],
  [{ ...base, tool: { name: "pinned" } }, "invalid: /tool/digest is missing"],
  [{ ...base, tool: { name: "pinned", digest: "sha256:1" } }, "accepted"],
  [{ ...base, tool: { name: "remote", server: "mcp://b" } }, "invalid: /tool/name is no tool"],
  [{ ...base, tool: { name: "remote", server: "mcp://a" } }, "accepted"],
  [{ ...base, tool: { name: "open", args: { y: 1 } } }, "accepted"],
  [{ ...base, agent: { id: "bot", rank: 1 } }, "invalid: /agent/rank is not declared"],
  [{ ...base, session: { id: "s" } }, "invalid: /session/confirmed is missing"],
  [{ ...base, session: { ...session, labels: [] } }, "invalid: /session/labels is not declared"],
  [{ ...base, principal: { id: "a", team: null } }, "accepted"],
  [
    { ...base, principal: { id: "a", limit: null } },
    "invalid: /principal/limit is not a decimal number",
  ],
  [{ ...base, resource: { type: "house", id: "1" } }, "invalid: /resource/type is no resource"],
  [
    { ...base, resource: { type: "account", id: "1", owner: "o", sensitivity: "secret" } },
    "invalid: /resource/sensitivity is none of the levels",
  ],
  [
    { ...base, resource: { type: "account", id: "1", owner: "o", labels: ["new"] } },
    "invalid: /resource/labels/0 is no label",
  ],
  [{ ...base, intent: { purpose: "fun" } }, "invalid: /intent/purpose is no purpose"],
  [{ ...base, intent: { task: "fun" } }, "invalid: /intent/task is no task"],
  [{ ...base, context: { now: "2026-01-01" } }, "invalid: /context/now is not declared"],
])("%j: %s", (input, wanted) => {
  expect(faults(input)).toContain(wanted);
});

test.each([
  [0.93, 9_300],
  [0.29, 2_900],
  [0.99999, 9_999],
  [1, 10_000],
])("trust %j is cut off, never rounded up: %j", (trust, scaled) => {
  expect(accepted({ ...base, agent: { id: "bot", trust } }).request.roots.agent.trust).toBe(scaled);
});

const hop = { from: "alice", to: "bot", scope: ["pay"], purpose: "payments" };

test.each([
  [{ delegation: { chain: [hop] } }, undefined, "payments"],
  [
    { delegation: { chain: [hop] }, intent: { purpose: "payments.payroll" } },
    undefined,
    "payments.payroll",
  ],
  [{ delegation: { chain: [hop] }, intent: { task: "payout" } }, undefined, "payments.payroll"],
  [
    { delegation: { chain: [hop] }, intent: { purpose: "support" } },
    "purpose_outside: purpose `support` is not within `payments`",
    "support",
  ],
  [
    { delegation: { chain: [{ ...hop, scope: [] }] } },
    "scope_lacking: its scope lacks `pay`",
    "payments",
  ],
  [
    { delegation: { tokens: ["x"] } },
    "tokens_not_accepted: delegation tokens are not accepted here: this engine was given no identity configuration",
    undefined,
  ],
  [{ intent: { purpose: "support" } }, undefined, "support"],
  [
    { delegation: { chain: [{ ...hop, tools: { "send-money": { amount: { max: 98.7 } } } }] } },
    undefined,
    "payments",
  ],
  [
    { delegation: { chain: [{ ...hop, tools: { "send-money": { amount: { max: 98.69 } } } }] } },
    "argument_outside: `amount` is above 98.69",
    "payments",
  ],
  [
    { delegation: { chain: [{ ...hop, tools: { "send-money": { amount: { min: 98.71 } } } }] } },
    "argument_outside: `amount` is below 98.71",
    "payments",
  ],
  [
    {
      delegation: { chain: [{ ...hop, tools: { "send-money": { to: { in: ["A@B.EXAMPLE"] } } } }] },
    },
    undefined,
    "payments",
  ],
  [
    {
      delegation: { chain: [{ ...hop, tools: { "send-money": { to: { in: ["c@b.example"] } } } }] },
    },
    "argument_outside: `to` is none of those that were delegated",
    "payments",
  ],
  [
    { delegation: { chain: [{ ...hop, tools: { "send-money": { to: { max: 5 } } } }] } },
    "argument_outside: `to` is above 5",
    "payments",
  ],
  [
    { delegation: { chain: [{ ...hop, tools: { "send-money": { note: { in: ["x"] } } } }] } },
    "argument_outside: `note` is bounded, and the call has none",
    "payments",
  ],
  [
    { delegation: { chain: [{ ...hop, tools: { probe: {} } }] } },
    "tool_outside: the tool `send-money` is not among those it names",
    "payments",
  ],
])("%j: delegation problem %j", (more, problem, purpose) => {
  const reading = accepted({ ...base, ...more });
  const { cause, why } = reading.delegationProblem ?? {};
  expect(cause && `${cause}: ${why}`).toBe(problem);
  expect(reading.request.roots.intent.purpose).toBe(purpose);
});

test("a purpose outside the task's is a problem of the task", () => {
  const reading = accepted({ ...base, intent: { task: "payout", purpose: "support" } });
  expect(reading.taskProblem).toContain("not within the task's");
});
