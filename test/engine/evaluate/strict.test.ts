/** Operators are strict (SPEC §5.3): one whose operand is unknown is unknown, whatever its other operands are. */
import { describe, expect, test } from "vitest";
import { createInterpreter } from "../../../engine/evaluate/interpret.ts";
import { generateEvaluator } from "../../../engine/evaluate/javascript.ts";
import { drive, outcomeOf, programOf } from "../../support/engine.ts";

const VOCABULARY = `
level Tier = low < high
purpose payments
label secret
tool act {
  effect read,
  args { n: Int, s: String, p: Path, e: Email, ip: Ip, t: Time, d: Decimal, m: Map<Int>,
    ss: Set<String>, ps: Set<Path>, pl: List<Path>, cs: Set<Cidr>, us: Set<Purpose>, nl: List<Int>, rl: List<{ n: Int }> },
}
principal {
  n: Int, s: String, p: Path, e: Email, ip: Ip, c: Cidr, t: Time, d: Decimal, tier: Tier, u: Purpose, m: Map<Int>,
  ss: Set<String>, ps: Set<Path>, nl: List<Int>, r: { n: Int },
}
fn same(text: String): Bool = true
`;

/** Nothing is in what could hold something, so no element is looked at. */
const ARGS = {
  ...{ n: 0, s: "", p: "/", e: "a@b.example", ip: "10.0.0.1", t: "2026-01-02", d: 0, m: {} },
  ...{ ss: [], ps: [], pl: [], cs: [], us: [], nl: [], rl: [] },
};

/** Each is unknown without a principal. */
const UNKNOWN = [
  'principal.s == ""',
  "args.s != principal.s",
  "principal.r == { n: 1 }",
  "[principal.n] == args.nl",
  "principal.nl == args.nl",
  "principal.n < 1",
  "args.d >= principal.d",
  "principal.tier >= low",
  "principal.s in args.ss",
  "principal.s not in args.ss",
  "args.s in principal.ss",
  "args.s not in [principal.s]",
  "args.ss contains principal.s",
  "principal.ss contains args.s",
  "principal.n not in args.nl",
  "principal.p within args.p",
  "args.p not within principal.p",
  "principal.p within args.ps",
  "principal.p not within args.ps",
  "principal.p not within args.pl",
  "principal.p not within [args.p, principal.p.parent]",
  "args.p not within principal.ps",
  "principal.ip not within args.cs",
  "principal.c not within args.cs",
  "args.ip not within principal.c",
  "principal.u not within args.us",
  "principal.u within payments",
  'principal.s like ""',
  "args.s not like principal.s",
  'principal.s starts with ""',
  "args.s ends with principal.s",
  'principal.s contains ""',
  "args.s contains principal.s",
  "principal.ss subset of args.ss",
  "args.ss subset of principal.ss",
  "principal.n + 1 > 0",
  "args.n - principal.n > 0",
  "args.n * principal.n == 0",
  "args.d * principal.d == 0",
  "principal.t - args.t > 0s",
  "-principal.n < 1",
  "decimal(principal.n) < 1",
  "(principal.m[args.s] ?? 1) + principal.n == 1",
  "(args.nl[principal.n] ?? 0) + principal.n == 1",
  "any x in principal.nl: true",
  "all x in principal.nl: true",
  "count(x in principal.nl: x > 1) == 0",
  "sum(x in principal.nl: x) == 0",
  "(max(x in principal.nl: x) ?? 0) + principal.n == 0",
  "count(principal.nl) == 0",
  "sum(principal.nl) == 0",
  "count(list(x in principal.nl: x)) == 0",
  "count(set(x in principal.nl: x)) == 0",
  "count([principal.n]) == 1",
  "{ a: principal.n, b: 1 }.b == 1",
  "same(principal.s)",
  "if principal.n == 1 then true else true",
  'lower(principal.s) == ""',
  "length(principal.s) == 0",
  'split(args.s, principal.s) == [""]',
  "count(union(args.ss, principal.ss)) == 0",
  "count(intersection(args.ss, principal.ss)) == 0",
  "count(difference(args.ss, principal.ss)) == 0",
  "count(take(args.nl, principal.n)) == 0",
  "count(skip(principal.nl, 1)) == 0",
  "count(distinct(principal.nl)) == 0",
  "count(keys(principal.m)) == 0",
  "count(zip(args.nl, principal.nl)) == 0",
  "host_within(principal.s, args.s)",
  'reaches(principal.p, "/etc")',
  "args.e.domain == principal.e.domain",
  "principal.t.hour >= 0",
  "count(origin(principal.s)) == 0",
  "principal is human",
  "agent.id == principal.id",
];

describe.each([false, true])("generated code: %s", (generated) => {
  test.each(UNKNOWN)("%s", (condition) => {
    const { permit, forbid } = outcomes(condition, generated);
    expect([permit, forbid]).toEqual(["indeterminate", "indeterminate"]);
  });

  test("what no element is asked of is as it is", () => {
    expect(outcomes("any x in args.nl: x == principal.n", generated).permit).toBe("not_permitted");
    expect(outcomes("args.p within args.ps", generated).permit).toBe("not_permitted");
    expect(outcomes("args.p not within args.pl", generated).permit).toBe("allow");
  });
});

function outcomes(condition: string, generated: boolean) {
  const decided = (rules: string) => {
    const program = programOf(VOCABULARY + rules);
    const evaluator = generated ? generateEvaluator(program) : createInterpreter(program);
    return outcomeOf(drive(program, { evaluator }).call("act", ARGS));
  };
  return {
    permit: decided(`permit p tool act when ${condition}`),
    forbid: decided(`permit p forbid f tool act when ${condition}`),
  };
}
