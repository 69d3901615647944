import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { messageOf } from "../../../engine/fault.ts";
import {
  ENTRIES_MOST,
  FOR_EVER,
  type Kept,
  type Ledger,
  type LedgerEntry,
} from "../../../engine/ledger/ledger.ts";
import { openRedisLedger } from "../../../engine/ledger/redis.ts";
import { confirmLoss } from "../../../engine/state/redis/confirm.ts";
import { connectRedis, type RedisStore } from "../../../engine/state/redis/store.ts";
import { outcomeOf, START } from "../../support/engine.ts";
import { describeRedis, startRedis, type TestRedis } from "../../support/redis.ts";
import { redisAt } from "../../support/redis-address.ts";
import { desk, PAYMENT, paying } from "../approvals/support.ts";
import { accessDesk, asking } from "../http/authzen/access-support.ts";

let redis: TestRedis;
const open: (RedisStore | Ledger)[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => await redis?.stop());
afterEach(async () => {
  for (const one of open.splice(0)) one.close();
  // What a process looked for last, it would else find missing, and tell the next ones that state was lost.
  await redis.command("CLIENT", "KILL", "TYPE", "normal");
  await redis.command("FLUSHALL");
});

/** One process's: with a connection and a memory of its own, and a clock that the test moves. */
async function ledgerOf(clock = { elapsedMs: 0 }, settleMs = 0): Promise<Ledger> {
  const address = redisAt(redis.url);
  const store = await connectRedis({ address, settleMs, timeoutMs: 5_000 });
  const { namespace } = address;
  const parts = {
    send: store.command,
    run: store.run,
    generation: store.wholeGeneration,
    saw: store.saw,
    namespace,
    elapsedMs: () => clock.elapsedMs,
    now: () => START,
  };
  const ledger = await openRedisLedger(parts);
  open.push(ledger, store);
  return ledger;
}

const KEYS = "writ:{test}:ledger:";

const entry = (text: string, untilMs = START + 1_000): LedgerEntry => ({ text, untilMs });

async function put(
  ledger: Ledger,
  was: LedgerEntry | undefined,
  next: LedgerEntry,
  kind: "approval" | "revocation" = "revocation",
): Promise<Kept> {
  return await ledger.put({ kind, id: "agent a b", was, next, nowMs: START });
}

const seen = (ledger: Ledger) => ledger.get("revocation", "agent a b")?.text;

describeRedis("a ledger in Redis", () => {
  test("is the same for all, and changes only where it still is what was read", async () => {
    const [one, two] = [await ledgerOf(), await ledgerOf()];
    expect(await put(one, undefined, entry("1"))).toBe("kept");
    await expect.poll(() => seen(two), { timeout: 30_000 }).toBe("1");
    expect(await put(two, entry("1"), entry("2"))).toBe("kept");
    expect(await put(one, entry("1"), entry("3"))).toBe("changed");
    expect(seen(one)).toBe("2");
    expect(await put(one, entry("2"), entry("3"))).toBe("kept");
    await expect.poll(() => seen(two), { timeout: 30_000 }).toBe("3");
    expect(one.get("approval", "agent a b")).toBeUndefined();
  });

  test("is there for who begins later, all of it", async () => {
    const one = await ledgerOf();
    for (let at = 0; at < 250; at += 1) {
      const change = { kind: "revocation", id: `agent ${at}`, was: undefined } as const;
      await one.put({ ...change, next: entry(String(at)), nowMs: START });
    }
    const two = await ledgerOf();
    expect([...two.entries("revocation")]).toHaveLength(250);
  });

  test("is there for who begins later, however long its texts are", async () => {
    const one = await ledgerOf();
    for (let at = 0; at < 30; at += 1) {
      const change = { kind: "request", id: String(at), was: undefined } as const;
      await one.put({ ...change, next: entry("x".repeat(60_000 + at)), nowMs: START });
    }
    const two = await ledgerOf();
    const lengths = [...two.entries("request")].map(([, { text }]) => text.length);
    expect(lengths).toEqual(Array.from({ length: 30 }, (_, at) => 60_000 + at));
  });

  test("that is full makes room of what has ended, and is not read whole each time", async () => {
    const ledger = await ledgerOf();
    const most = ENTRIES_MOST.approval;
    const putAs = (id: string, next: LedgerEntry, nowMs = START, was?: LedgerEntry) =>
      ledger.put({ kind: "approval", id, was, next, nowMs });
    // As they were kept before it was known by when each ends.
    const kept = Array.from({ length: most - 2 }, (_, at) => [`old${at}`, `${FOR_EVER} {}`]);
    await redis.command("HSET", "writ:{test}:ledger:approval", ...kept.flat());
    expect(await putAs("short", entry("{}"))).toBe("kept");
    expect(await putAs("longer", entry("{}"))).toBe("kept");
    expect(await putAs("new", entry("{}"))).toBe("full");
    expect(await putAs("longer", entry("{}", START + 5_000), START, entry("{}"))).toBe("kept");
    const readWhole = async () => /cmdstat_hgetall:calls=(\d+)/.exec(await infoOf())?.[1];
    const infoOf = async () => String(await redis.command("INFO", "commandstats"));
    const before = await readWhole();
    for (let tries = 0; tries < 5; tries += 1) {
      expect(await putAs("new", entry("{}"))).toBe("full");
    }
    expect(await putAs("new", entry("{}", START + 9_000), START + 1_000)).toBe("kept");
    expect(await putAs("another", entry("{}"), START + 1_000)).toBe("full");
    expect(await readWhole()).toBe(before);
    expect(await redis.command("HEXISTS", "writ:{test}:ledger:approval", "longer")).toBe(1);
    expect(await redis.command("HEXISTS", "writ:{test}:ledger:approval", "short")).toBe(0);
  });

  test("is not ready where nothing was heard of it for too long", async () => {
    const clock = { elapsedMs: 0 };
    const ledger = await ledgerOf(clock);
    expect(ledger.readiness()).toEqual({ ready: true });
    clock.elapsedMs = 1_501;
    expect(ledger.readiness().ready).toBe(false);
    await expect.poll(() => ledger.readiness().ready, { timeout: 30_000 }).toBe(true);
  });

  test("that has lost what was revoked is not believed", async () => {
    const ledger = await ledgerOf();
    await put(ledger, undefined, entry("1"));
    await redis.command("FLUSHALL");
    await expect.poll(() => ledger.readiness().ready, { timeout: 30_000 }).toBe(false);
    expect(seen(ledger)).toBe("1");
  });

  test("goes on with what is there once it is confirmed that state was lost, in every process", async () => {
    const [one, two] = [await ledgerOf(), await ledgerOf()];
    await put(one, undefined, entry("1"));
    await expect.poll(() => seen(two), { timeout: 30_000 }).toBe("1");
    await redis.command("FLUSHALL");
    for (const ledger of [one, two]) {
      await expect.poll(() => ledger.readiness().ready, { timeout: 30_000 }).toBe(false);
    }
    const said = { operator: "root", because: "it was emptied", atMs: START };
    await expect
      .poll(() => confirmLoss(redisAt(redis.url), said), { timeout: 30_000 })
      .toBeDefined();
    for (const ledger of [one, two]) {
      await expect.poll(() => ledger.readiness().ready, { timeout: 30_000 }).toBe(true);
      expect(seen(ledger)).toBeUndefined();
    }
    await expect.poll(() => put(one, undefined, entry("2")).catch(messageOf)).toBe("kept");
    await expect.poll(() => seen(two), { timeout: 30_000 }).toBe("2");
  });

  test("that has lost what was revoked is not believed either where it was changed as often since", async () => {
    const one = await ledgerOf();
    const two = await ledgerOf();
    const revoke = (ledger: Ledger, id: string) =>
      ledger.put({ kind: "revocation", id, was: undefined, next: entry(id), nowMs: START });
    await revoke(one, "a");
    const dump = async (name: string) => String(await redis.command("GET", `${KEYS}${name}`));
    const before = await dump("last");
    await revoke(one, "b");
    await expect.poll(() => two.get("revocation", "b"), { timeout: 30_000 }).toBeDefined();
    // As a server is that kept the first change and lost the second, and was told of a third before anybody asked it.
    const lose = `redis.call('SET', KEYS[1], ARGV[1])
      redis.call('HDEL', KEYS[2], 'b') redis.call('ZREM', KEYS[3], 'revocation b') redis.call('HDEL', KEYS[4], '2')
      redis.call('INCR', KEYS[1]) redis.call('HSET', KEYS[2], 'c', '9007199254740991 {}')
      redis.call('ZADD', KEYS[3], 2, 'revocation c') redis.call('HSET', KEYS[4], '2', 'another')`;
    const keys = ["last", "revocation", "log", "names"].map((name) => `${KEYS}${name}`);
    await redis.command("EVAL", lose, "4", ...keys, before);
    for (const ledger of [one, two]) {
      await expect.poll(() => ledger.readiness().ready, { timeout: 30_000 }).toBe(false);
    }
    expect((await ledgerOf()).get("revocation", "c")).toBeDefined();
  });

  test("gives one approval to one of many copies of a request, at whichever process", async () => {
    const [one, two] = [desk(await ledgerOf()), desk(await ledgerOf())];
    const hold = await one.ask();
    expect(await one.say("approve", hold, "alice")).toBe("approved");
    const isKnown = () => two.approvals.approvedOf(PAYMENT, "sha256:test") !== undefined;
    await expect.poll(isKnown, { timeout: 30_000 }).toBe(true);
    const copies = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? one : two).ask());
    const answers = (await Promise.all(copies)).map(outcomeOf);
    expect(answers.filter((answer) => answer === "allow")).toHaveLength(1);
    expect(answers.filter((answer) => answer === "hold")).toHaveLength(19);
  });

  test("gives no approval again whose use the server has lost, to whoever had not heard of it", async () => {
    const clock = { elapsedMs: 0 };
    const [one, two] = [desk(await ledgerOf()), desk(await ledgerOf(clock, 500))];
    const hold = await one.ask();
    expect(await one.say("approve", hold, "alice")).toBe("approved");
    const approved = () => two.approvals.approvedOf(PAYMENT, "sha256:test");
    await expect.poll(approved, { timeout: 30_000 }).toBeDefined();
    await redis.command("SAVE");
    // So that nothing is heard of it by the other process.
    const known = approved();
    expect(outcomeOf(await one.ask())).toBe("allow");
    await redis.kill();
    await redis.start();
    for (let tries = 0; tries < 60; tries += 1) {
      const used = known && (await two.approvals.use(known).catch(() => undefined));
      expect(used).toBeUndefined();
      await pause(25);
    }
  }, 60_000);

  test("is not ready anywhere once the server has lost what one process has revoked", async () => {
    const elapsed = {
      get elapsedMs() {
        return performance.now();
      },
    };
    const [one, two] = [await ledgerOf(elapsed), await ledgerOf(elapsed)];
    await put(one, undefined, entry("1"));
    await expect.poll(() => seen(two), { timeout: 30_000 }).toBe("1");
    await redis.command("SAVE");
    await put(one, entry("1"), entry("2"));
    await redis.kill();
    await redis.start();
    const areReady = () => [one, two].map((ledger) => ledger.readiness().ready);
    await expect.poll(areReady, { timeout: 30_000 }).toEqual([false, false]);
    await pause(1_000);
    expect(areReady()).toEqual([false, false]);
  }, 60_000);

  test("shows and takes an approval at another process than opened it, however soon", async () => {
    const [one, two] = [desk(await ledgerOf()), desk(await ledgerOf())];
    for (let tries = 0; tries < 20; tries += 1) {
      const hold = await one.ask(paying(20 + tries));
      expect(await two.approvals.lookUp(hold.approval?.id ?? "")).toMatchObject({
        id: hold.approval?.id,
      });
      const next = await one.ask(paying(50 + tries));
      expect(await two.say("approve", next, "alice")).toBe("approved");
    }
  });

  test("has one task of an access request that is sent to several, and what came of it", async () => {
    const [one, two] = [accessDesk(await ledgerOf()), accessDesk(await ledgerOf())];
    const held = await one.evaluate();
    const submitted = one.submissionOf(held);
    const copies = [one, two, one, two].map((at) => at.submit(submitted, "k-1"));
    const tasks = (await Promise.all(copies)).map(({ json }) => json.task.id);
    expect(new Set(tasks).size).toBe(1);
    expect(await one.say(held, "carol")).toBe("approved");
    const path = `/access/v1/requests/${tasks[0]}`;
    // What one process knows, the other can be asked at once.
    const { json } = await one.status(path);
    expect(json.task.status).toBe("approved");
    const context = { session: "s", approval: json.result.approval };
    const again = [two, one, two, one, two].map((at) => at.evaluate(asking(50, { context })));
    const allowed = (await Promise.all(again)).filter(({ decision }) => decision);
    expect(allowed).toHaveLength(1);
    expect((await two.status(path)).json.task.status).toBe("approved");
  }, 60_000);
});
