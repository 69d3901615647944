/**
 * Three replicas on one Redis, and whatever can go wrong: a limit is never passed, nothing is allowed in a session
 * that was ended, what is counted is what was allowed less what was given back, no step is out of order, and what a
 * session has seen is known to all. What a counter reads is never less than it counted, nor a bucket more.
 * `WRIT_SIM_SEEDS=20000` runs more of them, `WRIT_SIM_SEED=7` that one alone.
 */
import { expect, test } from "vitest";
import { seedFrom } from "../support/seed.ts";
import { minimise } from "./minimise.ts";
import { SEND_FAULTS } from "./network.ts";
import { type Plan, planFrom } from "./plan.ts";
import { simulate } from "./simulate.ts";

const IN_CI = process.env.CI !== undefined;
const IS_ONE = process.env.WRIT_SIM_SEED !== undefined;
const SEED = seedFrom("WRIT_SIM_SEED");
const SEEDS = IS_ONE ? 1 : Number(process.env.WRIT_SIM_SEEDS ?? (IN_CI ? 2_000 : 150));
/** Fewer say nothing of what is seldom. */
const ARE_FEW = SEEDS < 500;
const MINUTE = 60_000;

/** How often, and in how many runs, each came up. */
const hits = new Map<string, number>();
const runsWith = new Map<string, number>();

test(
  `${SEEDS} runs from seed ${SEED} keep what is promised`,
  async () => {
    for (let seed = SEED; seed < SEED + SEEDS; seed++) {
      const plan = planFrom(seed);
      const told = await simulate(plan);
      if (told.violation !== undefined) expect.fail(await spellFailure(plan));
      for (const [what, count] of told.hits) {
        hits.set(what, (hits.get(what) ?? 0) + count);
        runsWith.set(what, (runsWith.get(what) ?? 0) + 1);
      }
    }
  },
  Math.max(MINUTE, SEEDS * 1_000),
);

async function spellFailure(plan: Plan): Promise<string> {
  const shorter = await minimise(
    plan,
    async (other) => (await simulate(other)).violation !== undefined,
  );
  const { violation, trace } = await simulate(shorter);
  return [`WRIT_SIM_SEED=${plan.seed}: ${violation}`, ...trace].join("\n");
}

test.skipIf(ARE_FEW)("the runs are worth it: everything comes up", () => {
  const everywhere = [
    ...SEND_FAULTS,
    ...["restart with all", "restart with copy", "restart with nothing", "flush", "forget scripts"],
    ...["read-only", "full", "loading", "evicting", "hang", "cut", "reload"],
    ...["crash, same disk", "crash, new disk", "evicted"],
    ...["drift", "wall", "server drift", "server step", "loss", "loss confirmed"],
    ...["answered attempt lost", "answered hello settling", "answered settle conflict"],
    ...["answered settle repeated", "answered settle settled", "answered call unknown"],
    ...["forbidden", "out_of_sequence", "prerequisite_pending", "state_unavailable"],
  ];
  const seldom = everywhere.filter((what) => (runsWith.get(what) ?? 0) < SEEDS / 100);
  expect(seldom, JSON.stringify([...runsWith])).toEqual([]);
});

test.skipIf(ARE_FEW)("the runs are worth it: much is allowed, and limits are reached", () => {
  const shareOf = (what: string) => (hits.get(what) ?? 0) / (hits.get("decide") ?? 1);
  expect(shareOf("allow")).toBeGreaterThan(0.35);
  expect(shareOf("allow")).toBeLessThan(0.75);
  expect(shareOf("answered attempt conflict")).toBeGreaterThan(0.1);
  for (const what of ["not_permitted", "session_interrupted", "out_of_sequence"]) {
    expect((runsWith.get(what) ?? 0) / SEEDS, what).toBeGreaterThan(0.2);
  }
});

test("what a process saw before a loss that was confirmed is not what is there afterwards", async () => {
  const about = { agent: "a", session: "s2" };
  const [ann, bob] = ["ann@a.example", "bob@b.example"];
  const plan: Plan = {
    seed: 1,
    isOld: false,
    happenings: [
      { id: 0, atMs: 50, kind: "decide", replica: 0, asked: { tool: "fetch", ...about } },
      { id: 1, atMs: 52, kind: "copy" },
      { id: 2, atMs: 60, kind: "outcome", replica: 2, of: 0, status: "ok", returned: bob },
      { id: 3, atMs: 1_700, kind: "restart", downMs: 1_600, from: "copy" },
      { id: 4, atMs: 2_850, kind: "confirm" },
      // As much is known of the session as before, and other things.
      { id: 5, atMs: 9_000, kind: "decide", replica: 1, asked: { tool: "fetch", ...about } },
      { id: 6, atMs: 9_010, kind: "outcome", replica: 2, of: 5, status: "ok", returned: ann },
      {
        id: 7,
        atMs: 9_100,
        kind: "decide",
        replica: 2,
        asked: { tool: "post", to: bob, ...about },
      },
    ],
  };
  const { violation, hits } = await simulate(plan);
  expect(violation).toBeUndefined();
  expect([hits.get("loss confirmed"), hits.get("outcome answer")]).toEqual([1, 2]);
});

/** A loss is confirmed of which one replica does not hear, being away for so long; and another, told of in `second`. */
function emptiedTwice(lostRequests: number, second: Plan["happenings"]): Plan {
  const away = { kind: "send fault", replica: 2, fault: "request lost" } as const;
  const faults = Array.from({ length: lostRequests }, (_, id) => ({ id, atMs: 1_500, ...away }));
  return {
    seed: 1,
    isOld: false,
    happenings: [
      { id: 10, atMs: 100, kind: "flush" },
      ...faults,
      { id: 11, atMs: 1_510, kind: "confirm" },
      { id: 12, atMs: 1_700, kind: "flush" },
      ...second,
    ],
  };
}

test("emptied again, and told so by one that heard of the first confirmation: one more is enough", async () => {
  const asked = { tool: "pay", agent: "a", amount: 1 } as const;
  const plan = emptiedTwice(3, [
    { id: 13, atMs: 1_850, kind: "decide", replica: 0, asked },
    { id: 14, atMs: 1_900, kind: "confirm" },
  ]);
  const { violation, hits } = await simulate(plan);
  expect(violation).toBeUndefined();
  expect([hits.get("loss"), hits.get("loss confirmed")]).toEqual([2, 2]);
});

test("emptied again, and told so by one that was away at the first: those that heard of it ask again", async () => {
  const plan = emptiedTwice(1, [{ id: 13, atMs: 2_000, kind: "confirm" }]);
  const { violation, hits } = await simulate(plan);
  expect(violation).toBeUndefined();
  expect([hits.get("loss"), hits.get("loss confirmed")]).toEqual([2, 3]);
});
