import { expect, test } from "vitest";
import { meaningOf, sequenceMeaning } from "../../../engine/state/meaning.ts";
import { programOf } from "../../support/engine.ts";

const BEFORE = `
  fn small(n: Int): Bool = n < 10
  tool look { effect read }
  tool pay { effect write, args { amounts: List<Int>, to: String } }
  counter c = count allowed pay where any a in args.amounts: a > 5 and small(a) per session within 1h
  latch l = completed look, pay per session
  task t { sequence pay(to as x), pay(to as x), (look | pay) }
  permit anything
`;

function meanings(text: string): readonly string[] {
  const program = programOf(text);
  const [counter] = program.counters;
  const [latch] = program.latches;
  if (counter === undefined || latch === undefined) throw new Error("nothing is declared");
  return [
    meaningOf(counter, program),
    meaningOf(latch, program),
    sequenceMeaning(program.tasks[0]?.sequence, program),
  ];
}

const [counter, latch, sequence] = meanings(BEFORE);

test.each([
  [
    "what stands around it",
    (text: string) => `
    fn first(n: Int): Bool = all m in [1]: m < n
    tool another { effect read }
    forbid none when any z in [1]: first(z)\n${text}`,
  ],
  [
    "the order of tools",
    (text: string) => text.replace(/( *tool look.*\n)( *tool pay.*\n)/, "$2$1"),
  ],
  [
    "names of locals",
    (text: string) =>
      text
        .replace(
          "any a in args.amounts: a > 5 and small(a)",
          "any b in args.amounts: b > 5 and small(b)",
        )
        .replaceAll("to as x", "to as y"),
  ],
  ["the name of a function", (text: string) => text.replaceAll("small", "little")],
  ["space", (text: string) => text.replaceAll(" per ", "\n  per ")],
])("%s changes no meaning", (_, change) => {
  const after = change(BEFORE);
  expect(after).not.toBe(BEFORE);
  expect(meanings(after)).toEqual([counter, latch, sequence]);
});

test("what a function is given elsewhere changes no key that calls it", () => {
  const text = `tool pick { effect read, args { kind: "a" | "b", none: List<String> } }
    fn same(x: String): String = x
    fn one(xs: List<String>): String = first(x in xs: x) ?? ""
    counter c = count allowed pick per same(agent.id), one([agent.id]) within 1h
    latch l = completed pick per one([same(agent.id)])
    permit anything`;
  const others = '\nforbid odd when same("x") == "y" or one([]) == "z"';
  const picked = '\nforbid b tool pick when same(args.kind) == "b" or one([args.kind]) == "b"';
  const alone = meanings(text);
  expect(meanings(text + others)).toEqual(alone);
  expect(meanings(text + picked)).toEqual(alone);
});

test.each([
  ["window", "1h", "2h"],
  ["base", "count allowed", "count attempts"],
  ["function", "n < 10", "n < 11"],
  ["condition", "a > 5", "a >= 5"],
  ["key", "per session within", "per agent within"],
  ["name", "counter c", "counter d"],
])("another %s is another counter", (_, from, to) => {
  const after = BEFORE.replace(from, to);
  expect(meanings(after)[0]).not.toBe(counter);
  expect(meanings(after).slice(1)).toEqual([latch, sequence]);
});

test("another binding is another sequence", () => {
  const after = BEFORE.replace("pay(to as x), pay(to as x)", "pay(to as x), pay(to as y)");
  expect(meanings(after)).toEqual([counter, latch, expect.not.stringMatching(`^${sequence}$`)]);
});

const GRADED = `
  level Sensitivity = low < high
  level Grade = first < last
  type Item = { grade: Grade }
  resource file {}
  tool pay { effect write, args { grade: Grade, item: Item, n: Int } }
  tool send { effect send, args { grade: Grade, item: Item } }
  permit anything`;

test.each([
  ["an argument", "last", "counter c = count attempts pay, send per args.grade"],
  ["a member of one", "last", "counter c = count attempts pay per args.item.grade"],
  ["an attribute", "high", "counter c = count attempts pay per resource.sensitivity"],
  [
    "a function's answer",
    "last",
    "fn own(g: Grade): Grade = g\n counter c = count attempts pay per own(args.grade)",
  ],
  ["what is told apart", "last", "counter c = distinct args.grade of attempts pay per agent"],
])(
  "a counter that keeps values of a level is another one with other levels: %s",
  (_, level, text) => {
    const meaning = (around: string) => {
      const program = programOf(`${around}\n${text}`);
      return program.counters.map((counter) => meaningOf(counter, program));
    };
    const other = level === "last" ? "high" : "last";
    const before = meaning(GRADED);
    expect(meaning(GRADED.replace(`< ${level}`, `< between < ${level}`))).not.toEqual(before);
    if (!text.includes("fn")) {
      expect(meaning(GRADED.replace(`< ${other}`, `< between < ${other}`))).toEqual(before);
    }
  },
);

test("a latch keeps nothing for keys of another type", () => {
  const meaning = (type: string) => {
    const program = programOf(`
      tool pay { effect write, args { n: ${type} } }
      latch l = completed pay per args.n
      permit anything`);
    return program.latches.map((latch) => meaningOf(latch, program));
  };
  expect(meaning("Int")).not.toEqual(meaning("Decimal"));
});

test.each([
  "session",
  "task",
  "agent",
  "principal",
  "delegation.root",
  "tool",
  "resource",
  "args.n",
  "resource.owner",
])("a counter per %s is the same with other levels", (key) => {
  const meaning = (around: string) => {
    const program =
      programOf(`${around.replace("resource file {}", "resource file { owner: String }")}
        counter c = count attempts pay per ${key}`);
    return program.counters.map((counter) => meaningOf(counter, program));
  };
  expect(meaning(GRADED.replaceAll("<", "< between <"))).toEqual(meaning(GRADED));
});
