import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Decision } from "../../../engine/decision.ts";
import { handOut } from "../../../engine/http/hand-out.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { outcomeOf } from "../../support/engine.ts";
import { approversOf, type Desk, desk, type Json, PAYMENT, paying } from "./support.ts";

const LARGE = paying(200);

async function held(at: Desk, request: Json = PAYMENT): Promise<Decision> {
  const decision = await at.ask(request);
  expect(outcomeOf(decision)).toBe("hold");
  return decision;
}

describe("a hold", () => {
  test("opens one approval of this very request, however often it is asked", async () => {
    const at = desk();
    const first = await held(at);
    expect(first.approval).toMatchObject({ status: "pending", except: ["bot", "planner"] });
    expect((await held(at)).approval?.id).toBe(first.approval?.id);
    expect((await held(at, LARGE)).approval?.id).not.toBe(first.approval?.id);
    expect(at.approvals.all().map(({ request }) => request)).toContainEqual(PAYMENT);
  });

  test("is allowed once, after the one it waits for has approved", async () => {
    const at = desk();
    const hold = await held(at);
    expect(await at.say("approve", hold, "alice")).toBe("approved");
    expect(at.recorded).toEqual([`approve ${hold.approval?.id} alice`]);
    expect(outcomeOf(await at.ask())).toBe("allow");
    const again = await held(at);
    expect(again.approval?.id).not.toBe(hold.approval?.id);
  });

  test("is used up by an allow that was made on it, also where that cannot be handed out", async () => {
    const at = desk();
    const hold = await held(at);
    await at.say("approve", hold, "alice");
    const answer = await handOut(at.service, PAYMENT, () => false);
    expect(answer).toMatchObject({ value: { code: "unsupported_obligation" } });
    expect(at.approvals.byId(hold.approval?.id ?? "")?.status).toBe("used");
    expect((await held(at)).approval?.id).not.toBe(hold.approval?.id);
    // The share of its budget that it held is there again.
    const more = await held(at, paying(500));
    for (const person of ["alice", "carol", "dave"] as const) await at.say("approve", more, person);
    expect(outcomeOf(await at.ask(paying(500)))).toBe("allow");
  });

  test("of which many copies are asked at once is allowed once", async () => {
    const at = desk();
    await at.say("approve", await held(at), "alice");
    const answers = await Promise.all(Array.from({ length: 20 }, () => at.ask()));
    expect(answers.map(outcomeOf).filter((one) => one === "allow")).toHaveLength(1);
    expect(answers.map(outcomeOf).filter((one) => one === "hold")).toHaveLength(19);
  });

  test("waits for every rule that holds it, and for two different people", async () => {
    const at = desk();
    const hold = await held(at, LARGE);
    expect(await at.say("approve", hold, "carol")).toBe("pending");
    expect(await at.say("approve", hold, "carol")).toMatch(/^approval_closed: carol has approved/);
    expect(await at.say("approve", hold, "alice")).toBe("pending");
    expect(outcomeOf(await at.ask(LARGE))).toBe("hold");
    expect(await at.say("approve", hold, "dave")).toBe("approved");
    expect(outcomeOf(await at.ask(LARGE))).toBe("allow");
  });
});

describe("an approval does not survive", () => {
  test.each<[string, Json]>([
    ["a changed argument", { tool: { name: "pay", args: { amount: 50.01 } } }],
    ["another session", { session: { id: "t" } }],
    ["another reason said", { intent: { reason: "because" } }],
    ["another group of the principal", { principal: { ...PAYMENT.principal, groups: ["staff"] } }],
  ])("%s", async (_, change) => {
    const at = desk();
    await at.say("approve", await held(at), "alice");
    expect(outcomeOf(await at.ask({ ...PAYMENT, ...change }))).toBe("hold");
    expect(outcomeOf(await at.ask())).toBe("allow");
  });

  test("its end", async () => {
    const at = desk();
    const hold = await held(at);
    await at.say("approve", hold, "alice");
    at.nowMs += 600_000;
    const again = await held(at);
    expect(again.approval?.id).not.toBe(hold.approval?.id);
    expect(await at.say("approve", hold, "alice")).toMatch(/^unknown_approval/);
  });

  test("nor is it used up where another rule denies the call", async () => {
    const at = desk();
    await at.say("approve", await held(at), "alice");
    for (let count = 0; count < 46; count += 1) await at.ask(paying(10));
    expect(outcomeOf(await at.ask())).toBe("not_permitted");
    expect(at.approvals.all().map(({ status }) => status)).toEqual(["approved"]);
  });
});

describe("nobody else approves", () => {
  test.each<[string, Parameters<ReturnType<typeof desk>["say"]>[2], RegExp]>([
    ["for whom it does not wait", "mallory", /^approval_refused: it does not wait/],
    ["who is in the chain under another id", "erin", /^approval_refused: the request came through/],
  ])("%s", async (_, by, refused) => {
    const at = desk();
    const hold = await held(at, LARGE);
    expect(await at.say("approve", hold, by)).toMatch(refused);
    expect(at.recorded).toEqual([]);
  });

  test("by the statement of an approver with the key of another", async () => {
    const at = desk();
    const hold = await held(at);
    const [header, , signature] = at.sign(hold, "mallory", {}).split(".");
    const [, claims] = at.sign(hold, "alice", {}).split(".");
    expect(await at.send("approve", `${header}.${claims}.${signature}`)).toMatch(/no key of this/);
    const [own] = at.sign(hold, "alice", {}).split(".");
    expect(await at.send("approve", `${own}.${claims}.${signature}`)).toMatch(/signature/);
  });

  test.each<[string, object, RegExp]>([
    ["was signed too long ago", { issuedAt: 1_767_355_200 - 121 }, /it has ended/],
    ["is signed for later", { issuedAt: 1_767_355_200 + 31 }, /in the future/],
    ["is of another request", { digest: "sha256:00" }, /^unknown_approval/],
    ["is of another approval", { approval: "a-other" }, /^unknown_approval/],
    ["says something else", { verdict: "refuse" }, /says `refuse`/],
  ])("by a statement that %s", async (_, said, refused) => {
    const at = desk();
    const hold = await held(at);
    expect(await at.send("approve", at.sign(hold, "alice", said))).toMatch(refused);
    expect(outcomeOf(await at.ask())).toBe("hold");
  });

  test("by a statement that was used before", async () => {
    const at = desk();
    const hold = await held(at);
    const statement = at.sign(hold, "alice", {});
    expect(await at.send("approve", statement)).toBe("approved");
    expect(await at.send("approve", statement)).toBe("approval_closed: it is approved");
    await at.ask();
    expect(await at.send("approve", statement)).toBe("approval_closed: it is used");
    await held(at);
    expect(await at.send("approve", statement)).toMatch(/^unknown_approval/);
    expect(outcomeOf(await at.ask())).toBe("hold");
  });
});

describe("a refusal", () => {
  test("stands until its end, whoever approves or asks later", async () => {
    const at = desk();
    const hold = await held(at, LARGE);
    await at.say("approve", hold, "carol");
    expect(await at.say("refuse", hold, "dave")).toBe("refused");
    expect(await at.say("approve", hold, "alice")).toBe("approval_closed: it is refused");
    const again = await held(at, LARGE);
    expect(again.approval).toMatchObject({ id: hold.approval?.id, status: "refused" });
    at.nowMs += 600_000;
    expect((await held(at, LARGE)).approval).toMatchObject({ status: "pending" });
  });

  test("is also of who had approved before", async () => {
    const at = desk();
    const hold = await held(at, LARGE);
    await at.say("approve", hold, "carol");
    expect(await at.say("refuse", hold, "carol")).toBe("refused");
  });
});

test("one agent cannot fill the list of what waits; another is still asked for", async () => {
  const at = desk();
  for (let cents = 0; cents < 100; cents += 1) await held(at, paying(11 + cents / 100));
  expect((await held(at, paying(99))).approval?.id).toBeUndefined();
  const [hop] = PAYMENT.delegation.chain;
  const other = {
    ...PAYMENT,
    agent: { id: "other" },
    delegation: { chain: [{ ...hop, to: "other" }] },
  };
  expect((await held(at, other)).approval?.id).toBeDefined();
});

test("what waits already is not read anew at each hold", async () => {
  const ledger = new MemoryLedger();
  const at = desk(ledger);
  await held(at);
  const [opened] = at.approvals.all();
  let readCount = 0;
  for (let index = 0; index < 50; index += 1) {
    const text = JSON.stringify({ ...opened, id: `a-${index}`, request: { agent: {} } });
    const entry = {
      untilMs: Number.MAX_SAFE_INTEGER,
      get text() {
        readCount += 1;
        return text;
      },
    };
    ledger.take("approval", `sha256:${index}`, entry);
  }
  readCount = 0;
  expect((await held(at, paying(20))).approval?.id).toBeDefined();
  expect(readCount).toBe(0);
});

test("those of an agent that wait are counted whoever opened them, and no more once they are over", async () => {
  const ledger = new MemoryLedger();
  const other = desk(ledger);
  const holds: Decision[] = [];
  for (let cents = 0; cents < 99; cents += 1) {
    holds.push(await held(other, paying(11 + cents / 100)));
  }
  const at = desk(ledger);
  expect((await held(at, paying(98))).approval?.id).toBeDefined();
  expect((await held(at, paying(99))).approval?.id).toBeUndefined();
  const [first] = holds;
  if (first === undefined) throw new Error("nothing was held");
  await other.say("refuse", first, "alice");
  expect((await held(at, paying(99))).approval?.id).toBeDefined();
});

test("a ledger that fails leaves every hold a hold, and an approval in use used", async () => {
  class Failing extends MemoryLedger {
    isBroken = false;
    override put(change: Parameters<MemoryLedger["put"]>[0]) {
      if (this.isBroken) throw new Error("the disk is gone");
      return super.put(change);
    }
  }
  const ledger = new Failing();
  const at = desk(ledger);
  await at.say("approve", await held(at), "alice");
  ledger.isBroken = true;
  expect(outcomeOf(await at.ask())).toBe("hold");
  expect((await held(at, paying(60))).approval?.id).toBeUndefined();
  expect(at.recorded.filter((one) => one.includes("the disk is gone")).length).toBeGreaterThan(0);
});

test("one person is one approver, by every id and every key", () => {
  const carol = { id: "carol", groups: ["treasury"], keys: ["carol"] };
  expect(approversOf([carol]).ok).toBe(true);
  for (const twin of [
    { id: "carol2", keys: ["carol"] },
    { id: "carol", keys: ["dave"] },
    { id: "dave", also: ["carol"], keys: ["dave"] },
    { id: "dave", keys: [] },
    { id: "dave", keys: ["nobody"] },
    { id: "dave", keys: ["dave"], kind: "human" },
  ]) {
    expect(approversOf([carol, twin]).ok, JSON.stringify(twin)).toBe(false);
  }
});

test("the approvers of docs/delegation.md are accepted", () => {
  const text = readFileSync(new URL("../../../docs/delegation.md", import.meta.url), "utf8");
  const shown = /^```yaml\n# approvers\.yaml.*?\n(.*?)^```/ms.exec(text)?.[1] ?? "";
  const { approvers } = parse(shown);
  const people = approvers.map((one: Json & { id: string }) => ({ ...one, keys: [one.id] }));
  expect(people.length).toBeGreaterThan(1);
  expect(approversOf(people)).toMatchObject({ ok: true });
});
