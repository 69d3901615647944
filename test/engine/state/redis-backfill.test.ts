/** What is filled in of the past comes to the same in Redis as in memory, at every later moment. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEngine } from "../../../engine/engine.ts";
import { createSharedEngine } from "../../../engine/shared-engine.ts";
import { createMemoryStore } from "../../../engine/state/memory.ts";
import type { Backfill, PastUse, PastUses } from "../../../engine/state/past-uses.ts";
import { confirmLoss } from "../../../engine/state/redis/confirm.ts";
import { openLink } from "../../../engine/state/redis/link.ts";
import { SCRIPT } from "../../../engine/state/redis/script.ts";
import { connectRedis } from "../../../engine/state/redis/store.ts";
import type { Program } from "../../../lang/ir.ts";
import { type Random, randomFrom } from "../../differential/random.ts";
import { programOf, START } from "../../support/engine.ts";
import { describeRedis, startRedis, type TestRedis } from "../../support/redis.ts";
import { redisAt } from "../../support/redis-address.ts";
import { seedFrom } from "../../support/seed.ts";

const SEED = seedFrom("WRIT_BACKFILL_SEED");
const RUNS = 12;

const BEFORE = programOf(`
  tool pay { effect write, args { amount: Decimal, to: String } }
  counter tries = count attempts per agent
  permit pay tool pay when tries >= 0
`);
const AFTER = programOf(`
  tool pay { effect write, args { amount: Decimal, to: String } }
  counter tries = count attempts per agent
  counter recent = sum args.amount of allowed pay per agent within 1h
  counter ever = sum args.amount of allowed pay per agent
  counter payees = distinct args.to of allowed pay per agent within 1h
  counter known = distinct args.to of allowed pay per agent
  permit pay tool pay when tries >= 0 and recent + ever >= 0 and payees + known >= 0
`);
const FIRST_LATE = 1;
const HOUR = 3_600_000;
const KEYS = ["a", "b", "c"];
/** More than are filled in at a time. */
const MANY = Array.from({ length: 120 }, (_, index) => `k${index}`);

interface Engine {
  decide(input: unknown): unknown;
  readonly backfill: Backfill;
  readonly inspection: { state(most: number): unknown };
}

function usesFrom(random: Random, nowMs: number): readonly PastUse[] {
  const keys = random.chance(0.3) ? MANY : KEYS;
  const uses = Array.from({ length: 20 * random.below(keys.length) }, (): PastUse => {
    const index = FIRST_LATE + random.below(4);
    const isSum = index < FIRST_LATE + 2;
    const amount = isSum ? random.below(5) * 10_000 : random.pick(["x", "y", "z 1", "ü"]);
    const atMs = nowMs - 1 - random.below(random.pick([1, HOUR / 32, HOUR, 3 * HOUR]));
    return { index, key: random.pick(keys), atMs, amount };
  });
  return uses.sort((a, b) => a.atMs - b.atMs);
}

describeRedis("the past of counters", () => {
  let redis: TestRedis;
  let places = 0;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  /** The script as it is, but for whose time it asks: here the test sets it. */
  const SET_TIME = SCRIPT.replace("redis.call('TIME')", "redis.call('HMGET', META, 'test_s', '0')");

  const onRedis = async (clock: () => number, limits = {}) => {
    const address = redisAt(`redis://127.0.0.1:${redis.port}/p${places++}`);
    const meta = `writ:{${address.namespace}}:meta`;
    const setTime = async () => {
      await redis.command("HSET", meta, "test_s", String(clock() / 1_000), "0", "0");
    };
    await setTime();
    const parts = {
      script: SET_TIME,
      monotonic: clock,
      timeoutMs: 5_000,
      settleMs: 0,
      log: "mine",
    };
    const store = await connectRedis({ address, limits, ...parts });
    const open = (program: Program, digest: string): Engine =>
      createSharedEngine({ program, digest, store, clock });
    return { open, setTime, store, close: () => store.close() };
  };

  test("a session that goes while room is made for its key leaves none", async () => {
    const place = `p${places++}`;
    const key = (name: string) => `writ:{${place}}:${name}`;
    const tool = "tool pay { effect write, args { amount: Int } }\npermit pay tool pay";
    const after = `${tool}\ncounter paid = sum args.amount of allowed pay per session`;
    const sessions = Array.from({ length: 51 }, (_, at) => `s${at}`);
    const last = "s50";
    let parts = 0;
    // Before the second part the table is full, and that session idle, which owns another key of the table.
    const fillUp = async () => {
      const [table = ""] = (await redis.command("KEYS", key("counter:*"))) as string[];
      const meaning = table.slice(table.lastIndexOf(":") + 1);
      await redis.command("HSET", table, "other", "0 0 5");
      await redis.command("ZADD", key("sessions-used"), "0", last);
      await redis.command("ZADD", key(`owned:${last}`), "0", `sum ${meaning} s0`);
    };
    const store = await connectRedis({
      address: redisAt(`redis://127.0.0.1:${redis.port}/${place}`),
      limits: { keyCount: 51 },
      timeoutMs: 5_000,
      settleMs: 0,
      log: "mine",
      openLink: async (...asked) => {
        const link = await openLink(...asked);
        const send: typeof link.send = async (command) => {
          if (command.includes("fill") && ++parts === 2) await fillUp();
          return link.send(command);
        };
        return { ...link, send };
      },
    });
    const clock = Date.now;
    const open = (policy: string, digest: string) =>
      createSharedEngine({ program: programOf(policy), digest, store, clock });
    const before = open(tool, "sha256:before");
    for (const id of sessions) {
      const request = {
        agent: { id: "bot" },
        session: { id },
        tool: { name: "pay", args: { amount: 1 } },
      };
      await before.decide(request);
    }
    const { backfill } = open(after, "sha256:after");
    await backfill.missing();
    const uses = sessions.map((id) => ({ index: 0, key: id, atMs: clock(), amount: 1 }));
    await backfill.fill({ uses, latches: [], fromMs: 0, through: 60 });
    expect(parts).toBe(2);
    const [table = ""] = (await redis.command("KEYS", key("counter:*"))) as string[];
    expect(await redis.command("HEXISTS", key("sessions"), last)).toBe(0);
    expect(await redis.command("HEXISTS", table, last)).toBe(0);
    expect(await redis.command("HEXISTS", table, "s49")).toBe(1);
    store.close();
  });

  const inMemory = (clock: () => number) => {
    const store = createMemoryStore();
    const open = (program: Program, digest: string): Engine =>
      createEngine({ program, digest, store, clock });
    return { open, setTime: async () => {}, close: () => {} };
  };

  /** What operators see at moments after some of the past was filled in. */
  const toldBy = async (seed: number, isShared: boolean): Promise<unknown[]> => {
    const random = randomFrom(seed);
    let nowMs = START;
    const clock = () => nowMs;
    const { open, setTime, close } = isShared ? await onRedis(clock) : inMemory(clock);
    const pass = async (ms: number) => {
      nowMs += Math.floor(ms / 1_000) * 1_000;
      await setTime();
    };
    const pay = (engine: Engine) => {
      const args = { amount: random.below(4), to: random.pick(["x", "y", "w"]) };
      return engine.decide({ agent: { id: random.pick(KEYS) }, tool: { name: "pay", args } });
    };
    try {
      await pay(open(BEFORE, "sha256:before"));
      await pass(4 * HOUR);
      const engine = open(AFTER, "sha256:after");
      await pay(engine);
      await pass(random.below(HOUR / 8));
      await pay(engine);
      const uses = usesFrom(random, START + 4 * HOUR);
      const past: PastUses = { uses, latches: [], fromMs: START, through: 7 };
      const missing = await engine.backfill.missing();
      expect([...(missing?.counters ?? [])]).toEqual(expect.arrayContaining([1, 2, 3, 4]));
      await engine.backfill.fill(past);
      // Once more is none.
      if (isShared) await engine.backfill.fill(past);
      const told: unknown[] = [];
      for (let step = 0; step < 12; step++) {
        const state = (await engine.inspection.state(1_000)) as { counters: readonly object[] };
        told.push(JSON.stringify(state.counters.map(byKey)));
        await pass(random.below(HOUR / 6));
        if (random.chance(0.5)) await pay(engine);
      }
      return told;
    } finally {
      close();
    }
  };

  test(`filled in in Redis reads as in memory (seed ${SEED})`, async () => {
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      const expected = await toldBy(seed, false);
      expect(await toldBy(seed, true), `WRIT_BACKFILL_SEED=${seed}`).toEqual(expected);
    }
  }, 120_000);

  test("counts nothing of a counter that has no room for all, and says since when that counts", async () => {
    const clock = () => START;
    const { open, close } = await onRedis(clock, { keyCount: 2 });
    await open(BEFORE, "sha256:before").decide({ agent: { id: "a" }, tool: { name: "pay" } });
    const engine = open(AFTER, "sha256:after");
    await engine.backfill.missing();
    const use = (index: number, key: string) => ({ index, key, atMs: START - 1, amount: 10_000 });
    const uses = [use(1, "a"), use(1, "b"), use(1, "c"), use(2, "a"), use(2, "b")];
    await engine.backfill.fill({ uses, latches: [], fromMs: START - HOUR, through: 7 });
    const { counters } = (await engine.inspection.state(9)) as { counters: { keys: number }[] };
    expect(counters.map(({ keys }) => keys)).toEqual([0, 0, 2, 0, 0]);
    close();
  });

  test("who decides, and what is counted, is said again to a store that was emptied", async () => {
    const url = `redis://127.0.0.1:${redis.port}/emptied`;
    const address = redisAt(url);
    const store = await connectRedis({ address, timeoutMs: 5_000, settleMs: 0, log: "mine" });
    const engine = createSharedEngine({ program: BEFORE, digest: "sha256:before", store });
    const pay = async () => {
      const args = { amount: 1, to: "x" };
      const answer = await engine.decide({ agent: { id: "a" }, tool: { name: "pay", args } });
      return answer.kind === "answer" && answer.value.decision;
    };
    const known = async () => [
      await redis.command("HKEYS", "writ:{emptied}:logs"),
      await redis.command("HKEYS", "writ:{emptied}:policies"),
    ];
    expect(await pay()).toBe("allow");
    expect(await known()).toEqual([["mine"], ["sha256:before"]]);
    await redis.command("FLUSHALL");
    expect(await pay()).toBe("deny");
    expect(
      await confirmLoss(address, { operator: "ann", because: "known", atMs: 0 }),
    ).toBeDefined();
    for (let tries = 0; tries < 1_000 && (await pay()) === "deny"; tries++) await pause(10);
    expect(await known()).toEqual([["mine"], ["sha256:before"]]);
    store.close();
  }, 60_000);
});

function byKey(counter: object): object {
  const { highest = [], ...rest } = counter as { highest?: readonly { key: unknown }[] };
  const spelled = ({ key }: { key: unknown }) => JSON.stringify(key);
  return { ...rest, highest: [...highest].sort((a, b) => (spelled(a) < spelled(b) ? -1 : 1)) };
}
