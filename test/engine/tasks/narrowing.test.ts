/** Over random chains and whatever is asked for: a grant gives nothing that the agent was not handed, and that the task has not. */
import { expect, test } from "vitest";
import { type Hop, readChain } from "../../../engine/identity/chain.ts";
import { readKey } from "../../../engine/identity/jwk.ts";
import type { TaskAsk } from "../../../engine/tasks/asking.ts";
import { type Terms, termsOf } from "../../../engine/tasks/terms.ts";
import { purposeWithin } from "../../../lang/scalar/purpose.ts";
import { type Random, randomFrom } from "../../differential/random.ts";
import { programOf } from "../../support/engine.ts";
import { signer } from "../../support/identity.ts";
import { seedFrom } from "../../support/seed.ts";
import { chainOf, excess, NOW, PURPOSES, SCOPES, TOOLS } from "../identity/random-chains.ts";

const GRANTS = 100_000;

const program = programOf(`
purpose p, p.q, p.q.r, z
tool pay { effect write, scope ["a", "b"] }
tool look { effect read, scope "c" }
tool other { effect send, scope "d" }
task both { purpose p.q  sequence look, pay }
task one { sequence pay }
task free { purpose p }
task any {}
`);
const read = readKey(signer().jwk);
if (!read.ok) throw new Error(read.why);
const { key } = read;

function askAt(random: Random, task: string): TaskAsk {
  const bounds = () =>
    new Map(random.chance(0.5) ? [["amount", { max: 70 + random.below(40) }] as const] : []);
  const tools = random.some([...TOOLS, "other"], 0.5).map((name) => [name, bounds()] as const);
  return {
    request: {},
    agent: "bot",
    session: "s",
    task,
    purpose: random.chance(0.3) ? random.pick(PURPOSES) : undefined,
    grant: {
      key,
      lastsMs: (70 + random.below(40)) * 1_000,
      depth: random.chance(0.7) ? 0 : random.below(8),
      ...(random.chance(0.3) ? { scope: random.some(SCOPES, 0.4) } : {}),
      ...(random.chance(0.3) ? { tools: new Map(tools) } : {}),
    },
  };
}

/** What the grant has and the task has not; nothing, one hopes. */
function beyondTask(name: string, { tools, purpose, scope }: Terms, ask: TaskAsk): string {
  const own = name === "both" ? ["look", "pay"] : name === "one" ? ["pay"] : undefined;
  const extra = own && [...(tools?.keys() ?? ["all"])].find((tool) => !own.includes(tool));
  if (extra !== undefined) return `the tool ${extra}`;
  const wanted = name === "both" ? "p.q" : name === "free" ? "p" : undefined;
  if (wanted !== undefined && !purposeWithin(String(purpose), wanted)) return `purpose ${purpose}`;
  const words = program.tools.flatMap((tool) =>
    (tools?.has(tool.wire) ?? true) ? tool.scope : [],
  );
  const more = scope.find((word) => !words.includes(word) && !ask.grant.scope?.includes(word));
  return more === undefined ? "" : `scope ${more}`;
}

test("whatever is asked for", { timeout: 120_000 }, () => {
  const seed = seedFrom("GRANT_SEED");
  const random = randomFrom(seed);
  const granted = new Map<string, number>();
  const refused = new Map<string, number>();
  for (let count = 0; count < GRANTS; count++) {
    const hops = chainOf(random, random.below(5));
    const last = hops.at(-1);
    const { name, ...task } = random.pick(program.tasks);
    const agent = { id: last?.to.id ?? "" };
    if (last !== undefined && !readChain(hops, { nowMs: NOW, agent, verified: true }).ok) continue;
    const ask = askAt(random, name);
    const made = termsOf(ask, { name, ...task }, program, hops, NOW);
    const where = `seed ${seed}, grant ${count}`;
    if (!made.ok) {
      const cause = made.refusal.cause ?? "";
      refused.set(cause, (refused.get(cause) ?? 0) + 1);
      continue;
    }
    granted.set(name, (granted.get(name) ?? 0) + 1);
    expect(beyondTask(name, made.terms, ask), where).toBe("");
    if (last === undefined) continue;
    const { scope, ...terms } = made.terms;
    const grant: Hop = {
      from: last.from,
      to: last.to,
      approved: false,
      ...terms,
      scope: new Set(scope),
    };
    const handed = [...hops.slice(0, -1), grant];
    const bare = handed.map(({ audience: _, ...hop }) => hop);
    const chain = readChain(bare, { nowMs: NOW, agent, verified: true });
    if (!chain.ok) expect.fail(`${where}: ${chain.cause} ${chain.why}`);
    expect(excess(hops, chain), where).toBe("");
    if (last.depth !== undefined) expect(terms.depth, where).toBeLessThanOrEqual(last.depth);
  }
  for (const { name } of program.tasks) {
    expect(granted.get(name) ?? 0, `${name}, seed ${seed}`).toBeGreaterThan(500);
  }
  for (const cause of ["scope", "purpose", "depth", "expiry", "tools"]) {
    const name = cause === "purpose" ? "purpose_outside" : `${cause}_widened`;
    expect(refused.get(name) ?? 0, `${name}, seed ${seed}`).toBeGreaterThan(50);
  }
});
