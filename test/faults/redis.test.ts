/**
 * Redis killed, hung, read-only, out of memory, evicting, slow, older than it was: never an allow that state should
 * have prevented, what needs no state goes on, readiness is red, and it comes back by itself where nothing is lost.
 */
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { SCRIPT } from "../../engine/state/redis/script.ts";
import type { RedisParts } from "../../engine/state/redis/store.ts";
import { writ } from "../support/cli.ts";
import { programOf } from "../support/engine.ts";
import { describeRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { type Replica, replicaOf } from "../support/shared.ts";

const PROGRAM = programOf(`
  tool pay { effect write, args { amount: Decimal } }
  tool look { effect read }
  counter spend = sum args.amount of allowed pay per agent within 1h
  permit pay tool pay when spend + args.amount <= 3.00
  permit look tool look
`);

const KEPT = ["--appendonly", "yes", "--appendfsync", "always"];

describeRedis("Redis that fails", () => {
  const started: { redis?: TestRedis; replicas: Replica[] } = { replicas: [] };

  afterEach(async () => {
    for (const replica of started.replicas.splice(0)) replica.close();
    await started.redis?.stop();
  });

  const serverWith = async (...settings: string[]) => {
    const redis = await startRedis(settings);
    started.redis = redis;
    return redis;
  };
  const replicaOn = async (redis: TestRedis, parts: Partial<RedisParts> = {}) => {
    const replica = await replicaOf(PROGRAM, redis.url, {
      timeoutMs: 1_000,
      settleMs: 50,
      ...parts,
    });
    started.replicas.push(replica);
    return replica;
  };

  /** Asks until the answer is another than `not`, and gives that. */
  const whenNot = async (not: string, replica: Replica, amount = 1): Promise<string> => {
    for (let tries = 0; tries < 1_000; tries++) {
      const answer = await replica.ask("pay", { amount });
      if (answer !== not) return answer;
      await pause(10);
    }
    return not;
  };

  const expectOutage = async (replica: Replica, why: RegExp) => {
    const outage = await Promise.all(
      Array.from({ length: 20 }, () => replica.ask("pay", { amount: 1 })),
    );
    expect(new Set(outage)).toEqual(new Set(["state_unavailable"]));
    expect(await replica.ask("look")).toBe("allow");
    expect(await replica.ask("look", {}, { session: { id: "s" } })).toBe("state_unavailable");
    const readiness = replica.engine.readiness();
    expect(readiness).toMatchObject({ ready: false });
    expect(JSON.stringify(readiness)).toMatch(why);
  };

  test("killed, and started again with what it kept", async () => {
    const redis = await serverWith(...KEPT);
    const replica = await replicaOn(redis);
    expect(await replica.ask("pay", { amount: 2 })).toBe("allow");
    await redis.kill();
    await expectOutage(replica, /out of reach/);
    await redis.start();
    expect(await whenNot("state_unavailable", replica, 2)).toBe("not_permitted");
    expect(await replica.ask("pay", { amount: 1 })).toBe("allow");
    expect(replica.engine.readiness()).toMatchObject({ ready: true });
  }, 30_000);

  test("killed, and started again with nothing: nobody goes on until somebody says so", async () => {
    const redis = await serverWith();
    const replica = await replicaOn(redis);
    expect(await replica.ask("pay", { amount: 2 })).toBe("allow");
    await redis.kill();
    await redis.start();
    await expectLost(redis, replica, /it is empty, and was not/);
  }, 30_000);

  test("back with an older copy: whoever has seen more says so, and nobody goes on", async () => {
    const redis = await serverWith();
    const replica = await replicaOn(redis, { settleMs: 2_000 });
    expect(await replica.ask("pay", { amount: 1 })).toBe("allow");
    await redis.command("SAVE");
    expect(await replica.ask("pay", { amount: 2 })).toBe("allow");
    await redis.kill();
    await redis.start();
    // One that has seen nothing must not be let in before the other had its say.
    const stranger = await replicaOf(PROGRAM, redis.url, { settleMs: 2_000 }).catch(String);
    expect(stranger).toMatch(/has lost state/);
    await expectLost(redis, replica, /changes that were acknowledged are missing/);
  }, 30_000);

  const expectLost = async (redis: TestRedis, replica: Replica, why: RegExp) => {
    for (let tries = 0; tries < 500 && !why.test(reason(replica)); tries++) {
      expect(await replica.ask("pay", { amount: 2 })).toBe("state_unavailable");
      await pause(10);
    }
    await expectOutage(replica, why);
    expect(reason(replica)).toContain(`writ state confirm ${redis.url}`);
    await expect(replicaOn(redis)).rejects.toThrow("has lost state");
    const confirm = ["state", "confirm", redis.url, "--because", "known"];
    expect((await writ(confirm)).code).toBe(0);
    expect(await whenNot("state_unavailable", replica)).toBe("allow");
  };

  test("emptied while it runs", async () => {
    const redis = await serverWith();
    const replica = await replicaOn(redis);
    expect(await replica.ask("pay", { amount: 3 })).toBe("allow");
    await redis.command("FLUSHALL");
    expect(await replica.ask("pay", { amount: 3 })).toBe("state_unavailable");
    await expectOutage(replica, /it is empty, and was not/);
  });

  test("emptied while nobody asks: a process that only waits finds out, and is not ready", async () => {
    const redis = await serverWith();
    const replica = await replicaOn(redis);
    expect(await replica.ask("pay", { amount: 3 })).toBe("allow");
    await redis.command("FLUSHALL");
    for (let tries = 0; tries < 1_000 && reason(replica) === ""; tries++) await pause(10);
    expect(reason(replica)).toMatch(/it is empty, and was not/);
  }, 30_000);

  test("hung", async () => {
    const redis = await serverWith();
    const replica = await replicaOn(redis, { timeoutMs: 50 });
    expect(await whenNot("state_unavailable", replica)).toBe("allow");
    redis.pause();
    await expectOutage(replica, /did not answer|out of reach/);
    redis.resume();
    // What was asked and not answered may have been counted: never less.
    expect(await whenNot("state_unavailable", replica, 3)).toBe("not_permitted");
  }, 30_000);

  test("slow: an answer that comes too late is none", async () => {
    const redis = await serverWith();
    const replica = await replicaOn(redis, { timeoutMs: 50 });
    expect(await whenNot("state_unavailable", replica)).toBe("allow");
    await redis.command("CLIENT", "PAUSE", "1000", "ALL");
    expect(await replica.ask("pay", { amount: 1 })).toBe("state_unavailable");
    expect(["allow", "not_permitted"]).toContain(await whenNot("state_unavailable", replica));
  }, 30_000);

  test("made a replica: it takes no changes", async () => {
    const redis = await serverWith();
    const replica = await replicaOn(redis);
    expect(await replica.ask("pay", { amount: 1 })).toBe("allow");
    await redis.command("REPLICAOF", "127.0.0.1", "1");
    await expectOutage(replica, /READONLY|replica/);
    await expect(replicaOn(redis)).rejects.toThrow("replica");
    await redis.command("REPLICAOF", "NO", "ONE");
    expect(await whenNot("state_unavailable", replica)).toBe("allow");
  }, 30_000);

  test("out of memory", async () => {
    const redis = await serverWith();
    const replica = await replicaOn(redis);
    expect(await replica.ask("pay", { amount: 1 })).toBe("allow");
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    await expectOutage(replica, /OOM/);
    await redis.command("CONFIG", "SET", "maxmemory", "0");
    expect(await whenNot("state_unavailable", replica, 3)).toBe("not_permitted");
  }, 30_000);

  test("set to evict: refused at the start, and given up while it runs", async () => {
    const redis = await serverWith("--maxmemory-policy", "allkeys-lru");
    await expect(replicaOn(redis)).rejects.toThrow("`maxmemory-policy allkeys-lru`");
    await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
    const replica = await replicaOn(redis);
    await redis.command("CONFIG", "SET", "maxmemory-policy", "volatile-ttl");
    for (let tries = 0; tries < 500 && replica.engine.readiness().ready; tries++) await pause(10);
    await expectOutage(replica, /volatile-ttl/);
  }, 30_000);

  test.each([
    { server: "that has functions", without: [], runs: "fcall", flush: "FUNCTION" },
    { server: "older than functions", without: ["rename"], runs: "evalsha", flush: "SCRIPT" },
    { server: "that allows no functions", without: ["acl"], runs: "evalsha", flush: "SCRIPT" },
  ])("$server, without what it runs: it is sent again, and nothing is lost", async (row) => {
    const { without, runs, flush } = row;
    const isOld = without.includes("rename");
    const redis = await serverWith(...(isOld ? ["--rename-command", "FUNCTION", ""] : []));
    if (without.includes("acl")) {
      await redis.command("ACL", "SETUSER", "default", "-function", "-fcall");
    }
    const replica = await replicaOn(redis);
    expect(await replica.ask("pay", { amount: 2 })).toBe("allow");
    await redis.command(flush, "FLUSH");
    expect(await replica.ask("pay", { amount: 2 })).toBe("not_permitted");
    expect(await replica.ask("pay", { amount: 1 })).toBe("allow");
    const ran = String(await redis.command("INFO", "commandstats"));
    expect(ran).toContain(`cmdstat_${runs}:`);
    expect(ran).not.toContain(runs === "fcall" ? "cmdstat_evalsha:" : "cmdstat_fcall:");
  });

  test("shared by two versions: each runs its own", async () => {
    const redis = await serverWith();
    const replica = await replicaOn(redis);
    const next = await replicaOn(redis, { script: `-- the next version\n${SCRIPT}` });
    expect(await replica.ask("pay", { amount: 2 })).toBe("allow");
    expect(await next.ask("pay", { amount: 2 })).toBe("not_permitted");
    expect(await redis.command("FUNCTION", "LIST")).toHaveLength(2);
    expect(await replica.ask("pay", { amount: 1 })).toBe("allow");
  });

  test("with damaged state: a decision that needs it is denied, others go on", async () => {
    const redis = await serverWith();
    const replica = await replicaOn(redis);
    expect(await replica.ask("pay", { amount: 1 })).toBe("allow");
    const [table = ""] = (await redis.command("KEYS", "*:counter:*")) as string[];
    await redis.command("HSET", table, "bot", "1 0 minus one");
    expect(await replica.ask("pay", { amount: 1 })).toBe("state_unavailable");
    expect(await replica.ask("pay", { amount: 1 }, { agent: { id: "other" } })).toBe("allow");
  });

  test("not there at the start", async () => {
    const redis = await serverWith();
    await redis.kill();
    await expect(replicaOn(redis)).rejects.toThrow(/ECONNREFUSED/);
  });
});

function reason(replica: Replica): string {
  const readiness = replica.engine.readiness();
  return readiness.ready ? "" : readiness.because;
}
