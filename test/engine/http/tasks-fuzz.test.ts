/** Whatever is sent to `/tasks`, and with a grant: nothing is granted or allowed that an independent look refuses. */
import { expect, test } from "vitest";
import { serveTasks } from "../../../engine/http/index.ts";
import { parseDuration } from "../../../lang/scalar/duration.ts";
import { seedFrom } from "../../support/seed.ts";
import { asking, POLICY, rigOf } from "../tasks/support.ts";
import { damage } from "./mutate.ts";
import { randomFrom } from "./random.ts";
import { outcomeOf, send, serve } from "./support.ts";

const RUNS = 3_000;
const SEED = seedFrom("TASKS_FUZZ_SEED");
/** Without what would refuse sound requests after a while. */
const UNLIMITED = POLICY.replace("limit calls <= 4, paid <= 10.00", "").replace(
  "started >= 20",
  "started >= 1000000",
);

// biome-ignore lint/suspicious/noExplicitAny: JSON that a test looks into
type Any = any;

function parsed(body: Buffer): Any {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function mayBeGranted(json: Any): boolean {
  const { agent, principal, delegation, session, intent, grant } = json ?? {};
  const lasts = parseDuration(String(grant?.lasts));
  const root = delegation?.chain?.[0]?.from ?? principal;
  return (
    ["pay_invoice", "answer_mail"].includes(intent?.task) &&
    [undefined, "payments", "payments.refunds", "support"].includes(intent.purpose) &&
    typeof agent?.id === "string" &&
    agent.trust >= 0.7 &&
    agent.trust <= 1 &&
    ["human", "workload"].includes(root?.kind ?? principal?.kind) &&
    root !== agent.id &&
    root?.id !== agent.id &&
    typeof session?.id === "string" &&
    lasts.ok &&
    lasts.value >= 1_000 &&
    lasts.value <= 900_000 &&
    (grant.depth ?? 0) <= 7 &&
    grant.key?.crv === "Ed25519" &&
    json.tool === undefined
  );
}

test(`what is not asked for in every respect is not granted, seed ${SEED}`, {
  timeout: 120_000,
}, async () => {
  const rig = await rigOf({ policy: UNLIMITED });
  const app = serve(rig.service, { extend: (own) => serveTasks(own, rig.tasks) });
  const random = randomFrom(SEED);
  const counts = { granted: 0, denied: 0, refused: 0 };
  for (let run = 0; run < RUNS; run += 1) {
    const chain = [{ from: { id: "alice", kind: "human" }, to: "bot", scope: ["pay"] }];
    const sound = random.below(2) === 0 ? {} : { delegation: { chain } };
    const { body, headers = {} } = damage(JSON.parse(JSON.stringify(asking(sound))), random);
    const response = await send(app, { path: "/tasks", body, headers });
    const where = `run ${run}: ${body} → ${response.body}`;
    expect(response.statusCode, where).toBeLessThan(500);
    const { grant, decision } = response.json();
    if (response.statusCode !== 200) counts.refused += 1;
    else if (grant === undefined) counts.denied += 1;
    else counts.granted += 1;
    if (grant === undefined) expect(decision === "allow", where).toBe(false);
    else {
      expect(mayBeGranted(parsed(body)), where).toBe(true);
      await rig.tasks.end(grant.id, grant.token);
    }
  }
  expect(rig.faults).toEqual([]);
  for (const [what, count] of Object.entries(counts)) {
    expect(count, `${what}, seed ${SEED}`).toBeGreaterThan(RUNS / 40);
  }
});

test(`what is not of the task in every respect is not allowed, seed ${SEED}`, {
  timeout: 120_000,
}, async () => {
  const rig = await rigOf({ policy: UNLIMITED });
  const app = serve(rig.service);
  const random = randomFrom(SEED + 1);
  const { id, token } = await rig.grant();
  const counts = { allow: 0, deny: 0, refused: 0 };
  for (let run = 0; run < RUNS; run += 1) {
    const request = {
      agent: { id: "bot", trust: 0.9 },
      principal: { id: "alice" },
      session: { id: "s" },
      intent: { task: "pay_invoice", task_id: id, purpose: "payments" },
      delegation: { tokens: [token] },
      tool: { name: "look" },
    };
    // What tells of a lower trust ends the task, which `tasks.test.ts` is about.
    const { body, headers = {} } = damage(request, random);
    const json = parsed(body);
    const isSignal = json?.agent?.id === "bot" && json.agent.trust !== 0.9;
    if (isSignal) continue;
    const response = await send(app, { body, headers });
    const where = `run ${run}: ${body} → ${response.body}`;
    expect(response.statusCode, where).toBeLessThan(500);
    if (response.statusCode !== 200) {
      counts.refused += 1;
      expect(outcomeOf(response), where).toMatch(/^4/);
      continue;
    }
    const { decision, call } = response.json<{ decision: "allow" | "deny"; call?: string }>();
    counts[decision] += 1;
    if (decision !== "allow") continue;
    await rig.service.outcome({ call: call ?? "", status: "ok" });
    const { intent = {}, session, agent, delegation } = json;
    if (delegation === undefined) {
      // A call like any other, and none of the run.
      expect(intent.task_id, where).toBeUndefined();
      continue;
    }
    expect([session.id, agent.id, delegation.tokens], where).toEqual(["s", "bot", [token]]);
    expect([intent.task ?? "pay_invoice", intent.task_id ?? id], where).toEqual([
      "pay_invoice",
      id,
    ]);
    expect(intent.purpose ?? "payments", where).toMatch(/^payments/);
  }
  expect(await rig.ask([token], "look")).toBe("allow");
  for (const [what, count] of Object.entries(counts)) {
    expect(count, `${what}, seed ${SEED}`).toBeGreaterThan(RUNS / 40);
  }
});
