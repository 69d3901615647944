import { expect, test } from "vitest";
import { Backlog } from "../../../engine/state/sqlite/backlog.ts";
import type { Name } from "../../../engine/state/sqlite/changes.ts";

const PACE = { length: 10, rowCount: 4 };
const LONG = { length: 1_000, rowCount: 4 };

/** Settles all of a stretch in which one session was told, beside these open calls, and tells step by step what came. */
function settled(calls: readonly (Name | undefined)[], pace = PACE) {
  let looked = 0;
  const backlog = new Backlog(pace, {
    count: () => calls.length,
    *names() {
      for (const call of calls) {
        looked += 1;
        yield call;
      }
    },
  });
  backlog.add({ kind: "sessions", key: "s" });
  expect(backlog.note(pace.length, 7)).toBe(true);
  const steps: { names: number; looked: number; upTo: number | undefined; told: number }[] = [];
  for (let told = 1; steps.at(-1)?.upTo === undefined; told++) {
    backlog.note(1, 7 + told);
    const step = backlog.next();
    if (step === undefined) continue;
    steps.push({ names: step.names.length, looked, upTo: step.upTo, told });
    looked = 0;
    backlog.written(step);
  }
  return steps;
}

const OPEN = { kind: "calls", key: "c" } as const;

test("a stretch is settled in steps while the next is told, and is over with the last of them", () => {
  expect(settled([OPEN, OPEN, OPEN, OPEN])).toEqual([
    { names: 4, looked: 4, upTo: undefined, told: 5 },
    { names: 1, looked: 0, upTo: 7, told: 8 },
  ]);
});

test("steps are small, and all is settled before the next stretch ends", () => {
  const calls = Array.from({ length: 500 }, (_, at) => ({ kind: "calls" as const, key: `${at}` }));
  const steps = settled(calls, LONG);
  expect(Math.max(...steps.map(({ names }) => names))).toBe(LONG.rowCount);
  expect(steps.at(-1)?.told).toBeLessThan(LONG.length);
});

test("a few rows are settled as well before the next stretch ends", () => {
  expect(settled([])).toEqual([{ names: 1, looked: 0, upTo: 7, told: 8 }]);
});

test("no step looks at many open calls, though all of them are in their table", () => {
  const calls = Array.from({ length: 1_000 }, (_, at) => (at === 900 ? OPEN : undefined));
  const steps = settled(calls, LONG);
  expect(Math.max(...steps.map(({ looked }) => looked))).toBeLessThanOrEqual(21 * LONG.rowCount);
  expect(steps.reduce((sum, { names }) => sum + names, 0)).toBe(2);
  expect(steps.map(({ upTo }) => upTo).filter((upTo) => upTo !== undefined)).toEqual([7]);
});

test("what is beside each other in its table is written together", () => {
  const backlog = new Backlog(PACE, { count: () => 0, names: () => [] });
  for (const key of ["b", "c", "a"]) backlog.add({ kind: "sessions", key });
  expect(backlog.all().map((name) => "key" in name && name.key)).toEqual(["a", "b", "c"]);
});
