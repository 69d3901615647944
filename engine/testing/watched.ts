/**
 * An engine that is watched while it decides: by two evaluators that must agree, by whoever wants to see
 * expressions, and by whoever wants an explanation of what was decided just now.
 */
import type { Program } from "../../lang/ir.ts";
import { createEngine, type Engine } from "../engine.ts";
import type { Evaluator, Hit } from "../evaluate/evaluator.ts";
import { createInterpreter } from "../evaluate/interpret.ts";
import type { Observer } from "../evaluate/interpret-expression.ts";
import { generateEvaluator } from "../evaluate/javascript.ts";
import type { Situation } from "../explain/trace.ts";
import type { Facts } from "../facts.ts";
import type { Ids } from "../ids.ts";
import type { ModuleRunner } from "../opa/answer.ts";
import { containedModules } from "../opa/programs.ts";
import type { DecisionRequest } from "../request.ts";
import { toJson, Unknown } from "../value.ts";

export interface Watchers {
  /** Every expression of the reference evaluator, with its value. */
  readonly expression?: Observer;
  /** Rules by index that applied for certain. */
  readonly applied?: (rules: readonly number[]) => void;
  /** Before anything is decided; state stands as the decision will find it. */
  readonly situation?: (situation: Situation) => void;
  /** The two evaluators answered one question differently. */
  readonly disagreement: (what: string) => void;
}

export interface WatchedParts {
  readonly program: Program;
  readonly digest: string;
  readonly clock: () => number;
  /** Missing = those of the program, contained. */
  readonly modules?: ModuleRunner | undefined;
  readonly onFault: (fault: unknown) => void;
  readonly watchers: Watchers;
}

export function createWatchedEngine(parts: WatchedParts): Engine {
  return createEngine({
    program: parts.program,
    digest: parts.digest,
    clock: parts.clock,
    onFault: parts.onFault,
    ...modulesFor(parts),
    ids: countedIds(),
    evaluator: watchedEvaluator(parts.program, parts.watchers),
  });
}

/** Not random: a test says the same at every run. */
export function countedIds(): Ids {
  let count = 0;
  return { decision: () => `d-${++count}`, call: () => `c-${++count}` };
}

function modulesFor({ modules, program }: WatchedParts): { readonly modules?: ModuleRunner } {
  const runner = modules ?? containedModules(program);
  return runner === undefined ? {} : { modules: runner };
}

function watchedEvaluator(program: Program, watchers: Watchers): Evaluator {
  const reference = createInterpreter(program, watchers.expression);
  const generated = generatedFor(program);
  const agreed = <Result>(what: string, expected: Result, actual: Result): Result => {
    const [one, other] = [spell(expected), spell(actual)];
    if (one !== other) {
      watchers.disagreement(
        `${what}: the reference evaluator says ${one}, generated code ${other}`,
      );
    }
    return expected;
  };
  return {
    fuel: reference.fuel,
    rules(request, facts) {
      const results = agreed(
        "rules",
        reference.rules(request, facts),
        generated.rules(request, facts),
      );
      watchers.applied?.(
        Object.values(results)
          .flat()
          .filter(isCertain)
          .map(({ rule }) => rule),
      );
      return results;
    },
    nevers: (request, facts) =>
      agreed("invariants", reference.nevers(request, facts), generated.nevers(request, facts)),
    touches(request: DecisionRequest, facts: Facts) {
      // The first question of a decision: that the reference's has begun, `decide` has seen to.
      generated.fuel.begin();
      watchers.situation?.({ program, request, facts });
      return agreed("state", reference.touches(request, facts), generated.touches(request, facts));
    },
    approver: (rule, request, facts) =>
      agreed(
        "approvers",
        reference.approver(rule, request, facts),
        generated.approver(rule, request, facts),
      ),
    step: (task, position, bound, request, facts) =>
      agreed(
        "steps",
        reference.step(task, position, bound, request, facts),
        generated.step(task, position, bound, request, facts),
      ),
  };
}

/** Generating code costs more than a test does. */
const GENERATED = new WeakMap<Program, Evaluator>();

function generatedFor(program: Program): Evaluator {
  const known = GENERATED.get(program);
  if (known !== undefined) return known;
  const made = generateEvaluator(program);
  GENERATED.set(program, made);
  return made;
}

function isCertain(hit: Hit): boolean {
  return hit.unknown === undefined;
}

/** An answer as text, the same for the same answer. */
function spell(answer: unknown): string {
  return JSON.stringify(answer, (_, value: unknown) => {
    if (value instanceof Unknown) return { unknown: value.cause, at: value.at };
    if (value instanceof Set) return [...value].sort();
    if (value instanceof Map) return [...value].map(([key, item]) => [key, toJson(item)]);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
