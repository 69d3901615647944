/** Random calls that set and reset one latch, many of them under way together. */
import type { Decision } from "../../../engine/decision.ts";
import type { Random } from "../../differential/random.ts";
import { type LatchCall, readingOf } from "../../support/latch-orders.ts";
import type { ContractDriver } from "./contract.ts";

export const PUSHING_TOOLS = `
  tool test, edit { effect execute, args { n: Int } }
  tool push, stop { effect execute }
`;

/** It permits one tool and forbids another; with an `n` that is too large, who knows whether a call counts. */
export const PUSHING = `${PUSHING_TOOLS}
  latch tested = completed test where args.n + 1 > 0 per session
    reset by completed edit where args.n + 1 > 0
  permit others tool test, edit, stop
  permit push tool push when has session and tested
  forbid late tool stop when has session and tested
`;

export const TOO_LARGE = { n: Number.MAX_SAFE_INTEGER };

export type LatchReading = ReturnType<typeof readingOf>;

/** By what the latch reads: what is answered where it permits, and where it forbids. */
export const PUSHED = new Map<LatchReading, readonly string[]>([
  [true, ["allow", "forbidden"]],
  [false, ["not_permitted", "allow"]],
  ["pending", ["prerequisite_pending", "prerequisite_pending"]],
]);

export async function pushes(driver: ContractDriver): Promise<readonly string[]> {
  return [await driver.ask("push"), await driver.ask("stop")];
}

interface UnderWay {
  readonly call: LatchCall;
  readonly decision: Decision;
}

/** Step by step: what was answered, what should have been, and why. */
export async function* latchHistory(driver: ContractDriver, random: Random, steps: number) {
  let calls: readonly LatchCall[] = [];
  let open: readonly UnderWay[] = [];
  for (let at = 0; at < steps; at++) {
    if (open.length === 0 || random.chance(0.45)) {
      const kind = random.pick(["latch", "reset"] as const);
      const call = { kind, certain: random.chance(0.85), begin: at };
      const args = call.certain ? { n: 0 } : TOO_LARGE;
      const decision = await driver.call(kind === "latch" ? "test" : "edit", args);
      calls = [...calls, call];
      open = [...open, { call, decision }];
    } else {
      const ended = random.pick(open);
      const status = random.chance(0.8) ? "ok" : "error";
      await driver.report(ended.decision, status);
      open = open.filter((one) => one !== ended);
      ended.call.end = at;
      if (status === "error") calls = calls.filter((call) => call !== ended.call);
    }
    const reading = readingOf(calls);
    yield { reading, told: await pushes(driver), calls: JSON.stringify(calls) };
  }
}
