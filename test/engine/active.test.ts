import { describe, expect, test } from "vitest";
import { type Active, type ActivePolicy, createActive } from "../../engine/active.ts";
import { digestOfProgram } from "../../engine/bundle.ts";
import type { Decision } from "../../engine/decision.ts";
import { createEngine } from "../../engine/engine.ts";
import { createIds } from "../../engine/ids.ts";
import { createMemoryStore } from "../../engine/state/memory.ts";
import type { StateStore } from "../../engine/state/store.ts";
import { outcomeOf, programOf, START } from "../support/engine.ts";

const time = { nowMs: START };
const POLICY = `
tool pay { effect write, args { amount: Decimal } }
tool look { effect read }
counter spend = sum args.amount of allowed pay per session
counter seen = count allowed look per session
latch looked = completed look per session
permit paying tool pay when spend + args.amount <= 10.00
permit looking tool look
task errand { sequence look, pay }
`;

function policy(text: string, store: StateStore, more: Partial<ActivePolicy> = {}): ActivePolicy {
  const program = programOf(text);
  const digest = digestOfProgram(program);
  const { revision } = more;
  const service = createEngine({ program, digest, revision, store, clock: () => time.nowMs });
  return { program, digest, service, ...more };
}

function open(warnings: readonly string[] = []): Active {
  return createActive({
    now: () => time.nowMs,
    ids: createIds(),
    warnings: () => warnings,
  });
}

async function ask(
  active: Active,
  tool: string,
  args: object = {},
  more: object = {},
): Promise<Decision> {
  const request = {
    agent: { id: "bot" },
    session: { id: "s" },
    tool: { name: tool, args },
    ...more,
  };
  const answer = await active.decide(request);
  if (answer.kind !== "answer") throw new Error(answer.kind);
  return answer.value;
}

async function report(active: Active, { call }: Decision, status = "ok"): Promise<string> {
  return (await active.outcome({ call, status })).kind;
}

describe("without a policy", () => {
  test("all is denied, nothing is settled, and it is not ready", async () => {
    const active = open(["the bundle cannot be read"]);
    expect(await ask(active, "pay")).toMatchObject({
      decision: "deny",
      code: "no_policy",
      because: "no policy has been loaded yet",
      policy: { package: "", digest: "" },
    });
    expect((await active.outcome({ call: "c", status: "ok" })).kind).toBe("unavailable");
    expect(active.readiness()).toEqual({
      ready: false,
      because: "no policy has been loaded yet; the bundle cannot be read",
    });
  });

  test("once it has expired, too; what was allowed before still settles", async () => {
    time.nowMs = START;
    const active = open();
    active.swap(policy(POLICY, createMemoryStore(), { untilMs: START + 1_000, revision: "r1" }));
    const allowed = await ask(active, "look");
    expect(allowed).toMatchObject({ decision: "allow", policy: { revision: "r1" } });
    time.nowMs = START + 999;
    expect(outcomeOf(await ask(active, "look"))).toBe("allow");
    time.nowMs = START + 1_000;
    const denied = await ask(active, "look");
    expect(denied).toMatchObject({
      code: "no_policy",
      policy: { package: "example", revision: "r1" },
    });
    expect(denied.because).toContain("its grace was over at 2026-01-02T12:00:01Z");
    expect(active.readiness().ready).toBe(false);
    expect(await report(active, allowed)).toBe("answer");
    active.swap(policy(POLICY, createMemoryStore()));
    expect(outcomeOf(await ask(active, "look"))).toBe("allow");
  });
});

test("warnings do not make it unready", () => {
  const active = open(["the last reload failed"]);
  active.swap(policy(POLICY, createMemoryStore()));
  expect(active.readiness()).toEqual({ ready: true, warnings: ["the last reload failed"] });
});

describe("a swap", () => {
  test("keeps what counters hold whose declaration means the same, and begins others", async () => {
    time.nowMs = START;
    const active = open();
    const store = createMemoryStore();
    active.swap(policy(POLICY, store));
    expect(outcomeOf(await ask(active, "pay", { amount: 8 }))).toBe("allow");
    active.swap(policy(`// Moved.\n${POLICY.replace("permit looking", "permit look_on")}`, store));
    expect(outcomeOf(await ask(active, "pay", { amount: 3 }))).toBe("not_permitted");
    active.swap(
      policy(POLICY.replace("of allowed pay per session", "of allowed pay per agent"), store),
    );
    expect(outcomeOf(await ask(active, "pay", { amount: 3 }))).toBe("allow");
  });

  test("a call allowed before settles after, and gives its share back", async () => {
    const active = open();
    const store = createMemoryStore();
    active.swap(policy(POLICY, store));
    const before = await ask(active, "pay", { amount: 8 });
    active.swap(policy(`${POLICY}\nforbid never_look tool look\n`, store));
    expect(outcomeOf(await ask(active, "pay", { amount: 8 }))).toBe("not_permitted");
    expect(await report(active, before, "error")).toBe("answer");
    expect(await report(active, before, "ok")).toBe("already_settled");
    expect(outcomeOf(await ask(active, "pay", { amount: 8 }))).toBe("allow");
  });

  test("a task under way goes on in its sequence, whatever the next policy has", async () => {
    const active = open();
    const store = createMemoryStore();
    const before = policy(POLICY, store);
    active.swap(before);
    const intent = { intent: { task: "errand" } };
    expect(await report(active, await ask(active, "look", {}, intent))).toBe("answer");
    active.swap(policy(POLICY.replace("look, pay", "pay, look"), store));
    const begun = { name: "errand", policy: before.digest };
    expect(await ask(active, "look", {}, intent)).toMatchObject({
      code: "out_of_sequence",
      task: begun,
    });
    expect(await ask(active, "pay", { amount: 1 }, intent)).toMatchObject({
      decision: "allow",
      task: begun,
    });
    const other = { ...intent, session: { id: "other" } };
    expect(outcomeOf(await ask(active, "look", {}, other))).toBe("out_of_sequence");
    expect(outcomeOf(await ask(active, "pay", { amount: 1 }, other))).toBe("allow");
  });

  test("closes what decided before the present one, and at the end both", () => {
    const active = open();
    const closed: string[] = [];
    const closable = (revision: string): ActivePolicy => {
      const made = policy(POLICY, createMemoryStore(), { revision });
      return { ...made, service: { ...made.service, close: () => void closed.push(revision) } };
    };
    const [a, b, c, late] = ["a", "b", "c", "late"].map(closable) as [
      ActivePolicy,
      ActivePolicy,
      ActivePolicy,
      ActivePolicy,
    ];
    active.swap(a);
    active.swap(b);
    active.swap(a);
    expect(closed).toEqual([]);
    active.swap(c);
    expect(closed).toEqual(["b"]);
    active.close();
    expect(closed).toEqual(["b", "a", "c"]);
    active.swap(late);
    expect(closed).toEqual(["b", "a", "c", "late"]);
    expect(active.present()).toBe(c);
  });

  test("is told to whoever waits for it", () => {
    const swapped: ActivePolicy[] = [];
    const active = createActive({
      now: () => time.nowMs,
      ids: createIds(),
      onSwap: (next) => void swapped.push(next),
    });
    const next = policy(POLICY, createMemoryStore());
    active.swap(next);
    expect(swapped).toEqual([next]);
    expect(active.present()).toBe(next);
  });
});

test("a decision that waits is finished by the engine that began it", async () => {
  const active = open();
  const store = createMemoryStore();
  const slow = policy(POLICY, store, { revision: "old" });
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  active.swap({
    ...slow,
    service: {
      ...slow.service,
      decide: async (input) => {
        await gate;
        return slow.service.decide(input);
      },
    },
  });
  const asked = ask(active, "look");
  active.swap(policy(POLICY, store, { revision: "new" }));
  release();
  expect((await asked).policy.revision).toBe("old");
  expect((await ask(active, "look")).policy.revision).toBe("new");
});
