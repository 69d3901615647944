import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openBackfill, readAll } from "../../../cli/serve/backfill.ts";
import { createEngine } from "../../../engine/engine.ts";
import { createMemoryStore } from "../../../engine/state/memory.ts";
import { spellTime } from "../../../lang/scalar/time.ts";
import { directoryWith } from "../../support/cli.ts";
import { outcomeOf, programOf, START } from "../../support/engine.ts";
import { type Serving, serve } from "../../support/served.ts";

const running: Serving[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

const BEFORE = `package shop
tool pay { effect write, args { amount: Decimal } }
permit paying tool pay
`;
const AFTER = `${BEFORE}
counter paid = sum args.amount of allowed pay per agent within 24h
forbid much tool pay when paid + args.amount > 100.00
`;
const LATCHING = `${AFTER}
latch paying = allowed pay per agent
forbid again tool pay when args.amount < 0.00 and paying
`;

const ONCE = `${BEFORE}
latch paying = allowed pay per agent
forbid again tool pay when paying
`;

async function start(cwd: string, ...more: string[]): Promise<Serving> {
  const service = await serve(["p", ...more], cwd);
  running.push(service);
  return service;
}

function change(cwd: string, text: string): void {
  writeFileSync(join(cwd, "p/p.writ"), text);
}

async function pay(service: Serving, amount: number) {
  const request = { agent: { id: "bot" }, tool: { name: "pay", args: { amount } } };
  return (await service.ask("/decide", request)).json;
}

describe("what is declared while calls are decided", () => {
  test("is given what the audit log knows, and again nothing after a restart", async () => {
    const cwd = directoryWith({ "p/p.writ": BEFORE });
    const first = await start(cwd, "--watch", "--audit-requests");
    expect(await pay(first, 60)).toMatchObject({ decision: "allow" });
    const failing = await pay(first, 30);
    await first.ask("/outcome", { call: failing.call, status: "error" });
    change(cwd, AFTER);
    expect(await first.event("declared_late")).toMatchObject({ counters: [{ counter: "paid" }] });
    expect(await pay(first, 41)).toMatchObject({ code: "forbidden" });
    const rest = await pay(first, 30);
    expect(rest.decision).toBe("allow");
    expect(rest.counts_since).toBeUndefined();
    await first.stop();

    const second = await start(cwd, "--audit-requests");
    expect(await pay(second, 11)).toMatchObject({ code: "forbidden" });
    expect(await pay(second, 10)).toMatchObject({ decision: "allow" });
  });

  test("one that comes back has what it counted before, and says since when it was away", async () => {
    const cwd = directoryWith({ "p/p.writ": AFTER });
    const service = await start(cwd, "--watch", "--audit-requests");
    expect(await pay(service, 50)).toMatchObject({ decision: "allow" });
    change(cwd, BEFORE);
    await service.event("policy_activated");
    expect(await pay(service, 10)).toMatchObject({ decision: "allow" });
    change(cwd, AFTER);
    const { counters } = await service.event("declared_late");
    const since = expect.any(String);
    expect(counters).toMatchObject([{ counter: "paid", since }]);
    expect(await pay(service, 41)).toMatchObject({
      code: "forbidden",
      counts_since: [{ counter: "paid", since }],
    });
    expect(await pay(service, 40)).toMatchObject({ decision: "allow" });
  });

  test("a latch is as the audit log has it, and stays so after a restart", async () => {
    const cwd = directoryWith({ "p/p.writ": BEFORE });
    const first = await start(cwd, "--audit-requests");
    expect(await pay(first, 60)).toMatchObject({ decision: "allow" });
    await first.stop();
    change(cwd, ONCE);
    const second = await start(cwd, "--audit-requests");
    expect(await second.event("declared_late")).toMatchObject({ latches: [{ latch: "paying" }] });
    const denied = await pay(second, 1);
    expect(denied).toMatchObject({ code: "forbidden" });
    expect(denied.counts_since).toBeUndefined();
    await second.stop();
    const third = await start(cwd, "--audit-requests");
    expect(await pay(third, 1)).toMatchObject({ code: "forbidden" });
  });

  test("is filled at the start as well, where the policy changed meanwhile", async () => {
    const cwd = directoryWith({ "p/p.writ": BEFORE });
    const first = await start(cwd, "--audit-requests");
    expect(await pay(first, 60)).toMatchObject({ decision: "allow" });
    await first.stop();
    change(cwd, AFTER);
    const second = await start(cwd, "--audit-requests");
    expect(await pay(second, 41)).toMatchObject({ code: "forbidden" });
  });

  test("is given all lines, though the log goes on in another file while it is read", async () => {
    const lines = (...numbers: number[]) =>
      numbers.map((n) => `${JSON.stringify({ n, record: {} })}\n`).join("");
    const cwd = directoryWith({ "a.000001.jsonl": lines(0, 1), "a.jsonl": lines(2, 3) });
    const path = join(cwd, "a.jsonl");
    const read: number[] = [];
    const add = (_record: unknown, line: number) => {
      if (read.push(line) > 1) return;
      renameSync(path, join(cwd, "a.000002.jsonl"));
      writeFileSync(path, lines(4, 5));
    };
    await readAll({ add }, path, 0);
    expect(read).toEqual([0, 1, 2, 3]);
  });

  test("says since when it counts, where requests were not recorded", async () => {
    const cwd = directoryWith({ "p/p.writ": BEFORE });
    const service = await start(cwd, "--watch");
    expect(await pay(service, 60)).toMatchObject({ decision: "allow" });
    change(cwd, LATCHING);
    const since = expect.any(String);
    expect(await service.event("declared_late")).toMatchObject({
      counters: [{ counter: "paid", since }],
      latches: [{ latch: "paying", since }],
    });
    expect(await pay(service, 60)).toMatchObject({
      decision: "allow",
      counts_since: [{ counter: "paid" }],
    });
  });
});

test("a policy that came and went before the log was read does not take its place from the next", async () => {
  const store = createMemoryStore();
  let [nowMs, count] = [START, 0];
  const ids = { decision: () => "d", call: () => `c${++count}` };
  const engineOf = (text: string) => {
    const [program, digest] = [programOf(text), `sha256:${text.length}`];
    const engine = createEngine({ program, digest, store, clock: () => nowMs, ids });
    const pay = (amount: number) => {
      const request = { agent: { id: "bot" }, tool: { name: "pay", args: { amount } } };
      const answer = engine.decide(request);
      if (answer.kind !== "answer") throw new Error(answer.kind);
      const whole = { request, now: nowMs };
      const decided = { kind: "decision", at: spellTime(nowMs), policy: { digest }, whole };
      return { code: outcomeOf(answer.value), record: { ...decided, ...answer.value } };
    };
    return { engine, pay, policy: { program, digest, service: engine } };
  };
  const body = (text: string) => text.replace("package shop\n", "");
  const [before, between, after] = [
    engineOf(body(BEFORE)),
    engineOf(
      `${body(BEFORE)}counter others = count allowed pay per agent\npermit others tool pay when others < 9`,
    ),
    engineOf(body(AFTER)),
  ] as const;
  const cwd = directoryWith({});
  const path = join(cwd, "audit.jsonl");
  writeFileSync(path, `${JSON.stringify({ n: 0, record: before.pay(60).record })}\n`);
  const gate = Promise.withResolvers<void>();
  const io = { out: () => {}, err: () => {} } as unknown as Parameters<typeof openBackfill>[2];
  const input = { json: true } as Parameters<typeof openBackfill>[1];
  const backfill = openBackfill({ path, written: () => gate.promise }, input, io);
  for (const { policy, engine } of [between, after]) {
    nowMs += 1_000;
    backfill.know(policy.program, engine);
    backfill.onSwap(policy);
    // The first of them is about to read the log by then.
    await new Promise(setImmediate);
  }
  expect(after.pay(1).code).toBe("allow");
  nowMs += 1_000;
  gate.resolve();
  await backfill.settled();
  expect(after.pay(40).code).toBe("forbidden");
  expect(after.engine.backfill.since()).toBeUndefined();
});
