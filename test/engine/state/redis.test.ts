/** Redis as a store of state: what every store must do, and what only a shared one can. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSharedEngine } from "../../../engine/shared-engine.ts";
import { parseRedisAddress, type RedisAddress } from "../../../engine/state/redis/address.ts";
import { SCRIPT } from "../../../engine/state/redis/script.ts";
import { connectRedis } from "../../../engine/state/redis/store.ts";
import { describeRedis, startRedis, type TestRedis } from "../../support/redis.ts";
import { seedFrom } from "../../support/seed.ts";
import { type ContractStore, describeContract } from "./contract.ts";
import { history } from "./histories.ts";
import { IN_MEMORY } from "./stores.ts";

let redis: TestRedis;
let places = 0;

/** A place of its own on the one server. */
function freshAddress(): RedisAddress {
  const address = parseRedisAddress(`redis://127.0.0.1:${redis.port}/t${places++}`);
  if (typeof address === "string") throw new Error(address);
  return address;
}

/** The script as it is, but for whose time it asks: here the test sets it. */
const SET_TIME = SCRIPT.replace(
  "redis.call('TIME')",
  "redis.call('HMGET', META, 'test_s', 'test_us')",
);

const ON_REDIS: ContractStore = {
  name: "Redis",
  start: async (limits) => {
    const address = freshAddress();
    const meta = `writ:{${address.namespace}}:meta`;
    let clock = (): number => 0;
    const setTime = async (): Promise<void> => {
      const ms = clock();
      const [s, us] = [Math.floor(ms / 1_000), (ms % 1_000) * 1_000];
      await redis.command("HSET", meta, "test_s", String(s), "test_us", String(us));
    };
    await setTime();
    const store = await connectRedis({
      address,
      limits,
      script: SET_TIME,
      monotonic: () => clock(),
      timeoutMs: 5_000,
      settleMs: 0,
    });
    return {
      engine(parts) {
        clock = parts.clock;
        const engine = createSharedEngine({ ...parts, digest: "sha256:test", store });
        const { sessions, inspection } = engine;
        return {
          decide: (input) => setTime().then(() => engine.decide(input)),
          outcome: (input) => setTime().then(() => engine.outcome(input)),
          sessions: {
            interrupt: (id) => setTime().then(() => sessions.interrupt(id)),
            reinstate: (id) => setTime().then(() => sessions.reinstate(id)),
            declassify: (id, label) => setTime().then(() => sessions.declassify(id, label)),
          },
          inspection: {
            state: (keysMost) => setTime().then(() => inspection.state(keysMost)),
            sessions: (wanted) => setTime().then(() => inspection.sessions(wanted)),
            session: (id) => setTime().then(() => inspection.session(id)),
          },
        };
      },
      stop: () => store.close(),
    };
  },
};

const SEED = seedFrom("WRIT_HISTORY_SEED");

describeRedis("Redis", () => {
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  describeContract(ON_REDIS);

  test(`the same histories have the same answers as in memory (seed ${SEED})`, async () => {
    for (let seed = SEED; seed < SEED + 20; seed++) {
      const expected = await history(IN_MEMORY, seed, 120);
      const actual = await history(ON_REDIS, seed, 120);
      const first = expected.findIndex((told, at) => told !== actual[at]);
      const differs = `WRIT_HISTORY_SEED=${seed}, step ${first}`;
      expect(actual[first], differs).toEqual(expected[first]);
      expect(actual, differs).toEqual(expected);
    }
  }, 120_000);
});
