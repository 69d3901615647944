import fc from "fast-check";
import { expect, test } from "vitest";
import { type Hop, readChain } from "../../../engine/identity/chain.ts";

const NOW = 1_000_000;
const context = { nowMs: NOW, agent: { id: "c" }, verified: false } as const;

function hop(from: string, to: string, more: Partial<Hop> = {}): Hop {
  return { from: { id: from }, to: { id: to }, scope: new Set(["r"]), approved: false, ...more };
}

function why(hops: readonly Hop[], more: object = {}): string {
  const chain = readChain(hops, { ...context, ...more });
  return chain.ok ? "ok" : `hop ${chain.hop}: ${chain.why}`;
}

function cause(hops: readonly Hop[]): string {
  const chain = readChain(hops, context);
  return chain.ok ? "ok" : `hop ${chain.hop}: ${chain.cause}`;
}

const amount = (max: number) => new Map([["pay", new Map([["amount", { max }]])]]);

test.each<[Partial<Hop>, Partial<Hop>, string]>([
  [{ audience: new Set(["x"]) }, { audience: new Set(["x", "y"]) }, "hop 2: audience_widened"],
  [{ audience: new Set(["x"]) }, {}, "ok"],
  [{ depth: 0 }, {}, "hop 2: depth_exceeded"],
  [{ depth: 1 }, {}, "ok"],
  [{ depth: 1 }, { depth: 0 }, "ok"],
  [{ depth: 2 }, { depth: 2 }, "hop 2: depth_widened"],
  [{}, { depth: 5 }, "ok"],
  [{ tools: amount(5) }, { tools: amount(5) }, "ok"],
  [{ tools: amount(5) }, { tools: amount(6) }, "hop 2: tools_widened"],
  [{ tools: amount(5) }, { tools: new Map([["look", new Map()]]) }, "hop 2: tools_widened"],
  [{ tools: new Map() }, { tools: amount(5) }, "hop 2: tools_widened"],
  [{}, { tools: amount(5) }, "ok"],
])("%j then %j: %s", (first, second, said) => {
  expect(cause([hop("a", "b", first), hop("b", "c", second)])).toBe(said);
});

test("a hop that says nothing of depth uses one up", () => {
  const hops = [hop("a", "b", { depth: 1 }), hop("b", "d"), hop("d", "c")];
  expect(cause(hops)).toBe("hop 3: depth_exceeded");
});

test.each([
  ["a whole chain", [hop("a", "b"), hop("b", "c")], "ok"],
  ["none", [], "hop 1: the chain is empty"],
  ["another end", [hop("a", "b")], "hop 1: the chain ends at b, not at the agent"],
  ["a gap", [hop("a", "b"), hop("x", "c")], "hop 2: it is given by x, but was held by b"],
  ["a circle", [hop("a", "b"), hop("b", "a"), hop("a", "c")], "hop 2: it returns to a"],
  ["itself", [hop("c", "c")], "hop 1: it returns to c"],
  [
    "wider scope",
    [hop("a", "b"), hop("b", "c", { scope: new Set(["r", "w"]) })],
    "hop 2: its scope adds `w`",
  ],
  [
    "wider purpose",
    [hop("a", "b", { purpose: "p.q" }), hop("b", "c", { purpose: "p" })],
    "hop 2: its purpose `p` is not within `p.q`",
  ],
  [
    "longer life",
    [hop("a", "b", { expiresAtMs: NOW + 1 }), hop("b", "c", { expiresAtMs: NOW + 2 })],
    "hop 2: it lasts longer than the hop before",
  ],
  ["the end of life", [hop("a", "c", { expiresAtMs: NOW })], "hop 1: it has expired"],
  [
    "the future",
    [hop("a", "c", { issuedAtMs: NOW + 60_000 })],
    "hop 1: it is issued in the future",
  ],
  ["a little future", [hop("a", "c", { issuedAtMs: NOW + 10_000 })], "ok"],
  [
    "two kinds",
    [hop("a", "b"), { ...hop("b", "c"), from: { id: "b", kind: "human" as const } }],
    "ok",
  ],
  [
    "contradicting kinds",
    [
      { ...hop("a", "b"), to: { id: "b", kind: "workload" as const } },
      { ...hop("b", "c"), from: { id: "b", kind: "human" as const } },
    ],
    "hop 2: b is called human, and workload elsewhere",
  ],
])("a chain with %s", (_, hops, said) => {
  expect(why(hops)).toBe(said);
});

test("a chain starts at the principal and has eight hops at most", () => {
  expect(why([hop("a", "c")], { principal: { id: "z" } })).toContain("not at the principal");
  const ids = [..."klmnopqrs", "c"];
  expect(why(ids.slice(1).map((to, index) => hop(ids[index] ?? "", to)))).toContain("more than 8");
});

test("what nobody narrows is inherited", () => {
  const chain = readChain(
    [hop("a", "b", { purpose: "p", expiresAtMs: NOW + 5 }), hop("b", "c")],
    context,
  );
  expect(chain.ok && chain.delegation).toMatchObject({
    depth: 2,
    purpose: "p",
    expires_at: NOW + 5,
    verified: false,
    root: { id: "a", kind: "autonomous" },
  });
});

const SCOPES = ["r", "w", "x"] as const;

test("whatever hops there are, what is granted is within what every hop grants", () => {
  const anyHop = fc.record({
    scope: fc.subarray([...SCOPES]),
    purpose: fc.option(fc.constantFrom("p", "p.q", "p.q.r", "z"), { nil: undefined }),
    expires: fc.option(fc.integer({ min: NOW - 5, max: NOW + 50 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(anyHop, { minLength: 1, maxLength: 8 }), (drawn) => {
      const hops = drawn.map(({ scope, purpose, expires }, index) =>
        hop(`h${index}`, index === drawn.length - 1 ? "c" : `h${index + 1}`, {
          scope: new Set(scope),
          ...(purpose === undefined ? {} : { purpose }),
          ...(expires === undefined ? {} : { expiresAtMs: expires }),
        }),
      );
      const chain = readChain(hops, context);
      if (!chain.ok) return;
      const { scope, purpose, expires_at } = chain.delegation;
      for (const each of hops) {
        expect([...(scope as ReadonlySet<string>)].every((item) => each.scope.has(item))).toBe(
          true,
        );
        if (each.purpose !== undefined) {
          expect(`${String(purpose)}.`.startsWith(`${each.purpose}.`)).toBe(true);
        }
        if (each.expiresAtMs !== undefined)
          expect(Number(expires_at)).toBeLessThanOrEqual(each.expiresAtMs);
      }
    }),
    { numRuns: 2_000 },
  );
});
