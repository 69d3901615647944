/**
 * Two enforcement points and an approver do what they like, in whatever order: nothing is allowed but what was
 * approved, to whom asked for it, once, in time; and a status that was told and is none of waiting stays.
 * `WRIT_ACCESS=2000` tries more histories, `WRIT_ACCESS_SEED=…` the same again.
 */
import { expect, test } from "vitest";
import { seedFrom } from "../../../support/seed.ts";
import { damage } from "../mutate.ts";
import { type Random, randomFrom } from "../random.ts";
import { accessDesk, asking, type Caller, type Json, SECRETS } from "./access-support.ts";

const COUNT = Number(process.env.WRIT_ACCESS ?? 40);
const SEED = seedFrom("WRIT_ACCESS_SEED");
const STEPS = 60;
const AMOUNTS = [20, 30, 40];
const CALLERS = Object.keys(SECRETS) as Caller[];

/** What became of an approval, by what was said and done here. */
interface Known {
  readonly untilMs: number;
  isApproved: boolean;
  isOver: boolean;
}

interface Task {
  readonly path: string;
  readonly caller: Caller;
  readonly amount: number;
  readonly approval: string;
  told: string;
}

test(`histories, seed ${SEED}`, { timeout: 60_000 + COUNT * 1_000 }, async () => {
  const reached = { allowed: 0, approved: 0, denied: 0, cancelled: 0, expired: 0, held: 0 };
  const isReached = () => Object.values(reached).every((count) => count > COUNT / 30);
  // Where seeds have little of something, it goes on: luck says how long it takes, not whether it passes.
  const isOver = (tried: number) => tried >= (isReached() ? COUNT : 6 * COUNT);
  for (let tried = 0; !isOver(tried); tried += 1) {
    await history(randomFrom(SEED + tried), reached, `seed ${SEED + tried}`);
  }
  // What is never reached is not tested.
  for (const [what, count] of Object.entries(reached)) {
    expect(count, what).toBeGreaterThan(COUNT / 30);
  }
});

async function history(random: Random, reached: Record<string, number>, seed: string) {
  const desk = accessDesk();
  const approvals = new Map<string, Known>();
  const tasks: Task[] = [];
  const held: { json: Json; amount: number; caller: Caller }[] = [];
  const count = (what: string) => {
    if (what in reached) reached[what] = (reached[what] ?? 0) + 1;
  };
  const judge = (answer: Json, task: Task | undefined, amount: number, caller: Caller) => {
    if (answer.decision === true) {
      const known = task && approvals.get(task.approval);
      const isRight =
        known?.isApproved === true &&
        !known.isOver &&
        desk.driver.nowMs < known.untilMs &&
        task?.caller === caller &&
        task.amount === amount &&
        task.told !== "cancelled";
      expect(isRight, `${seed}: allowed ${JSON.stringify({ task, amount, caller, known })}`).toBe(
        true,
      );
      if (known !== undefined) known.isOver = true;
      count("allowed");
      return;
    }
    count("held");
    const { access_request, writ } = answer as {
      access_request?: Json;
      writ?: { approval?: { id: string } };
    };
    if (access_request === undefined || writ?.approval === undefined) return;
    held.push({ json: answer, amount, caller });
    const untilMs = Date.parse(String(access_request.expires_at));
    if (approvals.has(writ.approval.id)) return;
    approvals.set(writ.approval.id, { untilMs, isApproved: false, isOver: false });
  };
  const approvalIn = (json: Json) => (json.writ as { approval: { id: string } }).approval.id;

  const steps = [
    async () => {
      const [amount, caller] = [random.pick(AMOUNTS), random.pick(CALLERS)];
      judge(await desk.evaluate(asking(amount), caller), undefined, amount, caller);
    },
    async () => {
      if (held.length === 0) return;
      const { json, amount, caller } = random.pick(held);
      const by = random.below(4) === 0 ? random.pick(CALLERS) : caller;
      const body = desk.submissionOf(json, asking(amount));
      const { status, json: answer } = await desk.submit(body, undefined, by);
      if (status >= 300) return;
      expect(by, seed).toBe(caller);
      const path = new URL(answer.task.status_endpoint).pathname;
      const known = tasks.find((one) => one.path === path);
      if (known === undefined) {
        tasks.push({ path, caller, amount, approval: approvalIn(json), told: answer.task.status });
      }
    },
    async () => {
      if (held.length === 0) return;
      const { json } = random.pick(held);
      const verdict = random.below(4) === 0 ? "refuse" : "approve";
      const said = await desk.say(json, "carol", verdict);
      const known = approvals.get(approvalIn(json));
      if (said === "approved" && known !== undefined) known.isApproved = true;
    },
    async () => {
      if (tasks.length === 0) return;
      const task = random.pick(tasks);
      const { status, json } = await desk.status(task.path, task.caller);
      if (status !== 200) return;
      if (task.told !== "pending") expect(json.task.status, seed).toBe(task.told);
      else count(json.task.status);
      task.told = json.task.status;
    },
    async () => {
      if (tasks.length === 0 || random.below(2) === 0) return;
      const task = random.pick(tasks);
      const { status } = await desk.ask("POST", `${task.path}/cancel`, undefined, task.caller);
      if (status !== 200) return;
      expect(task.told, seed).toBe("pending");
      task.told = "cancelled";
      count("cancelled");
    },
    async () => {
      if (tasks.length === 0) return;
      const task = random.pick(tasks);
      const { json } = await desk.status(task.path, task.caller);
      const approval = json.result?.approval;
      if (approval === undefined) return;
      const amount = random.below(5) === 0 ? random.pick(AMOUNTS) : task.amount;
      const caller = random.below(5) === 0 ? random.pick(CALLERS) : task.caller;
      const context = { session: "s", approval };
      const answer = await desk.evaluate(asking(amount, { context }), caller);
      judge(answer, task, amount, caller);
    },
    async () => {
      desk.driver.nowMs += random.below(3) === 0 ? 400_000 : 20_000;
    },
  ];
  for (let step = 0; step < STEPS; step += 1) await random.pick(steps)();
}

test(`mutated submissions, seed ${SEED}`, { timeout: 60_000 }, async () => {
  const desk = accessDesk();
  const random = randomFrom(SEED);
  const counts = { taken: 0, refused: 0 };
  for (let run = 0; run < 1_000; run += 1) {
    const submitted = desk.submissionOf(await desk.evaluate());
    const { body, headers } = damage(structuredClone(submitted), random);
    const { status, json } = await desk.ask("POST", "/access/v1/requests", body, "gateway", {
      ...headers,
      "idempotency-key": `k${run}`,
    });
    const said = `${body.toString("latin1")} → ${status} ${JSON.stringify(json)}`;
    expect([201, 202, 400, 403, 410], said).toContain(status);
    counts[status < 300 ? "taken" : "refused"] += 1;
    if (status >= 300) continue;
    // Read anew, by other means than ours: what was taken is what was held.
    const taken = JSON.parse(body.toString());
    expect(boundOf(taken), said).toEqual(boundOf(submitted));
    expect(taken.denial.binding_token, said).toBe((submitted.denial as Json).binding_token);
  }
  expect(counts.taken).toBeGreaterThan(100);
  expect(counts.refused).toBeGreaterThan(100);
});

function boundOf({ subject, resource, action, context }: Json): Json {
  const entity = (one: unknown) => {
    const { type, id, properties } = one as Json;
    return { type, id, properties };
  };
  const { name, properties } = action as Json;
  const { session, frozen } = (context ?? {}) as Json;
  const who = subject as { type: string; id: string; properties?: Json };
  const { act: _, ...told } = who.properties ?? {};
  return {
    subject: { type: who.type, id: who.id, properties: told },
    resource: entity(resource),
    action: { name, properties },
    context: { session, frozen },
  };
}
