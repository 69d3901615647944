import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limitsOf } from "../../../engine/inspect/limits.ts";
import { drive, programOf } from "../../support/engine.ts";

const DECLARED = `
tool pay { effect write, args { amount: Decimal } }
principal { allowance: Decimal = 1.00 }
counter calls = count attempts per session within 10s
counter spend = sum args.amount of allowed pay per principal
fn within_seven(n: Int): Bool = n < 7
`;

/** What is found of a rule with one condition: counter, limit, and whether it is reached there. */
function found(rule: string) {
  const program = programOf(`${DECLARED}${rule}`);
  return [...limitsOf(program)].flatMap(([index, limits]) =>
    limits.map(({ most, reachedAtMost, effect }) => {
      const { name = "", type } = program.counters[index] ?? {};
      return [name, type === "Decimal" ? most / 10_000 : most, reachedAtMost, effect];
    }),
  );
}

describe("a comparison with a constant is a limit", () => {
  test.each<[string, unknown[]]>([
    ["permit p tool pay when calls < 100", ["calls", 100, true, "permit"]],
    ["permit p tool pay when calls <= 100", ["calls", 100, false, "permit"]],
    ["permit p tool pay when 100 > calls", ["calls", 100, true, "permit"]],
    ["permit p tool pay unless calls >= 100", ["calls", 100, true, "permit"]],
    ["forbid p tool pay when calls >= 400", ["calls", 400, true, "forbid"]],
    ["forbid p tool pay when calls > 400", ["calls", 400, false, "forbid"]],
    ["forbid p tool pay unless calls < 400", ["calls", 400, true, "forbid"]],
    ["hold p tool pay when calls + 1 > 5 until approved by principal", ["calls", 4, false, "hold"]],
    ["never p allow when calls > 9", ["calls", 9, false, "never"]],
    ["permit p tool pay when spend + args.amount <= 500.00", ["spend", 500, true, "permit"]],
    ["permit p tool pay when 500.00 - spend >= args.amount", ["spend", 500, true, "permit"]],
    ["permit p tool pay when spend < 12", ["spend", 12, true, "permit"]],
    ["permit p tool pay when spend * 2 < 12.00", ["spend", 6, true, "permit"]],
    [
      "permit p tool pay let after = spend + args.amount when after < 3.50",
      ["spend", 3.5, true, "permit"],
    ],
    ["permit p tool pay when within_seven(calls)", ["calls", 7, true, "permit"]],
    [
      "permit p tool pay when args.amount < 1.00 and (calls < 3 or agent.attested)",
      ["calls", 3, true, "permit"],
    ],
    ["permit p tool pay task t { limit spend <= 40.00 }", ["t.spend", 40, true, "task"]],
  ])("%s", (rule, expected) => {
    expect(found(rule)).toEqual([expected]);
  });
});

describe("what is none", () => {
  test.each([
    ["a counter that must have come so far", "permit p tool pay when calls >= 2"],
    ["one that refuses until then", "forbid p tool pay when calls < 2"],
    ["a limit that each request brings", "permit p tool pay when spend <= principal.allowance"],
    [
      "two counters",
      "counter other = count attempts per agent\npermit p tool pay when calls + other < 9",
    ],
    ["what is reached before it begins", "permit p tool pay when calls < 0"],
    ["what only adds duties", "oblige p tool pay when calls < 4 with log full"],
    ["equality", "permit p tool pay when calls == 4"],
  ])("%s", (_name, rule) => {
    expect(found(rule)).toEqual([]);
  });
});

test("a counter has the limits of all rules, the lowest first, each once", () => {
  const rules = `permit p tool pay when calls < 9 when calls < 9
    hold h tool pay when calls >= 5 until approved by principal`;
  expect(found(rules).map(([, most, , effect]) => [most, effect])).toEqual([
    [5, "hold"],
    [9, "permit"],
  ]);
});

/** Conditions of one counter and constants, in every way they are written. */
const comparison = fc
  .record({
    op: fc.constantFrom("<", "<=", ">", ">="),
    most: fc.integer({ min: 1, max: 12 }),
    added: fc.integer({ min: 0, max: 3 }),
    turned: fc.boolean(),
    negated: fc.boolean(),
    clause: fc.constantFrom("when", "unless"),
    effect: fc.constantFrom("permit", "forbid", "never"),
  })
  .map(({ op, most, added, turned, negated, clause, effect }) => {
    const counter = added === 0 ? "calls" : `calls + ${added}`;
    const plain = turned ? `${most} ${op} ${counter}` : `${counter} ${op} ${most}`;
    const condition = negated ? `not (${plain})` : plain;
    if (effect === "never") return `never p allow when ${condition}`;
    return `${effect} p tool look ${clause} ${condition}`;
  });

const LIMIT_IS = "a limit is where decisions change to denials, and no other comparison is one";

test(LIMIT_IS, { timeout: 30_000 }, () => {
  fc.assert(
    fc.property(comparison, (rule) => {
      const permits = rule.startsWith("permit") ? "" : "permit anything";
      const program = programOf(
        `tool look { effect read }\ncounter calls = count attempts per session\n${permits}\n${rule}`,
      );
      const driver = drive(program);
      const open = Array.from({ length: 20 }, () => driver.call("look").decision === "allow");
      const [limit] = limitsOf(program).get(0) ?? [];
      if (limit === undefined) expect(open[0] === true && open.at(-1) === false).toBe(false);
      else {
        const within = (calls: number) =>
          limit.reachedAtMost ? calls < limit.most : calls <= limit.most;
        expect(open).toEqual(open.map((_, calls) => within(calls)));
      }
    }),
    { numRuns: 300 },
  );
});
