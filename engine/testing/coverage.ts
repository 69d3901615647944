/**
 * What the tests of a policy have tried of it (SPEC §9): every rule applied, every condition true and false,
 * every transition of every sequence taken. Of the policy's own package, and of those it uses where that is asked.
 */
import type { Expr, Program, Rule, SequenceDecl } from "../../lang/ir.ts";
import { createInterpreter } from "../evaluate/interpret.ts";
import type { Observer } from "../evaluate/interpret-expression.ts";
import { spellExpr } from "../explain/spell.ts";
import type { Texts } from "../explain/texts.ts";
import type { Situation } from "../explain/trace.ts";
import type { Facts } from "../facts.ts";
import { ruleName, spellPlace } from "../policy.ts";
import { judge, type Match, NOT_BEGUN, type Progress, settle, take } from "../state/sequence.ts";
import type { CoverageSink } from "./run.ts";

export interface Coverage {
  readonly rules: readonly RuleCoverage[];
  readonly tasks: readonly TaskCoverage[];
  readonly covered: number;
  readonly total: number;
  /** From 0 to 100, one digit; 100 of nothing. */
  readonly percent: number;
}

export interface RuleCoverage {
  readonly rule: string;
  readonly at: string;
  readonly applied: boolean;
  readonly conditions: readonly ConditionCoverage[];
}

export interface ConditionCoverage {
  readonly text: string;
  readonly at: string;
  readonly seenTrue: boolean;
  readonly seenFalse: boolean;
}

export interface TaskCoverage {
  readonly task: string;
  readonly at: string;
  readonly transitions: readonly TransitionCoverage[];
}

export interface TransitionCoverage {
  /** Label of the step before; missing at the beginning. */
  readonly from?: string;
  readonly to: string;
  readonly taken: boolean;
}

export interface CoverageRecorder extends CoverageSink {
  coverage(): Coverage;
}

export function recordCoverage(
  program: Program,
  texts: Texts,
  { used = false }: { readonly used?: boolean } = {},
): CoverageRecorder {
  const outcomes = new Map<Expr, Outcomes>();
  const applied = new Set<number>();
  for (const rule of program.rules) {
    for (const leaf of conditionsOf(rule, texts)) {
      outcomes.set(leaf, { seenTrue: false, seenFalse: false });
    }
  }
  const tasks = recordTransitions(program);
  const expression: Observer = (expr, value) => {
    const seen = outcomes.get(expr);
    if (seen === undefined) return;
    if (value === true) seen.seenTrue = true;
    if (value === false) seen.seenFalse = true;
  };
  return {
    expression,
    applied: (rules) => {
      for (const rule of rules) applied.add(rule);
    },
    ...tasks,
    coverage: () => {
      const indexes = [...program.rules.keys()].filter(
        (index) => used || program.rules[index]?.package === program.package,
      );
      return summarise(rulesOf(program, indexes, texts, applied, outcomes), tasks.coverage());
    },
  };
}

interface Outcomes {
  seenTrue: boolean;
  seenFalse: boolean;
}

/** What the author joined by `and`, `or`, `not` and `unless`, in order. */
function conditionsOf(rule: Rule, texts: Texts): readonly Expr[] {
  return rule.conditions.flatMap((condition) => {
    // `unless c` stands in a program as `not c`, at the place of `c`.
    const isUnless = condition.kind === "not" && texts.isUnless(condition.at);
    return leavesOf(isUnless ? condition.operand : condition);
  });
}

function leavesOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "and":
    case "or":
      return isWritten(expr) ? [...leavesOf(expr.left), ...leavesOf(expr.right)] : [expr];
    case "not":
      return isNegatedOne(expr) ? [expr] : leavesOf(expr.operand);
    // Written out in full, a constant has one outcome.
    case "const":
      return [];
    default:
      return [expr];
  }
}

/** Whether the author wrote the word: in `resource is r` the checker joins what the author did not. */
function isWritten({ left, right, at }: Extract<Expr, { kind: "and" | "or" }>): boolean {
  return left.at !== at && right.at !== at;
}

/** `a not in b` is one condition, true where it holds, though a program says `not (a in b)`. */
function isNegatedOne({ operand, at }: Extract<Expr, { kind: "not" }>): boolean {
  if (operand.at !== at || operand.kind === "not") return false;
  return !((operand.kind === "and" || operand.kind === "or") && isWritten(operand));
}

function rulesOf(
  program: Program,
  indexes: readonly number[],
  texts: Texts,
  applied: ReadonlySet<number>,
  outcomes: ReadonlyMap<Expr, Outcomes>,
): readonly RuleCoverage[] {
  return indexes.flatMap((index) => {
    const rule = program.rules[index];
    if (rule === undefined) return [];
    const conditions = conditionsOf(rule, texts).map((leaf) => ({
      text: texts.at(leaf.at) ?? spellExpr(leaf, program),
      at: spellPlace(program, leaf.at),
      seenTrue: outcomes.get(leaf)?.seenTrue === true,
      seenFalse: outcomes.get(leaf)?.seenFalse === true,
    }));
    const at = spellPlace(program, rule.at);
    return [{ rule: ruleName(program, rule), at, applied: applied.has(index), conditions }];
  });
}

/** Follows every task of one test as the engine does, to see which position each allowed call was taken at. */
function recordTransitions(program: Program) {
  const taken = program.tasks.map(() => new Set<string>());
  const reference = createInterpreter(program);
  let running = new Map<string, Progress>();
  let calls = new Map<string, { readonly key: string; readonly task: number }>();
  const matchFor = (task: number): Match => {
    reference.fuel.begin();
    return (position, bound, request) => reference.step(task, position, bound, request, NO_FACTS);
  };
  return {
    begin: () => {
      running = new Map();
      calls = new Map();
    },
    allowed: ({ request }: Situation, call: string) => {
      const name = request.roots.intent.task;
      const task = program.tasks.findIndex((declared) => declared.name === name);
      const sequence = program.tasks[task]?.sequence;
      if (sequence === undefined) return;
      const key = JSON.stringify([request.roots.session?.id, name]);
      const before = running.get(key) ?? NOT_BEGUN;
      const found = judge(sequence, before, request, matchFor(task));
      if (found.kind !== "follows") return;
      const after = take(before, call, request, found.all);
      for (const transition of transitionsOf(sequence)) {
        const begins = before.all.some(({ position }) => position === transition.from);
        const ends = after.all.some(({ position }) => position === transition.to);
        if (begins && ends) taken[task]?.add(keyOf(transition));
      }
      running.set(key, after);
      calls.set(call, { key, task });
    },
    settled: (call: string, succeeded: boolean) => {
      const found = calls.get(call);
      const sequence = found === undefined ? undefined : program.tasks[found.task]?.sequence;
      if (found === undefined || sequence === undefined) return;
      const progress = running.get(found.key) ?? NOT_BEGUN;
      running.set(found.key, settle(sequence, progress, call, succeeded, matchFor(found.task)));
    },
    coverage: (): readonly TaskCoverage[] =>
      program.tasks.flatMap(({ name, sequence, at }, task) => {
        if (sequence === undefined) return [];
        const labelOf = (position: number) => sequence.positions[position]?.label ?? "";
        const transitions = transitionsOf(sequence).map((one) => ({
          ...(one.from === undefined ? {} : { from: labelOf(one.from) }),
          to: labelOf(one.to),
          taken: taken[task]?.has(keyOf(one)) === true,
        }));
        return [{ task: name, at: spellPlace(program, at), transitions }];
      }),
  };
}

/** Steps read the call and what was bound before, and no state. */
const NO_FACTS: Facts = {
  nowMs: 0,
  counter: () => "unavailable",
  latch: () => "unavailable",
  origin: () => "unavailable",
};

interface Transition {
  readonly from: number | undefined;
  readonly to: number;
}

function transitionsOf({ first, follow }: SequenceDecl): readonly Transition[] {
  return [
    ...first.map((to) => ({ from: undefined, to })),
    ...follow.flatMap((next, from) => next.map((to) => ({ from, to }))),
  ];
}

function keyOf({ from, to }: Transition): string {
  return `${from ?? ""}>${to}`;
}

function summarise(rules: readonly RuleCoverage[], tasks: readonly TaskCoverage[]): Coverage {
  const items = [
    ...rules.flatMap(({ applied, conditions }) => [
      applied,
      ...conditions.flatMap(({ seenTrue, seenFalse }) => [seenTrue, seenFalse]),
    ]),
    ...tasks.flatMap(({ transitions }) => transitions.map(({ taken }) => taken)),
  ];
  const covered = items.filter(Boolean).length;
  const total = items.length;
  // Rounded down: 100 means all of it.
  const percent = total === 0 ? 100 : Math.floor((1_000 * covered) / total) / 10;
  return { rules, tasks, covered, total, percent };
}
