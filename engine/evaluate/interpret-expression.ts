/** Expressions as the reference evaluator reads them: SPEC §5, in the order of ir.ts. Pure. */
import { BUILTINS } from "../../lang/builtins.ts";
import type { CounterDecl, Expr, LatchDecl, Program, RootName } from "../../lang/ir.ts";
import { DECIMAL_ONE } from "../../lang/scalar/decimal.ts";
import { globMatches } from "../../lang/scalar/glob.ts";
import { isScalar } from "../../lang/type.ts";
import { unreachable } from "../../lang/unreachable.ts";
import { Failure } from "../../lang/value.ts";
import type { Facts } from "../facts.ts";
import type { DecisionRequest } from "../request.ts";
import {
  elementsOf,
  equal,
  fromJson,
  isRecord,
  keyOf,
  newRecord,
  type Scalar,
  Unknown,
  type Value,
} from "../value.ts";
import {
  type Aggregate,
  calculate,
  combine,
  compare,
  contains,
  type Elements,
  elementAt,
  exact,
  isSubset,
  orAbsent,
  orOverflow,
  rootOf,
  TEXT,
  textOpSteps,
  WITHIN,
} from "./calculate.ts";
import {
  builtinSteps,
  callSteps,
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
import { Fuel, OpenFuel } from "./fuel.ts";
import { stepsAtMost } from "./steps.ts";

/** Sees every expression with what it came to. */
export type Observer = (expr: Expr, value: Value | Unknown) => void;

export const NOTHING_OPEN: ReadonlySet<RootName> = new Set();

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

export interface Scope {
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

/** The first that is unknown, but open before all others: it may yet be the value that decides. */
export function firstOf(before: Unknown | undefined, later: Unknown): Unknown {
  if (before === undefined) return later;
  return later.cause === "open" && before.cause !== "open" ? later : before;
}

export function keyFor(per: readonly Expr[], scope: Scope): string | Unknown {
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

export function evaluate(expr: Expr, scope: Scope): Value | Unknown {
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
export function paid(
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
