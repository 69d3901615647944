import fc from "fast-check";
import { expect, test } from "vitest";
import { Blocks } from "../../../engine/state/blocks.ts";
import { Packer } from "../../../engine/state/pack.ts";
import { seedFrom } from "../../support/seed.ts";

const seed = seedFrom("WRIT_BLOCKS_SEED");

/** So many blocks take this many bytes, of which each has room for 112. */
const blocksFor = (length: number) => Math.ceil(length / 112);

test("bytes come back as they were, and all room that became free is used again", () => {
  const length = fc.oneof(fc.integer({ min: 1, max: 500 }), fc.constantFrom(112, 113, 224, 50_000));
  const step = fc.record({
    adds: fc.boolean(),
    which: fc.nat(),
    length,
    fill: fc.nat(255),
    number: fc.double({ noNaN: true }),
    isMarked: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const blocks = new Blocks();
      const model = new Map<number, (typeof steps)[number]>();
      const packer = new Packer(0);
      let [inUse, most, last] = [0, 0, -1];
      for (const one of steps) {
        const victim = [...model][one.which % Math.max(1, model.size)];
        if (one.adds || victim === undefined) {
          const first = blocks.add(Buffer.alloc(one.length + 9, one.fill), one.length, one.number);
          expect(model.has(first)).toBe(false);
          blocks.mark(first, one.isMarked);
          model.set(first, one);
          inUse += blocksFor(one.length);
          last = Math.max(last, first);
        } else {
          const [first, gone] = victim;
          blocks.remove(first);
          expect(blocks.has(first)).toBe(false);
          model.delete(first);
          inUse -= blocksFor(gone.length);
        }
        most = Math.max(most, inUse);
      }
      expect(last).toBeLessThan(most);
      expect(blocks.size).toBe(model.size);
      expect([...blocks].sort((a, b) => a - b)).toEqual([...model.keys()].sort((a, b) => a - b));
      for (const [first, { length, fill, number, isMarked }] of model) {
        packer.clear();
        blocks.copy(first, packer);
        const bytes = Buffer.alloc(length, fill);
        expect(packer.packed().equals(bytes)).toBe(true);
        expect([blocks.has(first), blocks.number(first)]).toEqual([true, number]);
        expect(blocks.isMarked(first)).toBe(isMarked);
        expect(blocks.beginWith(first, bytes, length)).toBe(true);
        expect(blocks.beginWith(first, Buffer.alloc(length + 1, fill), length + 1)).toBe(false);
        bytes[length - 1] = fill ^ 1;
        expect(blocks.beginWith(first, bytes, length)).toBe(false);
      }
    }),
    { seed },
  );
});

test("whoever looks through them meets what was there all the time, once", () => {
  const blocks = new Blocks();
  const bytes = Buffer.alloc(300);
  const there = Array.from({ length: 5_000 }, (_, at) => blocks.add(bytes, 1 + (at % 300), at));
  const gone = new Set(there.filter((_, at) => at % 3 === 0));
  const met: number[] = [];
  for (const block of blocks) {
    met.push(block);
    if (met.length !== 2_000) continue;
    for (const first of gone) blocks.remove(first);
    for (let at = 0; at < 3_000; at++) blocks.add(bytes, 1 + (at % 300), at);
  }
  const all = new Set(met);
  expect(all.size).toBe(met.length);
  expect(there.every((first) => gone.has(first) || all.has(first))).toBe(true);
});
