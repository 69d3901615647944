import { expect, test } from "vitest";
import { Backlog } from "../../../engine/state/sqlite/backlog.ts";
import type { Name } from "../../../engine/state/sqlite/changes.ts";

const PACE = { length: 10, rowCount: 4 };

/** Settles all of a stretch in which one session was told, beside these open calls, and tells step by step what came. */
function settled(calls: readonly (Name | undefined)[]) {
  let looked = 0;
  const backlog = new Backlog(PACE, function* () {
    for (const call of calls) {
      looked += 1;
      yield call;
    }
  });
  backlog.add({ kind: "sessions", key: "s" });
  expect(backlog.note(1, 10, 7)).toBe(true);
  const steps: { names: number; looked: number; upTo: number | undefined }[] = [];
  for (let step = backlog.next(); step !== undefined; step = backlog.next()) {
    steps.push({ names: step.names.length, looked, upTo: step.upTo });
    looked = 0;
    backlog.written(step);
  }
  return steps;
}

const OPEN = { kind: "calls", key: "c" } as const;

test("a stretch is settled in steps, and is over with the last of it", () => {
  expect(settled([OPEN, OPEN, OPEN, OPEN])).toEqual([
    { names: 4, looked: 3, upTo: undefined },
    { names: 1, looked: 1, upTo: 7 },
  ]);
});

test("no step looks at many open calls, though all of them are in their table", () => {
  const calls = Array.from({ length: 1_000 }, (_, at) => (at === 900 ? OPEN : undefined));
  const steps = settled(calls);
  expect(Math.max(...steps.map(({ looked }) => looked))).toBeLessThanOrEqual(16 * PACE.rowCount);
  expect(steps.reduce((sum, { names }) => sum + names, 0)).toBe(2);
  expect(steps.map(({ upTo }) => upTo).filter((upTo) => upTo !== undefined)).toEqual([7]);
  expect(steps.at(-1)?.upTo).toBe(7);
});
