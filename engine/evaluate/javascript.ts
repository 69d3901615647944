/**
 * A policy as generated JavaScript: the evaluator that serves. It answers what `interpret.ts` answers.
 *
 * Code is made when a request first needs it, for the few rules of one place of the index; `warmUp` makes
 * beforehand what is more than a few. Places whose rules differ only in constants share one function, and with it
 * V8's machine code.
 *
 * A question takes the steps that it takes in the reference, and runs out at the same place. A decision may take
 * others: what the index leaves out takes none, nor does a counter's key that a rule beside it has read, and a
 * rule that is met under two groups takes its own twice.
 */
import type { Program } from "../../lang/ir.ts";
import type { Facts } from "../facts.ts";
import type { Roots } from "../request.ts";
import { Unknown } from "../value.ts";
import { type Counted, countedOf, emitApprover, emitStep, emitTouches } from "./call.ts";
import { type Compile, compileSource, type EmittedUnit, type Factory } from "./emit.ts";
import type { Bindings, Evaluator, Hit, RuleResults, StepResult, Touch } from "./evaluator.ts";
import { Fuel } from "./fuel.ts";
import { makeHelpers } from "./helpers.ts";
import { type Collected, indexRules, type Visit } from "./index.ts";
import { emitNevers, emitRules } from "./rule.ts";

const NEVERS_IN_UNIT = 24;
const TOUCHES_IN_UNIT = 24;
/** Units that are made before anybody asks for them: tools may each be counted by others. */
const WARM_TOUCHES_MOST = 1_000;

/** `compile` is what turns source into functions; tests pass one that makes mistakes. */
export function generateEvaluator(
  program: Program,
  compile: Compile = compileSource,
  fuel = new Fuel(),
): Evaluator {
  const build = makeBuilder(compile, fuel);
  const { placeOf, warmUp } = indexRules(
    program,
    (rules, decided) => build(emitRules(program, rules, decided)) as Visit,
  );
  const nevers = program.nevers.map((_, index) => index);
  const units = chunk(nevers, NEVERS_IN_UNIT);
  const neversOf = memo((unit: number) => build(emitNevers(program, units[unit] ?? [])) as Visit);
  const touches = shareTouches(program, build);
  const approverOf = memo((rule: number) => {
    const unit = emitApprover(program, rule);
    return unit && (build(unit) as FindApprover);
  });
  const stepOf = memo((task: number) =>
    memo((position: number) => {
      const step = program.tasks[task]?.sequence?.positions[position];
      return step && (build(emitStep(program, step)) as TakeStep);
    }),
  );
  return {
    fuel,
    *warmUp() {
      yield* warmUp();
      yield* touches.warmUp();
      for (const unit of units.keys()) {
        neversOf(unit);
        yield;
      }
    },
    rules({ tool, roots }, facts) {
      const place = placeOf(tool);
      if (place === undefined) return NO_RULES;
      const collected = nothingYet();
      place.visit(roots, facts, collected);
      if (place.mixed) putInOrder(collected);
      return collected;
    },
    nevers({ roots }, facts) {
      if (units.length === 0) return NONE;
      const collected = nothingYet();
      for (let unit = 0; unit < units.length; unit++) neversOf(unit)(roots, facts, collected);
      return collected.forbids;
    },
    touches: ({ tool, roots }, facts) => touches.of(tool)(roots, facts),
    approver(rule, { roots }, facts) {
      const find = approverOf(rule);
      if (find === undefined) return new Unknown("absent", program.rules[rule]?.at ?? 0);
      return find(roots, facts);
    },
    step(task, position, bound, { tool, roots }, facts) {
      const step = program.tasks[task]?.sequence?.positions[position];
      const take = stepOf(task)(position);
      if (step === undefined || take === undefined || !step.tools.includes(tool)) return MISSES;
      return take(roots, facts, bound);
    },
  };
}

type FindTouches = (roots: Roots, facts: Facts) => readonly Touch[];
type FindApprover = (roots: Roots, facts: Facts) => string | Unknown;
type TakeStep = (roots: Roots, facts: Facts, bound: Bindings) => StepResult;

const NONE: readonly Hit[] = [];

function nothingYet(): Collected {
  return { permits: NONE, forbids: NONE, holds: NONE, obliges: NONE, uncertain: false };
}

const NO_RULES: RuleResults = Object.freeze({
  permits: NONE,
  forbids: NONE,
  holds: NONE,
  obliges: NONE,
  uncertain: false,
});
const MISSES: StepResult = Object.freeze({ matches: false });

/** Tools that the same declarations count share functions. */
function shareTouches(program: Program, build: (unit: EmittedUnit) => unknown) {
  const shared = new Map<string, FindTouches>();
  const counting = memo((tool: number) => chunk(countedOf(program, tool), TOUCHES_IN_UNIT));
  const findFor = (some: readonly Counted[]): FindTouches => {
    const key = some.map(({ kind, index }) => `${kind} ${index}`).join();
    const find = shared.get(key) ?? (build(emitTouches(program, some)) as FindTouches);
    shared.set(key, find);
    return find;
  };
  return {
    of: memo((tool) => allOf(counting(tool).map(findFor))),
    /** Where they are many. */
    *warmUp() {
      for (const tool of program.tools.keys()) {
        const units = counting(tool);
        if (units.length === 1 || shared.size >= WARM_TOUCHES_MOST) continue;
        for (const some of units) {
          findFor(some);
          yield;
        }
      }
    },
  };
}

function allOf(finds: readonly FindTouches[]): FindTouches {
  const [only = touchesNothing] = finds;
  return finds.length < 2 ? only : (roots, facts) => finds.flatMap((find) => find(roots, facts));
}

const NO_TOUCHES: readonly Touch[] = [];

function touchesNothing(): readonly Touch[] {
  return NO_TOUCHES;
}

/** Compiles each source once for each set of members it reads. */
function makeBuilder(compile: Compile, fuel: Fuel): (unit: EmittedUnit) => unknown {
  const helpers = makeHelpers(fuel);
  const factories = new Map<string, Factory>();
  return ({ source, shape, constants }) => {
    const key = `${source}\u0000${shape}`;
    const factory = factories.get(key) ?? compile(source);
    factories.set(key, factory);
    return factory(constants, helpers);
  };
}

function memo<T>(make: (index: number) => T): (index: number) => T {
  const made: { readonly value: T }[] = [];
  return (index) => {
    const known = made[index];
    if (known !== undefined) return known.value;
    const value = make(index);
    made[index] = { value };
    return value;
  };
}

function chunk<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, at) => items.slice(at * size, (at + 1) * size));
}

/** Ascending, each rule once: it may have been met under two of its groups. */
function putInOrder(collected: Collected): void {
  if (collected.permits.length > 1) collected.permits = sorted(collected.permits);
  if (collected.forbids.length > 1) collected.forbids = sorted(collected.forbids);
  if (collected.holds.length > 1) collected.holds = sorted(collected.holds);
  if (collected.obliges.length > 1) collected.obliges = sorted(collected.obliges);
}

function sorted(hits: readonly Hit[]): readonly Hit[] {
  if (isAscending(hits)) return hits;
  return [...hits]
    .sort((a, b) => a.rule - b.rule)
    .filter((hit, at, all) => hit.rule !== all[at - 1]?.rule);
}

function isAscending(hits: readonly Hit[]): boolean {
  let last = -1;
  for (const { rule } of hits) {
    if (rule <= last) return false;
    last = rule;
  }
  return true;
}
