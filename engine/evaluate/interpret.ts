/**
 * The reference evaluator: SPEC §5 and §6 read line by line, slow on purpose. Generated code is tested
 * against it, explanations and coverage watch it.
 */
import { BUILTINS } from "../../lang/builtins.ts";
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
import { DECIMAL_ONE, multiplyDecimals } from "../../lang/scalar/decimal.ts";
import { globMatches } from "../../lang/scalar/glob.ts";
import { ipWithin } from "../../lang/scalar/ip.ts";
import { pathWithin } from "../../lang/scalar/path.ts";
import { purposeWithin } from "../../lang/scalar/purpose.ts";
import { placeIn } from "../../lang/scalar/search.ts";
import { isScalar } from "../../lang/type.ts";
import { unreachable } from "../../lang/unreachable.ts";
import { Failure } from "../../lang/value.ts";
import type { Facts } from "../facts.ts";
import type { DecisionRequest, Roots } from "../request.ts";
import {
  elementsOf,
  equal,
  fromJson,
  isList,
  isRecord,
  isSet,
  keyOf,
  newRecord,
  type RecordValue,
  type Scalar,
  Unknown,
  type Value,
} from "../value.ts";
import {
  bindingSteps,
  builtinSteps,
  callSteps,
  containsSteps,
  edgeSteps,
  inSteps,
  keySteps,
  likeSteps,
  mayBeLong,
  originSteps,
  roundSteps,
  sameSteps,
  setSteps,
  subsetSteps,
  textSteps,
} from "./costs.ts";
import type { Bindings, Evaluator, Hit, RuleResults, StepResult, Touch } from "./evaluator.ts";
import { Fuel, OpenFuel } from "./fuel.ts";
import { letsReadBy } from "./lets.ts";
import { stepsAtMost } from "./steps.ts";

/** Sees every expression with what it came to. */
export type Observer = (expr: Expr, value: Value | Unknown) => void;

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

const NOTHING_OPEN: ReadonlySet<RootName> = new Set();

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

/** What an expression comes to; for tests and explanations of single expressions. */
export function interpret(
  expr: Expr,
  program: Program,
  request: DecisionRequest,
  facts: Facts,
): Value | Unknown {
  return evaluate(expr, {
    program,
    request,
    facts,
    observer: undefined,
    open: NOTHING_OPEN,
    locals: new Map(),
    keys: new Map(),
    fuel: new Fuel(),
  });
}

interface Scope {
  readonly program: Program;
  readonly request: DecisionRequest;
  readonly facts: Facts;
  readonly observer: Observer | undefined;
  /** Roots that are not told yet. */
  readonly open: ReadonlySet<RootName>;
  /** Of one rule or function: no two of its locals have the same id. */
  readonly locals: Map<number, Value | Unknown>;
  /** Of counters and latches, by what they are the `per` of: the same for all that a rule reads of one. */
  readonly keys: Map<readonly Expr[], string | Unknown>;
  readonly fuel: Fuel;
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

/** The first that is unknown, but open before all others: it may yet be the value that decides. */
function firstOf(before: Unknown | undefined, later: Unknown): Unknown {
  if (before === undefined) return later;
  return later.cause === "open" && before.cause !== "open" ? later : before;
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

function keyFor(per: readonly Expr[], scope: Scope): string | Unknown {
  const values: Scalar[] = [];
  for (const part of per) {
    const value = evaluate(part, scope);
    if (value instanceof Unknown) return value;
    if (!scope.fuel.spend(keySteps(value))) return new Unknown("fuel", part.at);
    values.push(value as Scalar);
  }
  return keyOf(values);
}

/** The key of what a rule reads: calculated once, with steps of its own. */
function keyRead(declared: CounterDecl | LatchDecl | undefined, scope: Scope): string | Unknown {
  const per = declared?.per ?? NO_PARTS;
  const known = scope.keys.get(per);
  if (known !== undefined) return known;
  scope.fuel.enter();
  const key = keyFor(per, { ...scope, locals: new Map() });
  scope.fuel.leave();
  scope.keys.set(per, key);
  return key;
}

const NO_PARTS: readonly Expr[] = [];

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

// ── Expressions: SPEC §5, in the order of ir.ts ────────────────────────────────────────────────────────────

function evaluate(expr: Expr, scope: Scope): Value | Unknown {
  const { fuel } = scope;
  const value = fuel instanceof OpenFuel ? foreseen(expr, scope, fuel) : resultOf(expr, scope);
  scope.observer?.(expr, value);
  return value;
}

/**
 * What is open may take more or fewer steps than were taken here: behind it nothing that takes some is certain to
 * have enough left, nor to have too little.
 */
function foreseen(expr: Expr, scope: Scope, fuel: OpenFuel): Value | Unknown {
  const before = fuel.open;
  const result = resultOf(expr, scope);
  const isUncertain =
    fuel.open > 0 && (isOutOfFuel(result) || mayRunOut(expr, scope.program, fuel));
  const value = isUncertain ? new Unknown("open", expr.at) : result;
  if (!isOpen(value)) return value;
  fuel.open = Math.max(fuel.open, before + openSteps(expr, scope.program));
  if (isAnalysis(expr)) fuel.analysesOpen = true;
  return value;
}

function isOutOfFuel(value: Value | Unknown): boolean {
  return value instanceof Unknown && value.cause === "fuel";
}

function mayRunOut(expr: Expr, program: Program, { left, open, floor }: OpenFuel): boolean {
  return left - open < floor && openSteps(expr, program) > 0;
}

/** What is open may have decided, and then what came behind it took nothing. */
function doubtSteps({ fuel }: Scope): void {
  if (fuel instanceof OpenFuel) fuel.open += 1;
}

const mostSteps = new WeakMap<Expr, number>();

/** Of what is not told yet: a request may have a mebibyte (SPEC §12.1). */
function openSteps(expr: Expr, program: Program): number {
  const known = mostSteps.get(expr);
  if (known !== undefined) return known;
  const most = stepsAtMost(expr, { program, sizeMost: SIZE_MOST });
  mostSteps.set(expr, most);
  return most;
}

const SIZE_MOST = 1_048_576;

function isAnalysis(expr: Expr): boolean {
  return expr.kind === "builtin" && BUILTINS.get(expr.name)?.attributeOf === "Command";
}

function isOpen(value: Value | Unknown): boolean {
  return value instanceof Unknown && value.cause === "open";
}

function resultOf(expr: Expr, scope: Scope): Value | Unknown {
  switch (expr.kind) {
    case "const":
      return orAbsent(constantOf(expr), expr);
    case "root":
      if (scope.open.has(expr.name)) return new Unknown("open", expr.at);
      return orAbsent(rootOf(scope.request.roots, expr.name), expr);
    case "local":
      return orAbsent(scope.locals.get(expr.id), expr);
    case "attribute":
      return strict([expr.of], scope, ([of]) =>
        orAbsent(isRecord(of) ? of[expr.name] : undefined, expr),
      );
    case "index":
      return strict([expr.of, expr.index], scope, ([of, index]) =>
        expr.over === "List"
          ? orAbsent(elementAt(of, index), expr)
          : paid(textSteps(index), expr, scope, () => orAbsent(elementAt(of, index), expr)),
      );
    case "has": {
      const of = evaluate(expr.of, scope);
      return of instanceof Unknown ? (of.cause === "absent" ? false : of) : true;
    }
    case "coalesce": {
      const left = evaluate(expr.left, scope);
      const absent = left instanceof Unknown && left.cause === "absent";
      return absent ? evaluate(expr.right, scope) : left;
    }
    case "not":
      return strict([expr.operand], scope, ([operand]) => operand !== true);
    case "and":
      return kleene(expr.left, expr.right, false, scope);
    case "or":
      return kleene(expr.left, expr.right, true, scope);
    case "if":
      return strict([expr.condition], scope, ([condition]) =>
        evaluate(condition === true ? expr.then : expr.else, scope),
      );
    case "equal":
      return strict([expr.left, expr.right], scope, ([left, right]) =>
        isScalar(expr.type)
          ? paid(
              mayBeLong(expr.type) ? sameSteps(left, right) : 0,
              expr,
              scope,
              () => left === right,
            )
          : equalWithin(left, right, expr, scope),
      );
    case "less":
      return strict([expr.left, expr.right], scope, ([left, right]) =>
        compare(expr.op, Number(left), Number(right)),
      );
    case "arithmetic":
      return strict([expr.left, expr.right], scope, ([left, right]) =>
        orOverflow(calculate(expr, Number(left), Number(right)), expr),
      );
    case "decimal":
      return strict([expr.of], scope, ([of]) => orOverflow(exact(Number(of) * DECIMAL_ONE), expr));
    case "negate":
      return strict([expr.of], scope, ([of]) => 0 - Number(of));
    case "in":
      return strict([expr.left, expr.right], scope, ([left, right]) =>
        paid(inSteps(left, right as Elements), expr, scope, () =>
          contains(right as Elements, left),
        ),
      );
    case "subset":
      return strict([expr.left, expr.right], scope, ([left, right]) =>
        paid(subsetSteps(left as Elements, right as Elements), expr, scope, () =>
          isSubset(left as Elements, right as Elements),
        ),
      );
    case "within":
      return strict([expr.left, expr.right], scope, ([left, right]) =>
        paid(expr.of === "Path" ? edgeSteps(String(left), String(right)) : 0, expr, scope, () =>
          WITHIN[expr.of](String(left), String(right)),
        ),
      );
    case "like":
      return strict([expr.left, expr.pattern], scope, ([left, pattern]) =>
        paid(likeSteps(String(left), String(pattern)), expr, scope, () =>
          globMatches(String(left), String(pattern)),
        ),
      );
    case "text":
      return strict([expr.left, expr.right], scope, ([left, right]) =>
        paid(textOpSteps(expr.op, String(left), String(right)), expr, scope, () =>
          TEXT[expr.op](String(left), String(right)),
        ),
      );
    case "quantifier":
      return quantify(expr, scope);
    case "aggregate":
      return aggregate(expr, scope);
    case "list":
      return strict(expr.items, scope, (items) =>
        expr.as === "Set"
          ? paid(setSteps(items), expr, scope, () => new Set(items as readonly Scalar[]))
          : items,
      );
    case "record": {
      const { fields } = expr;
      return strict(
        fields.map((field) => field.value),
        scope,
        (values) => {
          const made = newRecord();
          for (const [index, field] of fields.entries()) made[field.name] = values[index];
          return made;
        },
      );
    }
    case "builtin":
      return strict(expr.args, scope, (args) => applyBuiltin(expr, args, scope));
    case "call":
      return strict(expr.args, scope, (args) => callFunction(expr, args, scope));
    case "module": {
      // It is asked about the whole request, of which a part is not known yet.
      if (scope.open.size > 0) return new Unknown("open", expr.at);
      const reading = scope.facts.module?.(expr.module);
      if (reading === undefined) return new Unknown("module_unavailable", expr.at);
      return reading.value ?? new Unknown("absent", expr.at);
    }
    case "counter": {
      const key = keyRead(scope.program.counters[expr.counter], scope);
      if (key instanceof Unknown) return key;
      const value = scope.facts.counter(expr.counter, key);
      return value === "unavailable" ? new Unknown("state_unavailable", expr.at) : value;
    }
    case "latch": {
      const key = keyRead(scope.program.latches[expr.latch], scope);
      if (key instanceof Unknown) return key;
      const value = scope.facts.latch(expr.latch, key);
      if (value === "pending") return new Unknown("pending", expr.at);
      return value === "unavailable" ? new Unknown("state_unavailable", expr.at) : value;
    }
    case "origin":
      return strict([expr.of], scope, ([of]) => {
        const { fuel, facts } = scope;
        return paid(originSteps(of, fuel.left - fuel.floor), expr, scope, () => {
          const labels = of === undefined ? "unavailable" : facts.origin(of);
          return labels === "unavailable" ? new Unknown("state_unavailable", expr.at) : labels;
        });
      });
    default:
      return unreachable(expr);
  }
}

const constants = new WeakMap<Expr, Value>();

/** Made once: that is no part of what a decision calculates. */
function constantOf(expr: Extract<Expr, { kind: "const" }>): Value | undefined {
  const known = constants.get(expr);
  if (known !== undefined) return known;
  const made = fromJson(expr.value, expr.type);
  if (made !== undefined) constants.set(expr, made);
  return made;
}

/** The result, where there are steps left for it. */
function paid(
  steps: number,
  { at }: Expr,
  { fuel }: Scope,
  result: () => Value | Unknown,
): Value | Unknown {
  return fuel.spend(steps) ? result() : new Unknown("fuel", at);
}

function equalWithin(
  left: Value | undefined,
  right: Value | undefined,
  { at }: Expr,
  { fuel }: Scope,
): boolean | Unknown {
  const same = equal(left, right, fuel);
  return fuel.isOut ? new Unknown("fuel", at) : same;
}

/** All operands, left to right; the first that is unknown is the result. */
function strict(
  operands: readonly Expr[],
  scope: Scope,
  result: (values: readonly Value[]) => Value | Unknown,
): Value | Unknown {
  const values: Value[] = [];
  for (const operand of operands) {
    const value = evaluate(operand, scope);
    if (value instanceof Unknown) return value;
    values.push(value);
  }
  return result(values);
}

function orAbsent(value: Value | Unknown | undefined, { at }: Expr): Value | Unknown {
  return value === undefined ? new Unknown("absent", at) : value;
}

function orOverflow(value: number | undefined, { at }: Expr): number | Unknown {
  return value === undefined ? new Unknown("overflow", at) : value;
}

function rootOf(roots: Roots, name: keyof Roots): RecordValue | undefined {
  return roots[name];
}

function elementAt(of: Value | undefined, index: Value | undefined): Value | undefined {
  if (isList(of)) return of[Number(index)];
  return of instanceof Map ? of.get(String(index)) : undefined;
}

/** `deciding` wins on either side, also over unknown; else unknown wins. */
function kleene(left: Expr, right: Expr, deciding: boolean, scope: Scope): boolean | Unknown {
  const first = evaluate(left, scope);
  if (first === deciding) return deciding;
  if (isOpen(first) && openSteps(right, scope.program) > 0) doubtSteps(scope);
  const second = evaluate(right, scope);
  if (second === deciding) return deciding;
  if (second instanceof Unknown) {
    return first instanceof Unknown ? firstOf(first, second) : second;
  }
  return first instanceof Unknown ? first : !deciding;
}

function compare(op: "<" | "<=" | ">" | ">=", left: number, right: number): boolean {
  switch (op) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    default:
      return unreachable(op);
  }
}

type Arithmetic = Extract<Expr, { kind: "arithmetic" }>;

/** `undefined` on overflow. */
function calculate(expr: Arithmetic, left: number, right: number): number | undefined {
  if (expr.number === "Decimal" && expr.op === "*") return multiplyDecimals(left, right);
  const result = expr.op === "+" ? left + right : expr.op === "-" ? left - right : left * right;
  return expr.number === "Float" ? finite(result) : exact(result);
}

function exact(result: number): number | undefined {
  // `+ 0` turns −0 into 0.
  return Math.abs(result) <= Number.MAX_SAFE_INTEGER ? result + 0 : undefined;
}

function finite(result: number): number | undefined {
  return Number.isFinite(result) ? result + 0 : undefined;
}

type Elements = ReadonlySet<Scalar> | readonly Value[];

function contains(elements: Elements, value: Value | undefined): boolean {
  return isList(elements) ? elements.includes(value as Scalar) : elements.has(value as Scalar);
}

function isSubset(left: Elements, right: Elements): boolean {
  const wider = isList(right) ? new Set(right) : right;
  return elementsOf(left).every((element) => wider.has(element as Scalar));
}

const WITHIN = { Purpose: purposeWithin, Path: pathWithin, Ip: ipWithin } as const;

const TEXT = {
  starts: (text: string, part: string) => text.startsWith(part),
  ends: (text: string, part: string) => text.endsWith(part),
  contains: (text: string, part: string) => placeIn(text, part) >= 0,
} as const;

function textOpSteps(op: keyof typeof TEXT, text: string, part: string): number {
  return op === "contains" ? containsSteps(text, part) : edgeSteps(text, part);
}

function quantify(expr: Extract<Expr, { kind: "quantifier" }>, scope: Scope): Value | Unknown {
  const over = evaluate(expr.over, scope);
  if (over instanceof Unknown) return over;
  const deciding = expr.op === "any";
  const round = roundSteps([expr.body]);
  let unknown: Unknown | undefined;
  for (const element of elementsOf(over as Elements)) {
    if (!scope.fuel.spend(round)) return new Unknown("fuel", expr.at);
    scope.locals.set(expr.id, element);
    const value = evaluate(expr.body, scope);
    if (value === deciding) return deciding;
    if (value instanceof Unknown) unknown = firstOf(unknown, value);
    if (unknown?.cause === "open") doubtSteps(scope);
  }
  return unknown ?? !deciding;
}

type Aggregate = Extract<Expr, { kind: "aggregate" }>;

function aggregate(expr: Aggregate, scope: Scope): Value | Unknown {
  const over = evaluate(expr.over, scope);
  if (over instanceof Unknown) return over;
  const round = roundSteps([expr.where, expr.body]);
  const values: Value[] = [];
  for (const element of elementsOf(over as Elements)) {
    if (!scope.fuel.spend(round)) return new Unknown("fuel", expr.at);
    scope.locals.set(expr.id, element);
    const chosen = expr.where === undefined ? true : evaluate(expr.where, scope);
    if (chosen instanceof Unknown) return chosen;
    if (chosen !== true) continue;
    const value = expr.body === undefined ? element : evaluate(expr.body, scope);
    if (value instanceof Unknown) return value;
    if (expr.op === "set" && !scope.fuel.spend(textSteps(value))) {
      return new Unknown("fuel", expr.at);
    }
    values.push(value);
  }
  return combine(expr, values);
}

function combine(expr: Aggregate, values: readonly Value[]): Value | Unknown {
  switch (expr.op) {
    case "count":
      return values.length;
    case "sum":
      return orOverflow(sum(values, expr.number === "Float" ? finite : exact), expr);
    case "min":
      return values.length === 0 ? orAbsent(undefined, expr) : least(values, (a, b) => a < b);
    case "max":
      return values.length === 0 ? orAbsent(undefined, expr) : least(values, (a, b) => a > b);
    case "first":
      return orAbsent(values[0], expr);
    case "last":
      return orAbsent(values.at(-1), expr);
    case "list":
      return values;
    case "set":
      return new Set(values as readonly Scalar[]);
    default:
      return unreachable(expr.op);
  }
}

function sum(
  values: readonly Value[],
  check: (total: number) => number | undefined,
): number | undefined {
  let total: number | undefined = 0;
  for (const value of values)
    total = total === undefined ? undefined : check(total + Number(value));
  return total;
}

function least(values: readonly Value[], before: (a: number, b: number) => boolean): number {
  return values.map(Number).reduce((found, value) => (before(value, found) ? value : found));
}

function applyBuiltin(
  expr: Extract<Expr, { kind: "builtin" }>,
  args: readonly Value[],
  { fuel }: Scope,
): Value | Unknown {
  const builtin = BUILTINS.get(expr.name);
  if (builtin === undefined) throw new Error(`no builtin is named ${expr.name}`);
  const isPaid =
    builtin.attributeOf === "Command"
      ? fuel.analyse(String(args[0]))
      : fuel.spend(builtinSteps(builtin, args));
  if (!isPaid) return new Unknown("fuel", expr.at);
  const value = builtin.apply(args);
  return value instanceof Failure ? new Unknown(value.cause, expr.at) : orAbsent(value, expr);
}

/** A function sees its parameters and nothing else. */
function callFunction(
  expr: Extract<Expr, { kind: "call" }>,
  args: readonly Value[],
  scope: Scope,
): Value | Unknown {
  const called = scope.program.functions[expr.function];
  if (called === undefined) throw new Error(`no function is numbered ${expr.function}`);
  if (!scope.fuel.spend(callSteps(expr.function, scope.program))) {
    return new Unknown("fuel", expr.at);
  }
  const locals = new Map(called.params.map((id, index) => [id, args[index] as Value]));
  return evaluate(called.body, { ...scope, locals });
}
