/** Whether what the checker says of a program is so while it decides: values are of their types, and there. */
import { createEngine, type Engine } from "../../engine/engine.ts";
import type { Evaluator, Hit } from "../../engine/evaluate/evaluator.ts";
import { createInterpreter } from "../../engine/evaluate/interpret.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import { expressionsOf, type TypeOf, typing } from "../../engine/explain/typing.ts";
import { childrenOf } from "../../engine/explain/walk.ts";
import type { Facts } from "../../engine/facts.ts";
import type { DecisionRequest } from "../../engine/request.ts";
import { createRequestReader } from "../../engine/request-reader.ts";
import { isList, isMap, isRecord, isSet, Unknown, type Value } from "../../engine/value.ts";
import type { Expr, Program } from "../../lang/ir.ts";
import { spell, type Type } from "../../lang/type.ts";
import { same, show } from "../differential/compare.ts";
import { type Random, randomFrom } from "../differential/random.ts";
import { factsFrom } from "../differential/request.ts";
import { randomOutcome, randomRequest } from "./random-request.ts";

export const NOW = Date.parse("2026-01-02T12:00:00Z");

export interface Tally {
  decisions: number;
  readonly codes: Map<string, number>;
}

/** What is wrong with how `program` is decided, over some sequences of calls; undefined where nothing is. */
export function unsoundness(program: Program, seed: number, calls: number, tally?: Tally) {
  try {
    return disagreement(program, seed, calls, tally) ?? faultOfValues(program, seed, calls);
  } catch (fault) {
    return `threw ${fault instanceof Error ? fault.stack : String(fault)}`;
  }
}

/** Two whole engines, one with each evaluator, told the same. */
function disagreement(
  program: Program,
  seed: number,
  calls: number,
  tally?: Tally,
): string | undefined {
  const random = randomFrom(seed);
  const faults: unknown[] = [];
  let nowMs = NOW;
  const engineWith = (evaluator: Evaluator): Engine => {
    let count = 0;
    return createEngine({
      program,
      digest: "sha256:test",
      evaluator,
      clock: () => nowMs,
      ids: { decision: () => `d${++count}`, call: () => `c${++count}` },
      onFault: (fault) => faults.push(fault),
    });
  };
  const expected = engineWith(createInterpreter(program));
  const actual = engineWith(generateEvaluator(program));
  for (let at = 0; at < calls; at++) {
    const request = randomRequest(program, random);
    const approvals = random.chance(0.3) ? [{ by: "alice", groups: ["staff"] }] : [];
    const [wanted, given] = [
      expected.decide(request, { approvals }),
      actual.decide(request, { approvals }),
    ];
    const asked = `asked ${JSON.stringify(request)}`;
    if (faults.length > 0) return `${asked}: ${trace(faults[0])}`;
    if (!same(wanted, given)) return `${asked}: ${show(wanted)} and ${show(given)}`;
    if (wanted.kind !== "answer") return `${asked}: ${show(wanted)}`;
    const { decision, code, call } = wanted.value;
    if (tally !== undefined) {
      tally.decisions++;
      tally.codes.set(code ?? decision, (tally.codes.get(code ?? decision) ?? 0) + 1);
    }
    if (code === "invalid_request" && !mayBeInvalid(wanted.value.because)) {
      return `${asked}: ${wanted.value.because}`;
    }
    if (call !== undefined && random.chance(0.8)) {
      const outcome = randomOutcome(call, random);
      const [first, second] = [expected.outcome(outcome), actual.outcome(outcome)];
      if (faults.length > 0) return `told ${JSON.stringify(outcome)}: ${trace(faults[0])}`;
      if (!same(first, second) || first.kind !== "answer") {
        return `told ${JSON.stringify(outcome)}: ${show(first)} and ${show(second)}`;
      }
    }
    nowMs += random.below(20_000);
  }
  return undefined;
}

function trace(fault: unknown): string {
  return fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
}

/** Random requests name tasks without sessions. */
function mayBeInvalid(because: string | undefined): boolean {
  return because?.includes("a task is kept in a session") === true;
}

/** Every rule by itself, watched: each value against its type, and nothing absent that is known to be there. */
function faultOfValues(program: Program, seed: number, calls: number): string | undefined {
  const random = randomFrom(seed + 1);
  const read = createRequestReader(program);
  const typings = new Map<string, TypeOf>();
  for (let at = 0; at < calls; at++) {
    const json = randomRequest(program, random);
    const reading = read(json, { nowMs: NOW, session: () => undefined });
    if (!reading.ok) continue;
    const { request } = reading;
    const { tool, roots } = request;
    const resource = roots.resource?.type;
    const key = `${tool} ${String(resource)}`;
    const narrowing = { tool, ...(resource === undefined ? {} : { resource: String(resource) }) };
    const typeOf = typings.get(key) ?? typing(program, narrowing);
    typings.set(key, typeOf);
    const fault = watch(program, request, factsFrom(random.below(2 ** 30)), typeOf);
    if (fault !== undefined) return `asked ${JSON.stringify(json)}: ${fault}`;
  }
  return undefined;
}

function watch(program: Program, request: DecisionRequest, facts: Facts, typeOf: TypeOf) {
  const keys = keysOf(program);
  let fault: string | undefined;
  const missing = new Set<Unknown>();
  const last = new Map<Expr, Value | Unknown>();
  const observer = (expr: Expr, value: Value | Unknown): void => {
    last.set(expr, value);
    if (value instanceof Unknown) {
      const lacks = expr.kind === "attribute" && !(last.get(expr.of) instanceof Unknown);
      if (lacks && !keys.has(expr)) missing.add(value);
      return;
    }
    const why = misfit(expr, value, typeOf, last);
    if (why !== undefined) fault ??= `${why} at ${placeOf(program, expr.at)}`;
  };
  const single = (rules: Program["rules"], nevers: Program["nevers"]) =>
    createInterpreter({ ...program, rules, nevers }, observer);
  const hits: (Hit & { readonly name: string })[] = [];
  for (const rule of program.rules) {
    const found = Object.values(single([rule], []).rules(request, facts)).flat() as Hit[];
    hits.push(...found.map((hit) => ({ ...hit, name: rule.name })));
  }
  for (const never of program.nevers) {
    const found = single([], [never]).nevers(request, facts);
    hits.push(...found.map((hit) => ({ ...hit, name: never.name })));
  }
  for (const { name, unknown } of hits) {
    if (unknown !== undefined && missing.has(unknown)) {
      fault ??= `${name} is unknown, of what is known to be there, at ${placeOf(program, unknown.at)}`;
    }
  }
  const touches = createInterpreter(program, observer).touches(request, facts);
  for (const { kind, index, amount, uncertain } of touches) {
    if (!uncertain && amount instanceof Unknown && missing.has(amount)) {
      fault ??= `${kind} ${index} adds what is not there, at ${placeOf(program, amount.at)}`;
    }
  }
  return fault;
}

/** Keys are asked for in every request that reads the counter, whatever it counts. */
function keysOf(program: Program): ReadonlySet<Expr> {
  const found = new Set<Expr>();
  const add = (expr: Expr): void => {
    found.add(expr);
    for (const child of childrenOf(expr)) add(child);
  };
  for (const { per } of [...program.counters, ...program.latches]) for (const key of per) add(key);
  return found;
}

export function placeOf(program: Program, at: number): string {
  const [file = 0, start = 0, end = 0] = program.places.slice(at * 5, at * 5 + 5);
  return `${program.sources[file]}:${start}-${end}`;
}

/** Why `value` is not what an expression like this comes to, or its parts are not what it takes. */
function misfit(
  expr: Expr,
  value: Value,
  typeOf: TypeOf,
  last: ReadonlyMap<Expr, Value | Unknown>,
): string | undefined {
  const type = typeOf(expr);
  if (type !== undefined && !belongs(value, type)) {
    return `a ${expr.kind} came to ${show(value)}, which is no ${spell(type)}`;
  }
  for (const [part, fits, what] of operandsOf(expr)) {
    const given = last.get(part);
    if (given !== undefined && !(given instanceof Unknown) && !fits(given)) {
      return `a ${expr.kind} took ${show(given)} for ${what}`;
    }
  }
  return undefined;
}

type Operand = readonly [Expr, (value: Value) => boolean, string];

const isBool = (value: Value) => typeof value === "boolean";
const isNumber = (value: Value) => typeof value === "number";
const isText = (value: Value) => typeof value === "string";
const isMany = (value: Value) => isSet(value) || isList(value);

function operandsOf(expr: Expr): readonly Operand[] {
  switch (expr.kind) {
    case "not":
      return [[expr.operand, isBool, "a condition"]];
    case "and":
    case "or":
      return [expr.left, expr.right].map((part): Operand => [part, isBool, "a condition"]);
    case "if":
      return [[expr.condition, isBool, "a condition"]];
    case "less":
    case "arithmetic":
      return [expr.left, expr.right].map((part): Operand => [part, isNumber, "a number"]);
    case "decimal":
    case "negate":
      return [[expr.of, isNumber, "a number"]];
    case "in":
      return [[expr.right, isMany, "many"]];
    case "subset":
      return [expr.left, expr.right].map((part): Operand => [part, isMany, "many"]);
    case "quantifier":
      return [
        [expr.over, isMany, "many"],
        [expr.body, isBool, "a condition"],
      ];
    case "aggregate":
      return [[expr.over, isMany, "many"]];
    case "within":
    case "text":
      return [expr.left, expr.right].map((part): Operand => [part, isText, "a text"]);
    case "like":
      return [expr.left, expr.pattern].map((part): Operand => [part, isText, "a text"]);
    case "attribute":
      return [[expr.of, isRecord, "a record"]];
    default:
      return [];
  }
}

export function belongs(value: Value | undefined, type: Type): boolean {
  switch (type.kind) {
    case "Optional":
      return value === undefined || belongs(value, type.of);
    case "Bool":
      return typeof value === "boolean";
    case "Int":
    case "Decimal":
    case "Duration":
    case "Time":
    case "Level":
      return Number.isSafeInteger(value);
    case "Float":
      return Number.isFinite(value);
    case "Set":
      return isSet(value) && [...value].every((item) => belongs(item, type.of));
    case "List":
      return isList(value) && value.every((item) => belongs(item, type.of));
    case "Map":
      return isMap(value) && [...value.values()].every((item) => belongs(item, type.of));
    case "Record":
      return (
        isRecord(value) &&
        type.fields.every(
          (field) => value[field.name] === undefined || belongs(value[field.name], field.type),
        )
      );
    case "Party":
      return isRecord(value) && typeof value.id === "string";
    case "Any":
      return value !== undefined;
    default:
      return typeof value === "string";
  }
}

/** Every expression that a program holds, for statistics. */
export function kindsIn(program: Program): ReadonlySet<Expr["kind"]> {
  const kinds = new Set<Expr["kind"]>();
  const visit = (expr: Expr): void => {
    kinds.add(expr.kind);
    for (const child of childrenOf(expr)) visit(child);
  };
  for (const expr of expressionsOf(program)) visit(expr);
  return kinds;
}

export type { Random };
