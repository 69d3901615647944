import { describe, expect, test } from "vitest";
import { History } from "../../../engine/audit/history.ts";
import { createEngine, type Engine } from "../../../engine/engine.ts";
import { handOut } from "../../../engine/http/hand-out.ts";
import { createMemoryStore } from "../../../engine/state/memory.ts";
import type { StateStore } from "../../../engine/state/store.ts";
import { type Audited, audited } from "../../support/audited.ts";
import { programOf } from "../../support/engine.ts";

const TOOLS = `
  tool pay { effect write, args { amount: Decimal, to: String } }
  tool look { effect read }
`;
const BEFORE = `${TOOLS}
  permit anything
  forbid eve tool pay when args.to == "eve"`;
const AFTER = `${BEFORE}
  counter paid = sum args.amount of allowed pay per agent within 1h
  counter payees = distinct args.to of completed pay per agent
  counter tries = count attempts pay where args.to != "ann" per agent within 1h
  forbid much tool pay when paid + args.amount > 100.00
  forbid many tool pay when payees >= 2
  forbid tireless tool look when tries >= 3`;

const WHOLE = { whole: { but: [] } };

async function paying(made: Audited, amount: number, to: string): Promise<void> {
  await made.ask({ agent: { id: "bot" }, tool: { name: "pay", args: { amount, to } } });
}

/** An engine of `policy` on this state, given what the log holds; and what it then says of a call. */
async function declaring(
  made: Audited,
  store: StateStore,
  policy = AFTER,
  digest = "sha256:after",
) {
  const program = programOf(policy);
  let count = 0;
  const ids = { decision: () => `x${++count}`, call: () => `y${++count}` };
  const clock = () => made.nowMs;
  const engine = createEngine({ program, digest, store, clock, ids });
  await filling(engine, made, policy, digest);
  return { engine, ask: (tool: string, args = {}) => asking(engine, tool, args) };
}

async function filling(engine: Engine, made: Audited, policy: string, digest: string) {
  const missing = await engine.backfill.missing();
  if (missing === undefined) throw new Error("nothing is missing");
  const history = new History({ program: programOf(policy), digest, ...missing });
  for (const [line, record] of (await recordsOf(made)).entries()) history.add(record, line);
  const past = history.past();
  if (past !== undefined) await engine.backfill.fill(past);
}

async function recordsOf(made: Audited) {
  await made.log.written();
  return made.disk
    .text(made.path)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).record);
}

function asking(engine: Engine, tool: string, args: object) {
  const answer = engine.decide({ agent: { id: "bot" }, tool: { name: tool, args } });
  if (answer.kind !== "answer") throw new Error(answer.kind);
  return answer.value;
}

describe("counters that are declared late", () => {
  test("count an allow that was not handed out once", async () => {
    const store = createMemoryStore();
    const made = await audited(`${BEFORE}\n oblige told with notify "desk"`, WHOLE, { store });
    for (let at = 0; at < 2; at++) {
      const request = {
        agent: { id: "bot" },
        tool: { name: "pay", args: { amount: 1, to: "bob" } },
      };
      const answer = await handOut(made.service, request, () => false);
      expect(answer).toMatchObject({ value: { code: "unsupported_obligation" } });
    }
    made.nowMs += 60_000;
    const { ask } = await declaring(made, store);
    expect(ask("look").decision).toBe("allow");
    expect(ask("pay", { amount: 100, to: "bob" }).decision).toBe("allow");
    expect(ask("look")).toMatchObject({ reasons: [{ rule: "tireless" }] });
  });

  test("count attempts, allowed calls and what did not fail", async () => {
    const store = createMemoryStore();
    const made = await audited(BEFORE, WHOLE, { store });
    await paying(made, 50, "ann");
    await paying(made, 30, "bob");
    await paying(made, 20, "eve");
    await made.service.outcome({ call: "c4-free", status: "error" });
    made.nowMs += 60_000;
    const { ask } = await declaring(made, store);
    expect(ask("pay", { amount: 51, to: "ann" })).toMatchObject({ reasons: [{ rule: "much" }] });
    // `bob` was given back, so this is the second payee; `eve` was an attempt, as was `bob`.
    const second = ask("pay", { amount: 50, to: "cid" });
    expect(second.decision).toBe("allow");
    expect(second.counts_since).toBeUndefined();
    expect(ask("pay", { amount: 0, to: "dan" })).toMatchObject({ reasons: [{ rule: "many" }] });
    expect(ask("look")).toMatchObject({ reasons: [{ rule: "tireless" }] });
    made.nowMs += 3_600_000 * 1.1;
    expect(ask("look").decision).toBe("allow");
  });

  test("count since the latest call that they cannot count, and say so", async () => {
    const store = createMemoryStore();
    const omitting = { whole: { but: [["tool", "args", "to"]] } };
    const made = await audited(BEFORE, omitting, { store });
    await paying(made, 50, "ann");
    made.nowMs += 60_000;
    const { ask } = await declaring(made, store);
    expect(ask("pay", { amount: 60, to: "ann" })).toMatchObject({
      decision: "allow",
      counts_since: [{ counter: "paid", since: "2026-01-02T12:00:00.001Z" }, { counter: "payees" }],
    });
  });

  test("count by how sensitive the session was, though levels stand elsewhere in this policy", async () => {
    const store = createMemoryStore();
    const policy = (levels: string) => `level Sensitivity = ${levels}\n${BEFORE}`;
    const made = await audited(policy("low < high"), WHOLE, { store });
    const session = { id: "s" };
    const look = { agent: { id: "bot" }, session, tool: { name: "look" } };
    await made.ask(look);
    await made.service.outcome({ call: "c2", status: "ok", sensitivity: "high" });
    for (let count = 0; count < 2; count++) await made.ask(look);
    made.nowMs += 1_000;
    const after = `${policy("low < middle < high")}
      counter looks = count attempts look where session.sensitivity >= high per session
      forbid often tool look when has session and looks >= 2`;
    const { engine } = await declaring(made, store, after);
    const answer = engine.decide(look);
    expect(answer.kind === "answer" && answer.value.reasons.map(({ rule }) => rule)).toEqual([
      "often",
    ]);
  });

  test("count nothing of a session that was forgotten for the one that came after it", async () => {
    const store = createMemoryStore({ sessionCount: 1, sessionIdleMs: 1_000 });
    const made = await audited(BEFORE, WHOLE, { store });
    const look = (id: string) => ({
      agent: { id: "bot" },
      session: { id },
      tool: { name: "look" },
    });
    for (const id of ["s", "other", "s"]) {
      await made.ask(look(id));
      made.nowMs += 2_000;
    }
    const after = `${BEFORE}
      counter looks = count attempts look per session
      forbid often tool look when has session and looks >= 2`;
    const { engine } = await declaring(made, store, after);
    const reasons = () => {
      const answer = engine.decide(look("s"));
      return answer.kind === "answer" && answer.value.reasons.map(({ rule }) => rule);
    };
    expect([reasons(), reasons()]).toEqual([["anything"], ["often"]]);
  });

  test.each([
    { name: "names a task", policy: (text: string) => `task errand { sequence pay+ }\n${text}` },
    {
      name: "has an argument",
      policy: (text: string) => text.replace("to: String", "to: String, note: String?"),
    },
  ])("count since a call that this policy does not know, since it $name", async ({ policy }) => {
    const store = createMemoryStore();
    const made = await audited(policy(BEFORE), WHOLE, { store });
    const note = policy(BEFORE).includes("note") ? { note: "x" } : {};
    const intent = policy(BEFORE).includes("task") ? { intent: { task: "errand" } } : {};
    await made.ask({
      ...{ agent: { id: "bot" }, session: { id: "s" }, ...intent },
      tool: { name: "pay", args: { amount: 50, to: "ann", ...note } },
    });
    made.nowMs += 60_000;
    const { ask } = await declaring(made, store);
    expect(ask("pay", { amount: 60, to: "ann" }).counts_since).toMatchObject([
      { counter: "paid", since: "2026-01-02T12:00:00.001Z" },
      { counter: "payees", since: "2026-01-02T12:00:00.001Z" },
    ]);
  });

  test("count nothing again for a policy that knows more of the log", async () => {
    const store = createMemoryStore();
    const task = "task errand { sequence pay+ }\n";
    const made = await audited(task + BEFORE, WHOLE, { store });
    await paying(made, 40, "ann");
    made.nowMs += 1_000;
    await made.ask({
      ...{ agent: { id: "bot" }, session: { id: "s" }, intent: { task: "errand" } },
      tool: { name: "pay", args: { amount: 5, to: "ann" } },
    });
    made.nowMs += 1_000;
    const first = await declaring(made, store);
    expect(first.ask("look").decision).toBe("allow");
    made.nowMs += 1_000;
    const { ask } = await declaring(made, store, task + AFTER, "sha256:more");
    expect(ask("pay", { amount: 60, to: "ann" })).toMatchObject({
      decision: "allow",
      counts_since: [{ counter: "paid", since: "2026-01-02T12:00:01.001Z" }, { counter: "payees" }],
    });
  });

  test("count nothing of tools that they do not count, nor of what was no request then either", async () => {
    const store = createMemoryStore();
    const made = await audited(BEFORE.replace("look {", "look { args { at: String? },"), WHOLE, {
      store,
    });
    await paying(made, 50, "ann");
    await made.ask({ agent: { id: "bot" }, tool: { name: "look", args: { at: "x" } } });
    await made.ask({ agent: { id: "bot" }, tool: { name: "pay", args: { amount: "much" } } });
    made.nowMs += 60_000;
    const { ask } = await declaring(made, store);
    expect(ask("pay", { amount: 51, to: "ann" })).toMatchObject({ reasons: [{ rule: "much" }] });
    expect(ask("pay", { amount: 50, to: "ann" }).counts_since).toBeUndefined();
  });

  test("since then, though later records have the same time, or an earlier one", async () => {
    const store = createMemoryStore();
    const omitting = { whole: { but: [["tool", "args", "to"]] } };
    const made = await audited(BEFORE, omitting, { store });
    await paying(made, 50, "ann");
    await made.ask({ agent: { id: "bot" }, tool: { name: "look" } });
    made.log.append({ kind: "operator", action: "any", at: "2026-01-02T11:59:00Z", by: "ann" });
    made.nowMs += 60_000;
    const { ask } = await declaring(made, store);
    expect(ask("pay", { amount: 60, to: "ann" })).toMatchObject({
      counts_since: [{ counter: "paid", since: "2026-01-02T12:00:00.001Z" }, { counter: "payees" }],
    });
  });

  test("since what follows on lines that are missing", async () => {
    const store = createMemoryStore();
    const made = await audited(BEFORE, WHOLE, { store });
    const program = programOf(AFTER);
    await paying(made, 50, "ann");
    made.nowMs += 1_000;
    await paying(made, 50, "ann");
    made.nowMs += 1_000;
    await paying(made, 50, "ann");
    const engine = createEngine({
      program,
      digest: "sha256:after",
      store,
      clock: () => made.nowMs,
    });
    const missing = await engine.backfill.missing();
    if (missing === undefined) throw new Error("nothing is missing");
    const history = new History({ program, digest: "sha256:after", ...missing });
    const records = await recordsOf(made);
    const second = records.findLastIndex(({ kind }) => kind === "decision") - 1;
    for (const [line, record] of records.entries()) {
      if (line !== second) history.add(record, line);
    }
    expect(history.past()).toMatchObject({ fromMs: made.nowMs + 1 });
  });

  test("are not given twice what they counted, whichever policy declared them", async () => {
    const store = createMemoryStore();
    const made = await audited(AFTER, WHOLE, { store, digest: "sha256:another" });
    await paying(made, 40, "ann");
    made.nowMs += 60_000;
    // A policy that has none of them decides, and is recorded in the same log.
    const without = await audited(BEFORE, WHOLE, {
      store,
      ids: { decision: () => "w", call: () => "wc" },
    });
    without.nowMs = made.nowMs;
    await paying(without, 20, "ann");
    for (const record of await recordsOf(without)) made.log.append(record);
    made.nowMs += 60_000;
    const { engine, ask } = await declaring(made, store);
    await filling(engine, made, AFTER, "sha256:after");
    expect(ask("pay", { amount: 41, to: "ann" })).toMatchObject({ reasons: [{ rule: "much" }] });
    expect(ask("pay", { amount: 40, to: "ann" }).decision).toBe("allow");
  });

  test("count nothing of the past where there is no room for all of it", async () => {
    const store = createMemoryStore({ keyCount: 1 });
    const made = await audited(BEFORE, WHOLE, { store });
    for (const id of ["bot", "other"]) {
      await made.ask({ agent: { id }, tool: { name: "pay", args: { amount: 50, to: "ann" } } });
    }
    made.nowMs += 60_000;
    const { ask } = await declaring(made, store);
    const asked = ask("pay", { amount: 60, to: "ann" });
    expect(asked.decision).toBe("allow");
    expect(asked.counts_since).toMatchObject([{ counter: "paid" }, { counter: "payees" }]);
  });
});
