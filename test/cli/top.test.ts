import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ago, amount, bar, lasting, outOf } from "../../cli/admin/show.ts";
import { painter, width } from "../../cli/terminal.ts";
import { cutTo } from "../../cli/top/line.ts";
import { type Order, pictureOf, type Reading } from "../../cli/top/picture.ts";

const tally = fc.record({
  allow: fc.nat(5_000),
  deny: fc.nat(5_000),
  hold: fc.nat(50),
  failed: fc.nat(2),
});
const word = fc.string({ minLength: 1, maxLength: 40 });
const reading = fc.record(
  {
    key: fc.array(fc.string(), { maxLength: 3 }),
    value: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })),
    limit: fc.integer({ min: 1, max: 1_000_000 }),
    reached: fc.boolean(),
  },
  { requiredKeys: ["key", "value"] },
);
const counter = fc.record(
  {
    name: word,
    op: fc.constant("count" as const),
    per: fc.constant(["session"]),
    within: fc.constant("10s"),
    keys: fc.nat(),
    limits: fc.constant([]),
    highest: fc.array(reading, { maxLength: 20 }),
  },
  { requiredKeys: ["name", "op", "per", "keys", "limits", "highest"] },
);
const AT = "2026-01-02T12:00:00Z";
const filled = fc.record({ count: fc.nat(), most: fc.nat() });
const live = fc.record({
  at: fc.constant(AT),
  policy: fc.constant({ package: "acme.payments", digest: "sha256:0011223344556677", rules: 11 }),
  sessions: fc.record({ count: fc.nat(), most: fc.nat(), interrupted: fc.nat() }),
  tasks: filled,
  calls: filled,
  keys_most: fc.nat(),
  counters: fc.array(counter, { maxLength: 6 }),
  latches: fc.array(
    fc.record({
      name: word,
      per: fc.constant(["session"]),
      keys: fc.nat(),
      set: fc.nat(),
      pending: fc.nat(),
      some: fc.constant([]),
    }),
    { maxLength: 3 },
  ),
  ready: fc.constantFrom(
    { ready: true } as const,
    { ready: false, because: "the journal cannot be written" } as const,
  ),
  decisions: fc.record(
    {
      seconds: fc.nat(),
      total: tally,
      codes: fc.constantFrom({}, { forbidden: 3, not_permitted: 12 }),
      under_way: fc.nat(),
      each_second: fc.array(tally, { maxLength: 60 }),
      p50_ms: fc.double({ min: 0.001, max: 9_000, noNaN: true }),
      p99_ms: fc.double({ min: 0.001, max: 9_000, noNaN: true }),
    },
    { requiredKeys: ["seconds", "total", "codes", "under_way", "each_second"] },
  ),
  outcomes: fc.constant({ ok: 1, refused: 0 }),
});
const interrupted = fc.array(
  fc.record({
    id: fc.string({ minLength: 1, unit: "binary" }),
    since: fc.constant(AT),
    used: fc.constant(AT),
    labels: fc.constant([]),
    sensitivity: fc.constant("public"),
    interrupted: fc.constant(true),
    interruption: fc.record({
      by: fc.constant("operator" as const),
      names: fc.array(fc.string({ unit: "binary" }), { maxLength: 2 }),
      because: fc.string({ unit: "binary" }),
      at: fc.constant(AT),
    }),
  }),
  { maxLength: 5 },
);

describe("the picture", () => {
  test("fits any screen, and no text of strangers moves the cursor", { timeout: 30_000 }, () => {
    const order = fc.constantFrom<Order>("near", "value", "name");
    const size = fc.record({
      columns: fc.integer({ min: 20, max: 250 }),
      rows: fc.integer({ min: 5, max: 80 }),
    });
    fc.assert(
      fc.property(
        fc.record({ live, interrupted }),
        size,
        order,
        fc.boolean(),
        (shown, at, by, color) => {
          const frame = { ...at, order: by, paint: painter({ color }) };
          const lines = pictureOf(shown as Reading, frame);
          expect(lines.length).toBeLessThanOrEqual(at.rows);
          for (const line of lines) {
            expect(width(line)).toBeLessThanOrEqual(at.columns);
            // biome-ignore lint/suspicious/noControlCharactersInRegex: they are looked for
            const bare = line.replace(/\u001b\[\d+m/g, "");
            expect(bare).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
            if (!color) expect(bare).toBe(line);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("counters nearest to a limit stand first, whatever they count", () => {
    const [sample] = fc.sample(live, { numRuns: 1, seed: 1 });
    const of = (name: string, value: number | null, limit?: number) => ({
      name,
      op: "count" as const,
      per: ["session"],
      keys: 1,
      limits: [],
      highest: [{ key: ["s"], value, ...(limit === undefined ? {} : { limit }) }],
    });
    const counters = [
      of("many", 900),
      of("near", 9, 10),
      of("far", 10, 1_000),
      of("lost", null, 5),
    ];
    const names = (order: Order) =>
      pictureOf({ live: { ...sample, counters }, interrupted: [] } as unknown as Reading, {
        columns: 120,
        order,
        paint: painter({ color: false }),
      }).flatMap((line) => /^ {2}(many|near|far|lost) /.exec(line)?.[1] ?? []);
    expect(names("near")).toEqual(["lost", "near", "far", "many"]);
    expect(names("value")).toEqual(["lost", "many", "far", "near"]);
    expect(names("name")).toEqual(["far", "lost", "many", "near"]);
  });
});

test.each([
  [0, "0s"],
  [59_999, "59s"],
  [61_000, "1m"],
  [3_600_000, "1h"],
  [7_500_000, "2h 5m"],
  [90_000_000, "1d 1h"],
])("%d ms last %s", (ms, spelled) => {
  expect(lasting(ms)).toBe(spelled);
});

test("amounts, and how much of their limit they are", () => {
  expect([amount(1_200), amount(478.2), amount(0.0001)]).toEqual(["1,200", "478.20", "0.0001"]);
  expect([outOf(478.2, 500), outOf(3, undefined), outOf(null, 9)]).toEqual([
    "478.20 / 500.00",
    "3",
    "? / 9",
  ]);
  expect(ago("2026-01-02T11:58:00Z", AT)).toBe("2m ago");
});

test("a bar is as long as it is told to be", () => {
  const plain = painter({ color: false });
  expect(bar(0.5, 4, plain)).toBe("██··");
  expect(bar(7, 4, plain)).toBe("████");
  for (let share = 0; share <= 1; share += 0.013) expect(bar(share, 9, plain)).toHaveLength(9);
});

test("a cut text ends in its own colour", () => {
  const red = painter({ color: true });
  expect(cutTo(red("red", "abcdef"), 4)).toBe("\u001b[31mabc…\u001b[39m");
  expect(cutTo("abcd", 4)).toBe("abcd");
});
