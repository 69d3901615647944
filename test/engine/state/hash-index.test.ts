import fc from "fast-check";
import { expect, test } from "vitest";
import { HashIndex } from "../../../engine/state/hash-index.ts";
import { seedFrom } from "../../support/seed.ts";

function numbersOf(index: HashIndex, hash: number): number[] {
  const numbers: number[] = [];
  for (let slot = index.first(hash); slot >= 0; slot = index.next(slot, hash)) {
    numbers.push(index.numberAt(slot));
  }
  return numbers.sort((a, b) => a - b);
}

test("finds each number by its hash, however many share it or stand beside it", () => {
  // Those of one end of the table, of one place in it, and any.
  const hashes = fc.oneof(
    fc.constantFrom(0, 1, 14, 15, 16, 31, 0xffff_ffff, 0xffff_fff0),
    fc.nat(255),
    fc.integer({ min: 0, max: 0xffff_ffff }),
  );
  const step = fc.record({ adds: fc.boolean(), hash: hashes, which: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const index = new HashIndex();
      const there: { readonly hash: number; readonly number: number }[] = [];
      for (const [at, { adds, hash, which }] of steps.entries()) {
        const number = at % 7 === 0 ? 0xffff_fffe - at : at;
        if (adds || there.length === 0) {
          index.add(hash, number);
          there.push({ hash, number });
        } else {
          const [gone] = there.splice(which % there.length, 1);
          if (gone !== undefined) index.remove(gone.hash, gone.number);
        }
      }
      for (const { hash } of [...there, ...steps]) {
        const numbers = there.filter((one) => one.hash === hash).map(({ number }) => number);
        expect(numbersOf(index, hash)).toEqual(numbers.sort((a, b) => a - b));
      }
    }),
    { seed: seedFrom("WRIT_INDEX_SEED"), numRuns: 300 },
  );
});

test("what was never added cannot be removed", () => {
  const index = new HashIndex();
  index.add(5, 1);
  expect(() => index.remove(5, 2)).toThrow("never added");
  expect(() => index.remove(21, 1)).toThrow("never added");
});
