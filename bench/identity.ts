/**
 * What a verified delegation costs: one decision without any, with a chain of three hops that the enforcement
 * point asserts, with the same as links that were seen before, and with links that were not. `node
 * bench/identity.ts`.
 */
import { createEngine } from "../engine/engine.ts";
import { readIdentityConfig } from "../engine/identity/config.ts";
import { createIdentity } from "../engine/identity/identity.ts";
import { issueLink, publicJwk } from "../engine/identity/issue.ts";
import { openIssuers } from "../engine/identity/open.ts";
import { identified } from "../engine/identity/service.ts";
import { digestOfToken } from "../engine/identity/token.ts";
import type { SigningKey } from "../engine/signing-key.ts";
import { newKey } from "../test/support/bundles.ts";
import { quantile } from "./quantile.ts";
import { programFrom } from "./stateful.ts";

const NOW_MS = Date.parse("2026-01-02T12:00:00Z");
const HERE = "https://writ.example";
const ISSUER = "https://delegation.example";
const PARTIES = ["alice", "planner", "broker", "bot"];
const CHAINS = 400;
const ROUNDS = 9;

const POLICY = `package bench
tool pay { effect write, args { amount: Decimal }, scope "pay" }
permit verified
  tool pay
  when delegation.verified and delegation.depth <= 3 and delegation.root is human
permit asserted
  tool pay
  when not delegation.verified and args.amount < 100.00
`;

function newChain(issuer: SigningKey): readonly string[] {
  const tokens: string[] = [];
  let key = issuer;
  for (const [index, to] of PARTIES.slice(1).entries()) {
    const holder = newKey();
    const parent = tokens.at(-1);
    const link = {
      origin: parent === undefined ? { iss: ISSUER } : { parent: digestOfToken(parent) },
      from: PARTIES[index] ?? "",
      to,
      scope: ["pay"],
      tools: { pay: { amount: { max: 1_000 } } },
      audience: [HERE],
      issuedAtMs: NOW_MS,
      expiresAtMs: NOW_MS + 3_600_000,
      depth: 2 - index,
      holder: holder.verifying,
      id: `l-${index}`,
    };
    tokens.push(issueLink(link, key));
    key = holder;
  }
  return tokens;
}

async function serviceFor(issuer: SigningKey) {
  const program = programFrom(POLICY);
  const config = readIdentityConfig({
    audience: HERE,
    issuers: [
      {
        type: "link",
        issuer: ISSUER,
        algorithms: "Ed25519",
        roots: "*",
        humans: "alice",
        keys: { jwks: { keys: [publicJwk(issuer.verifying)] } },
      },
    ],
  });
  if (!config.ok) throw new Error(JSON.stringify(config.problems));
  const onFault = (fault: unknown) => {
    throw fault;
  };
  const issuers = await openIssuers(config.issuers, {
    directory: ".",
    elapsedMs: () => 0,
    onFault,
  });
  const identity = createIdentity({ issuers, clock: () => NOW_MS });
  return identified(createEngine({ program, digest: "sha256:bench", clock: () => NOW_MS }), {
    identity,
    onFault,
  });
}

type Service = Awaited<ReturnType<typeof serviceFor>>;

const request = (delegation: unknown) => ({
  agent: { id: "bot" },
  principal: { id: "alice", kind: "human" },
  tool: { name: "pay", args: { amount: 20 } },
  ...(delegation === undefined ? {} : { delegation }),
});

async function allowed(service: Service, input: unknown): Promise<void> {
  const answer = await service.decide(input);
  if (answer.kind !== "answer" || answer.value.decision !== "allow") {
    throw new Error(JSON.stringify(answer));
  }
}

/** Microseconds of one call, median of rounds. */
async function cost(calls: number, call: (index: number) => unknown): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let index = 0; index < calls; index++) {
      const answer = call(round * calls + index);
      if (answer instanceof Promise) await answer;
    }
    rounds.push(((performance.now() - start) * 1_000) / calls);
  }
  return quantile(rounds, 0.5);
}

const issuer = newKey();
const service = await serviceFor(issuer);
const chains = Array.from({ length: CHAINS + ROUNDS }, () => newChain(issuer));
const hops = PARTIES.slice(1).map((to, index) => ({ from: PARTIES[index], to, scope: ["pay"] }));
const seen = request({ tokens: chains[0] });
const inputs = {
  none: request(undefined),
  asserted: request({ chain: hops }),
  seen,
};
for (const input of Object.values(inputs)) await allowed(service, input);
const perRound = Math.floor((CHAINS - 1) / ROUNDS);
const rows: readonly (readonly [string, number])[] = [
  ["no delegation", await cost(5_000, () => service.decide(inputs.none))],
  ["three hops, asserted", await cost(5_000, () => service.decide(inputs.asserted))],
  ["three links, seen before", await cost(5_000, () => service.decide(inputs.seen))],
  [
    "three links, never seen",
    await cost(perRound, (index) => service.decide(request({ tokens: chains[index + 1] }))),
  ],
];
for (const [name, micros] of rows) {
  console.log(`${name.padEnd(26)} ${micros.toFixed(1).padStart(8)} µs a decision`);
}
