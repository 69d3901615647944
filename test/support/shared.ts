/** Engines of several processes on one Redis, as tests make them. */
import type { Answer } from "../../engine/answer.ts";
import type { Decision } from "../../engine/decision.ts";
import { createSharedEngine, type SharedEngine } from "../../engine/shared-engine.ts";
import { connectRedis, type RedisParts } from "../../engine/state/redis/store.ts";
import type { Program } from "../../lang/ir.ts";
import { outcomeOf } from "./engine.ts";
import { redisAt } from "./redis-address.ts";

export interface Replica {
  readonly engine: SharedEngine;
  /** `allow`, or the code of the denial. */
  ask(tool: string, args?: object, more?: object): Promise<string>;
  call(tool: string, args?: object, more?: object): Promise<Decision>;
  close(): void;
}

/** One process's engine: with a connection and a memory of its own. */
export async function replicaOf(
  program: Program,
  url: string,
  parts: Partial<RedisParts> = {},
): Promise<Replica> {
  const store = await connectRedis({
    address: redisAt(url),
    settleMs: 0,
    timeoutMs: 2_000,
    ...parts,
  });
  const engine = createSharedEngine({ program, digest: "sha256:test", store });
  const call: Replica["call"] = async (tool, args = {}, more = {}) =>
    decisionIn(await engine.decide({ agent: { id: "bot" }, tool: { name: tool, args }, ...more }));
  return {
    engine,
    call,
    ask: async (tool, args, more) => outcomeOf(await call(tool, args, more)),
    close: () => store.close(),
  };
}

function decisionIn(answer: Answer<Decision>): Decision {
  if (answer.kind !== "answer") throw new Error(JSON.stringify(answer));
  return answer.value;
}
