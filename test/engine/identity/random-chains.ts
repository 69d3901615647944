/** Chains at random, and what of a grant is in none of its hops: for what must hold of all chains. */
import { type ToolBounds, widerTools } from "../../../engine/identity/bounds.ts";
import { type Chain, HOPS_MOST, type Hop } from "../../../engine/identity/chain.ts";
import type { RecordValue } from "../../../engine/value.ts";
import { purposeWithin } from "../../../lang/scalar/purpose.ts";
import type { Random } from "../../differential/random.ts";

/** Milliseconds; ends are some seconds behind it. */
export const NOW = 1_000_000;

export const SCOPES = ["a", "b", "c", "d"];
const AUDIENCES = ["here", "there", "elsewhere"];
export const PURPOSES = ["p", "p.q", "p.q.r", "z"];
export const TOOLS = ["pay", "look"];

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
      ? { expiresAtMs: (outer?.expiresAtMs ?? NOW + 100_000) - random.below(5) * 1_000 }
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

export function chainOf(random: Random, length: number): readonly Hop[] {
  const hops: Hop[] = [];
  for (let index = 0; index < length; index++) {
    hops.push(hopAfter(random, hops.at(-1), index));
  }
  return hops;
}

/** What is in no hop's grant and is granted all the same; nothing, one hopes. */
export function excess(
  hops: readonly Hop[],
  { delegation, tools }: Extract<Chain, { ok: true }>,
): string {
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
