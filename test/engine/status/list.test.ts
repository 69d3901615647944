import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../engine/json.ts";
import { type Bits, readList, refusalOfStatus, statusAt } from "../../../engine/status/list.ts";
import { START } from "../../support/engine.ts";
import { seedFrom } from "../../support/seed.ts";
import { IDP, LIST, listClaims, packed } from "../../support/statuses.ts";

interface Vector {
  readonly bits: Bits;
  readonly lst: string;
  readonly count: number;
  readonly statuses: Readonly<Record<string, number>>;
}

const { lists } = JSON.parse(readFileSync(new URL("vectors.json", import.meta.url), "utf8")) as {
  readonly lists: readonly Vector[];
};

describe("the vectors of the specification", () => {
  test.each(lists)("$count statuses of $bits bits", ({ bits, lst, count, statuses }) => {
    const claims = listClaims([], { status_list: { bits, lst } }) as JsonObject;
    const read = readList(claims, LIST, IDP, START);
    if (!read.ok) throw new Error(read.why);
    const list = { bits, bytes: inflateSync(read.compressed) };
    const wrong: number[] = [];
    for (let index = 0; index < count; index += 1) {
      if (statusAt(list, index) !== (statuses[index] ?? 0)) wrong.push(index);
    }
    expect(wrong).toEqual([]);
    expect(statusAt(list, count)).toBeUndefined();
  });
});

test.each([
  [0, undefined],
  [1, "revoked"],
  [2, "status_suspended"],
  [3, "status_refused"],
  [11, "status_refused"],
  [15, "status_refused"],
  [255, "status_refused"],
])("status %d: %s", (status, cause) => {
  const refused = refusalOfStatus({ bits: 8, bytes: Uint8Array.of(status) }, 0);
  expect(refused && (refused.cause ?? refused.code)).toBe(cause);
});

test.each([1, 8, Number.MAX_SAFE_INTEGER])("an index %d beyond the list is refused", (index) => {
  const refused = refusalOfStatus({ bits: 8, bytes: Uint8Array.of(0) }, index);
  expect(refused?.cause).toBe("status_invalid");
});

const SEED = seedFrom("WRIT_STATUS_SEED");

test(`what was packed is found where it was (seed ${SEED})`, () => {
  const list = fc.constantFrom<Bits>(1, 2, 4, 8).chain((bits) =>
    fc.record({
      bits: fc.constant(bits),
      statuses: fc.array(fc.integer({ min: 0, max: 2 ** bits - 1 }), { minLength: 1 }),
    }),
  );
  fc.assert(
    fc.property(list, ({ bits, statuses }) => {
      const bytes = inflateSync(Buffer.from(String(packed(statuses, bits).lst), "base64url"));
      const found = statuses.map((_, index) => statusAt({ bits, bytes }, index));
      expect(found).toEqual(statuses);
    }),
    { seed: SEED },
  );
});
