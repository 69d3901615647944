/**
 * The differential test can fail: each mistake planted here, in generated source or in the policy that code
 * is generated from, is found within 100,000 pairs.
 */
import { compileFunction } from "node:vm";
import { describe, expect, test } from "vitest";
import type { Factory } from "../../engine/evaluate/emit.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import type { Expr, ExprKind, Guard, Program, Rule } from "../../lang/ir.ts";
import { findMismatch, type Mismatch, type Run } from "./run.ts";

const MOST_PAIRS = 100_000;
const run: Run = { seed: 20_260_102, pairCount: MOST_PAIRS, requestsPerProgram: 20 };

/** Found by its answers, not because it is no JavaScript. */
function expectCaught(mismatch: Mismatch | undefined): void {
  expect(mismatch?.what).toBeDefined();
  expect(mismatch?.what).not.toMatch(/SyntaxError|ReferenceError/);
}

interface SourceMistake {
  readonly mistake: string;
  readonly from: RegExp;
  readonly to: string;
}

describe("mistakes in generated source", () => {
  test.each<SourceMistake>([
    { mistake: "less than takes equal", from: / < (?!0)/g, to: " <= " },
    { mistake: "less or equal does not", from: /(\(\S+) <= (\S+\)) /g, to: "$1 < $2 " },
    { mistake: "greater than takes equal", from: /(\(\S+) > /g, to: "$1 >= " },
    { mistake: "and is or", from: / && /g, to: " || " },
    { mistake: "or is and", from: / \|\| /g, to: " && " },
    { mistake: "not is dropped", from: /!\(\(([^()]+)\)\)/g, to: "($1)" },
    { mistake: "presence is inverted", from: /\((\S+) !== undefined\)/g, to: "($1 === undefined)" },
    { mistake: "equality is inverted", from: /(\(v\d+) === (v\d+)/g, to: "$1 !== $2" },
    {
      mistake: "an undecided forbid does not apply",
      from: /\nelse \{ o\.uncertain = true; o\.forbids = [^;]+; \}/g,
      to: "",
    },
    {
      mistake: "an undecided hold does not apply",
      from: /\nelse \{ o\.uncertain = true; o\.holds = [^;]+; \}/g,
      to: "",
    },
    {
      mistake: "an undecided permit applies",
      from: /if \(u\d+ === undefined\) o\.permits/g,
      to: "if (true) o.permits",
    },
    {
      mistake: "only the last permit counts",
      from: /addHit\(o\.permits, (k\d+)\)/g,
      to: "$1",
    },
    {
      mistake: "an absent value is not noticed",
      from: /(if \(v\d+) === undefined\)/g,
      to: "$1 === false)",
    },
    {
      mistake: "overflow is not noticed",
      from: /if \(!\(v\d+ <= k\d+ && v\d+ >= -k\d+\)\)/g,
      to: "if (false)",
    },
    {
      mistake: "the limit of numbers is one lower",
      from: /<= (k\d+) && (v\d+) >= -k\d+\)/g,
      to: "< $1 && $2 > -$1)",
    },
    { mistake: "a constant is its neighbour", from: /k3=K\[3\]/g, to: "k3=K[2]" },
    {
      mistake: "a loop ends after one element",
      from: /for \((const v\d+) of (.+)\) \{\n/g,
      to: "for ($1 of [...$2].slice(0, 1)) {\n",
    },
    {
      mistake: "a loop skips its first element",
      from: /for \((const v\d+) of (.+)\) \{\n/g,
      to: "for ($1 of [...$2].slice(1)) {\n",
    },
    {
      mistake: "an unknown element is skipped",
      from: /\}\n\}\nif \(u\d+ !== undefined\) /g,
      to: "}\n}\nif (false) ",
    },
    { mistake: "the last unknown is named", from: /if \(u\d+ === undefined\) (u\d+ =)/g, to: "$1" },
    { mistake: "zero and false count as absent", from: / \?\? (?=[kv(])/g, to: " || " },
    {
      mistake: "any unknown counts as absent",
      from: /\.cause !== k\d+/g,
      to: ".cause === undefined",
    },
    {
      mistake: "no unknown counts as absent",
      from: /\.cause !== k\d+/g,
      to: ".cause !== undefined",
    },
    { mistake: "starts is ends", from: /\.startsWith\(/g, to: ".endsWith(" },
    { mistake: "contains is starts", from: /\.includes\(/g, to: ".startsWith?.(" },
    { mistake: "every counter is the first", from: /f\.counter\(k\d+/g, to: "f.counter(0" },
    { mistake: "every latch is the first", from: /f\.latch\(k\d+/g, to: "f.latch(0" },
    {
      mistake: "a pending latch is a set one",
      from: /if \((v\d+) === k\d+\) (.*)\nif \(\1 === k\d+\)/g,
      to: "if (false) $2\nif (false)",
    },
    {
      mistake: "keys are in the wrong order",
      from: /keyOf\(\[([^,\]]+), ([^,\]]+)\]\)/g,
      to: "keyOf([$2, $1])",
    },
    {
      mistake: "what is uncertain is certain",
      from: /uncertain: u\d+ !== undefined/g,
      to: "uncertain: false",
    },
    { mistake: "a sum starts at one", from: /let (v\d+) = 0;/g, to: "let $1 = 1;" },
    { mistake: "the greatest is the least", from: /( === undefined \|\| v\d+) > /g, to: "$1 < " },
    {
      mistake: "a name may be bound twice",
      from: /\nif \(!v\d+\) return k\d+;\n\}/g,
      to: "\n}",
    },
    {
      mistake: "a failed call has a value",
      from: /if \((v\d+) instanceof Unknown\)/g,
      to: "if (false)",
    },
    {
      mistake: "a failed builtin has a value",
      from: /if \((v\d+) instanceof Failure\)/g,
      to: "if (false)",
    },
    {
      mistake: "half rounds up",
      from: /multiplyDecimals\(([^,()]+), ([^,()]+)\)/g,
      to: "Math.round($1 * $2 / 10000)",
    },
  ])("$mistake", ({ from, to }) => expectFound(from, to, run));

  test.each<SourceMistake>([
    { mistake: "no question begins its steps", from: /fuel\.ask\(\);/g, to: "" },
    { mistake: "what is read takes no steps", from: /fuel\.left -= v\d+/g, to: "fuel.left" },
    { mistake: "loops and calls take no steps", from: /fuel\.left -= k\d+/g, to: "fuel.left" },
    { mistake: "the last step is not there", from: /\) < fuel\.floor/g, to: ") <= fuel.floor" },
    { mistake: "what is compared takes no steps", from: /, fuel\)/g, to: ")" },
    { mistake: "a key has no steps of its own", from: /fuel\.(enter|leave)\(\);/g, to: "" },
  ])("$mistake", ({ from, to }) => expectFound(from, to, { ...run, stepsOf: (seed) => seed % 24 }));
}, 120_000);

function expectFound(from: RegExp, to: string, within: Run): void {
  let planted = false;
  const generate: Run["generate"] = (program, fuel) => {
    const compile = (source: string): Factory => {
      const wrong = source.replace(from, to);
      planted ||= wrong !== source;
      return compileFunction(wrong, ["K", "H"]) as Factory;
    };
    return generateEvaluator(program, compile, fuel);
  };
  expectCaught(findMismatch({ ...within, generate }));
  expect(planted).toBe(true);
}

type Change = (program: Program) => Program;

describe("mistakes in what code is generated from", () => {
  test.each<{ mistake: string; change: Change }>([
    { mistake: "the last rule is not indexed", change: rules((all) => all.slice(0, -1)) },
    { mistake: "a rule is indexed for one tool only", change: guards(["tools"]) },
    { mistake: "a rule is indexed for one group only", change: guards(["agentGroups"]) },
    {
      mistake: "a rule is indexed for one group of principals",
      change: guards(["principalGroups"]),
    },
    { mistake: "a rule is indexed for one kind only", change: guards(["agentKinds"]) },
    { mistake: "a rule is indexed for one resource only", change: guards(["resources"]) },
    { mistake: "a rule is indexed for one purpose only", change: guards(["purposes"]) },
    { mistake: "a rule is indexed for one task only", change: guards(["tasks"]) },
    {
      mistake: "only the first condition counts",
      change: rules((all) =>
        all.map((rule) => ({ ...rule, conditions: rule.conditions.slice(0, 1) })),
      ),
    },
    {
      mistake: "a let is another",
      change: rules((all) =>
        all.map((rule) => ({
          ...rule,
          lets: rule.lets.map((one) => ({ ...one, value: rule.lets[0]?.value ?? one.value })),
        })),
      ),
    },
    {
      mistake: "resets are forgotten",
      change: (program) => ({
        ...program,
        latches: program.latches.map(({ reset: _, ...latch }) => latch),
      }),
    },
    {
      mistake: "counters ignore where",
      change: (program) => ({
        ...program,
        counters: program.counters.map((one) => ({ ...one, calls: withoutWhere(one.calls) })),
      }),
    },
    {
      mistake: "predicates of steps are ignored",
      change: steps((step) => ({ ...step, predicates: [] })),
    },
    {
      mistake: "a step takes every tool",
      change: (program) =>
        steps((step) => ({ ...step, tools: [...program.tools.keys()] }))(program),
    },
    { mistake: "all is any", change: exprs("quantifier", (expr) => ({ ...expr, op: "any" })) },
    { mistake: "else is then", change: exprs("if", (expr) => ({ ...expr, else: expr.then })) },
    {
      mistake: "the condition of if is inverted",
      change: exprs("if", (expr) => ({
        ...expr,
        condition: { kind: "not", operand: expr.condition, at: expr.at },
      })),
    },
    { mistake: "the left of ?? is not asked", change: exprs("coalesce", (expr) => expr.right) },
    {
      mistake: "has is always true",
      change: exprs("has", (expr) => ({
        kind: "const",
        type: { kind: "Bool" },
        value: true,
        at: expr.at,
      })),
    },
    {
      mistake: "an index is one too high",
      change: exprs("index", (expr) =>
        expr.over === "Map"
          ? expr
          : {
              ...expr,
              index: {
                kind: "arithmetic",
                op: "+",
                number: "Int",
                left: expr.index,
                right: { kind: "const", type: { kind: "Int" }, value: 1, at: expr.at },
                at: expr.at,
              },
            },
      ),
    },
    {
      mistake: "within is the other way",
      change: exprs("within", (expr) =>
        expr.of === "Ip" ? expr : { ...expr, left: expr.right, right: expr.left },
      ),
    },
    {
      mistake: "subset is the other way",
      change: exprs("subset", (expr) => ({ ...expr, left: expr.right, right: expr.left })),
    },
    {
      mistake: "the pattern is the text",
      change: exprs("like", (expr) => ({ ...expr, left: expr.pattern, pattern: expr.left })),
    },
    {
      mistake: "operands change sides",
      change: exprs("equal", (expr) => ({ ...expr, left: expr.right, right: expr.left })),
    },
    {
      mistake: "minus is plus",
      change: exprs("arithmetic", (expr) => ({ ...expr, op: expr.op === "-" ? "+" : expr.op })),
    },
    {
      mistake: "decimals are multiplied as integers",
      change: exprs("arithmetic", (expr) =>
        expr.number === "Decimal" ? { ...expr, number: "Int" } : expr,
      ),
    },
    { mistake: "a decimal is not scaled", change: exprs("decimal", (expr) => expr.of) },
    { mistake: "a sign is lost", change: exprs("negate", (expr) => expr.of) },
    {
      mistake: "the last is the first",
      change: exprs("aggregate", (expr) => ({
        ...expr,
        op: expr.op === "last" ? "first" : expr.op,
      })),
    },
    {
      mistake: "where of an aggregate is ignored",
      change: exprs("aggregate", ({ where: _, ...expr }) => expr),
    },
    {
      mistake: "a list loses its last item",
      change: exprs("list", (expr) => ({ ...expr, items: expr.items.slice(0, -1) })),
    },
    {
      mistake: "a member of a record is another's",
      change: exprs("record", (expr) => ({
        ...expr,
        fields: expr.fields.map((field, at) =>
          at === 2
            ? { ...field, value: { kind: "const", type: { kind: "Int" }, value: 5, at: 0 } }
            : field,
        ),
      })),
    },
    {
      mistake: "failures are said to be elsewhere",
      change: exprs("attribute", (expr) => ({ ...expr, at: expr.at + 1 })),
    },
    {
      mistake: "another function is called",
      change: exprs("call", (expr) => ({ ...expr, function: 0 })),
    },
    {
      mistake: "origin asks about something else",
      change: exprs("origin", (expr) => ({
        ...expr,
        of: { kind: "const", type: { kind: "String" }, value: "?", at: expr.at },
      })),
    },
    {
      mistake: "every module answers yes",
      change: exprs("module", (expr) => ({
        kind: "const",
        type: { kind: "Bool" },
        value: true,
        at: expr.at,
      })),
    },
  ])("$mistake", ({ change }) => {
    const generate: Run["generate"] = (program) => generateEvaluator(change(program));
    expectCaught(findMismatch({ ...run, generate }));
  });
}, 120_000);

function rules(change: (rules: readonly Rule[]) => readonly Rule[]): Change {
  return (program) => ({ ...program, rules: change(program.rules) });
}

/** Clauses that list several values lose all but the first. */
function guards(clauses: readonly (keyof Guard)[]): Change {
  return rules((all) =>
    all.map((rule) => {
      const kept = Object.entries(rule.guard).map(([clause, values]) =>
        clauses.includes(clause as keyof Guard) ? [clause, values.slice(0, 1)] : [clause, values],
      );
      return { ...rule, guard: Object.fromEntries(kept) as Guard };
    }),
  );
}

type Step = NonNullable<Program["tasks"][number]["sequence"]>["positions"][number];

function steps(change: (step: Step) => Step): Change {
  return (program) => ({
    ...program,
    tasks: program.tasks.map((task) =>
      task.sequence === undefined
        ? task
        : {
            ...task,
            sequence: { ...task.sequence, positions: task.sequence.positions.map(change) },
          },
    ),
  });
}

function withoutWhere<T extends { readonly where?: Expr }>({ where: _, ...calls }: T) {
  return calls;
}

/** Every expression of a kind, wherever it stands. */
function exprs<K extends ExprKind>(
  kind: K,
  change: (expr: Extract<Expr, { kind: K }>) => Expr,
): Change {
  const walk = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(walk);
    if (typeof node !== "object" || node === null) return node;
    if ("kind" in node && node.kind === "const") return node;
    const walked = Object.fromEntries(Object.entries(node).map(([key, part]) => [key, walk(part)]));
    return "at" in walked && walked.kind === kind
      ? change(walked as unknown as Extract<Expr, { kind: K }>)
      : walked;
  };
  return (program) => ({
    ...program,
    rules: walk(program.rules) as Program["rules"],
    functions: walk(program.functions) as Program["functions"],
  });
}
