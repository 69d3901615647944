import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bucketOf, DISTINCT_MOST, Distinct, LIFETIME, Sum } from "../../../engine/state/window.ts";
import type { Json } from "../../../lang/type.ts";

interface Step {
  readonly wait: number;
  readonly amount: number;
  /** Taken back once this many more steps were made; never where it is missing. */
  readonly failsAfter: number | undefined;
}

const steps = fc.array(
  fc.record({
    wait: fc.oneof(fc.nat(20), fc.nat(2_000)),
    amount: fc.nat(5),
    failsAfter: fc.option(fc.nat(4), { nil: undefined }),
  }),
  { maxLength: 80 },
);
const windows = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 51, max: 5_000 }));

interface Entry {
  readonly at: number;
  readonly amount: number;
  readonly bucket: number;
  readonly undoAt: number | undefined;
}

/** Runs the steps on a counter and on an exact log; `check` sees both after every step. */
function replay(
  windowMs: number,
  drawn: readonly Step[],
  counter: {
    add(bucket: number, amount: number): number;
    takeBack(bucket: number, amount: number): void;
  },
  check: (now: number, log: readonly Entry[]) => void,
): void {
  let now = 10_000;
  let log: Entry[] = [];
  for (const [index, { wait, amount, failsAfter }] of drawn.entries()) {
    now += wait;
    const bucket = counter.add(bucketOf(now, windowMs), amount);
    log.push({
      at: now,
      amount,
      bucket,
      undoAt: failsAfter === undefined ? undefined : index + failsAfter,
    });
    for (const entry of log) {
      if (entry.undoAt === index) counter.takeBack(entry.bucket, entry.amount);
    }
    log = log.filter((entry) => entry.undoAt !== index);
    check(now, log);
  }
}

function within(log: readonly Entry[], now: number, spanMs: number): readonly Entry[] {
  return log.filter((entry) => now - entry.at <= spanMs);
}

describe("a window is never short, and longer by one bucket at most", () => {
  test("sums", () => {
    fc.assert(
      fc.property(windows, steps, (windowMs, drawn) => {
        const counter = new Sum(true, bucketOf(10_000, windowMs));
        const total = (entries: readonly Entry[]) =>
          entries.reduce((sum, entry) => sum + entry.amount, 0);
        replay(windowMs, drawn, counter, (now, log) => {
          const value = counter.read(bucketOf(now, windowMs));
          expect(value).toBeGreaterThanOrEqual(total(within(log, now, windowMs)));
          expect(value).toBeLessThanOrEqual(total(within(log, now, windowMs * (1 + 1 / 32))));
        });
      }),
      { numRuns: 1_000 },
    );
  });

  test("different values", () => {
    fc.assert(
      fc.property(windows, steps, (windowMs, drawn) => {
        const counter = new Distinct(true, bucketOf(10_000, windowMs));
        const count = (entries: readonly Entry[]) =>
          new Set(entries.map((entry) => entry.amount)).size;
        replay(windowMs, drawn, counter, (now, log) => {
          const value = counter.read(bucketOf(now, windowMs));
          expect(value).toBeGreaterThanOrEqual(count(within(log, now, windowMs)));
          expect(value).toBeLessThanOrEqual(count(within(log, now, windowMs * (1 + 1 / 32))));
        });
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("what is filled in of the past reads as if it had been counted then", () => {
  const uses = fc.array(fc.tuple(fc.nat(200), fc.nat(5)), { maxLength: 60 });
  test.each([
    ["sums", Sum],
    ["different values", Distinct],
  ])("%s", (_, Counter) => {
    fc.assert(
      fc.property(uses, fc.boolean(), fc.nat(60), (drawn, windowed, split) => {
        const place = (bucket: number) => (windowed ? bucket : LIFETIME);
        const ordered = [...drawn].sort(([a], [b]) => a - b);
        const then = new Counter(windowed, place(0));
        for (const [bucket, amount] of ordered) then.add(place(bucket), amount);
        // Some are counted as they come, and the others, in any order, when it is later.
        const later = new Counter(windowed, place(0));
        for (const [bucket, amount] of ordered.slice(split)) later.add(place(bucket), amount);
        later.read(place(200));
        const kept = new Set(ordered.slice(0, split));
        for (const use of drawn.filter((one) => kept.has(one))) {
          later.addPast(place(use[0]), use[1]);
        }
        for (const bucket of [200, 210, 225, 240]) {
          expect(later.read(place(bucket))).toBe(then.read(place(bucket)));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

test("a clock that is set back opens nothing", () => {
  const counter = new Sum(true, 100);
  counter.add(100, 5);
  counter.add(90, 5);
  expect(counter.read(80)).toBe(10);
  expect(counter.read(132)).toBe(10);
  expect(counter.read(133)).toBe(0);
});

test("a sum stays at the end of the scale, and takes no amount below nothing", () => {
  const counter = new Sum(false, LIFETIME);
  counter.add(LIFETIME, -5);
  expect(counter.read(LIFETIME)).toBe(0);
  counter.add(LIFETIME, Number.MAX_SAFE_INTEGER);
  counter.add(LIFETIME, 10);
  counter.takeBack(LIFETIME, 10);
  expect(counter.read(LIFETIME)).toBe(Number.MAX_SAFE_INTEGER);
});

test("a sum that was beyond the scale is exact again once it is not", () => {
  const counter = new Sum(true, 0);
  for (let bucket = 0; bucket < 4; bucket++) counter.add(bucket, Number.MAX_SAFE_INTEGER);
  counter.add(10, 3);
  expect(counter.read(36)).toBe(3);
  const other = new Sum(true, 0);
  other.add(0, Number.MAX_SAFE_INTEGER);
  other.add(1, 2);
  other.takeBack(1, 2);
  expect(other.read(1)).toBe(Number.MAX_SAFE_INTEGER);
});

test("more different values than are kept are not known until they have passed", () => {
  const counter = new Distinct(true, 0);
  for (let value = 0; value <= DISTINCT_MOST; value++) counter.add(0, value);
  expect(counter.read(0)).toBe("unavailable");
  expect(counter.read(32)).toBe("unavailable");
  expect(counter.read(33)).toBe(0);
});

describe("a counter that was written down and read goes on as it would have", () => {
  /** What it gives at each step, where `again` stands for being written and read. */
  function readings<Counter extends Sum | Distinct>(
    windowMs: number,
    drawn: readonly Step[],
    begun: Counter,
    again: (counter: Counter) => Counter,
  ): readonly unknown[] {
    const values: unknown[] = [];
    let counter = begun;
    const adapter = {
      add: (bucket: number, amount: number) => {
        counter = again(counter);
        return counter.add(bucket, amount);
      },
      takeBack: (bucket: number, amount: number) => counter.takeBack(bucket, amount),
    };
    replay(windowMs, drawn, adapter, (now) => values.push(counter.read(bucketOf(now, windowMs))));
    return values;
  }

  const stored = (json: Json): Json => JSON.parse(JSON.stringify(json)) as Json;

  test.each([true, false])("windowed: %j", (windowed) => {
    fc.assert(
      fc.property(windows, steps, (windowMs, drawn) => {
        const begin = bucketOf(10_000, windowMs);
        const sums = (again: (one: Sum) => Sum) =>
          readings(windowMs, drawn, new Sum(windowed, begin), again);
        expect(sums((one) => Sum.from(stored(one.written()), windowed))).toEqual(
          sums((one) => one),
        );
        const values = (again: (one: Distinct) => Distinct) =>
          readings(windowMs, drawn, new Distinct(windowed, begin), again);
        expect(values((one) => Distinct.from(stored(one.written()), windowed))).toEqual(
          values((one) => one),
        );
      }),
      { numRuns: 500 },
    );
  });
});
