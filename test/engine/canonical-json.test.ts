import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../engine/canonical-json.ts";
import { seedFrom } from "../support/seed.ts";

const SEED = seedFrom("WRIT_CANONICAL_SEED");

/** As RFC 8785 says it, slowly. */
function reference(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(reference).join(",")}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${reference(item)}`).join(",")}}`;
}

test(`every text as JSON spells it, seed ${SEED}`, () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(canonicalJson(text)).toBe(JSON.stringify(text));
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});

test(`every value is itself when read again, in one order, seed ${SEED}`, () => {
  const names = fc.string({ unit: "binary", minLength: 1 }).map((name) => `${name}x`);
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      fc.jsonValue({ maxDepth: 0 }),
      fc.array(tie("any"), { maxLength: 4 }),
      fc.dictionary(names, tie("any"), { maxKeys: 5 }),
      // Few members are sorted in another way than many.
      fc.dictionary(names, fc.nat(), { minKeys: 15, maxKeys: 30 }),
    ),
  })).any;
  fc.assert(
    fc.property(value, (json) => {
      const text = canonicalJson(json);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(json)));
      expect(canonicalJson(JSON.parse(text))).toBe(text);
      expect(text).toBe(reference(json));
    }),
    { seed: SEED, numRuns: 1_000 },
  );
});

test("what is not there is not written, and the order is that of code units", () => {
  expect(
    canonicalJson({ b: 1, a: undefined, "10": 1, "9": 2, é: 3, "\u{1f600}": 4, "\ufb33": 5 }),
  ).toBe('{"10":1,"9":2,"b":1,"é":3,"\u{1f600}":4,"\ufb33":5}');
});
