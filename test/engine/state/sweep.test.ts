import { expect, test } from "vitest";
import { ShardedMap } from "../../../engine/state/sharded-map.ts";
import { Sweep } from "../../../engine/state/sweep.ts";

/** A table of numbers, of which even ones may go. */
function tableOf(count: number) {
  const table = new ShardedMap<number>();
  const sweep = new Sweep(table);
  for (let at = 0; at < count; at++) table.set(`k${at}`, at);
  let looked = 0;
  const go = (nowMs: number) => {
    looked = 0;
    const isEven = (value: number) => {
      looked += 1;
      return value % 2 === 0;
    };
    sweep.go(nowMs, isEven, (key) => table.delete(key));
    return looked;
  };
  return { table, go };
}

test("finds all that may go, some at a time", () => {
  const { table, go } = tableOf(10_000);
  for (let at = 0; at < 50; at++) expect(go(1)).toBeLessThanOrEqual(256);
  expect(table.size).toBe(5_000);
  expect([...table.values()].every((value) => value % 2 === 1)).toBe(true);
});

test("looks through all of it once a second at most", () => {
  const { go } = tableOf(100);
  expect([go(1), go(2), go(1_000)]).toEqual([100, 0, 0]);
  expect([go(1_001), go(1_002)]).toEqual([50, 0]);
});

test("leaves alone what came again meanwhile", () => {
  const { table, go } = tableOf(5_000);
  // All of it is in other parts by the next time.
  go(1);
  for (let at = 5_000; at < 20_000; at++) table.set(`k${at}`, 1);
  for (let at = 0; at < 5_000; at++) table.set(`k${at}`, at + 1 - (at % 2));
  for (let at = 0; at < 80; at++) go(2);
  expect(table.size).toBe(20_000);
});
