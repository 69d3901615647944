/**
 * Hops only narrow: over random chains, what is granted is within what every hop grants, and no widening
 * passes.
 */
import { expect, test } from "vitest";
import { type ToolBounds, widerTools } from "../../../engine/identity/bounds.ts";
import type { DelegationCause } from "../../../engine/identity/cause.ts";
import { type Chain, HOPS_MOST, type Hop, readChain } from "../../../engine/identity/chain.ts";
import type { RecordValue } from "../../../engine/value.ts";
import { purposeWithin } from "../../../lang/scalar/purpose.ts";
import { type Random, randomFrom } from "../../differential/random.ts";
import { seedFrom } from "../../support/seed.ts";

const CHAINS = 100_000;
const NOW = 1_000_000;

const SCOPES = ["a", "b", "c", "d"];
const AUDIENCES = ["here", "there", "elsewhere"];
const PURPOSES = ["p", "p.q", "p.q.r", "z"];
const TOOLS = ["pay", "look"];

/** Mostly within the hop before, so that long chains hold; sometimes anything. */
function hopAfter(random: Random, before: Hop | undefined, index: number): Hop {
  const outer = random.chance(0.02) ? undefined : before;
  const within = (all: readonly string[], known: ReadonlySet<string> | undefined) =>
    new Set(random.some([...(known ?? all)], 0.9));
  const purposes = PURPOSES.filter((one) => purposeWithin(one, outer?.purpose ?? one));
  return {
    from: { id: `h${index}` },
    to: { id: `h${index + 1}` },
    approved: false,
    scope: within(SCOPES, outer?.scope),
    ...(random.chance(0.5) ? { audience: within(AUDIENCES, outer?.audience) } : {}),
    ...(random.chance(0.5) ? { purpose: random.pick(purposes) } : {}),
    ...(random.chance(0.5)
      ? { expiresAtMs: (outer?.expiresAtMs ?? NOW + 100) - random.below(5) }
      : {}),
    ...(random.chance(0.2) ? { depth: Math.max(0, HOPS_MOST - 2 - index + random.below(3)) } : {}),
    ...(random.chance(0.5) ? { tools: toolsAfter(random, outer?.tools) } : {}),
  };
}

function toolsAfter(random: Random, before: ToolBounds | undefined): ToolBounds {
  const names = random.some(before === undefined ? TOOLS : [...before.keys()], 0.9);
  return new Map(
    names.map((name) => {
      const max = (before?.get(name)?.get("amount")?.max ?? 100) - random.below(5);
      return [name, new Map(random.chance(0.6) ? [["amount", { max }]] : [])];
    }),
  );
}

function chainOf(random: Random, length: number): readonly Hop[] {
  const hops: Hop[] = [];
  for (let index = 0; index < length; index++) {
    hops.push(hopAfter(random, hops.at(-1), index));
  }
  return hops;
}

function read(hops: readonly Hop[]): Chain {
  return readChain(hops, { nowMs: NOW, agent: { id: hops.at(-1)?.to.id ?? "" }, verified: true });
}

/** What is in no hop's grant and is granted all the same; nothing, one hopes. */
function excess(hops: readonly Hop[], { delegation, tools }: Extract<Chain, { ok: true }>): string {
  const { scope, purpose, expires_at } = delegation as RecordValue;
  for (const [index, hop] of hops.entries()) {
    for (const item of scope as ReadonlySet<string>) {
      if (!hop.scope.has(item)) return `hop ${index + 1} lacks scope ${item}`;
    }
    if (hop.purpose !== undefined && !purposeWithin(String(purpose), hop.purpose)) return "purpose";
    if (hop.expiresAtMs !== undefined && !(Number(expires_at) <= hop.expiresAtMs)) return "expiry";
    if (
      hop.tools !== undefined &&
      (tools === undefined || widerTools(tools, hop.tools) !== undefined)
    )
      return "tools";
    const unbounded = [...(hop.tools ?? [])].find(
      ([name, args]) => args.size > 0 && tools?.get(name)?.size === 0,
    );
    if (unbounded !== undefined) return `a bound of ${unbounded[0]} is lost`;
    if (hop.depth !== undefined && hops.length - 1 - index > hop.depth) return "depth";
  }
  return "";
}

test("whatever hops there are, what is granted is within what every hop grants", {
  timeout: 120_000,
}, () => {
  const seed = seedFrom("CHAIN_SEED");
  const random = randomFrom(seed);
  const held = new Map<number, number>();
  for (let count = 0; count < CHAINS; count++) {
    const length = random.below(HOPS_MOST + 1);
    const hops = chainOf(random, length);
    const chain = read(hops);
    if (!chain.ok) continue;
    held.set(length, (held.get(length) ?? 0) + 1);
    const beyond = excess(hops, chain);
    if (beyond !== "") expect.fail(`seed ${seed}, chain ${count}: ${beyond}`);
  }
  // Chains of every length hold, or the property would be about nothing; none of no hops does.
  expect(held.get(0)).toBeUndefined();
  for (let length = 1; length <= HOPS_MOST; length++) {
    expect(held.get(length) ?? 0, `length ${length}, seed ${seed}`).toBeGreaterThan(50);
  }
});

type Widening = (hop: Hop, before: Hop) => Partial<Hop> | undefined;

const WIDENINGS: readonly (readonly [DelegationCause, Widening])[] = [
  ["scope_widened", (hop) => ({ scope: new Set([...hop.scope, "everything"]) })],
  ["scope_widened", (hop) => ({ scope: new Set([...hop.scope, "A"]) })],
  [
    "audience_widened",
    (_, { audience }) => audience && { audience: new Set([...audience, "evil"]) },
  ],
  [
    "purpose_widened",
    (_, { purpose }) => (purpose === undefined ? undefined : { purpose: "other" }),
  ],
  [
    "purpose_widened",
    (_, { purpose }) => (purpose === undefined ? undefined : { purpose: `${purpose}x` }),
  ],
  ["tools_widened", (_, { tools }) => tools && { tools: new Map([["wipe", new Map()]]) }],
  ["depth_widened", (_, { depth = 0 }) => (depth === 0 ? undefined : { depth })],
  [
    "expiry_widened",
    (_, { expiresAtMs }) =>
      expiresAtMs === undefined ? undefined : { expiresAtMs: expiresAtMs + 1 },
  ],
  [
    "expiry_widened",
    (hop, { expiresAtMs }) =>
      expiresAtMs === undefined
        ? undefined
        : { expiresAtMs: hop.expiresAtMs ?? expiresAtMs, issuedAtMs: expiresAtMs },
  ],
  ["hop_expired", () => ({ expiresAtMs: NOW })],
  [
    "hop_not_yet_valid",
    (_, { expiresAtMs }) => (expiresAtMs === undefined ? { issuedAtMs: NOW + 30_001 } : undefined),
  ],
  ["chain_broken", (hop) => ({ from: { id: `${hop.from.id}'` } })],
  ["cycle", (_, before) => ({ to: { id: before.from.id } })],
];

test("every hop that says more is refused, and says which it is", () => {
  const seed = seedFrom("CHAIN_SEED");
  const random = randomFrom(seed);
  const tried = new Map<Widening, number>();
  for (let count = 0; count < 20_000; count++) {
    const hops = chainOf(random, 2 + random.below(HOPS_MOST - 1));
    if (!read(hops).ok) continue;
    const at = 1 + random.below(hops.length - 1);
    const [hop, before] = [hops[at], hops[at - 1]];
    if (hop === undefined || before === undefined) throw new Error("no such hop");
    for (const [cause, widen] of WIDENINGS) {
      const more = widen(hop, before);
      if (more === undefined) continue;
      const chain = read(hops.map((one, index) => (index === at ? { ...one, ...more } : one)));
      const said = chain.ok ? "ok" : `hop ${chain.hop}: ${chain.cause}`;
      expect(said, `seed ${seed}, chain ${count}`).toBe(`hop ${at + 1}: ${cause}`);
      tried.set(widen, (tried.get(widen) ?? 0) + 1);
    }
  }
  for (const [cause, widen] of WIDENINGS) expect(tried.get(widen) ?? 0, cause).toBeGreaterThan(50);
});
