/** What the reference evaluator did, as trees: each expression with its value and what that came from. Pure. */
import type { Expr, Program, Rule } from "../../lang/ir.ts";
import { createInterpreter, type Observer } from "../evaluate/interpret.ts";
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

export interface Probe {
  /** Applies, does not, or could not be decided. */
  readonly outcome: true | false | Unknown;
  readonly traces: readonly Trace[];
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

/** Whether a rule of these parts and no others would apply. */
export function probe(
  { guard = {}, lets = [], conditions = [] }: Partial<Rule>,
  { program, request, facts }: Situation,
): Probe {
  const recorder = record(program);
  const alone: Program = { ...program, rules: [{ ...BARE, guard, lets, conditions }] };
  const [hit] = createInterpreter(alone, recorder.observer).rules(request, facts).permits;
  return { outcome: hit === undefined ? false : (hit.unknown ?? true), traces: recorder.traces() };
}

/** Parts of a loop kept: what is in between says the same again. */
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
  return [...parts.slice(0, PARTS_KEPT), ...parts.slice(-PARTS_KEPT)];
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
