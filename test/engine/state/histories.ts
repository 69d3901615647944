/** Random histories of a policy that uses all kinds of state: the same on every store, or a store is wrong. */

import type { MemoryLimits } from "../../../engine/state/memory.ts";
import { randomFrom } from "../../differential/random.ts";
import { programOf } from "../../support/engine.ts";
import { randomOutcome, randomRequest } from "../../support/random-request.ts";
import { ContractDriver, type ContractEngine, type ContractStore } from "./contract.ts";

export const BUSY = programOf(`
  label untrusted, private
  level Sensitivity = public < internal < restricted
  purpose payments, payments.payroll
  tool look { effect read, args { k1: String }, yields untrusted in [body], yields private elsewhere, source subject }
  tool pay { effect write, args { to: String, amount: Decimal, urgent: Bool } }
  tool check { effect execute }
  tool stop { effect execute, args { hard: Bool } }
  resource file { owner: String }
  counter tries = count attempts per agent within 1m
  counter spend = sum args.amount of allowed pay per session within 5m
  counter done = count completed effect read, write per session
  counter payees = distinct args.to of allowed pay where not args.urgent per agent within 2m
  counter lifetime = sum args.amount of completed pay per agent, args.to
  latch checked = completed check per session reset by completed pay
  latch tainted = allowed look where args.k1 == "k1" per session
  latch fresh = completed check, look per agent reset by allowed check, pay
  latch large = completed pay where args.amount * 3000.00 > 9.00 per agent reset by completed check
  task errand { sequence (look | check), pay*, (look(k1 as x), look(k1 as x))? limit calls <= 3, duration <= 5m }
  permit looking tool look, check
  permit paying tool pay when has session and spend + args.amount <= 900.00 and payees < 3
  permit stopping tool stop
  forbid early tool pay when has session and not checked and tainted and args.urgent
  forbid flood when tries >= 60
  permit asked tool pay when user in origin(args.to) and not args.urgent
  forbid planted tool pay when untrusted in origin(args.to) and args.urgent
  forbid seldom tool pay when lifetime >= 5000.00 and done > 9
  forbid stale tool look when args.k1 == "k2" and not fresh
  forbid vague tool check when large and fresh
  forbid last tool stop when args.hard then interrupt session
  forbid private tool pay when has session and session.sensitivity >= restricted
`);

/** By which idle sessions make room all the time. */
export const LITTLE_ROOM = { keyCount: 1, taskCount: 1, sessionIdleMs: 20_000 };

/** What was answered, step by step; `seed` draws what is asked, when, and what becomes of it. */
export async function history(
  store: ContractStore,
  seed: number,
  steps: number,
  more: Partial<MemoryLimits> = {},
): Promise<string[]> {
  const random = randomFrom(seed);
  const started = await store.start({ keyCount: 3, callCount: 4, reservationMs: 60_000, ...more });
  try {
    const driver = new ContractDriver(started);
    await driver.under(BUSY);
    const open: string[] = [];
    const told: string[] = [];
    for (let step = 0; step < steps; step++) {
      driver.nowMs += random.chance(0.1) ? random.below(120_000) : random.below(3_000);
      if (open.length > 0 && random.chance(0.45)) {
        const [call = ""] = open.splice(random.below(open.length), 1);
        told.push(JSON.stringify(await driver.engine.outcome(randomOutcome(call, random))));
        if (random.chance(0.1)) open.push(call);
      } else if (random.chance(0.15)) {
        told.push(String(await driver.engine.sessions.reinstate(random.pick(["s1", "s2"]))));
      } else if (random.chance(0.05)) {
        told.push(...(await seenBy(driver.engine)));
      } else {
        const answer = await driver.engine.decide(randomRequest(BUSY, random));
        told.push(JSON.stringify(answer));
        if (answer.kind === "answer" && answer.value.call !== undefined)
          open.push(answer.value.call);
      }
    }
    return [...told, ...(await seenBy(driver.engine))];
  } finally {
    await started.stop();
  }
}

/**
 * Keys that hold nothing go when a full table is read, also by a guess that then turns out wrong: where several processes
 * guess, how many there are yet is no answer.
 */
export function apartFromEmptyKeys(told: readonly string[]): string[] {
  return told.map((one) => one.replace(/"keys":\d+,/, ""));
}

/** All that operators see, but for when a session was last used: a store need not keep that to the call. */
async function seenBy({ inspection }: ContractEngine): Promise<string[]> {
  const { counters, latches, ...totals } = await inspection.state(100);
  const { sessions } = await inspection.sessions({ most: 100 });
  const details = [];
  for (const { id } of [...sessions].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    details.push({ ...(await inspection.session(id)), used: undefined });
  }
  const seen = [
    totals,
    ...counters.map(({ highest, ...counter }) => ({ ...counter, highest: byKey(highest) })),
    ...latches.map(({ some, ...latch }) => ({ ...latch, some: byKey(some) })),
    ...details,
  ];
  return seen.map((one) => JSON.stringify(one));
}

function byKey<Keyed extends { readonly key: readonly string[] }>(all: readonly Keyed[]) {
  const spelled = (one: Keyed) => JSON.stringify(one.key);
  return [...all].sort((a, b) => (spelled(a) < spelled(b) ? -1 : 1));
}
