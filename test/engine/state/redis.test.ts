/** Redis as a store of state: what every store must do, and what only a shared one can. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSharedEngine, type SharedEngine } from "../../../engine/shared-engine.ts";
import type { RedisAddress } from "../../../engine/state/redis/address.ts";
import { SCRIPT } from "../../../engine/state/redis/script.ts";
import { connectRedis } from "../../../engine/state/redis/store.ts";
import type { SharedStore } from "../../../engine/state/shared.ts";
import { outcomeOf, programOf, START } from "../../support/engine.ts";
import { describeRedis, startRedis, type TestRedis } from "../../support/redis.ts";
import { redisAt } from "../../support/redis-address.ts";
import { seedFrom } from "../../support/seed.ts";
import {
  COME_AND_GO,
  ContractDriver,
  type ContractStore,
  comeAndGo,
  describeContract,
} from "./contract.ts";
import { apartFromEmptyKeys, history } from "./histories.ts";
import { IN_MEMORY } from "./stores.ts";

let redis: TestRedis;
let places = 0;

/** A place of its own on the one server. */
function freshAddress(): RedisAddress {
  return redisAt(`redis://127.0.0.1:${redis.port}/t${places++}`);
}

/** The script as it is, but for whose time it asks: here the test sets it. */
const SET_TIME = SCRIPT.replace(
  "redis.call('TIME')",
  "redis.call('HMGET', META, 'test_s', 'test_us')",
);

async function setServerTime({ namespace }: RedisAddress, ms: number): Promise<void> {
  const [s, us] = [Math.floor(ms / 1_000), (ms % 1_000) * 1_000];
  const meta = `writ:{${namespace}}:meta`;
  await redis.command("HSET", meta, "test_s", String(s), "test_us", String(us));
}

/** Every question goes to the next of so many processes: what one of them knows, another has since changed. */
const onRedis = (processCount: number): ContractStore => ({
  name: processCount === 1 ? "Redis" : `Redis, asked by ${processCount} processes in turn`,
  start: async (limits) => {
    const address = freshAddress();
    let clock = (): number => 0;
    const setTime = () => setServerTime(address, clock());
    await setTime();
    const stores: SharedStore[] = [];
    for (let index = 0; index < processCount; index++) {
      stores.push(
        await connectRedis({
          address,
          limits,
          script: SET_TIME,
          monotonic: () => clock(),
          timeoutMs: 5_000,
          settleMs: 0,
        }),
      );
    }
    return {
      engine(parts) {
        clock = parts.clock;
        const engines = stores.map((store) => createSharedEngine({ ...parts, store }));
        const [first] = engines;
        if (first === undefined) throw new Error("there are no processes");
        let count = 0;
        const next = async (): Promise<SharedEngine> => {
          await setTime();
          return engines[count++ % engines.length] ?? first;
        };
        return {
          inspection: first.inspection,
          decide: async (input, vouched) => (await next()).decide(input, vouched),
          outcome: async (input) => (await next()).outcome(input),
          sessions: {
            interrupt: async (id) => (await next()).sessions.interrupt(id),
            reinstate: async (id) => (await next()).sessions.reinstate(id),
            declassify: async (id, label) => (await next()).sessions.declassify(id, label),
          },
        };
      },
      stop: () => {
        for (const store of stores) store.close();
      },
    };
  },
});

const SEED = seedFrom("WRIT_HISTORY_SEED");

describeRedis("Redis", () => {
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  describeContract(onRedis(1));
  describeContract(onRedis(3));

  test.each([
    { store: onRedis(1), name: onRedis(1).name, compared: (told: string[]) => told },
    { store: onRedis(3), name: onRedis(3).name, compared: apartFromEmptyKeys },
  ])(
    `the same histories have the same answers on $name as in memory (seed ${SEED})`,
    async ({ store, compared }) => {
      for (let seed = SEED; seed < SEED + 15; seed++) {
        const expected = compared(await history(IN_MEMORY, seed, 120));
        const actual = compared(await history(store, seed, 120));
        const first = expected.findIndex((told, at) => told !== actual[at]);
        const differs = `WRIT_HISTORY_SEED=${seed}, step ${first}`;
        expect(actual[first], differs).toEqual(expected[first]);
        expect(actual, differs).toEqual(expected);
      }
    },
    120_000,
  );

  test("of sessions that came and went, nothing is left in Redis", async () => {
    const started = await onRedis(1).start(COME_AND_GO);
    const keys = async () => (await redis.command("KEYS", `writ:{t${places - 1}}:*`)) as string[];
    const driver = new ContractDriver(started);
    await comeAndGo(driver, 30);
    const before = (await keys()).length;
    driver.nowMs += 600_000;
    await comeAndGo(driver, 30);
    const ofSessions = (await keys()).filter((key) => /:(owned|seen|newest|uses):/.test(key));
    expect((await keys()).length).toBeLessThanOrEqual(before);
    // What is seen, what is forgotten with it, and two of different values.
    expect(ofSessions.length).toBeLessThanOrEqual(4 * 15);
    await started.stop();
  }, 60_000);

  test("of a session with more keys than are forgotten at once, nothing is left when it comes back", async () => {
    const started = await onRedis(1).start({ sessionCount: 1, sessionIdleMs: 600_000 });
    const driver = new ContractDriver(started);
    const windows = Array.from({ length: 20 }, (_, at) => at + 1);
    await driver.under(`
      tool note, send { effect send, args { to: Int } }
      tool check { effect execute }
      latch checked = allowed check per session
      ${windows.map((at) => `counter notes${at} = count allowed note per session, args.to within ${at}d`).join("\n")}
      permit noting tool note
      permit checking tool check
      permit sending tool send when checked and ${windows.map((at) => `notes${at} < 1`).join(" and ")}`);
    for (let to = 0; to < 150; to++) expect(await driver.ask("note", { to })).toBe("allow");
    driver.nowMs += 1;
    expect(await driver.ask("check")).toBe("allow");
    const answers = async () => {
      const all = new Set<string>();
      for (let to = 0; to < 150; to++) all.add(await driver.ask("send", { to }));
      return [...all];
    };
    // All that it did forbids it.
    expect(await answers()).toEqual(["not_permitted"]);
    driver.nowMs += 600_001;
    expect(await driver.ask("check", {}, { session: { id: "other" } })).toBe("allow");
    // And so does that it did nothing.
    driver.nowMs += 600_001;
    expect(await answers()).toEqual(["not_permitted"]);
    await started.stop();
  }, 120_000);

  describe("time", () => {
    const program = programOf(`
      tool pay { effect write }
      tool step { effect execute }
      counter paid = count allowed pay per agent within 1h
      task errand { sequence step+ limit duration <= 1h }
      permit pay tool pay when paid < 1
      permit step tool step
    `);
    const pay = { agent: { id: "bot" }, tool: { name: "pay" } };
    const step = {
      agent: { id: "bot" },
      tool: { name: "step" },
      session: { id: "s" },
      intent: { task: "errand" },
    };
    const HOUR = 3_600_000;

    /** One or more processes, each with its own clock that nobody sets; all begin when the server does. */
    const fleetOf = async (count: number) => {
      const address = freshAddress();
      const elapsed = Array.from({ length: count }, () => 0);
      const server = { ms: START };
      await setServerTime(address, server.ms);
      const engines: SharedEngine[] = [];
      for (let index = 0; index < count; index++) {
        const store = await connectRedis({
          address,
          script: SET_TIME,
          monotonic: () => elapsed[index] ?? 0,
          timeoutMs: 5_000,
          settleMs: 0,
        });
        stores.push(store);
        engines.push(createSharedEngine({ program, digest: "sha256:test", store }));
      }
      const ask = async (index: number, input: object): Promise<string> => {
        await setServerTime(address, server.ms);
        const answer = await engines[index]?.decide(input);
        return answer?.kind === "answer" ? outcomeOf(answer.value) : "none";
      };
      const pass = (ms: number, serverMs = ms) => {
        for (const index of elapsed.keys()) elapsed[index] = (elapsed[index] ?? 0) + ms;
        server.ms += serverMs;
      };
      return { ask, pass, server, elapsed };
    };
    const stores: SharedStore[] = [];
    afterEach(() => {
      for (const store of stores.splice(0)) store.close();
    });

    test.each([
      ["an hour ahead", HOUR],
      ["a day ahead", 24 * HOUR],
      ["an hour back", -HOUR],
      ["a day back", -24 * HOUR],
    ])("a server set %s opens no window, and the window still ends", async (_, jump) => {
      const { ask, pass, server } = await fleetOf(2);
      expect(await ask(0, pay)).toBe("allow");
      expect(await ask(0, step)).toBe("allow");
      pass(60_000);
      server.ms += jump;
      for (const index of [1, 0, 1]) expect(await ask(index, pay)).toBe("not_permitted");
      expect(await ask(1, step)).toBe("allow");
      // In time that has really passed: half an hour is not an hour, and an hour and a bucket is.
      pass(HOUR / 2);
      expect(await ask(0, pay)).toBe("not_permitted");
      pass(HOUR / 2 + HOUR / 16);
      expect(await ask(1, step)).toBe("limit_reached");
      expect(await ask(1, pay)).toBe("allow");
    });

    test("a server at double speed shortens no window", async () => {
      const { ask, pass } = await fleetOf(2);
      expect(await ask(0, pay)).toBe("allow");
      for (let minute = 1; minute < 60; minute++) {
        pass(60_000, 120_000);
        expect(await ask(minute % 2, pay), `minute ${minute}`).toBe("not_permitted");
      }
    });

    test("a server whose clock stands still opens nothing", async () => {
      const { ask, pass } = await fleetOf(1);
      expect(await ask(0, pay)).toBe("allow");
      pass(2 * HOUR, 0);
      expect(await ask(0, pay)).toBe("not_permitted");
    });

    test("a process whose own clock stands still, or runs ahead, opens nothing", async () => {
      const { ask, pass, elapsed } = await fleetOf(2);
      expect(await ask(0, pay)).toBe("allow");
      pass(HOUR / 2);
      elapsed[0] = 0;
      elapsed[1] = 10 * HOUR;
      for (const index of [0, 1, 0, 1]) expect(await ask(index, pay)).toBe("not_permitted");
    });
  });
});
