import { expect, test } from "vitest";
import { type Active, createActive } from "../../engine/active.ts";
import type { Decision } from "../../engine/decision.ts";
import { createEngine, type Vouched } from "../../engine/engine.ts";
import { createIds } from "../../engine/ids.ts";
import { createShadow, type Difference, type Shadow } from "../../engine/shadow.ts";
import { createMemoryStore } from "../../engine/state/memory.ts";
import { outcomeOf, programOf, START } from "../support/engine.ts";

const POLICY = `
label untrusted
tool pay { effect write, args { amount: Decimal } }
tool look { effect read }
tool fetch { effect read, yields untrusted }
counter spend = sum args.amount of allowed pay per session
latch looked = completed look per session
permit paying tool pay when spend + args.amount <= 10.00
permit reading tool effect read
task errand { sequence look, pay }
`;

interface Shadowed {
  readonly active: Active;
  readonly shadow: Shadow;
  readonly differences: Difference[];
  swap(text: string): void;
  call(tool: string, args?: object, more?: object, vouched?: Vouched): Promise<Decision>;
  report(decision: Decision, status?: string): Promise<string>;
}

function shadowed(candidate: string, text = POLICY): Shadowed {
  const store = createMemoryStore();
  const ids = createIds();
  const clock = () => START;
  const active = createActive({ now: clock, ids });
  const differences: Difference[] = [];
  const shadow = createShadow({
    active,
    store,
    candidate: { program: programOf(candidate), digest: "sha256:candidate" },
    clock,
    ids,
    onDifference: (difference) => void differences.push(difference),
  });
  const swap = (next: string) => {
    const program = programOf(next);
    const digest = `sha256:${next.length}`;
    active.swap({ program, digest, service: createEngine({ program, digest, store, clock, ids }) });
  };
  swap(text);
  return {
    active,
    shadow,
    differences,
    swap,
    async call(tool, args = {}, more = {}, vouched) {
      const request = { agent: { id: "bot" }, session: { id: "s" }, tool: { name: tool, args } };
      const answer = await shadow.service.decide({ ...request, ...more }, vouched);
      if (answer.kind !== "answer") throw new Error(answer.kind);
      return answer.value;
    },
    report: async ({ call }, status = "ok") =>
      (await shadow.service.outcome({ call, status })).kind,
  };
}

test("an equal candidate agrees, and reserves nothing", async () => {
  const one = shadowed(POLICY);
  expect(outcomeOf(await one.call("pay", { amount: 6 }))).toBe("allow");
  expect(outcomeOf(await one.call("pay", { amount: 6 }))).toBe("not_permitted");
  const last = await one.call("pay", { amount: 4 });
  expect(outcomeOf(last)).toBe("allow");
  expect(await one.report(last, "error")).toBe("answer");
  expect(outcomeOf(await one.call("pay", { amount: 4 }))).toBe("allow");
  const errand = { intent: { task: "errand" } };
  await one.report(await one.call("look", {}, errand));
  expect(outcomeOf(await one.call("look", {}, errand))).toBe("out_of_sequence");
  expect(one.differences).toEqual([]);
  expect(one.shadow.report()).toMatchObject({ alike: 6, differing: 0, failed: 0 });
});

test("where it would have decided otherwise, is told without a value of the request", async () => {
  const one = shadowed(`${POLICY}\nforbid large tool pay when args.amount > 5.00\n`);
  const decision = await one.call("pay", { amount: 7.77 });
  expect(decision.decision).toBe("allow");
  expect(one.differences).toEqual([
    {
      id: decision.id,
      tool: "pay",
      active: { decision: "allow", code: undefined, rules: ["paying"], obligations: [] },
      candidate: { decision: "deny", code: "forbidden", rules: ["large"], obligations: [] },
    },
  ]);
  expect(JSON.stringify(one.differences)).not.toContain("7.77");
  expect([...one.shadow.report().kinds]).toEqual([["allow → deny forbidden", 1]]);
});

test("it sees what was counted before it was there", async () => {
  const store = createMemoryStore();
  const program = programOf(POLICY);
  const engine = createEngine({ program, digest: "a", store, clock: () => START });
  const request = { agent: { id: "bot" }, session: { id: "s" } };
  engine.decide({ ...request, tool: { name: "pay", args: { amount: 9 } } });
  const ids = createIds();
  const active = createActive({ now: () => START, ids });
  active.swap({ program, digest: "a", service: engine });
  const candidate = {
    program: programOf(`${POLICY}\nforbid rich tool look when spend > 5.00\n`),
    digest: "b",
  };
  const differences: Difference[] = [];
  const onDifference = (difference: Difference) => void differences.push(difference);
  const shadow = createShadow({ active, store, candidate, clock: () => START, ids, onDifference });
  await shadow.service.decide({ ...request, tool: { name: "look" } });
  expect(differences).toMatchObject([{ candidate: { rules: ["rich"] } }]);
});

test("what only it declares counts what was really allowed, and what became of it", async () => {
  const one = shadowed(`${POLICY}
counter looks = count allowed look per session
counter fetched = count completed fetch per session
forbid often tool look when looks >= 2
forbid twice tool fetch when fetched >= 1
`);
  for (let round = 0; round < 3; round++) await one.call("look");
  // Refused by the candidate, allowed all the same: the third is counted as well.
  await one.call("look");
  await one.report(await one.call("fetch"), "error");
  await one.report(await one.call("fetch"));
  await one.call("fetch");
  expect(one.differences.map(({ candidate }) => candidate.rules.join())).toEqual([
    "often",
    "often",
    "twice",
  ]);
});

test("what it would end, goes on; what is labelled under it, it sees", async () => {
  const labelled = POLICY.replace(
    "tool look { effect read }",
    "tool look { effect read, yields untrusted }",
  );
  const one = shadowed(`${labelled}
forbid tainted tool pay when untrusted in session.labels then interrupt session
`);
  await one.report(await one.call("look"));
  expect(outcomeOf(await one.call("pay", { amount: 1 }))).toBe("allow");
  expect(outcomeOf(await one.call("look"))).toBe("allow");
  expect(one.differences.map(({ candidate }) => candidate.rules.join())).toEqual(["tainted"]);
});

test("what an operator takes from a session's labels, it does not see any more", async () => {
  const forbid = "forbid tainted tool pay when has session and untrusted in session.labels";
  const candidate = POLICY.replace("tool look {", "tool look { yields private,").replace(
    "label untrusted",
    "label untrusted, private",
  );
  const one = shadowed(`${candidate}${forbid}\n`, `${POLICY}${forbid}\n`);
  await one.report(await one.call("fetch"));
  await one.report(await one.call("look"));
  expect(outcomeOf(await one.call("pay", { amount: 1 }))).toBe("forbidden");
  const { sessions } = one.active.present()?.service ?? {};
  expect(await sessions?.declassify("s", "untrusted")).toBe(true);
  expect(outcomeOf(await one.call("pay", { amount: 1 }))).toBe("allow");
  expect(one.differences).toEqual([]);
});

test("an approval of the request under the policy in force is one under the candidate", async () => {
  const held = `${POLICY}\nhold large tool pay when args.amount > 5.00 until approved by group "staff"\n`;
  const one = shadowed(`${held}\n`, held);
  const asked = await one.call("pay", { amount: 6 });
  const approval = { by: "carol", groups: ["staff"], digest: asked.approval?.digest ?? "" };
  expect(outcomeOf(await one.call("pay", { amount: 6 }, {}, { approvals: [approval] }))).toBe(
    "allow",
  );
  const other = { ...approval, digest: "sha256:other" };
  expect(outcomeOf(await one.call("pay", { amount: 4 }, {}, { approvals: [other] }))).toBe("allow");
  // Both hold, and each names its own digest: nothing else differs.
  expect(one.differences).toEqual([]);
});

test("its faults, and those of whoever is told, harm no answer", async () => {
  const one = shadowed(POLICY);
  const broken = createShadow({
    active: one.active,
    store: {
      open: () => {
        throw new Error("no state");
      },
    },
    candidate: { program: programOf(POLICY), digest: "b" },
    clock: () => START,
    ids: createIds(),
    onDifference: () => {
      throw new Error("nobody listens");
    },
  });
  const request = { agent: { id: "bot" }, session: { id: "s" }, tool: { name: "look" } };
  expect(await broken.service.decide(request)).toMatchObject({ value: { decision: "allow" } });
  expect(broken.report()).toMatchObject({ failed: 1 });
});

test("it goes on beside the next policy, and keeps what it counted", async () => {
  const one = shadowed(
    `${POLICY}\ncounter looks = count allowed look per session\nforbid often tool look when looks >= 2\n`,
  );
  await one.call("look");
  one.swap(`${POLICY}\npermit more tool pay\n`);
  await one.call("look");
  await one.call("look");
  expect(one.differences.map(({ candidate }) => candidate.rules.join())).toEqual(["often"]);
  expect(one.shadow.report().alike).toBe(2);
});
