import fc from "fast-check";
import { expect, test } from "vitest";
import { delayMs, poll } from "../../../engine/bundles/poll.ts";

test("it is asked about once an interval; after failures sooner, and ever later up to the interval", () => {
  expect([0, 1, 2, 3, 7, 8, 1_000].map((failures) => delayMs(failures, 60_000, 0.5))).toEqual([
    60_000, 1_000, 2_000, 4_000, 60_000, 60_000, 60_000,
  ]);
  expect([0, 1, 5].map((failures) => delayMs(failures, 500, 0.5))).toEqual([500, 500, 500]);
  const bounds = fc.property(
    fc.nat(50),
    fc.integer({ min: 1, max: 1e9 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (failures, intervalMs, chance) => {
      const ms = delayMs(failures, intervalMs, chance);
      return ms >= 0 && ms <= Math.ceil(intervalMs * 1.1);
    },
  );
  fc.assert(bounds);
});

test("one check ends before the next is waited for, and none comes after it was stopped", async () => {
  const waiting: { ms: number; then: () => void }[] = [];
  const results = [false, false, true, true];
  let checks = 0;
  const stop = poll({
    intervalMs: 10_000,
    random: () => 0.5,
    check: async () => results[checks++] ?? true,
    after: (ms, then) => {
      const one = { ms, then };
      waiting.push(one);
      return () => void waiting.splice(waiting.indexOf(one), 1);
    },
  });
  const delays: number[] = [];
  for (let round = 0; round < 4; round++) {
    const [next] = waiting.splice(0);
    delays.push(next?.ms ?? 0);
    next?.then();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(delays).toEqual([10_000, 1_000, 2_000, 10_000]);
  expect(waiting).toHaveLength(1);
  stop();
  expect(waiting).toEqual([]);
});
