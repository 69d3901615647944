/** The pure parts of shared state: addresses, what `INFO` says, and the time that is expected of the store. */
import { describe, expect, test } from "vitest";
import { parseRedisAddress, spellAddress } from "../../../engine/state/redis/address.ts";
import { healthOf } from "../../../engine/state/redis/health.ts";
import { SteadyTime } from "../../../engine/state/redis/steady.ts";

describe("addresses", () => {
  test.each([
    ["redis://localhost", "redis://localhost:6379/default"],
    ["redis://10.0.0.1:7000/eu.pay-1", "redis://10.0.0.1:7000/eu.pay-1"],
    ["rediss://writ:s%40cret@redis.example:6380/a", "rediss://redis.example:6380/a"],
    ["redis://[::1]:6379/a", "redis://[::1]:6379/a"],
  ])("%s", (text, spelled) => {
    const address = parseRedisAddress(text);
    if (typeof address === "string") throw new Error(address);
    expect(spellAddress(address)).toBe(spelled);
    if (text.includes("@")) expect(address).toMatchObject({ username: "writ", password: "s@cret" });
  });

  test.each([
    ["http://localhost"],
    ["redis:///a"],
    ["redis://localhost/a/b"],
    ["redis://localhost/{a}"],
    ["redis://localhost/a?db=1"],
    ["redis://user:secret@localhost/{"],
    ["localhost:6379"],
  ])("%s is none, and is not repeated", (text) => {
    const refused = parseRedisAddress(text);
    expect(typeof refused).toBe("string");
    expect(refused).not.toContain("secret");
  });
});

describe("servers", () => {
  const GOOD = {
    redis_version: "7.0.15",
    run_id: "abc",
    loading: "0",
    role: "master",
    maxmemory_policy: "noeviction",
    evicted_keys: "0",
    aof_enabled: "1",
  };
  const infoOf = (changes: Readonly<Record<string, string>>) =>
    Object.entries({ ...GOOD, ...changes })
      .map(([name, value]) => `${name}:${value}\r\n`)
      .join("");

  test("are trusted that keep everything", () => {
    expect(healthOf(`# Server\r\n${infoOf({})}`)).toEqual({
      run: "abc",
      evicted: 0,
      warnings: [],
    });
    expect(healthOf(infoOf({ redis_version: "8.2.2" })).refusal).toBeUndefined();
  });

  test.each([
    ["redis_version", "6.0.20", "6.2"],
    ["redis_version", "", "none"],
    ["loading", "1", "loading"],
    ["role", "slave", "replica"],
    ["maxmemory_policy", "allkeys-lru", "allkeys-lru"],
    ["maxmemory_policy", "volatile-ttl", "volatile-ttl"],
    ["evicted_keys", "", "how many keys it has evicted"],
  ])("with %s %s are not", (name, value, why) => {
    expect(healthOf(infoOf({ [name]: value })).refusal).toContain(why);
  });

  test("of which nothing is known are not", () => {
    expect(healthOf("").refusal).toBeDefined();
  });

  test("without a file are worth a warning", () => {
    expect(healthOf(infoOf({ aof_enabled: "0" })).warnings).toHaveLength(1);
  });
});

describe("the store's time", () => {
  const timed = () => {
    const clock = { ms: 0 };
    return { clock, steady: new SteadyTime(() => clock.ms) };
  };

  test("is not known before the store was asked", () => {
    expect(timed().steady.expectedMs).toBeUndefined();
  });

  test("goes on by the clock that nobody sets, and is never expected later than an answer allows", () => {
    const { clock, steady } = timed();
    steady.learn(1_000, steady.mark());
    clock.ms = 500;
    expect(steady.expectedMs).toBe(1_500);
    // It took 100 ms to be told: at most so much of it had passed when the store looked.
    const sent = steady.mark();
    clock.ms = 600;
    steady.learn(1_400, sent);
    expect(steady.expectedMs).toBe(1_500);
  });

  test("follows the others where this process stood still for long", () => {
    const { clock, steady } = timed();
    steady.learn(1_000, steady.mark());
    clock.ms = 10;
    steady.learn(5_000, steady.mark());
    expect(steady.expectedMs).toBe(1_010);
    steady.learn(60_000, steady.mark());
    expect(steady.expectedMs).toBe(60_000);
  });
});
