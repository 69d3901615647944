/**
 * Three processes that share a ledger on one Redis, and whatever can go wrong: what may be used once is granted once, and
 * two seconds after somebody was told that a thing is revoked, nobody allows it. Where the server has lost what it had
 * acknowledged, that holds as soon as whoever knew of it has spoken. `WRIT_LEDGER_SEEDS=20000` runs more of them.
 */
import { describe, expect, test } from "vitest";
import { seedFrom } from "../support/seed.ts";
import type { Slips } from "./desk.ts";
import { type LedgerPlan, ledgerPlanFrom, simulateLedger } from "./ledger.ts";

const IS_ONE = process.env.WRIT_LEDGER_SEED !== undefined;
const SEED = seedFrom("WRIT_LEDGER_SEED");
const SEEDS = IS_ONE ? 1 : Number(process.env.WRIT_LEDGER_SEEDS ?? 60);
const TIMEOUT_MS = Math.max(60_000, SEEDS * 1_000);

const runsWith = new Map<string, number>();

test(`${SEEDS} runs from seed ${SEED} keep what is promised`, { timeout: TIMEOUT_MS }, async () => {
  for (let seed = SEED; seed < SEED + SEEDS; seed++) {
    const { violation, trace, hits } = await simulateLedger(ledgerPlanFrom(seed));
    if (violation !== undefined) expect.fail([`WRIT_LEDGER_SEED=${seed}`, ...trace].join("\n"));
    for (const what of hits.keys()) runsWith.set(what, (runsWith.get(what) ?? 0) + 1);
  }
});

test.skipIf(IS_ONE)("the runs are worth it: everything comes up", () => {
  const everywhere = [
    ...["use granted", "use used", "use unknown", "revoke done", "ask allowed", "ask revoked"],
    ...["cut", "away", "crash, same disk", "crash, new disk", "hang", "restart with all"],
    ...["restart with copy", "loss", "confirmed", "reply lost"],
  ];
  const seldom = everywhere.filter((what) => !runsWith.has(what));
  expect(seldom, JSON.stringify([...runsWith])).toEqual([]);
});

describe("a process that does otherwise is found out", () => {
  test.each<[string, Slips]>([
    ["asks whoever is not ready", { asksAnyway: true }],
    ["takes what others have for its own", { takesChangedForKept: true }],
    ["hears of nothing", { isDeaf: true, asksAnyway: true }],
  ])("one that %s", { timeout: 60_000 }, async (_, slips) => {
    const found = async (plan: LedgerPlan) => (await simulateLedger(plan, slips)).violation;
    for (let seed = SEED; seed < SEED + 300; seed++) {
      if ((await found(ledgerPlanFrom(seed))) !== undefined) return;
    }
    expect.fail("300 runs found nothing");
  });
});
