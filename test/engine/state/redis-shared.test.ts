/** What several processes on one Redis must hold together, in one test process and in several. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type OpenLink, openLink } from "../../../engine/state/redis/link.ts";
import { SCRIPT } from "../../../engine/state/redis/script.ts";
import type { RedisParts } from "../../../engine/state/redis/store.ts";
import { outcomeOf, programOf } from "../../support/engine.ts";
import { describeRedis, startRedis, type TestRedis } from "../../support/redis.ts";
import { type Replica, replicaOf } from "../../support/shared.ts";
import { levelled, sensitivityOf } from "./contract.ts";

const POLICY = `
  label untrusted
  tool pay { effect write, args { amount: Decimal } }
  tool look { effect read, yields untrusted }
  tool check { effect execute }
  counter spend = sum args.amount of allowed pay per agent within 1h
  counter tries = count attempts look per agent
  latch checked = completed check per session reset by completed look
  task errand { sequence check, look+ limit calls <= 40 }
  permit pay tool pay when spend + args.amount <= 100.00
  permit others tool look, check
  forbid tainted tool pay when has session and untrusted in session.labels
  forbid unchecked tool look when has session and not checked
  forbid odd tool look when tries * 2 == 7
`;
const PROGRAM = programOf(POLICY);

describeRedis("several processes on one Redis", () => {
  let redis: TestRedis;
  const replicas: Replica[] = [];
  let places = 0;

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  afterEach(() => {
    for (const replica of replicas.splice(0)) replica.close();
  });
  const place = () => `redis://127.0.0.1:${redis.port}/shared${places++}`;
  const fleet = async (count: number, parts: Partial<RedisParts> = {}, url = place()) => {
    const made = await Promise.all(
      Array.from({ length: count }, () => replicaOf(PROGRAM, url, { timeoutMs: 20_000, ...parts })),
    );
    replicas.push(...made);
    return made as [Replica, ...Replica[]];
  };

  test("allow exactly the limit of thousands of calls that race, 20 of 20 times", async () => {
    const all = await fleet(8);
    for (let run = 0; run < 20; run++) {
      const agent = { agent: { id: `bot${run}` } };
      const asked = all.flatMap((replica) =>
        Array.from({ length: 250 }, () => replica.ask("pay", { amount: 1 }, agent)),
      );
      const answers = await Promise.all(asked);
      expect(answers.filter((answer) => answer === "allow")).toHaveLength(100);
      expect(new Set(answers)).toEqual(new Set(["allow", "not_permitted"]));
    }
  }, 120_000);

  test("a busy counter of which a rule needs the exact number keeps nobody out", async () => {
    const [one] = await fleet(1);
    const asked = Array.from({ length: 200 }, () => one.ask("look"));
    expect(new Set(await Promise.all(asked))).toEqual(new Set(["allow"]));
  });

  test("processes of two versions that keep state otherwise refuse each other's namespace", async () => {
    const next = SCRIPT.replace("local FORMAT = '1'", "local FORMAT = '2'");
    expect(next).not.toBe(SCRIPT);
    for (const [first, then] of [
      [SCRIPT, next],
      [next, SCRIPT],
    ] as const) {
      const url = place();
      const [one] = await fleet(1, { script: first }, url);
      expect(await one.ask("pay", { amount: 100 })).toBe("allow");
      await expect(fleet(1, { script: then }, url)).rejects.toThrow("another version of Writ");
      expect(await one.ask("pay", { amount: 1 })).toBe("not_permitted");
    }
  });

  test("a namespace that was begun before formats had names is refused", async () => {
    const url = place();
    const [one] = await fleet(1, {}, url);
    await redis.command("HDEL", `writ:{shared${places - 1}}:meta`, "format");
    await expect(fleet(1, {}, url)).rejects.toThrow("its format is none");
    expect(await one.ask("look")).toBe("allow");
  });

  test("what is reported of a session that another process forgot sooner settles none of its keys", async () => {
    const url = place();
    const limits = { sessionCount: 1, sessionIdleMs: 86_400_000 };
    const [long] = await fleet(1, { limits }, url);
    const [short] = await fleet(1, { limits: { ...limits, sessionIdleMs: 1 } }, url);
    const inSession = (id: string) => ({ session: { id } });
    const ask = async (replica: Replica, id: string) => {
      await pause(3);
      return outcomeOf(await replica.call("check", {}, inSession(id)));
    };
    const before = await long.call("check", {}, inSession("s"));
    expect([outcomeOf(before), await ask(short, "t"), await ask(short, "s")]).toEqual([
      "allow",
      "allow",
      "allow",
    ]);
    await long.engine.outcome({ call: before.call, status: "error" });
    // Of the two that are under way now, none was reported.
    expect(await long.ask("look", {}, inSession("s"))).toBe("prerequisite_pending");
  });

  test("two server processes allow exactly the limit together, 20 of 20 times", async () => {
    const url = place();
    const children = [childOn(url), childOn(url)];
    try {
      for (const child of children) expect((await once(child, "message"))[0]).toBe("ready");
      for (let run = 0; run < 20; run++) {
        const told = children.map((child) => once(child, "message"));
        for (const child of children) child.send({ agent: `bot${run}`, count: 400 });
        const allowed = (await Promise.all(told)).map(([count]) => Number(count));
        expect(allowed.reduce((sum, count) => sum + count)).toBe(100);
      }
    } finally {
      for (const child of children) child.kill("SIGKILL");
    }
  }, 120_000);

  test("what fails gives its share back, wherever it is reported", async () => {
    const [one, another] = await fleet(2);
    const call = await one.call("pay", { amount: 100 });
    expect(await another?.ask("pay", { amount: 1 })).toBe("not_permitted");
    expect((await another?.engine.outcome({ call: call.call, status: "error" }))?.kind).toBe(
      "answer",
    );
    expect(await one.ask("pay", { amount: 100 })).toBe("allow");
  });

  test("of two that report an outcome, one settles it, and another outcome is refused", async () => {
    const [one, another] = await fleet(2);
    for (let run = 0; run < 20; run++) {
      const { call } = await one.call("pay", { amount: 1 });
      const report = (replica: Replica | undefined, status: string) =>
        replica?.engine.outcome({ call, status });
      const kinds = await Promise.all([report(one, "ok"), report(another, "error")]);
      expect(kinds.map((answer) => answer?.kind).sort()).toEqual(["already_settled", "answer"]);
    }
  });

  test("a session that is ended is ended everywhere at once", async () => {
    const [one, another] = await fleet(2);
    const session = { session: { id: "s" } };
    expect(await another?.ask("check", {}, session)).toBe("allow");
    await one.engine.sessions.interrupt("s");
    expect(await another?.ask("check", {}, session)).toBe("session_interrupted");
    expect(await another?.engine.sessions.reinstate("s")).toBe(true);
    expect(await one.ask("check", {}, session)).toBe("allow");
  });

  test("labels, latches and steps that one saw, all see", async () => {
    const [one, another] = await fleet(2);
    const session = { session: { id: "s" } };
    const task = { ...session, intent: { task: "errand" } };
    expect(await another?.ask("look", {}, session)).toBe("forbidden");
    const check = await one.call("check", {}, task);
    expect(await another?.ask("look", {}, task)).toBe("prerequisite_pending");
    await another?.engine.outcome({ call: check.call, status: "ok" });
    const look = await one.call("look", {}, task);
    expect(look.decision).toBe("allow");
    expect(await another?.ask("pay", { amount: 1 }, session)).toBe("forbidden");
    await another?.engine.outcome({ call: look.call, status: "ok", values: "text" });
    expect(await one.ask("pay", { amount: 1 }, session)).toBe("forbidden");
    expect(await one.ask("look", {}, session)).toBe("forbidden");
  });

  test("of two whose policies have other levels, neither takes what was returned for less", async () => {
    const [before, after] = [
      ["public", "internal", "secret"],
      ["open", "public", "private", "confidential", "secret"],
    ] as const;
    const url = place();
    const parts = { timeoutMs: 20_000 };
    const one = await replicaOf(programOf(levelled(before)), url, parts);
    const another = await replicaOf(programOf(levelled(after)), url, parts);
    replicas.push(one, another);
    const told = async (by: Replica, sensitivity: string, id: string, to = by) => {
      const resource = { type: "file", id: "f", sensitivity };
      const { call } = await by.call("read", {}, { session: { id }, resource });
      expect((await to.engine.outcome({ call, status: "ok" })).kind).toBe("answer");
    };
    const both = async (id: string) => [
      await sensitivityOf(id, before, one),
      await sensitivityOf(id, after, another),
    ];
    expect(await both("s")).toEqual(["public", "open"]);
    await told(one, "public", "s");
    expect(await both("s")).toEqual(["public", "public"]);
    // The lower of one's levels, and one that the other does not have: each keeps its own highest.
    await told(one, "internal", "s");
    expect(await both("s")).toEqual(["internal", "secret"]);
    await told(another, "private", "t", one);
    expect(await both("t")).toEqual(["secret", "private"]);
    await told(one, "secret", "u", another);
    await told(another, "public", "u");
    expect(await both("u")).toEqual(["secret", "secret"]);
    // In whatever order, and at once.
    await Promise.all([told(one, "internal", "v"), told(another, "private", "v")]);
    expect(await both("v")).toEqual(["secret", "secret"]);
    const { sessions } = await another.engine.inspection.sessions({ most: 5 });
    expect(sessions.map(({ id, sensitivity }) => [id, sensitivity]).sort()).toEqual([
      ["s", "secret"],
      ["t", "private"],
      ["u", "secret"],
      ["v", "secret"],
    ]);
  });

  test("of what kept positions alone, each is the highest", async () => {
    const levels = ["public", "internal", "secret"];
    const url = place();
    const replica = await replicaOf(programOf(levelled(levels)), url);
    replicas.push(replica);
    const sessions = `writ:{${url.slice(url.lastIndexOf("/") + 1)}}:sessions`;
    await redis.command("HSET", sessions, "s", "1767355200000 0 1 web", "t", "1767355200000 0 0");
    expect(await sensitivityOf("s", levels, replica)).toBe("secret");
    expect(await sensitivityOf("t", levels, replica)).toBe("public");
  });

  test("a call that rests on nothing is allowed without a name to settle", async () => {
    const plain = programOf("tool look { effect read }\npermit looking");
    const url = place();
    const replica = await replicaOf(plain, url);
    replicas.push(replica);
    const { call, decision } = await replica.call("look");
    expect([decision, call?.endsWith("-free")]).toEqual(["allow", true]);
    expect((await replica.engine.outcome({ call, status: "ok" })).kind).toBe("answer");
    const namespace = url.slice(url.lastIndexOf("/") + 1);
    expect(await redis.command("EXISTS", `writ:{${namespace}}:calls`)).toBe(0);
  });

  /** Two on one place, and what comes back through the first in one session. */
  const readers = async (parts: Partial<RedisParts> = {}) => {
    const program = programOf(`
      label untrusted
      tool read { effect read, yields untrusted, source sender }
      tool pay { effect write, args { to: String } }
      permit anything
      forbid planted tool pay when untrusted in origin(args.to)
    `);
    const url = place();
    const one = await replicaOf(program, url, { timeoutMs: 20_000 });
    const another = await replicaOf(program, url, { timeoutMs: 20_000, ...parts });
    replicas.push(one, another);
    const session = { session: { id: "s" } };
    const read = async (values: unknown) => {
      const { call } = await one.call("read", {}, session);
      expect((await one.engine.outcome({ call, status: "ok", values })).kind).toBe("answer");
    };
    const pay = (replica: Replica, to: string) => replica.ask("pay", { to }, session);
    return { one, another, read, pay, url };
  };
  /** Texts that are few, and each is kept with whom it comes from. */
  const manyFrom = (count: number) => ({
    sender: "\u5f20".repeat(500),
    body: Array.from({ length: count }, (_, n) => `word${n}`),
  });

  test("where a session was returned more than Redis keeps, origin is unknown to all", async () => {
    const { one, another, read, pay } = await readers();
    await read(manyFrom(7_000));
    await read("pay US1300");
    expect(await pay(one, "US1300")).toBe("state_unavailable");
    expect(await pay(another, "US1300")).toBe("state_unavailable");
  });

  test("what a session was returned is read in parts that are there in time, however much it was", async () => {
    let longest = 0;
    const measured: OpenLink = async (...asked) => {
      const link = await openLink(...asked);
      const send = async (command: readonly string[]) => {
        const answer = await link.send(command);
        longest = Math.max(longest, JSON.stringify(answer).length);
        return answer;
      };
      return { ...link, send };
    };
    const { one, another, read, pay, url } = await readers({ openLink: measured });
    await read(manyFrom(4_500));
    await read("pay US1300");
    expect([await pay(one, "US1300"), await pay(one, "word4499")]).toEqual([
      "forbidden",
      "forbidden",
    ]);
    expect([await pay(another, "US1300"), await pay(another, "word4499")]).toEqual([
      "forbidden",
      "forbidden",
    ]);
    expect(await pay(another, "word")).toBe("allow");
    const lengths = `writ:{${url.slice(url.lastIndexOf("/") + 1)}}:seen-lengths`;
    expect(Number(await redis.command("HGET", lengths, "s"))).toBeGreaterThan(6 * 1_048_576);
    expect(longest).toBeLessThan(1.5 * 1_048_576);
  });

  test("what is asked ahead is told of what others did, and leaves nothing", async () => {
    const [one, another] = await fleet(2);
    const pay = { agent: { id: "bot" }, tool: { name: "pay", args: { amount: 100 } } };
    const ahead = async () => {
      const answer = await another?.engine.preview(pay);
      return answer?.kind === "answer" ? outcomeOf(answer.value) : answer?.kind;
    };
    expect([await ahead(), await ahead()]).toEqual(["allow", "allow"]);
    expect(await one.ask("pay", { amount: 1 })).toBe("allow");
    expect(await ahead()).toBe("not_permitted");
    const session = { ...pay, session: { id: "s" } };
    await one.engine.sessions.interrupt("s");
    const { tool } = { tool: { name: "look" } };
    const foreseen = await another?.engine.foresee({ ...session, tool });
    expect(JSON.stringify(foreseen)).toContain("session_interrupted");
  });

  test("operators see what is kept, and by whom a session was ended", async () => {
    const [one, another] = await fleet(2);
    const session = { session: { id: "s" } };
    await one.ask("pay", { amount: 12.5 }, session);
    await another?.engine.sessions.interrupt("s", { by: "operator", names: ["ann"] });
    const state = await another?.engine.inspection.state(5);
    expect(state?.sessions.interrupted).toBe(1);
    expect(JSON.stringify(state?.counters)).toContain("12.5");
    const sessions = await one.engine.inspection.sessions({ most: 5 });
    expect(JSON.stringify(sessions)).toContain("ann");
    expect(JSON.stringify(await one.engine.inspection.session("s"))).toContain("pay");
  });
});

function childOn(url: string): ChildProcess {
  const path = fileURLToPath(new URL("../../support/shared-child.ts", import.meta.url));
  return fork(path, [url, POLICY], { stdio: "inherit" });
}
