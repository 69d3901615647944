/** What the reference evaluator did, as trees: each expression with its value and what that came from. Pure. */
import type { Expr, Guard, Program, Rule } from "../../lang/ir.ts";
import { Fuel } from "../evaluate/fuel.ts";
import { createInterpreter } from "../evaluate/interpret.ts";
import type { Observer } from "../evaluate/interpret-expression.ts";
import type { Facts } from "../facts.ts";
import type { DecisionRequest } from "../request.ts";
import { Unknown, type Value } from "../value.ts";
import { childrenOf } from "./walk.ts";

export interface Trace {
  readonly expr: Expr;
  readonly value: Value | Unknown;
  /** In the order they were evaluated; what was not evaluated is missing, loops repeat their body. */
  readonly parts: readonly Trace[];
}

/** What a request is asked about. */
export interface Situation {
  readonly program: Program;
  readonly request: DecisionRequest;
  readonly facts: Facts;
}

export type Truth = boolean | Unknown;

export interface Probe {
  /** Whether it applies, as the decision finds it. */
  readonly outcome: Truth;
  /** What each of its conditions came to, and of an `and` each side: as if none before it had been false. */
  readonly parts: readonly Trace[];
}

export interface Prober {
  /** Whether the request is what the guard asks for. */
  admits(guard: Guard): boolean;
  /** In the order of the decision, rules before invariants: what one takes, those behind it have no more (SPEC §5.3). */
  probe(asked: Asked): Probe;
}

export type Asked = Pick<Rule, "guard" | "lets" | "conditions">;

export function createProber(situation: Situation): Prober {
  const { program, request, facts } = situation;
  const fuel = new Fuel();
  createInterpreter(program, undefined, fuel).touches(request, facts);
  const admits = (guard: Guard): boolean =>
    outcomeOf({ guard, lets: [], conditions: [] }, situation, new Fuel()) === true;
  return {
    admits,
    probe(asked) {
      const { guard } = asked;
      const before = fuel.copy();
      const outcome = outcomeOf(asked, situation, fuel);
      // Conditions may read what only the rule's own tools and resources have.
      const { tools, resources } = guard;
      const about = { ...(tools && { tools }), ...(resources && { resources }) };
      return { outcome, parts: admits(about) ? partsOf(asked, situation, before) : [] };
    },
  };
}

function outcomeOf(
  { guard, lets, conditions }: Asked,
  { program, request, facts }: Situation,
  fuel: Fuel,
  observer?: Observer,
): Truth {
  const alone: Program = { ...program, rules: [{ ...BARE, guard, lets, conditions }] };
  const [hit] = createInterpreter(alone, observer, fuel).rules(request, facts).permits;
  return hit === undefined ? false : (hit.unknown ?? true);
}

const BARE: Rule = {
  name: "",
  package: "",
  effect: "permit",
  guard: {},
  lets: [],
  conditions: [],
  obligations: [],
  interrupt: false,
  tags: [],
  at: 0,
};

/** Evaluated as they are in the rule, but that a false one ends nothing. */
function partsOf({ lets, conditions }: Asked, situation: Situation, fuel: Fuel): readonly Trace[] {
  const found = new Map<Expr, Trace>();
  const recorder = record(situation.program);
  const observer: Observer = (expr, value) => {
    recorder.observer(expr, value);
    const trace = recorder.traces().at(-1);
    if (parts.has(expr) && trace !== undefined) found.set(expr, trace);
  };
  const parts = new Set(conditions.flatMap(sidesOf));
  const unending = conditions.map(withoutEnd);
  outcomeOf({ guard: {}, lets, conditions: unending }, situation, fuel, observer);
  return [...parts].flatMap((part) => found.get(part) ?? []);
}

/** What the author joined by `and`: in `resource is r` the checker joins what the author did not. */
function sidesOf(expr: Expr): readonly Expr[] {
  return isJoined(expr) ? [...sidesOf(expr.left), ...sidesOf(expr.right)] : [expr];
}

function isJoined(expr: Expr): expr is Extract<Expr, { kind: "and" }> {
  return expr.kind === "and" && expr.left.at !== expr.at && expr.right.at !== expr.at;
}

/** Never false, whatever its sides come to. */
function withoutEnd(expr: Expr): Expr {
  if (isJoined(expr)) {
    return { ...expr, left: withoutEnd(expr.left), right: withoutEnd(expr.right) };
  }
  const { at } = expr;
  return { kind: "or", left: expr, right: { kind: "const", type: BOOL, value: true, at }, at };
}

const BOOL = { kind: "Bool" } as const;

/** Parts of a loop kept: what is in between says the same again, but for what is unknown first. */
const PARTS_KEPT = 64;

/**
 * An observer sees expressions after what they are made of, so what an expression came from is what was seen
 * last and belongs to it.
 */
function record(program: Program): { observer: Observer; traces: () => readonly Trace[] } {
  const seen: Trace[] = [];
  const members = new WeakMap<Expr, ReadonlySet<Expr>>();
  const membersOf = (expr: Expr): ReadonlySet<Expr> => {
    const known = members.get(expr);
    if (known !== undefined) return known;
    const found = new Set(evaluatedBy(expr, program));
    members.set(expr, found);
    return found;
  };
  const observer: Observer = (expr, value) => {
    const own = membersOf(expr);
    let start = seen.length;
    while (start > 0 && own.has((seen[start - 1] as Trace).expr)) start--;
    const parts = seen.splice(start);
    seen.push({ expr, value, parts: withoutMiddle(parts) });
  };
  return { observer, traces: () => seen };
}

function withoutMiddle(parts: Trace[]): readonly Trace[] {
  if (parts.length <= 2 * PARTS_KEPT) return parts;
  const middle = parts.slice(PARTS_KEPT, -PARTS_KEPT);
  const blamed = middle.find(({ value }) => value instanceof Unknown);
  return [
    ...parts.slice(0, PARTS_KEPT),
    ...(blamed === undefined ? [] : [blamed]),
    ...parts.slice(-PARTS_KEPT),
  ];
}

function evaluatedBy(expr: Expr, program: Program): readonly Expr[] {
  switch (expr.kind) {
    case "call": {
      const body = program.functions[expr.function]?.body;
      return body === undefined ? expr.args : [...expr.args, body];
    }
    case "counter":
      return program.counters[expr.counter]?.per ?? [];
    case "latch":
      return program.latches[expr.latch]?.per ?? [];
    default:
      return childrenOf(expr);
  }
}

/**
 * The parts without which the outcome would have been another, deepest first: of a false `and` what was
 * false, of a true `or` what was true; of a comparison the comparison itself.
 */
export function blame(trace: Trace): readonly Trace[] {
  const { expr, value, parts } = trace;
  switch (expr.kind) {
    case "and":
    case "or":
      return parts.filter((part) => sameOutcome(part.value, value)).flatMap(blame);
    case "not":
      // `a not in b` is one comparison, though a program says `not (a in b)`.
      return expr.operand.at === expr.at ? [trace] : blameLast(trace);
    case "call":
    case "if":
      return blameLast(trace);
    default:
      return [trace];
  }
}

/** Of a negation its operand, of a condition the branch taken, of a call the function's body: where that is a Bool. */
function blameLast(trace: Trace): readonly Trace[] {
  const last = trace.parts.at(-1);
  const isBool =
    last !== undefined && (typeof last.value === "boolean" || last.value instanceof Unknown);
  return isBool ? blame(last) : [trace];
}

function sameOutcome(a: Value | Unknown, b: Value | Unknown): boolean {
  return a instanceof Unknown ? b instanceof Unknown : a === b;
}
