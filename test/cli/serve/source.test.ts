import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { pollEvery } from "../../../cli/serve/source.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const HOUR_MS = 3_600_000;

test.each([24, 500, 1_000, 100_000])("every %i h is not every millisecond", async (hours) => {
  let checks = 0;
  const stop = pollEvery(hours * HOUR_MS, async () => {
    checks += 1;
    return true;
  });
  await vi.advanceTimersByTimeAsync(20 * HOUR_MS);
  expect(checks).toBe(0);
  await vi.advanceTimersByTimeAsync(700 * HOUR_MS);
  expect(checks).toBeGreaterThan(0);
  stop();
});
