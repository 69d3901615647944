/**
 * Every value within the ranges gives the same decision: on random packages, and on rules written for it.
 * `WRIT_PROPERTIES=5000` tries more packages, `WRIT_PROPERTIES_SEED=…` the same again.
 */
import { describe, expect, test } from "vitest";
import { decide } from "../../../engine/decide.ts";
import { generateEvaluator } from "../../../engine/evaluate/javascript.ts";
import { createWatching, Ranges } from "../../../engine/evaluate/leeway.ts";
import { type Policy, preparePolicy } from "../../../engine/policy.ts";
import { type AcceptedRequest, createRequestReader } from "../../../engine/request-reader.ts";
import type { StateView } from "../../../engine/state/store.ts";
import { compile } from "../../../lang/compile.ts";
import type { Program } from "../../../lang/ir.ts";
import { hashOf, type Random, randomFrom } from "../../differential/random.ts";
import { programOf, START } from "../../support/engine.ts";
import { randomPackage, textOf } from "../../support/random-policy.ts";
import { randomRequest } from "../../support/random-request.ts";
import { seedFrom } from "../../support/seed.ts";

const COUNT = Number(process.env.WRIT_PROPERTIES ?? 250);
const SEED = seedFrom("WRIT_PROPERTIES_SEED");
const MOST = Number.MAX_SAFE_INTEGER;

/** Counter → what it reads as. */
type Values = Map<number, number>;

function viewOf(values: Values, ranges?: Ranges): StateView {
  return {
    nowMs: START,
    task: undefined,
    counter(index) {
      const value = values.get(index) ?? 0;
      ranges?.read(index, value);
      return value;
    },
    latch: (index, key) => hashOf(key, index) % 2 === 0,
    origin: () => new Set(),
  };
}

interface Subject {
  readonly program: Program;
  readonly plain: Policy;
  readonly ask: (accepted: AcceptedRequest, values: Values) => { said: string; ranges: Ranges };
}

function subjectOf(program: Program): Subject {
  const plain = preparePolicy(program, { digest: "sha256:test" }, generateEvaluator(program));
  const watching = createWatching(program, generateEvaluator(program));
  const watched = { ...plain, evaluator: watching.evaluator };
  return {
    program,
    plain,
    ask(accepted, values) {
      const ranges = new Ranges();
      const said = watching.watch(ranges, () => say(watched, accepted, viewOf(values, ranges)));
      return { said, ranges };
    },
  };
}

function say(policy: Policy, accepted: AcceptedRequest, view: StateView): string {
  const verdict = decide(policy, accepted, view, {
    id: "d",
    call: "c",
    approvals: [],
    digest: () => "sha256:request",
  });
  return JSON.stringify(verdict);
}

/** Near the constants that random policies compare with, and at both ends of the scale. */
function randomValue(random: Random): number {
  const near = random.pick([0, 0, 1, 100, 10_000, 15_000, 5_000_000, MOST]);
  return Math.min(MOST, Math.max(0, near + random.below(5) - 2));
}

function within({ lo, hi }: { lo: number; hi: number }, random: Random): number {
  const inner = lo + Math.floor((hi - lo) * (random.below(1_000) / 1_000));
  return random.pick([lo, hi, Math.min(hi, lo + 1), Math.max(lo, hi - 1), inner]);
}

describe(`each value in its range gives the same, seed ${SEED}`, () => {
  const firstFault = (count: number, textFor: (seed: number) => string, tally: Tally): string => {
    // Few packages read a counter: where a seed has none that does, it goes on.
    const most = () => (tally.read > 0 ? count : 10 * count);
    for (let seed = SEED; seed < SEED + most(); seed++) {
      const text = textFor(seed);
      const { program } = compile({ directory: "test", files: [{ path: "file.writ", text }] });
      const fault = program && faultOf(subjectOf(program), randomFrom(seed), tally);
      if (fault) return `WRIT_PROPERTIES_SEED=${seed}\n${fault}\n${text}`;
    }
    return "";
  };

  test("random packages, whatever they do", () => {
    const tally = { asked: 0, read: 0, wide: 0, cut: 0 };
    expect(firstFault(COUNT / 5, (seed) => textOf(randomPackage(seed).items), tally)).toBe("");
    expect(tally.read).toBeGreaterThan(0);
  }, 600_000);

  test("random sums and comparisons of counters", () => {
    const tally = { asked: 0, read: 0, wide: 0, cut: 0 };
    expect(firstFault(COUNT, (seed) => countingPolicy(randomFrom(seed)), tally)).toBe("");
    expect(tally.read).toBeGreaterThan(COUNT * 10);
    // Many ranges are more than a point, and end where a rule compares.
    expect(tally.wide).toBeGreaterThan(tally.read / 4);
    expect(tally.cut).toBeGreaterThan(tally.read / 8);
  }, 600_000);
});

/** Rules that do little but count. */
function countingPolicy(random: Random): string {
  const rules = Array.from({ length: 3 + random.below(4) }, (_, at) => {
    const named = random.chance(0.4) ? `let y = ${number(random, 2, [])}` : "";
    const locals = named === "" ? [] : ["y"];
    const condition = truth(random, 3, locals);
    const effect = random.pick(["permit", "permit", "forbid", "hold", "never"]);
    if (effect === "never") return `never r${at} allow when ${truth(random, 2, [])}`;
    const until = effect === "hold" ? 'until approved by group "staff"' : "";
    return `${effect} r${at} ${named} when ${condition} ${until}`;
  });
  return `package example
    tool pay { effect write, args { amount: Decimal, count: Int, list: List<Int> } }
    counter a = count attempts per agent
    counter b = count allowed pay per agent
    counter spend = sum args.amount of allowed pay per agent
    fn big(x: Int): Bool = x > 100
    ${rules.join("\n    ")}\n`;
}

const BIG = ["9007199254740991", "4000000000000000"];

function number(random: Random, depth: number, locals: readonly string[]): string {
  const inner = () => number(random, depth - 1, locals);
  if (depth > 0 && random.chance(0.5)) {
    const op = random.chance(0.9) ? random.pick(["+", "-"]) : "*";
    return `(${inner()} ${op} ${inner()})`;
  }
  if (depth > 0 && random.chance(0.1)) return `-(${inner()})`;
  if (depth > 0 && random.chance(0.1)) {
    return `(if ${truth(random, 1, locals)} then ${inner()} else ${inner()})`;
  }
  return random.pick([
    "a",
    "a",
    "b",
    "b",
    "args.count",
    "0",
    "1",
    "100",
    ...locals,
    random.pick(BIG),
  ]);
}

function amount(random: Random, depth: number): string {
  const inner = () => amount(random, depth - 1);
  if (depth > 0 && random.chance(0.5)) return `(${inner()} ${random.pick(["+", "-"])} ${inner()})`;
  return random.pick(["spend", "spend", "args.amount", "500.00", "1.5", "decimal(a)", "0.0001"]);
}

function truth(random: Random, depth: number, locals: readonly string[]): string {
  const inner = () => truth(random, depth - 1, locals);
  const compared = (of: () => string) =>
    `(${of()} ${random.pick(["<", "<=", ">", ">=", "==", "!="])} ${of()})`;
  if (depth <= 1 || random.chance(0.3)) {
    if (random.chance(0.1)) return `big(${number(random, 1, locals)})`;
    if (random.chance(0.1)) return `(any x in args.list: x + a > b)`;
    return random.chance(0.7)
      ? compared(() => number(random, 2, locals))
      : compared(() => amount(random, 2));
  }
  if (random.chance(0.2)) return `(not ${inner()})`;
  return `(${inner()} ${random.pick(["and", "or"])} ${inner()})`;
}

type Tally = Record<"asked" | "read" | "wide" | "cut", number>;

function faultOf({ program, plain, ask }: Subject, random: Random, tally: Tally): string {
  const read = createRequestReader(program);
  const counters = program.counters.map((_, index) => index);
  for (let at = 0; at < 20; at++) {
    const input = randomRequest(program, random);
    const reading = read(input, { nowMs: START, session: () => undefined });
    if (!reading.ok) continue;
    const values = new Map(counters.map((index) => [index, randomValue(random)]));
    const { said, ranges } = ask(reading, values);
    tally.asked++;
    for (const index of counters) note(ranges.at(index), tally);
    for (let probe = 0; probe < 8; probe++) {
      const moved = new Map(
        counters.map((index) => {
          const range = ranges.at(index);
          return [index, range === undefined ? randomValue(random) : within(range, random)];
        }),
      );
      const other = say(plain, reading, viewOf(moved));
      if (other === said) continue;
      const spelled = [...values].map(([index, value]) => [index, value, ranges.at(index)]);
      return `${JSON.stringify(input)}\n${JSON.stringify(spelled)}\n${JSON.stringify([...moved])}\n${said}\n${other}`;
    }
  }
  return "";
}

function note(range: { lo: number; hi: number } | undefined, tally: Tally): void {
  if (range === undefined) return;
  tally.read++;
  if (range.hi > range.lo) tally.wide++;
  if (range.hi > range.lo && (range.lo > 0 || range.hi < MOST)) tally.cut++;
}

describe("ranges end where a rule compares", () => {
  const rangesOf = (rules: string, value: number, amount = 10) => {
    const program = programOf(
      `tool pay { effect write, args { amount: Decimal } }
       counter calls = count allowed pay per agent
       counter spend = sum args.amount of allowed pay per agent
       ${rules}`,
    );
    const { ask } = subjectOf(program);
    const reading = createRequestReader(program)(
      { agent: { id: "bot" }, tool: { name: "pay", args: { amount } } },
      { nowMs: START, session: () => undefined },
    );
    if (!reading.ok) throw new Error("the request was not read");
    const { ranges } = ask(
      reading,
      new Map([
        [0, value],
        [1, value],
      ]),
    );
    return [ranges.at(0), ranges.at(1)].map((range) => range && [range.lo, range.hi]);
  };

  test.each([
    ["permit a when calls < 100", 7, [0, 99], undefined],
    ["permit a when calls < 100", 100, [100, MOST], undefined],
    ["permit a when calls == 5", 5, [5, 5], undefined],
    ["permit a when calls == 5", 3, [0, 4], undefined],
    ["permit a when spend + args.amount <= 500.00", 70, undefined, [0, 4_900_000]],
    ["permit a when spend + args.amount <= 500.00", 5_000_000, undefined, [4_900_001, MOST - 1e5]],
    ["permit a let total = spend + args.amount when total > 3.00", 7, undefined, [0, MOST - 1e5]],
    ["permit a\nforbid b when calls >= 4 and spend > 1.00", 3, [0, 3], undefined],
    ["permit a when 100 - calls > calls", 10, [0, 49], undefined],
    // What is neither added nor compared stays as it is.
    ["permit a when calls * 2 < 100", 7, [7, 7], undefined],
    ["permit a when calls in [1, 7]", 7, [7, 7], undefined],
    ["permit a\nnever b allow when calls > 8", 7, [0, 8], undefined],
  ])("%s, at %i", (rules, value, calls, spend) => {
    expect(rangesOf(rules, value)).toEqual([calls, spend]);
  });

  test("two in one comparison share the room", () => {
    const [calls, spend] = rangesOf("permit a when decimal(calls) + spend <= 100.00", 10, 1);
    // 100 − 10 − 0.001 is left, in ten-thousandths; half of it for each.
    expect(calls).toEqual([0, 10 + Math.floor((1_000_000 - 100_010) / 2 / 10_000)]);
    expect(spend).toEqual([0, 10 + Math.floor((1_000_000 - 100_010) / 2)]);
  });
});
