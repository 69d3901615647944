/**
 * Hops only narrow: over random chains, what is granted is within what every hop grants, and no widening
 * passes.
 */
import { expect, test } from "vitest";
import type { DelegationCause } from "../../../engine/identity/cause.ts";
import { type Chain, HOPS_MOST, type Hop, readChain } from "../../../engine/identity/chain.ts";
import { randomFrom } from "../../differential/random.ts";
import { seedFrom } from "../../support/seed.ts";
import { chainOf, excess, NOW } from "./random-chains.ts";

const CHAINS = 100_000;
function read(hops: readonly Hop[]): Chain {
  return readChain(hops, { nowMs: NOW, agent: { id: hops.at(-1)?.to.id ?? "" }, verified: true });
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
