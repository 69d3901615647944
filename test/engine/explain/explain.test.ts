import { describe, expect, test } from "vitest";
import { digestOfProgram } from "../../../engine/bundle.ts";
import { type RuleExplanation, type Unfolded, unfold } from "../../../engine/explain/explain.ts";
import { spellValue } from "../../../engine/explain/spell.ts";
import { textsOf } from "../../../engine/explain/texts.ts";
import { createWatchedEngine } from "../../../engine/testing/watched.ts";
import type { Value } from "../../../engine/value.ts";
import { compile } from "../../../lang/compile.ts";

const VOCABULARY = `package p
level Sensitivity = public < internal < secret
purpose work, work.travel
tool send { effect send, args { to: Set<Email>, amount: Decimal, note: String?, wait: Duration, file: Path } }
agent { clearance: Sensitivity = public, since: Time? }
principal { friends: Set<String> = [] }
counter sent = count attempts per agent
fn generous(amount: Decimal): Bool = amount > 10.00
`;

const REQUEST = {
  agent: { id: "robot", clearance: "internal" },
  principal: { id: "alice", kind: "human", friends: ["bob"] },
  tool: {
    name: "send",
    args: { to: ["a@x.example", "b@y.example"], amount: 12.5, wait: "90s", file: "/a/b.txt" },
  },
  intent: { purpose: "work.travel" },
};

/** Explains rules on REQUEST; with their text, or as from a bundle. */
function explain(rules: string, { withText = true } = {}): Unfolded {
  const source = { path: "p.writ", text: `${VOCABULARY}${rules}` };
  const { program, diagnostics } = compile({ directory: "", files: [source] });
  if (program === undefined) throw new Error(JSON.stringify(diagnostics));
  let unfolded: Unfolded | undefined;
  const texts = textsOf(program, [withText ? source : { text: "" }]);
  createWatchedEngine({
    program,
    digest: digestOfProgram(program),
    clock: () => Date.UTC(2026, 0, 1),
    onFault: (fault) => {
      throw fault;
    },
    watchers: {
      situation: (situation) => {
        unfolded = unfold(situation, texts);
      },
      disagreement: (what) => {
        throw new Error(what);
      },
    },
  }).decide(REQUEST);
  if (unfolded === undefined) throw new Error("nothing was asked");
  return unfolded;
}

function onlyPermit(condition: string, options = {}): RuleExplanation {
  const { applying, nearestPermit } = explain(`permit r\n  tool send\n  ${condition}\n`, options);
  const found = nearestPermit ?? applying.find(({ rule }) => rule === "r");
  if (found === undefined) throw new Error("the rule is not there");
  return found;
}

describe("what stopped a rule, in values as the language writes them", () => {
  test.each([
    ["when args.amount <= 10.00", "`args.amount <= 10.00` is false: `args.amount` is 12.50"],
    ["when args.wait < 1m", "`args.wait < 1m` is false: `args.wait` is 90s"],
    [
      "when agent.clearance >= secret",
      "`agent.clearance >= secret` is false: `agent.clearance` is internal",
    ],
    [
      "when has intent.purpose and intent.purpose == work",
      "`intent.purpose == work` is false: `intent.purpose` is work.travel",
    ],
    ['when args.file within "/c"', '`args.file within "/c"` is false: `args.file` is "/a/b.txt"'],
    ["when principal is workload", "`principal is workload` is false: `principal.kind` is human"],
    ['when agent.id != "robot"', '`agent.id != "robot"` is false: `agent.id` is "robot"'],
    [
      'when "bob" not in principal.friends',
      '`"bob" not in principal.friends` is false: `principal.friends` is ["bob"]',
    ],
    ["unless principal is human", "`principal is human` is true: `principal.kind` is human"],
    ["unless generous(args.amount)", "`amount > 10.00` is true: `amount` is 12.50"],
    ["when has args.note", "`has args.note` is false"],
    ["when sent > 3", "`sent > 3` is false: `sent` is 0"],
    [
      'when all to in args.to: to.domain == "x.example"',
      '`all to in args.to: to.domain == "x.example"` is false: `args.to` is ["a@x.example", "b@y.example"]',
    ],
    [
      "when args.amount > 50.00 or args.wait > 1h",
      "`args.amount > 50.00` is false: `args.amount` is 12.50; and `args.wait > 1h` is false: `args.wait` is 90s",
    ],
    [
      "let total = args.amount + 1.00\n  when total < 10.00",
      "`total < 10.00` is false: `total` is 13.50",
    ],
    [
      "when args.amount * 900000000000.00 > 0.00",
      "`args.amount * 900000000000.00 > 0.00` is unknown (overflow): `args.amount` is 12.50",
    ],
  ])("%s", (condition, stopped) => {
    expect(onlyPermit(condition).stoppedBy).toEqual([stopped]);
  });
});

test("without their text, conditions are spelled from what they are", () => {
  const { conditions, stoppedBy } = onlyPermit(
    'when not (args.amount > 20.00 and agent.id like "x*")\n  when any to in args.to: to.domain == "z.example"',
    { withText: false },
  );
  expect(conditions.map(({ text }) => text)).toEqual([
    'when not (args.amount > 20.00 and (agent.id like "x*"))'.replace(
      "args.amount > 20.00",
      "(args.amount > 20.00)",
    ),
    'when any to in args.to: to.domain == "z.example"',
  ]);
  expect(stoppedBy).toEqual([
    '`any to in args.to: to.domain == "z.example"` is false: `args.to` is ["a@x.example", "b@y.example"]',
  ]);
});

test("a loop shows the element that decided", () => {
  const { conditions } = onlyPermit('when all to in args.to: to.domain == "x.example"');
  expect(conditions[0]?.tree.parts).toMatchObject([
    { text: "args.to" },
    {
      element: 'to = "b@y.example"',
      value: "false",
      parts: [{ text: "to.domain", value: '"y.example"' }],
    },
  ]);
});

test("a loop that no element decided says how many more than the first few there are", () => {
  const of = (condition: string) => onlyPermit(`when ${condition}`).conditions[0]?.tree;
  expect(of("any x in [1, 2, 3, 4, 5]: x > 9")).toMatchObject({ more: 2, parts: { length: 3 } });
  expect(of("count(x in [1, 2, 3, 4]: x > 9) == 7")?.parts[0]).toMatchObject({ more: 1 });
  expect(of("any x in [1, 2, 3]: x > 9")).not.toHaveProperty("more");
  expect(of("all x in [1, 2, 3, 4, 5]: x < 5")).not.toHaveProperty("more");
});

describe("`within` one of several is a loop of the checker's own, told in the author's words", () => {
  const element = { element: 'it = "/a"', text: "args.file within it" };
  test.each([
    [
      'args.file not within ["/a", "/c"]',
      [{ ...element, value: "true" }],
      '`args.file not within ["/a", "/c"]` is false: `args.file` is "/a/b.txt"',
    ],
    [
      "args.file not within principal.folders",
      [{ text: "principal.folders" }, { ...element, value: "true" }],
      '`args.file not within principal.folders` is false: `args.file` is "/a/b.txt", `principal.folders` is ["/a"]',
    ],
  ])("%s", (condition, parts, sentence) => {
    const { nearestPermit } = explain(`principal { folders: List<Path> = ["/a"] }
permit r tool send when has principal when ${condition}
`);
    expect(nearestPermit?.conditions[1]?.tree).toMatchObject({ value: "false", parts });
    expect(nearestPermit?.stoppedBy).toEqual([sentence]);
  });
});

test("rules are near by what they lack, those of other tools last", () => {
  const { nearestPermit, nearly } = explain(`tool other { effect read }
permit elsewhere tool other
permit far tool send when args.amount > 20.00 when args.wait > 1h
permit near agent in group "helpers" tool send
forbid large tool send when args.amount > 20.00
forbid hopeless tool send when sent > 1 when args.wait > 1h when args.amount > 20.00 when agent.attested
`);
  expect(nearestPermit?.rule).toBe("near");
  expect(nearestPermit?.stoppedBy).toEqual(['`agent in group "helpers"`: agent is in no group']);
  expect(nearly.map(({ rule }) => rule)).toEqual(["large", "far"]);
});

describe("a condition is told as it was written, and as it came out", () => {
  test.each([
    [
      'when agent.id == "spiffe://a.example/x" // only one\n  when sent < 1',
      'when agent.id == "spiffe://a.example/x"',
    ],
    ['when agent.id\n    // a "comment"\n    == "a \\" //  b"', 'when agent.id == "a \\" //  b"'],
    ["unless // when\n    agent.attested", "unless agent.attested"],
    ["unless\n    // they\n    (agent.attested)", "unless agent.attested"],
    ["when // unless\n    not agent.attested", "when not agent.attested"],
  ])("%s", (condition, told) => {
    const [first] = onlyPermit(condition).conditions;
    expect(first).toMatchObject({ text: told, outcome: told.includes("==") ? "false" : "true" });
  });

  test("what the checker makes two of is one", () => {
    const { nearestPermit } = explain(`resource file { path: Path }
permit r tool send when resource is file
`);
    expect(nearestPermit?.conditions).toMatchObject([
      { text: "when resource is file", outcome: "false" },
    ]);
  });
});

test("what a rule took has what is behind it no more, as in the decision", {
  timeout: 60_000,
}, () => {
  const loop = (far: string) => `all x in principal.many: all y in principal.many: x != y + ${far}`;
  const rules = `principal { many: List<Int> = [${Array.from({ length: 260 }, (_, at) => at).join(", ")}] }
permit r tool send when ${loop("1000")} when ${loop("2000")} when sent < 1
`;
  const { applying } = explain(rules);
  expect(applying).toMatchObject([
    {
      rule: "r",
      outcome: "unknown",
      conditions: [{ outcome: "true" }, { outcome: "unknown" }, { outcome: "true" }],
    },
  ]);
});

test("where a decision takes too many steps, rules are told as it found them", {
  timeout: 60_000,
}, () => {
  const many = `principal { many: List<Int> = [${Array.from({ length: 300 }, (_, at) => at).join(", ")}] }`;
  const rules = Array.from(
    { length: 12 },
    (_, at) =>
      `permit r${at} tool send when all x in principal.many: all y in principal.many: x != y + 1000`,
  );
  const { applying } = explain(`${many}\n${rules.join("\n")}\n`);
  const unknown = applying.filter(({ outcome }) => outcome === "unknown");
  expect(unknown.map(({ rule }) => rule)).toEqual(["r11"]);
});

test("what an empty list gives to a function hides the type of nothing else", () => {
  const { nearestPermit } = explain(`fn many(xs: List<Decimal>): Bool = any x in xs: x > 100.00
permit r tool send when many([]) or many([args.amount])
`);
  expect(nearestPermit?.stoppedBy).toEqual([
    "`any x in xs: x > 100.00` is false: `xs` is []; and `any x in xs: x > 100.00` is false: `xs` is [12.50]",
  ]);
});

test("a key of a map that a request names is told as one key, however it reads", () => {
  const key = "k: 1, limit";
  const map = new Map<string, Value>([
    ["plain", 1],
    [key, 2],
    ["x".repeat(500), 3],
  ]);
  const type = { kind: "Map", of: { kind: "Int" } } as const;
  expect(spellValue(map, type, [])).toBe(
    `{ plain: 1, "k: 1, limit": 2, "${"x".repeat(120)}"… (500 characters): 3 }`,
  );
});

test("a loop that comes to nothing shows the element that is to blame, not the last", () => {
  const { applying } = explain(`principal { many: List<Int> = [1, 5, 0] }
permit r tool send when any x in principal.many: x * 9007199254740991 == 3
`);
  expect(applying[0]?.conditions[0]?.tree.parts[1]).toMatchObject({
    element: "x = 5",
    value: "unknown (overflow)",
  });
});

test("of long loops within loops as much is shown as people read", { timeout: 60_000 }, () => {
  const { nearestPermit } =
    explain(`principal { many: List<Int> = [${Array.from({ length: 40 }, (_, at) => at).join(", ")}] }
permit r tool send when count(x in principal.many where count(y in principal.many where
  count(z in principal.many where z == x + y) == 1) == 2) == 99
`);
  expect(nearestPermit?.outcome).toBe("false");
  expect(JSON.stringify(nearestPermit).length).toBeLessThan(30_000);
});

test("an element far within a long loop is blamed for what is unknown", () => {
  const many = Array.from({ length: 300 }, (_, at) => (at === 150 ? 5 : 0));
  const { applying } = explain(`principal { many: List<Int> = [${many.join(", ")}] }
permit r tool send when any x in principal.many: x * 9007199254740991 == 3
`);
  expect(applying[0]?.conditions[0]?.tree.parts[1]).toMatchObject({ element: "x = 5" });
});
