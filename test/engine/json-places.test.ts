import { describe, expect, test } from "vitest";
import { beginning, follow, type Place, within } from "../../engine/json-places.ts";

const PLACES_MOST = 2_000;
const LEARNT_AT_ONCE_MOST = 100;

/** Ends with nothing known. */
function forgetAll(): Place {
  const before = beginning();
  for (let at = 0; beginning() === before; at += 1) follow(before, `member-${at}`);
  return beginning();
}

describe("places of members", () => {
  test("what came last is expected", () => {
    const start = within(forgetAll());
    const [a, b] = [follow(start, "a"), follow(start, "b")];
    expect(start.next).toBe(b);
    expect(follow(start, "a")).toBe(a);
    expect(start.next).toBe(a);
    expect(Buffer.from(a.token).toString()).toBe('"a":');
    expect(a.next).toBe(undefined);
    expect(follow(a, "b")).not.toBe(b);
    expect(within(a)).toBe(within(a));
  });

  test.each(['"', "\\", 'a":1,"b', "é", "\u0000", "k".repeat(41)])(
    "a key that is not plain is never expected: %j",
    (key) => {
      const start = within(forgetAll());
      expect(follow(start, key)).toMatchObject({ key });
      expect(start).toMatchObject({ next: undefined, others: undefined });
    },
  );

  test("one document teaches so many of them", () => {
    let place = forgetAll();
    for (let at = 0; at < LEARNT_AT_ONCE_MOST; at += 1) place = follow(place, `member-${at}`);
    expect(follow(place, "beyond")).toMatchObject({ key: "beyond" });
    expect(place.next).toBe(undefined);
    beginning();
    const next = follow(place, "beyond");
    expect(place.next).toBe(next);
  });

  test("there are so many of them, and then they are forgotten", () => {
    const start = forgetAll();
    let place = start;
    for (let at = 0; at < PLACES_MOST; at += 1) {
      if (at % LEARNT_AT_ONCE_MOST === 0) expect(beginning()).toBe(start);
      place = follow(place, `member-${at}`);
    }
    expect(beginning()).not.toBe(start);
    expect(beginning().next).toBe(undefined);
  });
});
