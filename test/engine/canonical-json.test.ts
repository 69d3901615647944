import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, digestOf, requestDigest } from "../../engine/canonical-json.ts";
import type { JsonValue } from "../../engine/json.ts";
import { parseJsonText } from "../../engine/json-text.ts";
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
      expect(parseJsonText(text)).toEqual(parseJsonText(JSON.stringify(json)));
      expect(canonicalJson(parseJsonText(text) as JsonValue)).toBe(text);
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

describe("digests are of the canonical text", () => {
  const digest = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

  test(`in whatever order members come, again and again, seed ${SEED}`, () => {
    const shape = fc.shuffledSubarray([
      "a",
      "b",
      "bb",
      "10",
      "9",
      "é",
      '"',
      "__proto",
      "\u{1f600}",
    ]);
    const json = fc.array(shape.map((names) => Object.fromEntries(names.map((name) => [name, 1]))));
    fc.assert(
      fc.property(json, (value) => {
        expect(digestOf(value)).toBe(digest(reference(value)));
      }),
      { seed: SEED, numRuns: 1_000 },
    );
  });

  test("of more shapes, members and bytes than are remembered or have room", () => {
    for (let shape = 0; shape < 5_000; shape += 1) {
      const value = { z: "z", [`name-${shape}`]: shape, a: "a" };
      expect(digestOf(value)).toBe(digest(reference(value)));
    }
    const names = Array.from({ length: 300 }, (_, at) => `${"long ".repeat(20)}${at * 7}`);
    const many = Object.fromEntries(names.map((name) => [name, "é".repeat(4_000)]));
    expect(digestOf(many)).toBe(digest(reference(many)));
    expect(digestOf({ b: 1, a: 2 })).toBe(digest('{"a":2,"b":1}'));
  });

  test("of a value that asks for another one's while it is read, or fails", () => {
    const asking = Object.defineProperty({ a: 1 }, "b", {
      enumerable: true,
      get: () => digestOf("another"),
    });
    const failing = { a: { b: 1n } };
    expect(digestOf(asking)).toBe(digest(reference({ a: 1, b: digestOf("another") })));
    expect(() => digestOf(failing)).toThrow(TypeError);
    expect(digestOf(asking)).toBe(digest(reference({ a: 1, b: digestOf("another") })));
  });

  test("of a request together with its policy", () => {
    expect(requestDigest({ b: 1, a: "é" }, "sha256:0")).toBe(
      digest('{"policy":"sha256:0","request":{"a":"é","b":1}}'),
    );
  });
});
