import { expect, test } from "vitest";
import { Waits } from "../../../engine/http/waits.ts";

test("each who waits is counted from when they began, also for what others wait for", async () => {
  let nowMs = 0;
  const waits = new Waits(() => nowMs);
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  expect(waits.time(first.promise)).toBe(first.promise);
  nowMs = 3;
  void waits.time(first.promise);
  void waits.time(second.promise);
  void waits.time(first.promise);
  expect(waits.read()).toMatchObject({ waiting: 4, failed: 0, latency: { sumMs: 0 } });
  nowMs = 10;
  first.resolve();
  await first.promise;
  expect(waits.read()).toMatchObject({ waiting: 1, failed: 0, latency: { sumMs: 10 + 7 + 7 } });
  second.reject(new Error("full"));
  await second.promise.catch(() => {});
  expect(waits.read()).toMatchObject({ waiting: 0, failed: 1, latency: { sumMs: 31 } });
  await waits.time(first.promise);
  const { latency, waiting } = waits.read();
  expect([latency.counts.reduce((sum, count) => sum + count, 0), waiting]).toEqual([5, 0]);
});
