/**
 * The reference evaluator: SPEC §5 and §6 read line by line, slow on purpose. Generated code is tested
 * against it, explanations and coverage watch it.
 */
import type {
  CallFilter,
  CounterDecl,
  Expr,
  Guard,
  LatchDecl,
  Program,
  RootName,
  Rule,
} from "../../lang/ir.ts";
import { purposeWithin } from "../../lang/scalar/purpose.ts";
import type { Facts } from "../facts.ts";
import type { DecisionRequest } from "../request.ts";
import {
  equal,
  isRecord,
  isSet,
  type RecordValue,
  type Scalar,
  Unknown,
  type Value,
} from "../value.ts";
import { bindingSteps, keySteps } from "./costs.ts";
import type { Bindings, Evaluator, Hit, RuleResults, StepResult, Touch } from "./evaluator.ts";
import { Fuel, OpenFuel } from "./fuel.ts";
import {
  evaluate,
  firstOf,
  keyFor,
  NOTHING_OPEN,
  type Observer,
  paid,
  type Scope,
} from "./interpret-expression.ts";
import { letsReadBy } from "./lets.ts";

export function createInterpreter(
  program: Program,
  observer?: Observer,
  fuel = new Fuel(),
): Evaluator {
  return interpreterOf(program, observer, NOTHING_OPEN, fuel);
}

/** Takes the roots in `open` for not told yet: whatever depends on them is unknown because of `open`. */
export function createForesight(program: Program, open: ReadonlySet<RootName>): Evaluator {
  return interpreterOf(program, undefined, open, new OpenFuel());
}

function interpreterOf(
  program: Program,
  observer: Observer | undefined,
  open: ReadonlySet<RootName>,
  fuel: Fuel,
): Evaluator {
  const scopeOf = (request: DecisionRequest, facts: Facts): Scope => {
    fuel.ask();
    const made = { program, request, facts, observer, open, fuel };
    return { ...made, locals: new Map(), keys: new Map() };
  };
  return {
    fuel,
    rules: (request, facts) => interpretRules(program, () => scopeOf(request, facts)),
    nevers: (request, facts) =>
      program.nevers.flatMap((never, index) =>
        hitOf(index, evaluate(never.condition, scopeOf(request, facts))),
      ),
    touches: (request, facts) => interpretTouches(program, () => scopeOf(request, facts)),
    approver(rule, request, facts) {
      const scope = scopeOf(request, facts);
      return approverOf(program.rules[rule], scope);
    },
    step(task, position, bound, request, facts) {
      const scope = { ...scopeOf(request, facts), locals: new Map(bound) };
      return interpretStep(task, position, scope);
    },
  };
}

// ── Rules, invariants, approvers: SPEC §6.1 ────────────────────────────────────────────────────────────────

function interpretRules(program: Program, newScope: () => Scope): RuleResults {
  const hits = { permit: [] as Hit[], forbid: [] as Hit[], hold: [] as Hit[], oblige: [] as Hit[] };
  for (const [index, rule] of program.rules.entries()) {
    const scope = newScope();
    if (!admits(rule.guard, scope)) continue;
    const holds = allHold(rule.conditions, scope, rule);
    const isOpen = rule.guard.resources !== undefined && scope.open.has("resource");
    const outcome = isOpen && holds !== false ? new Unknown("open", rule.at) : holds;
    hits[rule.effect].push(...hitOf(index, outcome));
  }
  return {
    permits: hits.permit,
    forbids: hits.forbid,
    holds: hits.hold,
    obliges: hits.oblige,
    uncertain: Object.values(hits).some((all) => all.some(({ unknown }) => unknown !== undefined)),
  };
}

function hitOf(rule: number, outcome: Value | Unknown): readonly Hit[] {
  if (outcome instanceof Unknown) return [{ rule, unknown: outcome }];
  return outcome === true ? [{ rule }] : [];
}

/** Exact, never unknown: what an index can answer. A resource that is not told yet may be of any type. */
function admits(guard: Guard, { request: { tool, roots }, open }: Scope): boolean {
  const { agent, principal, resource, intent } = roots;
  return (
    (guard.tools === undefined || guard.tools.includes(tool)) &&
    (guard.agentGroups === undefined || hasGroup(agent, guard.agentGroups)) &&
    (guard.agentKinds === undefined || isOneOf(agent.kind, guard.agentKinds)) &&
    (guard.principalGroups === undefined || hasGroup(principal, guard.principalGroups)) &&
    (guard.principalKinds === undefined || isOneOf(principal?.kind, guard.principalKinds)) &&
    (guard.resources === undefined ||
      open.has("resource") ||
      isOneOf(resource?.type, guard.resources)) &&
    (guard.purposes === undefined || isWithinOne(intent.purpose, guard.purposes)) &&
    (guard.tasks === undefined || isOneOf(intent.task, guard.tasks))
  );
}

function hasGroup(actor: RecordValue | undefined, groups: readonly string[]): boolean {
  const held = actor?.groups;
  return isSet(held) && groups.some((group) => held.has(group));
}

function isOneOf(value: Value | undefined, words: readonly string[]): boolean {
  return typeof value === "string" && words.includes(value);
}

function isWithinOne(purpose: Value | undefined, purposes: readonly string[]): boolean {
  return typeof purpose === "string" && purposes.some((wider) => purposeWithin(purpose, wider));
}

/** In front of the first expression that reads it. A `let` that fails is unknown where it is read, not before. */
function declareLets({ lets }: Rule, expr: Expr, scope: Scope): void {
  for (const { id, value } of letsReadBy(expr, lets)) {
    if (!scope.locals.has(id)) scope.locals.set(id, evaluate(value, scope));
  }
}

/** Conjunction in order, by Kleene: a false one decides, else the first unknown. */
function allHold(conditions: readonly Expr[], scope: Scope, rule?: Rule): boolean | Unknown {
  let unknown: Unknown | undefined;
  for (const condition of conditions) {
    if (rule !== undefined) declareLets(rule, condition, scope);
    const value = evaluate(condition, scope);
    if (value === false) return false;
    if (value instanceof Unknown) unknown = firstOf(unknown, value);
  }
  return unknown ?? true;
}

function approverOf(rule: Rule | undefined, scope: Scope): string | Unknown {
  const approver = rule?.approval?.approver;
  if (rule === undefined || approver?.kind !== "party") return new Unknown("absent", rule?.at ?? 0);
  declareLets(rule, approver.party, scope);
  const party = evaluate(approver.party, scope);
  if (party instanceof Unknown) return party;
  const id = isRecord(party) ? party.id : party;
  return typeof id === "string" ? id : new Unknown("absent", approver.party.at);
}

// ── Counters, latches, steps: SPEC §7 ──────────────────────────────────────────────────────────────────────

function interpretTouches(program: Program, newScope: () => Scope): readonly Touch[] {
  const touches: Touch[] = [];
  const add = (
    kind: Touch["kind"],
    index: number,
    calls: CallFilter,
    declared: CounterDecl | LatchDecl,
  ): void => {
    const scope = newScope();
    if (calls.tools !== undefined && !calls.tools.includes(scope.request.tool)) return;
    const counted = calls.where === undefined ? true : evaluate(calls.where, scope);
    if (counted === false) return;
    touches.push({
      kind,
      index,
      key: keyFor(declared.per, scope),
      amount: amountOf(declared, scope),
      uncertain: counted instanceof Unknown,
    });
  };
  for (const [index, counter] of program.counters.entries()) {
    add("counter", index, counter.calls, counter);
  }
  for (const [index, latch] of program.latches.entries()) {
    add("latch", index, latch.calls, latch);
    if (latch.reset !== undefined) add("reset", index, latch.reset, latch);
  }
  return touches;
}

function amountOf(declared: CounterDecl | LatchDecl, scope: Scope): Scalar | Unknown {
  if (!("op" in declared) || declared.op === "count" || declared.of === undefined) return 1;
  const amount = evaluate(declared.of, scope) as Scalar | Unknown;
  if (amount instanceof Unknown || declared.op !== "distinct") return amount;
  return paid(keySteps(amount), declared.of, scope, () => amount) as Scalar | Unknown;
}

const MISSES: StepResult = { matches: false };

function interpretStep(task: number, position: number, scope: Scope): StepResult {
  const step = scope.program.tasks[task]?.sequence?.positions[position];
  if (step === undefined || !step.tools.includes(scope.request.tool)) return MISSES;
  const { fuel } = scope;
  const bound = new Map(scope.locals as Bindings);
  const outOfFuel: StepResult = { matches: "unknown", unknown: new Unknown("fuel", step.at) };
  if (!fuel.spend(1)) return outOfFuel;
  for (const { argument, id } of step.binds) {
    const value = scope.request.roots.args[argument];
    if (value === undefined) {
      return { matches: "unknown", unknown: new Unknown("absent", step.at) };
    }
    if (!fuel.spend(bindingSteps(value, fuel))) return outOfFuel;
    const same = !bound.has(id) || equal(bound.get(id), value, fuel);
    if (fuel.isOut) return outOfFuel;
    if (!same) return MISSES;
    bound.set(id, value);
  }
  const holds = allHold(step.predicates, { ...scope, locals: new Map(bound) });
  if (holds instanceof Unknown) return { matches: "unknown", unknown: holds };
  return holds ? { matches: true, bound } : MISSES;
}
