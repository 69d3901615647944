import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { ShardedMap } from "../../../engine/state/sharded-map.ts";

const COUNT = 40_000;

/** `hex-number`, all different. */
const keyAt = (at: number) => `${(Math.imul(at, 0x9e3779b1) >>> 0).toString(16)}-${at}`;

function filled(count: number): ShardedMap<number> {
  const map = new ShardedMap<number>();
  for (let at = 0; at < count; at++) map.set(keyAt(at), at);
  return map;
}

test("is a map, however much it holds", { timeout: 60_000 }, () => {
  const step = fc.record({ set: fc.boolean(), at: fc.nat(COUNT + 100), value: fc.nat() });
  fc.assert(
    fc.property(
      fc.constantFrom(0, 100, COUNT),
      fc.array(step, { maxLength: 200 }),
      (size, steps) => {
        const map = filled(size);
        const model = new Map(Array.from({ length: size }, (_, at) => [keyAt(at), at]));
        for (const { set, at, value } of steps) {
          const key = keyAt(at);
          if (set) map.set(key, value);
          else expect(map.delete(key)).toBe(model.has(key));
          if (set) model.set(key, value);
          else model.delete(key);
          expect([map.get(key), map.has(key)]).toEqual([model.get(key), model.has(key)]);
        }
        expect(map.size).toBe(model.size);
        expect(new Map(map)).toEqual(model);
        expect(new Set(map.keys())).toEqual(new Set(model.keys()));
        expect([...map.values()].length).toBe(model.size);
      },
    ),
    { numRuns: 20 },
  );
});

test("no addition moves more than some ten thousand keys", { timeout: 60_000 }, () => {
  const map = new ShardedMap<number>();
  const set = vi.spyOn(Map.prototype, "set");
  let most = 0;
  let largest = 0;
  for (let at = 0; at < 200_000; at++) {
    set.mockClear();
    map.set(keyAt(at), at);
    most = Math.max(most, set.mock.calls.length);
    // What a map has to move when it grows.
    for (const { size } of set.mock.contexts as Map<string, number>[]) {
      largest = Math.max(largest, size);
    }
  }
  set.mockRestore();
  expect([most, largest]).toEqual([32_770, 32_769]);
});

test("keys of one part are kept apart", () => {
  // Of a text of this length every fourth character from its end tells its part.
  const keys = Array.from({ length: COUNT }, (_, at) =>
    [...at.toString().padStart(30, "0")].map((digit) => `${digit}-`).join(""),
  );
  const map = new ShardedMap<number>();
  for (const [at, key] of keys.entries()) map.set(key, at);
  expect(keys.every((key, at) => map.get(key) === at)).toBe(true);
  expect(map.size).toBe(keys.length);
});

test("whoever looks through it meets what was there all the time, once", () => {
  const map = filled(30_000);
  const met: string[] = [];
  for (const [key] of map) {
    met.push(key);
    if (met.length === 1_000) for (let at = 30_000; at < COUNT; at++) map.set(keyAt(at), at);
  }
  const all = new Set(met);
  expect(all.size).toBe(met.length);
  for (let at = 0; at < 30_000; at++) expect(all.has(keyAt(at))).toBe(true);
});
