/** A failing case made smaller while it keeps failing, and printed so that it can become a test. */
import type { Evaluator } from "../../engine/evaluate/evaluator.ts";
import { createInterpreter } from "../../engine/evaluate/interpret.ts";
import type { Expr, Program } from "../../lang/ir.ts";
import { type Question, show, subjectOf } from "./compare.ts";
import { type Mismatch, tryDifference } from "./run.ts";

export function report(
  mismatch: Mismatch,
  seed: number,
  generate: (program: Program) => Evaluator,
): string {
  const program = minimise(mismatch, generate);
  const { request, bound } = mismatch.question;
  const what = whatDiffers(program, mismatch.question, generate);
  return [
    `WRIT_DIFFERENTIAL_SEED=${seed} (program ${mismatch.seeds[0]}, request ${mismatch.seeds[1]})`,
    mismatch.what,
    `smaller: ${what}`,
    `rules: ${show(program.rules)}`,
    `nevers: ${show(program.nevers)}`,
    `functions: ${show(program.functions)}`,
    `counters: ${show(program.counters)} latches: ${show(program.latches)}`,
    `tasks: ${show(program.tasks)}`,
    `request: ${show(request)} bound: ${show(bound)}`,
  ].join("\n");
}

function whatDiffers(
  program: Program,
  question: Question,
  generate: (program: Program) => Evaluator,
): string | undefined {
  try {
    const reference = subjectOf(program, createInterpreter(program));
    return tryDifference(program, reference, subjectOf(program, generate(program)), question);
  } catch (fault) {
    return `threw ${String(fault)}`;
  }
}

/** Fewer rules, fewer conditions, parts instead of wholes: whatever still differs. */
function minimise(
  { program, question }: Mismatch,
  generate: (program: Program) => Evaluator,
): Program {
  let smallest = program;
  for (;;) {
    const smaller = smallerPrograms(smallest).find(
      (candidate) => whatDiffers(candidate, question, generate) !== undefined,
    );
    if (smaller === undefined) return smallest;
    smallest = smaller;
  }
}

function smallerPrograms(program: Program): readonly Program[] {
  return [
    ...without(program.rules).map((rules) => ({ ...program, rules })),
    ...without(program.nevers).map((nevers) => ({ ...program, nevers })),
    ...(program.tasks.length > 0 ? [{ ...program, tasks: [] }] : []),
    ...program.rules.flatMap((rule, at) => [
      ...without(rule.conditions).map((conditions) =>
        withRule(program, at, { ...rule, conditions }),
      ),
      ...Object.keys(rule.guard).map((clause) => {
        const { [clause as "tools"]: _, ...guard } = rule.guard;
        return withRule(program, at, { ...rule, guard });
      }),
      ...rule.conditions.flatMap((condition, which) =>
        truthsIn(condition).map((part) =>
          withRule(program, at, { ...rule, conditions: rule.conditions.with(which, part) }),
        ),
      ),
    ]),
  ];
}

function without<T>(items: readonly T[]): readonly (readonly T[])[] {
  return items.map((_, at) => items.toSpliced(at, 1));
}

function withRule(program: Program, at: number, rule: Program["rules"][number]): Program {
  return { ...program, rules: program.rules.with(at, rule) };
}

/** Conditions that `expr` is made of: each can stand in its place. */
function truthsIn(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "and":
    case "or":
      return [expr.left, expr.right];
    case "not":
      return [expr.operand];
    case "if":
      return [expr.condition, expr.then, expr.else];
    default:
      return [];
  }
}
