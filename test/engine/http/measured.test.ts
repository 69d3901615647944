import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Answer } from "../../../engine/answer.ts";
import type { Decision } from "../../../engine/decision.ts";
import { BUCKET_EDGES_MS, Histogram } from "../../../engine/http/histogram.ts";
import { measured } from "../../../engine/http/measured.ts";
import { DENIAL, DENIER } from "./support.ts";

const { code: _, ...UNDENIED } = DENIAL;
const ALLOWED: Answer<Decision> = {
  kind: "answer",
  value: { ...UNDENIED, decision: "allow", call: "c" },
};
const DENIED: Answer<Decision> = { kind: "answer", value: DENIAL };

/** A service that takes its answers and the time it needs from what it is asked. */
function start() {
  let nowMs = 5_000;
  const asked = measured(
    {
      ...DENIER,
      decide: (input) => {
        const { takesMs, answer } = input as { takesMs: number; answer?: Answer<Decision> };
        nowMs += takesMs;
        if (answer === undefined) throw new Error("no answer");
        return answer;
      },
    },
    () => nowMs,
  );
  const ask = async (answer: Answer<Decision> | undefined, takesMs = 0) =>
    asked.service.decide({ takesMs, answer });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { ...asked, ask, pass };
}

describe("decisions", () => {
  test("are counted by what they are, in all and second by second", async () => {
    const { ask, pass, measures } = start();
    await ask(ALLOWED);
    await ask(DENIED);
    pass(1_000);
    await ask(ALLOWED);
    pass(1_000);
    const { total, codes, seconds, forMs } = measures.read();
    expect(total).toEqual({ allow: 2, deny: 1, hold: 0, failed: 0 });
    expect(codes).toEqual({ not_permitted: 1 });
    expect(seconds.map(({ allow, deny }) => [allow, deny])).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect(forMs).toBe(2_000);
  });

  test("a service that throws has failed, and is still seen to fail", async () => {
    const { ask, measures } = start();
    await expect(ask(undefined)).rejects.toThrow("no answer");
    await ask({ kind: "unavailable", because: "full" });
    expect(measures.read()).toMatchObject({ total: { failed: 2 }, inFlight: 0 });
  });

  test("what is older than a minute is forgotten, and nothing is counted twice", async () => {
    const { ask, pass, measures } = start();
    await ask(ALLOWED);
    pass(200_000);
    await ask(ALLOWED);
    pass(1_000);
    const { seconds, total } = measures.read();
    expect(seconds).toHaveLength(60);
    expect(seconds.reduce((sum, { allow }) => sum + allow, 0)).toBe(1);
    expect(total.allow).toBe(2);
  });

  test("how long they take is told of the latest seconds", async () => {
    const { ask, pass, measures } = start();
    expect(measures.read().p50Ms).toBeUndefined();
    for (let at = 0; at < 98; at += 1) await ask(ALLOWED, 1);
    await ask(ALLOWED, 100);
    await ask(ALLOWED, 100);
    const { p50Ms, p99Ms } = measures.read();
    expect(p50Ms).toBeGreaterThanOrEqual(1);
    expect(p50Ms).toBeLessThan(1.25);
    expect(p99Ms).toBeGreaterThanOrEqual(100);
    expect(p99Ms).toBeLessThan(125);
    pass(12_000);
    const { p99Ms: none, latency } = measures.read();
    expect(none).toBeUndefined();
    expect(latency.sumMs).toBe(298);
    const told = BUCKET_EDGES_MS.flatMap((edge, at) => (latency.counts[at] ? [edge] : []));
    expect(told).toEqual([p50Ms, p99Ms]);
  });

  test("those under way are counted while they are", async () => {
    let answer = (_: Answer<Decision>) => {};
    const slow = new Promise<Answer<Decision>>((resolve) => {
      answer = resolve;
    });
    const { service, measures } = measured({ ...DENIER, decide: () => slow });
    const asked = service.decide({});
    expect(measures.read().inFlight).toBe(1);
    answer(ALLOWED);
    await asked;
    expect(measures.read().inFlight).toBe(0);
  });
});

test("outcomes are counted by whether they were taken", async () => {
  const { service, measures } = measured({
    ...DENIER,
    outcome: (input) =>
      input === "known"
        ? { kind: "answer", value: { call: "c", status: "ok" } }
        : { kind: "unknown_call", because: "no such call" },
  });
  await service.outcome("known");
  await service.outcome("unknown");
  expect(measures.read().outcomes).toEqual({ ok: 1, refused: 1 });
});

test("a quantile is at most a quarter above what was recorded", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.001, max: 10_000, noNaN: true }), { minLength: 1 }),
      fc.constantFrom(0.5, 0.9, 0.99, 1),
      (times, share) => {
        const histogram = new Histogram();
        for (const ms of times) histogram.record(ms);
        const sorted = [...times].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(share * times.length) - 1] ?? 0;
        const told = histogram.quantile(share) ?? 0;
        expect(told).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
        expect(told).toBeLessThanOrEqual(exact * 1.25 * (1 + 1e-9));
      },
    ),
  );
});
