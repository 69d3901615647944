import { afterAll, beforeAll, expect, test } from "vitest";
import { describeRedis, startRedis, type TestRedis } from "../../support/redis.ts";
import { seedFrom } from "../../support/seed.ts";
import { inRedis, LASTING } from "./swap-redis.ts";
import { ROOMY, TIGHT } from "./swap-state.ts";
import { swaps } from "./swaps.ts";

const SEED = seedFrom("WRIT_SWAPS_SEED");
const IS_ONE = process.env.WRIT_SWAPS_SEED !== undefined;
const HISTORIES = 4;
const STEPS = 80;

const EACH = [
  ...["allow", "state_unavailable", "out_of_sequence", "session_interrupted", "forbidden"],
  ...["outcome answer", "again answer", "again already_settled", "swap", "restart", "forgotten"],
  ...["pending", "sensitive", "origin unavailable", "interrupt", "reinstate", "declassify"],
  ...["broken, and it was kept", "broken, and nothing was kept", "server restart", "lost"],
];

const FULL = ["no room", "outcome unknown_call"];

describeRedis("random histories in Redis", () => {
  let redis: TestRedis;
  let places = 0;
  beforeAll(async () => {
    redis = await startRedis(LASTING);
  });
  afterAll(() => redis.stop());

  test.each([
    { name: "of one process", processCount: 1, limits: ROOMY, wanted: [] },
    { name: "of one process, in full tables", processCount: 1, limits: TIGHT, wanted: FULL },
    { name: "of two, each with its policy", processCount: 2, limits: ROOMY, wanted: [] },
    { name: "of two, in full tables", processCount: 2, limits: TIGHT, wanted: FULL },
  ])(
    `what calls left behind is known to each policy as it should be, $name (seed ${SEED})`,
    // Minutes, where others use the processors too.
    { timeout: 240_000 },
    async ({ processCount, limits, wanted }) => {
      const hits = new Map<string, number>();
      const missing = () => [...EACH, ...wanted].filter((what) => !hits.has(what));
      // Where a seed has nothing of something, it goes on: luck says how long it takes, not whether it passes.
      const isOver = (tried: number) =>
        IS_ONE ? tried === 1 : tried >= (missing().length === 0 ? 1 : 5) * HISTORIES;
      for (let seed = SEED; !isOver(seed - SEED); seed++) {
        const state = await inRedis(redis, `swaps${places++}`, processCount, limits);
        const told = await swaps(state, seed, STEPS);
        expect(told.wrong, `WRIT_SWAPS_SEED=${seed}`).toBeUndefined();
        for (const [what, times] of told.hits) hits.set(what, (hits.get(what) ?? 0) + times);
      }
      if (!IS_ONE) expect(missing(), JSON.stringify([...hits])).toEqual([]);
    },
  );
});
