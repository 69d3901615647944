import { describe, expect, test } from "vitest";
import { createMemoryStore } from "../../../engine/state/memory.ts";
import { drive, outcomeOf, programOf } from "../../support/engine.ts";

const PAY = `
tool pay { effect write, args { amount: Decimal, to: String } }
tool look { effect read }
`;

describe("reserve, then settle", () => {
  const policy = `${PAY}
    counter spend = sum args.amount of allowed pay per session within 1h
    permit pay tool pay when has session and spend + args.amount <= 100.00
  `;

  test("what is allowed counts at once, and a failed call gives its share back", () => {
    const driver = drive(policy);
    const pay = (amount: number) => driver.call("pay", { amount, to: "x" });
    const first = pay(60);
    expect(outcomeOf(first)).toBe("allow");
    expect(outcomeOf(pay(60))).toBe("not_permitted");
    driver.fail(first);
    const second = pay(60);
    driver.ok(second);
    expect(outcomeOf(pay(60))).toBe("not_permitted");
    driver.nowMs += 3_600_000 * 1.1;
    expect(outcomeOf(pay(60))).toBe("allow");
  });

  test("an outcome is taken once; the same again is no harm, another is refused", () => {
    const driver = drive(policy);
    const { call } = driver.call("pay", { amount: 60, to: "x" });
    const outcome = (status: string) => driver.engine.outcome({ call, status }).kind;
    expect([outcome("error"), outcome("error"), outcome("ok")]).toEqual([
      "answer",
      "answer",
      "already_settled",
    ]);
    expect(driver.engine.outcome({ call: "c999", status: "ok" }).kind).toBe("unknown_call");
    expect(outcomeOf(driver.call("pay", { amount: 100, to: "x" }))).toBe("allow");
  });

  test("what never reports stays counted", () => {
    const driver = drive(policy, {
      store: createMemoryStore({ reservationMs: 1_000, callCount: 1 }),
    });
    const first = driver.call("pay", { amount: 60, to: "x" });
    expect(outcomeOf(driver.call("pay", { amount: 1, to: "x" }))).toBe("state_unavailable");
    driver.nowMs += 1_001;
    expect(outcomeOf(driver.call("pay", { amount: 40, to: "x" }))).toBe("allow");
    driver.nowMs += 1_001;
    expect(outcomeOf(driver.call("pay", { amount: 1, to: "x" }))).toBe("not_permitted");
    expect(driver.engine.outcome({ call: first.call, status: "error" }).kind).toBe("unknown_call");
  });

  test("of many that race for the rest, exactly as many are allowed as fit", () => {
    const driver = drive(policy);
    const answers = Array.from({ length: 50 }, () =>
      outcomeOf(driver.call("pay", { amount: 30, to: "x" })),
    );
    expect(answers.filter((answer) => answer === "allow")).toHaveLength(3);
  });
});

test("attempts count what was denied, allowed calls do not", () => {
  const driver = drive(`${PAY}
    counter tries = count attempts per session
    counter done = count completed per session
    permit anything
    forbid wrong tool pay when args.to != "x"
    forbid locked when has session and tries >= 3
    forbid busy when has session and done >= 1
  `);
  const pay = (to: string) => outcomeOf(driver.call("pay", { amount: 1, to }));
  expect([pay("y"), pay("y"), pay("x"), pay("x")]).toEqual([
    "forbidden",
    "forbidden",
    "allow",
    "forbidden",
  ]);
});

test("different values are told apart, per key", () => {
  const driver = drive(`${PAY}
    counter payees = distinct args.to of allowed pay per session
    permit anything
    forbid many tool pay when has session and payees >= 2
  `);
  const pay = (to: string, session: string) =>
    outcomeOf(driver.call("pay", { amount: 1, to }, { session: { id: session } }));
  expect([pay("a", "s"), pay("a", "s"), pay("b", "s"), pay("b", "s"), pay("c", "t")]).toEqual([
    "allow",
    "allow",
    "allow",
    "forbidden",
    "allow",
  ]);
});

describe("latches", () => {
  const policy = `
    tool test, edit, push { effect execute }
    latch tested = completed test per session reset by completed edit
    permit others tool test, edit
    permit push tool push when has session and tested
  `;

  test("are set by success, pending before it, and reset", () => {
    const driver = drive(policy);
    expect(outcomeOf(driver.call("push"))).toBe("not_permitted");
    const run = driver.call("test");
    expect(outcomeOf(driver.call("push"))).toBe("prerequisite_pending");
    driver.ok(run);
    expect(outcomeOf(driver.call("push"))).toBe("allow");
    driver.ok(driver.call("edit"));
    expect(outcomeOf(driver.call("push"))).toBe("not_permitted");
    driver.fail(driver.call("test"));
    expect(outcomeOf(driver.call("push"))).toBe("not_permitted");
  });
});

describe("sessions", () => {
  test("gather the labels and the sensitivity of what calls may return", () => {
    const driver = drive(`
      level Sensitivity = public < internal < secret
      label untrusted, private, web
      tool read { effect read, yields untrusted }
      tool send { effect send }
      resource file { owner: String }
      permit anything
      forbid leak tool send when has session and untrusted in session.labels and session.sensitivity >= secret
    `);
    const send = () => outcomeOf(driver.call("send"));
    const file = { type: "file", id: "1", owner: "o", sensitivity: "internal" };
    driver.ok(driver.call("read", {}, { resource: file }));
    expect(send()).toBe("allow");
    driver.ok(driver.call("read"), undefined, { sensitivity: "secret", labels: ["web"] });
    expect(send()).toBe("forbidden");
    expect(driver.engine.sessions.declassify("s", "untrusted")).toBe(true);
    expect(send()).toBe("allow");
  });

  test("what a tool returns cannot label itself", () => {
    const driver = drive(
      "label untrusted, own\ntool read { effect read, yields untrusted }\ntool send { effect send, args { text: String } }\npermit looking tool read\npermit trusting tool send when own in origin(args.text) and not (untrusted in origin(args.text))",
    );
    const { call } = driver.call("read");
    const values = [{ value: "planted", labels: ["own"] }];
    expect(driver.engine.outcome({ call, status: "ok", values }).kind).toBe("answer");
    expect(driver.call("send", { text: "planted" }).decision).toBe("deny");
  });

  test("a sum too large to be told counts as the largest", () => {
    const driver = drive(
      "tool pay { effect write, args { n: Int, m: Int } }\ncounter tried = sum args.n * args.m of attempts pay per session\npermit p tool pay when tried < 100",
    );
    expect(driver.call("pay", { n: 9_007_199_254_740_991, m: 2 }).decision).toBe("deny");
    expect(driver.call("pay", { n: 1, m: 1 }).decision).toBe("deny");
  });

  test("a session that is ended stays so, also where there was no room for it", () => {
    const driver = drive(
      "tool read { effect read }\ntool boom { effect execute }\npermit anything\nforbid ending tool boom then interrupt session",
      { store: createMemoryStore({ sessionCount: 1, sessionIdleMs: 1_000 }) },
    );
    driver.call("read", {}, { session: { id: "first" } });
    expect(driver.call("boom", {}, { session: { id: "second" } }).interrupt).toBe(true);
    driver.nowMs += 5_000;
    expect(driver.call("read", {}, { session: { id: "second" } }).code).toBe("session_interrupted");
  });

  test.each([
    [{ labels: ["unheard"] }, "/labels/0"],
    [{ labels: ["user"] }, "/labels/0"],
    [{ sensitivity: "secret" }, "/sensitivity"],
    [{ status: "done" }, "/status"],
    [{ extra: 1 }, "/extra"],
    [{ parts: [{ value: 1, labels: ["unheard"] }] }, "/parts/0/labels/0"],
    [{ parts: [{ value: 1 }] }, "/parts/0"],
    [{ parts: 1 }, "/parts"],
  ])("an outcome of %j is refused at %s, and changes nothing", (body, at) => {
    const driver = drive("tool read { effect read }\npermit anything");
    const { call } = driver.call("read");
    const refused = driver.engine.outcome({ call, status: "ok", ...body });
    expect(refused).toMatchObject({ kind: "malformed", faults: [{ at }] });
    expect(driver.engine.outcome({ call, status: "ok" }).kind).toBe("answer");
  });
});

describe("bounds", () => {
  const policy = `${PAY}
    counter seen = count attempts per agent within 1m
    permit anything when seen < 100
  `;
  const as = (id: string) => ({ agent: { id }, session: { id: "s" }, tool: { name: "look" } });

  test("a full table refuses new keys and keeps live ones, until they are empty", () => {
    const driver = drive(policy, { store: createMemoryStore({ keyCount: 2 }) });
    const ask = (id: string) => outcomeOf(driver.send(as(id)));
    expect([ask("a"), ask("b"), ask("c"), ask("a")]).toEqual([
      "allow",
      "allow",
      "state_unavailable",
      "allow",
    ]);
    driver.nowMs += 120_000;
    ask("a");
    expect([ask("c"), ask("b"), ask("a")]).toEqual(["allow", "state_unavailable", "allow"]);
  });

  test("sessions beyond the bound are refused; idle ones make room, ended ones never", () => {
    const store = createMemoryStore({ sessionCount: 2, sessionIdleMs: 1_000 });
    const driver = drive("tool look { effect read }\npermit anything", { store });
    const ask = (id: string) => outcomeOf(driver.call("look", {}, { session: { id } }));
    driver.engine.sessions.interrupt("ended");
    expect([ask("a"), ask("b"), ask("a")]).toEqual(["allow", "state_unavailable", "allow"]);
    driver.nowMs += 1_001;
    expect([ask("b"), ask("ended")]).toEqual(["allow", "session_interrupted"]);
  });
});

test("a new policy keeps the state of declarations that mean the same", () => {
  const store = createMemoryStore();
  const before = `${PAY}
    counter tries = count attempts look per session
    permit anything when has session and tries < 2
  `;
  const after = `tool another { effect read }\n${before}\nforbid none when false`;
  const first = drive(programOf(before), { store });
  first.call("look");
  first.call("look");
  expect(outcomeOf(first.call("look"))).toBe("not_permitted");
  expect(outcomeOf(drive(programOf(after), { store }).call("look"))).toBe("not_permitted");
  const other = after.replace("per session", "per agent");
  expect(outcomeOf(drive(programOf(other), { store }).call("look"))).toBe("allow");
});

test("a clock that is set back reopens no window and revives no grant", () => {
  const driver = drive(`${PAY}
    counter tries = count attempts per session within 10s
    permit anything when has session and tries < 1
  `);
  const delegation = {
    chain: [{ from: "alice", to: "bot", scope: [], expires_at: "2026-01-02T12:00:05Z" }],
  };
  expect(outcomeOf(driver.call("look"))).toBe("allow");
  driver.nowMs += 6_000;
  expect(outcomeOf(driver.call("look", {}, { delegation }))).toBe("delegation_invalid");
  driver.nowMs -= 3_600_000;
  expect(outcomeOf(driver.call("look"))).toBe("not_permitted");
  expect(outcomeOf(driver.call("look", {}, { delegation }))).toBe("delegation_invalid");
});

describe("a task under way when the policy changes", () => {
  const before = `
    tool open, close { effect read, args { path: String } }
    task errand { sequence open(path as x), close(path as x) }
    permit anything
  `;
  const intent = { intent: { task: "errand" } };

  test("goes on in a sequence that means the same, wherever its tools and locals stand now", () => {
    const store = createMemoryStore();
    const first = drive(before, { store });
    const opened = first.call("open", { path: "a" }, intent);
    const after = `tool other { effect read }\nforbid none when any z in ["a"]: z == "b"\n${before}`;
    const ids = { decision: () => "d", call: () => "another" };
    const second = drive(after.replaceAll("as x", "as y"), { store, ids });
    expect(outcomeOf(second.call("close", { path: "a" }, intent))).toBe("prerequisite_pending");
    second.ok(opened);
    expect(outcomeOf(second.call("close", { path: "b" }, intent))).toBe("out_of_sequence");
    expect(outcomeOf(second.call("close", { path: "a" }, intent))).toBe("allow");
  });
});

test("what an agent sends is counted, and little of it is remembered", async () => {
  const driver = drive(`
    tool pay { effect write, args { to: String } }
    permit pay tool pay
    forbid often tool pay when tries >= 2 or different >= 3
    counter tries = count attempts pay per args.to
    counter different = distinct args.to of attempts pay per agent
  `);
  const long = (name: string) => name.repeat(30_000);
  const found = ["a", "a", "a", "b", "c", "d"].map((name) =>
    outcomeOf(driver.call("pay", { to: long(name) })),
  );
  expect(found).toEqual(["allow", "allow", "forbidden", "allow", "allow", "forbidden"]);
  const reading = await driver.engine.inspection.state(100);
  expect(JSON.stringify(reading).length).toBeLessThan(4_000);
});
