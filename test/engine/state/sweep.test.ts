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

test("looks through a large one once a second at most, and through a small one whenever it is asked", () => {
  const large = tableOf(600).go;
  expect([large(1), large(2), large(3), large(4), large(1_000)]).toEqual([256, 256, 88, 0, 0]);
  expect([large(1_001), large(1_002), large(1_003)]).toEqual([256, 44, 0]);
  const small = tableOf(100).go;
  expect([small(1), small(2)]).toEqual([100, 50]);
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
