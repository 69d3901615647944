import fc from "fast-check";
import { expect, test } from "vitest";
import { sharedSet } from "../../engine/shared-sets.ts";
import { seedFrom } from "../support/seed.ts";

test("equal small lists are one set, whatever came between", () => {
  const items = fc.constantFrom<string | number | boolean>("a", "b", "", 1, "1", 0, true, "true");
  fc.assert(
    fc.property(fc.array(fc.array(items, { maxLength: 4 }), { maxLength: 20 }), (lists) => {
      for (const list of lists) {
        const set = sharedSet(list);
        expect([...set]).toEqual([...new Set(list)]);
        expect(sharedSet([...list])).toBe(set);
      }
    }),
    { seed: seedFrom("WRIT_SETS_SEED") },
  );
});

test.each<[string, string[]]>([
  ["many items", Array.from({ length: 9 }, (_, at) => `item-${at}`)],
  ["a long item", ["short", "l".repeat(65)]],
])("%s are not kept", (_, list) => {
  expect(sharedSet([...list])).not.toBe(sharedSet([...list]));
});

test("there is room for so many, and then for new ones", () => {
  const groups = Array.from({ length: 5_000 }, (_, at) => `group-${at}`);
  const sets = groups.map((group) => sharedSet([group]));
  expect(sets.map((set) => [...set])).toEqual(groups.map((group) => [group]));
  const still = groups.filter((group, at) => sharedSet([group]) === sets[at]);
  expect(still.length).toBeLessThanOrEqual(1_024);
});
