import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { showApproval } from "../../../cli/admin/approvals.ts";
import { type ApprovalStatus, viewOf } from "../../../engine/approvals/approval.ts";
import { NO_APPROVERS } from "../../../engine/approvals/approvers.ts";
import type { Decision } from "../../../engine/decision.ts";
import { handOut } from "../../../engine/http/hand-out.ts";
import type { VouchedParty } from "../../../engine/identity/vouched.ts";
import { ENTRIES_MOST } from "../../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { outcomeOf } from "../../support/engine.ts";
import {
  approversOf,
  type Desk,
  desk,
  type Json,
  PAYMENT,
  type Person,
  POLICY,
  paying,
} from "./support.ts";

const LARGE = paying(200);

function partyOf(party: string | { readonly id: string }): VouchedParty {
  const isNamed = typeof party === "string";
  return isNamed ? { id: party, kind: "autonomous" } : { id: party.id, kind: "human" };
}

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
    expect(at.approvals.newest(9).approvals.map(({ request }) => request)).toContainEqual(PAYMENT);
  });

  test("shows whom its tokens told of, which approvers are not shown", async () => {
    const policy = `tool pay { effect write, args { amount: Decimal } }
      permit paying tool pay
      hold boss tool pay until approved by delegation.root`;
    const at = desk(new MemoryLedger(), { policy });
    const { chain: asserted } = PAYMENT.delegation;
    const chain = asserted.map((hop) => ({ ...hop, from: partyOf(hop.from), to: partyOf(hop.to) }));
    const token = { type: "link", issuer: "https://idp", subject: "bot", digest: "x" };
    const delegation = { ok: true, chain, agent: {}, principal: {}, tokens: [token] } as const;
    const { principal: _, ...request } = { ...PAYMENT, delegation: { tokens: ["a.b.c"] } };
    const answer = await at.service.decide(request, { delegation });
    expect(answer).toMatchObject({ value: { decision: "hold", approval: { status: "pending" } } });
    const [opened] = at.approvals.newest(1).approvals;
    if (opened === undefined) throw new Error("nothing was opened");
    const { shown, request: seen } = viewOf(opened, "pending");
    expect(shown).toEqual({ root: "alice", actors: ["bot", "planner"], issuers: ["https://idp"] });
    expect(JSON.stringify(seen)).not.toContain("a.b.c");
    const page = showApproval(viewOf(opened, "pending"), (_style, text) => text);
    expect(page).toMatch(/for +alice\n +through +bot, planner\n/);
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

  test("its end, which is the first one that was told", async () => {
    const at = desk();
    const { approval } = await held(at);
    at.nowMs += 300_000;
    expect((await held(at)).approval).toEqual(approval);
    at.nowMs += 300_000;
    expect((await held(at)).approval?.id).not.toBe(approval?.id);
  });

  test("the end of a rule that holds the call only later", async () => {
    const policy = `
      tool pay { effect write, args { amount: Decimal } }
      counter asked = count attempts per session within 1h
      permit paying tool pay
      hold staff tool pay until approved by group "staff" within 1h
      hold often tool pay when asked >= 1 until approved by group "treasury" within 5m
      `;
    const at = desk(new MemoryLedger(), { policy });
    const first = await held(at);
    await at.say("approve", first, "alice");
    const second = await held(at);
    expect(second.approval?.id).toBe(first.approval?.id);
    expect(Date.parse(second.approval?.until ?? "")).toBe(at.nowMs + 300_000);
    await at.say("approve", second, "carol");
    at.nowMs += 300_000;
    expect((await held(at)).approval?.id).not.toBe(first.approval?.id);
  });

  test("but a rule that holds it only later, and asks whoever has approved", async () => {
    const carol = { groups: ["treasury", "staff"] };
    const policy = `
      tool pay { effect write, args { amount: Decimal } }
      permit paying tool pay
      hold staff tool pay until approved by group "staff" within 1h
      `;
    const at = desk(new MemoryLedger(), { policy, changed: { carol } });
    const first = await held(at);
    const { approval } = first;
    if (approval === undefined) throw new Error("nothing to wait for");
    expect(await at.say("approve", first, "carol")).toBe("approved");
    // A retry that was decided before she spoke, and comes to open after.
    const more = (group: string): Decision => ({
      ...first,
      approval: { ...approval, by: [...approval.by, { rule: "later", group, count: 1 }] },
    });
    expect(await at.approvals.open(more("treasury"), PAYMENT)).toMatchObject({
      status: "approved",
    });
    expect(await at.approvals.open(more("sre"), PAYMENT)).toMatchObject({ status: "pending" });
  });

  test("another policy, and counts again where its own comes back before its end", async () => {
    const ledger = new MemoryLedger();
    const before = desk(ledger);
    const first = await held(before);
    expect(await before.say("approve", first, "alice")).toBe("approved");
    const between = desk(ledger, { digest: "sha256:other" });
    expect((await held(between)).approval?.id).not.toBe(first.approval?.id);
    const after = desk(ledger);
    expect((await after.ask()).decision).toBe("allow");
    expect((await held(after)).approval?.id).not.toBe(first.approval?.id);
  });

  test.each<[string, Json | undefined]>([
    ["is no approver any more", undefined],
    ["is in its group no more", { groups: ["staff"] }],
    ["has another key since", { keys: ["new"] }],
    ["is known to be somebody in the chain", { also: ["bot"] }],
  ])("that who gave it %s", async (_, carol) => {
    const ledger = new MemoryLedger();
    const before = desk(ledger);
    const hold = await held(before, LARGE);
    for (const by of ["alice", "carol", "dave"] as const) await before.say("approve", hold, by);
    const at = desk(ledger, { changed: { carol } });
    const again = await held(at, LARGE);
    expect(again.approval?.id).not.toBe(hold.approval?.id);
  });

  test("but a new group and a new key beside the old one", async () => {
    const ledger = new MemoryLedger();
    const before = desk(ledger);
    const hold = await held(before, LARGE);
    for (const by of ["alice", "carol", "dave"] as const) await before.say("approve", hold, by);
    const carol = { groups: ["treasury", "staff"], keys: ["carol", "new"] };
    expect(outcomeOf(await desk(ledger, { changed: { carol } }).ask(LARGE))).toBe("allow");
  });

  test("the revocation of who gave it", async () => {
    const at = desk();
    const hold = await held(at, LARGE);
    for (const person of ["alice", "carol", "dave"] as const) await at.say("approve", hold, person);
    const order = { kind: "principal", id: "carol", by: "op", because: "left" } as const;
    await at.revocations.revoke(order);
    const again = await held(at, LARGE);
    expect(again.approval?.id).not.toBe(hold.approval?.id);
    expect(await at.say("approve", again, "carol")).toBe("approval_refused: carol was revoked");
    expect(await at.say("refuse", again, "carol")).toBe("approval_refused: carol was revoked");
    at.nowMs += 10_000;
    await at.revocations.reactivate(order);
    const early = { issuedAt: at.nowMs / 1_000 - 5 };
    at.nowMs += 1_000;
    expect(await at.say("approve", again, "carol", early)).toMatch(/^approval_refused/);
    expect(await at.say("approve", again, "carol")).toBe("pending");
  });

  test("the revocation of another id of who gave it", async () => {
    const at = desk();
    const { agent, tool, session } = LARGE;
    const own = { agent, tool, session, principal: { id: "alice", kind: "human" } };
    const hold = await held(at, own);
    for (const person of ["alice", "dave"] as const) await at.say("approve", hold, person);
    expect(await at.say("approve", hold, "erin")).toBe("approved");
    await at.revocations.revoke({ kind: "agent", id: "planner", by: "op", because: "lost" });
    expect(outcomeOf(await at.ask(own))).toBe("hold");
  });

  test("nor is it used up where another rule denies the call", async () => {
    const at = desk();
    await at.say("approve", await held(at), "alice");
    for (let count = 0; count < 46; count += 1) await at.ask(paying(10));
    expect(outcomeOf(await at.ask())).toBe("not_permitted");
    expect(at.approvals.newest(9).approvals.map(({ status }) => status)).toEqual(["approved"]);
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

  test("by a statement that is signed for later by one of two clocks", async () => {
    const at = desk();
    const hold = await held(at);
    at.behindMs = 30_001;
    expect(await at.say("approve", hold, "alice")).toMatch(/in the future/);
    at.behindMs = 30_000;
    expect(await at.say("approve", hold, "alice")).toBe("approved");
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

test("who hands on to others without end fills no more than half of the list", async () => {
  const ledger = new MemoryLedger();
  const at = desk(ledger);
  const { approval } = await held(at);
  const [opened] = at.approvals.newest(9).approvals;
  for (let index = 1; index < 1_000; index += 1) {
    const agent = { id: `bot/${index}` };
    const more = { id: `a-${index}`, except: ["bot", agent.id], request: { agent } };
    const text = JSON.stringify({ ...opened, ...more });
    ledger.take("approval", `sha256:${index}`, { untilMs: opened?.untilMs ?? 0, text });
  }
  expect((await held(at, paying(60))).approval?.id).toBeUndefined();
  expect((await held(at)).approval?.id).toBe(approval?.id);
  const other = { agent: { id: "other" }, principal: PAYMENT.principal };
  const { tool, session } = PAYMENT;
  expect((await held(at, { tool, session, ...other })).approval?.id).toBeDefined();
});

test("what was used or withdrawn makes room; what is refused stands", async () => {
  const ledger = new MemoryLedger(undefined, { ...ENTRIES_MOST, approval: 3 });
  const at = desk(ledger);
  const open = async (amount: number) => {
    const hold = await held(at, paying(amount));
    return { id: hold.approval?.id ?? "", digest: hold.approval?.digest ?? "", hold };
  };
  const refused = await open(20);
  await at.say("refuse", refused.hold, "alice");
  const used = await open(21);
  await at.say("approve", used.hold, "alice");
  expect(outcomeOf(await at.ask(paying(21)))).toBe("allow");
  const withdrawn = await open(22);
  await at.approvals.withdraw(withdrawn.digest, withdrawn.id);
  for (const amount of [23, 24]) expect((await open(amount)).id).not.toBe("");
  expect((await open(25)).id).toBe("");
  expect((await held(at, paying(20))).approval).toMatchObject({ status: "refused" });
});

test.each<[string, readonly ["approve" | "refuse", Person][], readonly string[]]>([
  [
    "approvals",
    [
      ["approve", "carol"],
      ["approve", "dave"],
    ],
    ["carol pending", "dave pending", "dave approved"],
  ],
  [
    "a refusal and an approval",
    [
      ["refuse", "carol"],
      ["approve", "dave"],
    ],
    ["carol refused", "dave pending", "dave refused"],
  ],
])("of %s that come at once the last record says what became of it", async (_, said, records) => {
  const at = desk();
  const hold = await held(at, LARGE);
  await at.say("approve", hold, "alice");
  const recorded: string[] = [];
  // Nothing is kept before both are recorded, and then in their order.
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const send = ([verdict, by]: (typeof said)[number], isReady: Promise<void>, next: () => void) =>
    at.approvals.take(at.sign(hold, by, { verdict }), verdict, async ({ status }) => {
      recorded.push(`${by} ${status}`);
      next();
      await isReady;
    });
  const [one, other] = said;
  if (one === undefined || other === undefined) throw new Error("two say something");
  const sent = send(one, second.promise, first.resolve);
  await first.promise;
  await Promise.all([
    sent,
    send(
      other,
      sent.then(() => {}),
      second.resolve,
    ),
  ]);
  expect(recorded).toEqual(records);
});

test.each([
  ["agent", "bot"],
  ["principal", "alice"],
  ["agent", "planner"],
  ["session", "s"],
  ["task", "errand"],
  ["everything", ""],
] as const)("what rests on %s %s is shown as revoked with it", async (kind, id) => {
  const at = desk(undefined, { policy: `${POLICY}\ntask errand { sequence pay* }` });
  const request = { ...PAYMENT, intent: { task: "errand" } };
  const waiting = await held(at, request);
  const approved = await held(at, { ...request, tool: { name: "pay", args: { amount: 20 } } });
  await at.say("approve", approved, "alice");
  const other = { agent: { id: "other" }, principal: { id: "zoe", kind: "human" } };
  await held(at, { ...other, tool: PAYMENT.tool });
  await at.revocations.revoke({ kind, id, by: "op", because: "lost" });
  const shown = (status?: ApprovalStatus) =>
    at.approvals.newest(9, status).approvals.map((one) => one.id);
  const ids = [waiting, approved].map(({ approval }) => approval?.id);
  expect(new Set(shown("revoked"))).toEqual(new Set(kind === "everything" ? shown() : ids));
  expect(at.approvals.newest(1, "revoked").count).toBe(kind === "everything" ? 3 : 2);
  expect([...shown("pending"), ...shown("approved")]).toHaveLength(kind === "everything" ? 0 : 1);
  expect(shown()).toHaveLength(3);
  const found = at.approvals.byId(ids[0] ?? "");
  expect(found && at.approvals.statusOf(found)).toBe("revoked");
});

test("where nobody might approve, nobody is asked, and nothing is kept of the request", async () => {
  const ledger = new MemoryLedger();
  const at = desk(ledger, { approvers: NO_APPROVERS });
  expect((await held(at)).approval).not.toHaveProperty("id");
  expect([...ledger.entries("approval")]).toEqual([]);
});

test("no more are read than are shown", async () => {
  const ledger = new MemoryLedger();
  const at = desk(ledger);
  const ids: (string | undefined)[] = [];
  for (const amount of [20, 30, 40]) {
    ids.unshift((await held(at, paying(amount))).approval?.id);
    at.nowMs += 1;
  }
  const { approvals, count } = at.approvals.newest(2, "pending");
  expect(approvals.map(({ id }) => id)).toEqual(ids.slice(0, 2));
  expect(count).toBe(3);
  at.nowMs += 600_000;
  expect(at.approvals.newest(2, "pending")).toEqual({ approvals: [], count: 0 });
  expect(at.approvals.newest(2, "expired").count).toBe(3);
});

test("what waits already is not read anew at each hold", async () => {
  const ledger = new MemoryLedger();
  const at = desk(ledger);
  await held(at);
  const [opened] = at.approvals.newest(9).approvals;
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

describe("an approval that was used for nothing is given back", () => {
  /** In use, and meanwhile asked for again. */
  const inUse = async (at: Desk) => {
    const hold = await held(at);
    await at.say("approve", hold, "alice");
    const found = at.approvals.approvedOf(PAYMENT, "sha256:test");
    const used = found && (await at.approvals.use(found));
    if (used === undefined) throw new Error("it was not used");
    return { hold, used, meanwhile: await held(at) };
  };

  test("also where the same request was held meanwhile", async () => {
    const at = desk();
    const { hold, used, meanwhile } = await inUse(at);
    expect(meanwhile.approval?.id).not.toBe(hold.approval?.id);
    await at.approvals.giveBack(used);
    expect(at.approvals.byId(hold.approval?.id ?? "")?.status).toBe("approved");
    expect(at.approvals.byId(meanwhile.approval?.id ?? "")).toBeUndefined();
    expect(outcomeOf(await at.ask())).toBe("allow");
    expect(outcomeOf(await at.ask())).toBe("hold");
  });

  test("also where it made room meanwhile", async () => {
    const ledger = new MemoryLedger();
    const at = desk(ledger);
    const { used } = await inUse(at);
    ledger.drop("approval", used.approval.digest);
    await at.approvals.giveBack(used);
    expect(outcomeOf(await at.ask())).toBe("allow");
  });

  test("but not where that was refused meanwhile, nor twice where it was approved", async () => {
    const at = desk();
    const one = await inUse(at);
    await at.say("refuse", one.meanwhile, "alice");
    await at.approvals.giveBack(one.used);
    expect((await held(at)).approval).toMatchObject({ status: "refused" });

    const another = desk();
    const two = await inUse(another);
    await another.say("approve", two.meanwhile, "alice");
    await another.approvals.giveBack(two.used);
    expect(outcomeOf(await another.ask())).toBe("allow");
    expect(outcomeOf(await another.ask())).toBe("hold");
  });
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

test("ahead of a call, what is approved would be allowed, and asking uses nothing", async () => {
  const at = desk();
  const ahead = async (request = PAYMENT) => {
    const answer = await at.service.preview?.(request);
    return answer?.kind === "answer" ? answer.value.decision : answer?.kind;
  };
  const held = await at.ask();
  expect(await ahead()).toBe("hold");
  expect(await at.say("approve", held, "alice")).toBe("approved");
  expect([await ahead(), await ahead(), await ahead(paying(51) as typeof PAYMENT)]).toEqual([
    "allow",
    "allow",
    "hold",
  ]);
  expect((await at.ask()).decision).toBe("allow");
  expect(await ahead()).toBe("hold");
});
