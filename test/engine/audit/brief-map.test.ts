import fc from "fast-check";
import { expect, test } from "vitest";
import { BriefMap } from "../../../engine/audit/brief-map.ts";
import { seedFrom } from "../../support/seed.ts";

const SEED = seedFrom("WRIT_BRIEF_MAP_SEED");
const KEYS = Array.from({ length: 400 }, (_, at) => `k${at}`);
const key = fc.constantFrom(...KEYS);
const step = fc.oneof(
  { weight: 300, arbitrary: fc.record({ set: key, to: fc.nat() }) },
  { weight: 200, arbitrary: fc.record({ delete: key }) },
  { weight: 1, arbitrary: fc.constant({ clear: true }) },
);

test(`it holds what a Map holds, seed ${SEED}`, () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 500, maxLength: 1_500 }), (steps) => {
      const [made, model] = [new BriefMap<number>(), new Map<string, number>()];
      for (const one of steps) {
        for (const each of [made, model]) {
          if ("set" in one) each.set(one.set, one.to);
          else if ("delete" in one) each.delete(one.delete);
          else each.clear();
        }
        expect(made.size).toBe(model.size);
      }
      for (const name of KEYS) expect(made.get(name)).toBe(model.get(name));
    }),
    { seed: SEED, numRuns: 200 },
  );
});
