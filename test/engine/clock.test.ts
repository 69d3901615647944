import { describe, expect, test } from "vitest";
import { clockReader, createClock, earliestOf, latestOf, spellDoubt } from "../../engine/clock.ts";
import { createInterpreter } from "../../engine/evaluate/interpret.ts";
import { drive, outcomeOf, programOf, START } from "../support/engine.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A machine whose wall clock can be set, and whose time goes on all the same. */
function machine() {
  const time = { elapsedMs: 0, wallMs: START };
  return {
    time,
    clock: createClock({ wall: () => time.wallMs, elapsed: () => time.elapsedMs }),
    pass(ms: number, speed = 1) {
      time.elapsedMs += ms;
      time.wallMs += ms * speed;
    },
  };
}

const POLICY = `
  tool look { effect read }
  counter calls = count attempts per session within 1h
  permit looking when has session and calls < 2
`;

describe.each([
  ["+1 h", HOUR, 1],
  ["-1 h", -HOUR, 1],
  ["+1 day", DAY, 1],
  ["-1 day", -DAY, 1],
  ["frozen", 0, 0],
  ["at double speed", 0, 2],
])("a wall clock set %s while the engine runs", (_, stepMs, speed) => {
  test("opens no window early, and none late", () => {
    const { clock, pass, time } = machine();
    const driver = drive(POLICY, { clock });
    expect([1, 2, 3].map(() => outcomeOf(driver.call("look")))).toEqual([
      "allow",
      "allow",
      "not_permitted",
    ]);
    time.wallMs += stepMs;
    for (let minute = 0; minute < 59; minute++) {
      pass(60_000, speed);
      const other = { session: { id: `s${minute}` } };
      expect(outcomeOf(driver.call("look", {}, other))).toBe("allow");
      if (minute % 10 === 0) time.wallMs += stepMs;
    }
    expect(outcomeOf(driver.call("look"))).toBe("not_permitted");
    pass(64 * 60_000, speed);
    expect(outcomeOf(driver.call("look"))).toBe("allow");
  });
});

describe("while the wall clock and the time that has passed disagree", () => {
  const policy = `
    tool look { effect read }
    tool meet { effect read, args { at: Time } }
    permit early tool meet when environment.now < args.at
    permit late tool meet when environment.now >= args.at
    permit granted tool look
  `;
  const until = (expires_at: string) => ({
    delegation: { chain: [{ from: "alice", to: "bot", scope: [], expires_at }] },
  });

  test.each([DAY, -DAY, HOUR, -HOUR, 5_001, -5_001])(
    "by %i ms, `now` is unknown both ways, and the engine is not ready",
    (stepMs) => {
      const program = programOf(policy);
      for (const evaluator of [{}, { evaluator: createInterpreter(program) }]) {
        const { clock, time } = machine();
        const driver = drive(program, { clock, ...evaluator });
        const meet = () => outcomeOf(driver.call("meet", { at: "2026-01-02T18:00:00Z" }));
        expect(meet()).toBe("allow");
        time.wallMs += stepMs;
        expect(meet()).toBe("indeterminate");
        expect(outcomeOf(driver.call("look"))).toBe("allow");
        const readiness = driver.engine.readiness();
        expect(readiness).toMatchObject({ ready: false });
        expect(readiness).toMatchObject({ because: expect.stringContaining("the wall clock is") });
        time.wallMs -= stepMs;
        expect(driver.engine.readiness()).toEqual({ ready: true });
        expect(meet()).toBe("allow");
      }
    },
  );

  test.each([4_999, -4_999])("by %i ms they agree", (stepMs) => {
    const { clock, time } = machine();
    const driver = drive(policy, { clock });
    time.wallMs += stepMs;
    expect(outcomeOf(driver.call("meet", { at: "2026-01-02T18:00:00Z" }))).toBe("allow");
    expect(driver.engine.readiness()).toEqual({ ready: true });
  });

  test("a grant has expired when it has by either of them", () => {
    const { clock, pass, time } = machine();
    const driver = drive(policy, { clock });
    const ask = (at: string) => outcomeOf(driver.call("look", {}, until(at)));
    expect(ask("2026-01-02T13:00:00Z")).toBe("allow");
    time.wallMs += HOUR;
    expect(ask("2026-01-02T13:00:00Z")).toBe("delegation_invalid");
    time.wallMs -= 2 * HOUR;
    pass(HOUR);
    expect(ask("2026-01-02T13:00:00Z")).toBe("delegation_invalid");
    time.wallMs = Number.NaN;
    expect(ask("2030-01-01")).toBe("delegation_invalid");
  });
});

test.each([
  ["agrees", 1_000, START, START],
  ["is ahead", 60_000, START + 60_000, START],
  ["is behind", -60_000, START, START - 60_000],
  ["says nothing", Number.NaN, Number.POSITIVE_INFINITY, START],
])(
  "where the wall clock %s, things end by the later and begin by the earlier",
  (_, ahead, later, earlier) => {
    const clock = { steadyMs: () => START, wallMs: () => START + ahead };
    expect([latestOf(clock)(), earliestOf(clock)()]).toEqual([later, earlier]);
  },
);

test("a machine that starts before the time its state was kept at goes on from there", () => {
  const clock = createClock({ wall: () => START, elapsed: () => 7, latestMs: START + DAY });
  expect(clock.steadyMs()).toBe(START + DAY);
  const { doubt } = clockReader(clock)();
  expect(doubt).toEqual({ laterMs: START + DAY, aheadMs: -DAY });
  // That is so at each start until then: to start again is no advice.
  expect(doubt && spellDoubt(doubt)).toMatch(/86400 s behind .* that state was kept at/);
  expect(doubt && spellDoubt(doubt)).not.toMatch(/start again/);
});
