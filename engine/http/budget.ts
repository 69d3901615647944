import { setImmediate } from "node:timers/promises";
import { BATCH_LIMITS } from "../limits.ts";

/** What one body may ask for: so many questions, and so much time for all of them together. */
export interface Budget {
  /** Why the next question is not asked; `undefined`: ask it. Waits for others' turn now and then. */
  next(): Promise<string | undefined>;
}

export interface BudgetParts {
  readonly askCount?: number;
  readonly askMs?: number;
  /** Milliseconds that only grow. */
  readonly clock?: () => number;
}

export function createBudget(parts: BudgetParts = {}): Budget {
  const { askCount, askMs, turnMs } = { ...BATCH_LIMITS, ...parts };
  const clock = parts.clock ?? (() => performance.now());
  const startedAt = clock();
  let turnAt = startedAt;
  let asked = 0;
  return {
    async next() {
      if (asked >= askCount) return `one body is answered ${askCount} questions at most`;
      if (clock() - turnAt > turnMs) {
        await setImmediate();
        turnAt = clock();
      }
      if (clock() - startedAt > askMs) return `the ${askMs} ms for one body are used up`;
      asked += 1;
      return undefined;
    },
  };
}
