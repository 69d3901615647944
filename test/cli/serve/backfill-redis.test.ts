/** Counters that are declared late, in a fleet: each process fills in from its own log, and every call counts once. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { directoryWith } from "../../support/cli.ts";
import { describeRedis, startRedis, type TestRedis } from "../../support/redis.ts";
import { type Serving, serve } from "../../support/served.ts";

const BEFORE = `package shop
tool pay { effect write, args { amount: Decimal, to: String } }
permit paying tool pay
`;
const AFTER = `${BEFORE}
counter paid = sum args.amount of allowed pay per agent within 24h
counter payees = distinct args.to of allowed pay per agent
forbid much tool pay when paid + args.amount > 100.00
forbid many tool pay when payees >= 3
`;
const WHOLE = "--audit-requests";
const MINUTE = 60_000;

/** An answer came too late. */
class TooBusy extends Error {}

describeRedis("a counter that is declared while a fleet decides", () => {
  let redis: TestRedis;
  let namespaces = 0;
  let url = "";
  const running: Serving[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  afterEach(() => stopAll());
  const stopAll = async () => {
    await Promise.all(running.splice(0).map((one) => one.stop()));
  };
  const freshPlace = () => {
    url = `redis://127.0.0.1:${redis.port}/b${namespaces++}`;
  };
  const start = async (cwd: string, ...more: string[]): Promise<Serving> => {
    const service = await serve(["p", "--state", url, "--watch", ...more], cwd);
    running.push(service);
    return service;
  };
  const change = (cwd: string, text: string) => writeFileSync(join(cwd, "p/p.writ"), text);
  const declare = async (cwd: string, service: Serving) => {
    change(cwd, AFTER);
    return await service.event("declared_late");
  };
  const ask = async (service: Serving, amount: number, to: string) => {
    const request = { agent: { id: "bot" }, tool: { name: "pay", args: { amount, to } } };
    return (await service.ask("/decide", request)).json;
  };
  const pay = async (service: Serving, amount: number, to = "ann") => {
    const answer = await ask(service, amount, to);
    if (answer.code === "state_unavailable") throw new TooBusy();
    return answer;
  };
  /** Begun anew where the machine was too busy for an answer within 50 ms: nobody can say what that one counted. */
  const scenario = (run: () => Promise<void>) => async () => {
    for (let tries = 0; ; tries++) {
      freshPlace();
      try {
        return await run();
      } catch (fault) {
        await stopAll();
        if (!(fault instanceof TooBusy) || tries === 4) throw fault;
      }
    }
  };
  /** What the store has counted for the agent: ten-thousandths, and how many. */
  const counted = async () => {
    const namespace = url.slice(url.lastIndexOf("/") + 1);
    const keys = (await redis.command("KEYS", `writ:{${namespace}}:*`)) as string[];
    const [uses = ""] = keys.filter((key) => key.includes(":uses:"));
    const distinct = uses.split(":").at(-2) ?? "none";
    const [table = ""] = keys.filter((key) => key.includes(":counter:") && !key.includes(distinct));
    const cell = String(await redis.command("HGET", table, "bot"))
      .split(" ")
      .slice(1);
    const sum = cell.reduce((all, word, at) => (at % 2 === 1 ? all + Number(word) : all), 0);
    return { paid: sum / 10_000, payees: await redis.command("HLEN", uses) };
  };

  test(
    "is given what each process knows of itself, once",
    scenario(async () => {
      const [here, there] = [
        directoryWith({ "p/p.writ": BEFORE }),
        directoryWith({ "p/p.writ": BEFORE }),
      ];
      const [one, another] = [await start(here, WHOLE), await start(there, WHOLE)];
      expect(await pay(one, 60, "ann")).toMatchObject({ decision: "allow" });
      expect(await pay(another, 30, "bob")).toMatchObject({ decision: "allow" });
      const failing = await pay(another, 20, "cid");
      await another.ask("/outcome", { call: failing.call, status: "error" });

      // What the other decided is not known yet, and that is said.
      expect((await declare(here, one)).counters).toMatchObject([
        { since: expect.any(String) },
        {},
      ]);
      expect(await counted()).toEqual({ paid: 60, payees: 1 });
      const early = await pay(one, 1, "ann");
      expect(early).toMatchObject({ decision: "allow", counts_since: [{ counter: "paid" }, {}] });
      // By the old policy still, and counted once it has the new one.
      expect(await pay(another, 4, "ann")).toMatchObject({ decision: "allow" });
      expect((await declare(there, another)).counters).toEqual([
        { counter: "paid" },
        { counter: "payees" },
      ]);
      expect(await counted()).toEqual({ paid: 95, payees: 2 });
      expect(await pay(another, 6)).toMatchObject({ code: "forbidden" });
      const rest = await pay(another, 5);
      expect(rest.decision).toBe("allow");
      expect(rest.counts_since).toBeUndefined();
      await stopAll();

      for (const cwd of [here, there]) await start(cwd, WHOLE);
      expect(await counted()).toEqual({ paid: 100, payees: 2 });
    }),
    MINUTE,
  );

  test(
    "and given up, and declared again: what was decided between is filled in as well",
    scenario(async () => {
      const cwd = directoryWith({ "p/p.writ": BEFORE });
      const service = await start(cwd, WHOLE);
      expect(await pay(service, 10)).toMatchObject({ decision: "allow" });
      await declare(cwd, service);
      expect(await pay(service, 20, "bob")).toMatchObject({ decision: "allow" });
      await stopAll();
      change(cwd, BEFORE);
      const without = await start(cwd, WHOLE);
      expect(await pay(without, 30, "cid")).toMatchObject({ decision: "allow" });
      expect(await counted()).toEqual({ paid: 30, payees: 2 });
      await declare(cwd, without);
      expect(await counted()).toEqual({ paid: 60, payees: 3 });
    }),
    MINUTE,
  );

  const UNTOLD = [
    { what: "where requests are not recorded", less: [] },
    { what: "where a process records nothing", less: ["--audit", "off"] },
  ];
  for (const { what, less } of UNTOLD) {
    const run = async () => {
      const [here, there] = [
        directoryWith({ "p/p.writ": BEFORE }),
        directoryWith({ "p/p.writ": BEFORE }),
      ];
      const [one, another] = [await start(here, ...less), await start(there, WHOLE)];
      expect(await pay(one, 10)).toMatchObject({ decision: "allow" });
      expect(await pay(another, 20)).toMatchObject({ decision: "allow" });
      const since = { since: expect.any(String) };
      expect((await declare(here, one)).counters).toMatchObject([since, since]);
      expect((await declare(there, another)).counters).toMatchObject([since, since]);
      // What is known is counted all the same: less would be worse.
      expect(await counted()).toEqual({ paid: 20, payees: 1 });
      expect(await pay(another, 1)).toMatchObject({ counts_since: [{ counter: "paid" }, {}] });
    };
    test(`says since when it counts, ${what}`, scenario(run), MINUTE);
  }

  test(
    "and filled in by half: it stays at that, and says since when it counts",
    scenario(async () => {
      const cwd = directoryWith({ "p/p.writ": BEFORE });
      const first = await start(cwd, WHOLE);
      expect(await pay(first, 10)).toMatchObject({ decision: "allow" });
      await declare(cwd, first);
      await stopAll();
      const namespace = url.slice(url.lastIndexOf("/") + 1);
      const through = `writ:{${namespace}}:filled-through`;
      const fields = (await redis.command("HGETALL", through)) as string[];
      for (let at = 0; at < fields.length; at += 2) {
        await redis.command("HSET", through, fields[at] ?? "", `${fields[at + 1]}?`);
      }
      await redis.command("DEL", `writ:{${namespace}}:filled`);
      const second = await start(cwd, WHOLE);
      expect(await pay(second, 1)).toMatchObject({ counts_since: [{ counter: "paid" }, {}] });
      expect(await counted()).toEqual({ paid: 11, payees: 1 });
    }),
    MINUTE,
  );

  test(
    "while calls are decided: none is missed, and none is counted twice",
    scenario(async () => {
      const cwd = directoryWith({ "p/p.writ": BEFORE });
      const service = await start(cwd, WHOLE);
      let allowed = 0;
      let unanswered = 0;
      let isOver = false;
      const caller = async () => {
        while (!isOver) {
          const answer = await ask(service, 0.01, "ann");
          if (answer.decision === "allow") allowed += 1;
          if (answer.code === "state_unavailable") unanswered += 1;
        }
      };
      const callers = [caller(), caller(), caller(), caller()];
      await declare(cwd, service);
      isOver = true;
      await Promise.all(callers);
      const { paid } = await counted();
      expect(allowed).toBeGreaterThan(0);
      // What was not answered in time may have been counted.
      expect(Math.round(paid * 100)).toBeGreaterThanOrEqual(allowed);
      expect(Math.round(paid * 100)).toBeLessThanOrEqual(allowed + unanswered);
    }),
    MINUTE,
  );

  test(
    "names its log in a file of its own",
    scenario(async () => {
      const cwd = directoryWith({ "p/p.writ": BEFORE });
      await start(cwd);
      expect(readdirSync(join(cwd, ".writ"))).toContain("audit.jsonl.name");
    }),
    MINUTE,
  );
});
