/**
 * What Redis lost is noticed also by a fleet that was started anew meanwhile, or found evicted: what its processes saw
 * is in files, and an operator's word is asked for once.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSightings, type Sightings } from "../../engine/state/redis/sightings.ts";
import { directoryWith, SMALL, writ } from "../support/cli.ts";
import { programOf } from "../support/engine.ts";
import { describeRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { serve } from "../support/served.ts";
import { type Replica, replicaOf } from "../support/shared.ts";

const PROGRAM = programOf(`
  tool pay { effect write, args { amount: Decimal } }
  counter spend = sum args.amount of allowed pay per agent within 1h
  permit pay tool pay when spend + args.amount <= 3.00
`);
const META = "writ:{test}:meta";

let redis: TestRedis;
let directory: string;
const replicas: Replica[] = [];
const files: Sightings[] = [];

describeRedis("Redis that lost what a fleet knew", () => {
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "writ-seen-"));
    redis = await startRedis();
  });
  afterEach(async () => {
    stopAll();
    await redis.stop();
    rmSync(directory, { recursive: true });
  });

  const stopAll = () => {
    for (const replica of replicas.splice(0)) replica.close();
    for (const file of files.splice(0)) file.close();
  };
  /** `name`: of the machine whose disk it has; without one it is new. */
  const replicaOn = async (name?: string): Promise<Replica> => {
    const sightings = name === undefined ? undefined : openSightings(join(directory, name), "test");
    if (sightings !== undefined) files.push(sightings);
    const parts = sightings === undefined ? {} : { sightings };
    const replica = await replicaOf(PROGRAM, redis.url, { settleMs: 50, ...parts });
    replicas.push(replica);
    return replica;
  };
  const pay = (replica: Replica, amount: number) => replica.ask("pay", { amount });
  /** Until whoever noticed a loss has said to the store what else it knows. */
  const waitForHello = async () => {
    while ((await redis.command("HGET", META, "run")) === null) await pause(10);
  };
  const confirm = async () =>
    (await writ(["state", "confirm", redis.url, "--because", "known"])).code;

  /** Two processes, of which the second has seen more than the first; both gone. */
  const fleetThatWas = async () => {
    const [one, another] = [await replicaOn("one"), await replicaOn("another")];
    expect(await pay(one, 1)).toBe("allow");
    expect(await pay(another, 2)).toBe("allow");
    expect(await pay(another, 1)).toBe("not_permitted");
    stopAll();
  };
  /** Those, after the first of them asked and was confirmed. */
  const emptiedAndConfirmed = async () => {
    await fleetThatWas();
    await redis.command("FLUSHALL");
    await expect(replicaOn("one")).rejects.toThrow("has lost state");
    expect(await confirm()).toBe(0);
  };

  test("emptied while nobody ran: refused until it is confirmed, once for all", async () => {
    await fleetThatWas();
    await redis.command("FLUSHALL");
    await expect(replicaOn("one")).rejects.toThrow("it is empty, and was not");
    await expect(replicaOn("another")).rejects.toThrow("has lost state");
    await expect(replicaOn()).rejects.toThrow("has lost state");
    expect(await confirm()).toBe(0);
    expect(await pay(await replicaOn("one"), 3)).toBe("allow");
    expect(await pay(await replicaOn(), 1)).toBe("not_permitted");
    // It saw more than there is: of before what was confirmed.
    expect(await pay(await replicaOn("another"), 1)).toBe("not_permitted");
    expect(await confirm()).toBe(1);
  }, 60_000);

  test("back with an older copy while nobody ran", async () => {
    const one = await replicaOn("one");
    expect(await pay(one, 1)).toBe("allow");
    await redis.command("SAVE");
    expect(await pay(one, 2)).toBe("allow");
    stopAll();
    await redis.kill();
    await redis.start();
    await expect(replicaOn("one")).rejects.toThrow("changes that were acknowledged are missing");
    expect(await confirm()).toBe(0);
    expect(await pay(await replicaOn("one"), 2)).toBe("allow");
  }, 60_000);

  test("begun anew by a newcomer meanwhile: found out by the first that knows more", async () => {
    await fleetThatWas();
    await redis.command("FLUSHALL");
    const newcomer = await replicaOn();
    expect(await pay(newcomer, 1)).toBe("allow");
    await expect(replicaOn("one")).rejects.toThrow("it is not the one that was written to");
    expect(await pay(newcomer, 1)).toBe("state_unavailable");
    expect(await confirm()).toBe(0);
    for (const name of ["one", "another"]) {
      expect(await pay(await replicaOn(name), 3)).toBe("not_permitted");
    }
  }, 60_000);

  test("a loss after the one that was confirmed is another one", async () => {
    await emptiedAndConfirmed();
    expect(await pay(await replicaOn("one"), 3)).toBe("allow");
    stopAll();
    await redis.command("FLUSHALL");
    await expect(replicaOn("one")).rejects.toThrow("it is empty, and was not");
  }, 60_000);

  test("emptied twice: who was away the first time misses nothing, since another was told", async () => {
    await emptiedAndConfirmed();
    const one = await replicaOn("one");
    await redis.command("FLUSHALL");
    expect(await pay(one, 1)).toBe("state_unavailable");
    await waitForHello();
    expect(await confirm()).toBe(0);
    expect(await pay(await replicaOn("another"), 3)).toBe("allow");
    expect(await confirm()).toBe(1);
  }, 60_000);

  test("emptied twice: who alone knows of the first confirmation, and comes after the second, asks again", async () => {
    await emptiedAndConfirmed();
    expect(await pay(await replicaOn("one"), 3)).toBe("allow");
    stopAll();
    await redis.command("FLUSHALL");
    await expect(replicaOn("another")).rejects.toThrow("it is empty, and was not");
    expect(await confirm()).toBe(0);
    await expect(replicaOn("one")).rejects.toThrow("it is not the one that was written to");
  }, 60_000);

  test("the same place, whole: nothing is asked for", async () => {
    await fleetThatWas();
    expect(await pay(await replicaOn("another"), 1)).toBe("not_permitted");
    expect(await confirm()).toBe(1);
  }, 60_000);

  test("keys that were evicted while nobody ran", async () => {
    await fleetThatWas();
    await evict();
    await expect(replicaOn("one")).rejects.toThrow("the server has evicted keys");
    await expect(replicaOn()).rejects.toThrow("has lost state");
    expect(await confirm()).toBe(0);
    expect(await pay(await replicaOn("one"), 1)).toBe("not_permitted");
  }, 60_000);

  test("keys that were evicted while it runs, by a setting that is right again by now", async () => {
    const replica = await replicaOn();
    expect(await pay(replica, 1)).toBe("allow");
    await evict();
    for (let tries = 0; tries < 1_000 && (await lost()) === null; tries++) await pause(10);
    expect(await lost()).toBe("the server has evicted keys");
    expect(await pay(replica, 1)).toBe("state_unavailable");
  }, 60_000);

  test("what was evicted before there was anything is nothing lost", async () => {
    await evict();
    const replica = await replicaOn("one");
    expect(await pay(replica, 1)).toBe("allow");
    // Counted from nothing again, which is no eviction either.
    await redis.command("CONFIG", "RESETSTAT");
    stopAll();
    expect(await pay(await replicaOn("one"), 1)).toBe("allow");
  }, 60_000);

  /** By a setting that was there for a moment. Of what it evicts none is ours, which nobody can tell afterwards. */
  const evict = async () => {
    await redis.command("SET", "passing", "x", "EX", "1000");
    await redis.command("CONFIG", "SET", "maxmemory-policy", "volatile-random");
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    await redis.command("SET", "another", "x").catch(() => {});
    expect(await redis.command("EXISTS", "passing")).toBe(0);
    await redis.command("CONFIG", "SET", "maxmemory", "0");
    await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
  };
  const lost = () => redis.command("HGET", META, "lost");

  test("what was seen cannot be kept: nothing is allowed, until it can", async () => {
    const replica = await replicaOn("one");
    expect(await pay(replica, 1)).toBe("allow");
    for (const file of files.splice(0)) file.close();
    expect(await pay(replica, 1)).toBe("state_unavailable");
    expect(spellReadiness(replica)).toMatch(/cannot keep what was seen of Redis/);
  }, 60_000);

  test("a file that says something else is refused, and left as it is", async () => {
    const path = join(directory, "one");
    for (const text of ["none", "{}", '{"generation":"a","writes":"1"}', '{"writes":1}']) {
      writeFileSync(path, text);
      await expect(replicaOn("one")).rejects.toThrow(/does not say what was seen of Redis/);
      expect(readFileSync(path, "utf8")).toBe(text);
    }
  });

  test("`writ serve` keeps what it saw beside its state, for itself alone", async () => {
    const cwd = directoryWith({ "p/p.writ": SMALL });
    const words = ["--state", redis.url, "p"];
    await (await serve(words, cwd)).stop();
    const home = join(cwd, ".writ");
    const [name = ""] = readdirSync(home).filter((one) => one.startsWith("redis-"));
    expect(statSync(join(home, name)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(join(home, name), "utf8"))).toMatchObject({ place: redis.url });
    await redis.command("FLUSHALL");
    const { code, err } = await writ(["serve", "--port", "0", ...words], { cwd });
    expect([code, err]).toEqual([2, expect.stringContaining("has lost state (it is empty")]);
    expect(await confirm()).toBe(0);
    await (await serve(words, cwd)).stop();
  }, 60_000);
});

function spellReadiness({ engine }: Replica): string {
  const readiness = engine.readiness();
  return readiness.ready ? "" : readiness.because;
}
