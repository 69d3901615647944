import fc from "fast-check";
import { expect, test } from "vitest";
import { Inquiry } from "../../engine/state/origin/finding.ts";
import { Seen } from "../../engine/state/origin.ts";
import { equal, keyOf, keyOfOne, record, scalarsOfKey, type Value } from "../../engine/value.ts";

/** A list that holds a list twice, which holds a list twice, and so on: few objects, and many ways through them. */
function doubled(innermost: Value, depth: number): Value {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = [value, value];
  return value;
}

test.each<[Value, Value, boolean]>([
  [[1, "a"], [1, "a"], true],
  [[1, "a"], ["a", 1], false],
  [[1], [1, 1], false],
  [new Set([1, 2]), new Set([2, 1]), true],
  [new Set([1]), new Set([2]), false],
  [new Map([["a", 1]]), new Map([["a", 1]]), true],
  [new Map([["a", 1]]), new Map([["b", 1]]), false],
  [record({ a: 1, b: undefined }), record({ a: 1 }), true],
  [record({ a: 1 }), record({ a: 2 }), false],
  [[record({ a: [1] })], [record({ a: [1] })], true],
  [[[1], [1]], [[1], [2]], false],
])("%j equals %j: %s", (a, b, is) => {
  expect(equal(a, b)).toBe(is);
  expect(equal(b, a)).toBe(is);
});

test("what holds a list many times over is compared, and searched for, once", () => {
  expect(equal(doubled("a", 40), doubled("a", 40))).toBe(true);
  expect(equal(doubled("a", 40), doubled("b", 40))).toBe(false);
  expect(new Seen().origin(doubled("a", 40), new Inquiry())).toEqual(new Set());
});

test("a key tells the values it was made of", () => {
  const text = fc.oneof(fc.string(), fc.constantFrom("", "\u0000", "\u0000sx", "3:sab", "n1"));
  const scalar = fc.oneof(text, fc.integer(), fc.boolean());
  fc.assert(
    fc.property(fc.array(scalar, { maxLength: 4 }), (values) => {
      expect(scalarsOfKey(keyOf(values), values.length)).toEqual(values);
    }),
  );
  expect(() => scalarsOfKey(keyOf(["a", "b"]), 3)).toThrow();
  expect(() => scalarsOfKey("no key", 2)).toThrow();
});

test("a long text takes no more room in a key than a short one, and is no other", () => {
  const long = "x".repeat(60_000);
  for (const key of [keyOfOne(long), keyOf([long, 1])]) expect(key.length).toBeLessThan(100);
  expect(keyOfOne(`${long}y`)).not.toBe(keyOfOne(long));
  expect(keyOfOne(keyOfOne(long)), "nobody sends the key itself").not.toBe(keyOfOne(long));
  expect(scalarsOfKey(keyOf([long, 1]), 2)).toEqual([
    expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    1,
  ]);
  const id = "i".repeat(1_024);
  expect(scalarsOfKey(keyOf([id, "task"]), 2)).toEqual([id, "task"]);
});
