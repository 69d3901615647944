/** Rules and invariants as code: who of them applies, or might (SPEC §6.1). */
import type { Expr, Guard, Never, Program, Rule } from "../../lang/ir.ts";
import type { Scalar } from "../value.ts";
import { Block, type Code, code, type EmittedUnit, join } from "./emit.ts";
import type { Hit } from "./evaluator.ts";
import { condition, valueCode } from "./expression.ts";
import { type Fail, keeping, labelled } from "./leaving.ts";
import { letsReadBy } from "./lets.ts";
import { asking, type Frame, openFrame, Unit } from "./unit.ts";

/** A function from roots, facts and what was collected so far; it adds the hits of `indexes`. */
export function emitRules(
  program: Program,
  indexes: readonly number[],
  decided: ReadonlySet<keyof Guard>,
): EmittedUnit {
  const unit = new Unit(program);
  const rules = indexes.map((index) => ({ index, rule: at(program.rules, index) }));
  const frame = openFrame(
    unit,
    rules.flatMap(({ rule }) => [...rule.conditions, ...rule.lets.map((one) => one.value)]),
  );
  const body = new Block();
  const repeated = repeatedClauses(rules.map(({ rule }) => rule.guard));
  for (const { index, rule } of rules) ruleCode(frame, body, { index, rule, decided, repeated });
  return unit.emitter.finish(
    unit.declarations(),
    code`function (q, f, o) {\n${frame.prologue()}\n${body.toCode()}\n}`,
  );
}

/** The same for invariants; the function returns the hits. */
export function emitNevers(program: Program, indexes: readonly number[]): EmittedUnit {
  const unit = new Unit(program);
  const nevers = indexes.map((index) => ({ index, never: at(program.nevers, index) }));
  const frame = openFrame(
    unit,
    nevers.map(({ never }) => never.condition),
  );
  const body = new Block();
  for (const { index, never } of nevers) neverCode(frame, body, index, never);
  return unit.emitter.finish(
    unit.declarations(),
    code`function (q, f, o) {\n${frame.prologue()}\n${body.toCode()}\n}`,
  );
}

const COLLECTED = {
  permit: code`permits`,
  forbid: code`forbids`,
  hold: code`holds`,
  oblige: code`obliges`,
} as const;

interface Guarded {
  readonly index: number;
  readonly rule: Rule;
  readonly decided: ReadonlySet<keyof Guard>;
  /** Tests that several rules of the unit ask: made once, at its start. */
  readonly repeated: ReadonlySet<string>;
}

function ruleCode(frame: Frame, out: Block, guarded: Guarded): void {
  const { index, rule } = guarded;
  const label = frame.unit.emitter.name("l");
  const leave = code`break ${label};`;
  const body = new Block();
  const guard = guardCode(frame, guarded);
  if (guard.length > 0) body.add(code`if (!(${join(guard, code` && `)})) ${leave}`);
  const declareLets = letsOf(frame, rule);
  const unknown = allHold(frame, body, rule.conditions, leave, declareLets);
  body.add(hitCode(frame, COLLECTED[rule.effect], index, unknown));
  out.add(code`${label}: {\n${asking(frame.unit)}\n${body.toCode()}\n}`);
}

function neverCode(frame: Frame, out: Block, index: number, never: Never): void {
  const label = frame.unit.emitter.name("l");
  const body = new Block();
  const unknown = allHold(frame, body, [never.condition], code`break ${label};`, () => {});
  body.add(hitCode(frame, code`forbids`, index, unknown));
  out.add(code`${label}: {\n${asking(frame.unit)}\n${body.toCode()}\n}`);
}

/**
 * Statements that leave where one of `conditions` is false. Gives the name of what then holds the first
 * unknown, or `undefined` where all were true; no name where none can be unknown.
 */
export function allHold(
  frame: Frame,
  out: Block,
  conditions: readonly Expr[],
  leave: Code,
  before: (out: Block, expr: Expr) => void,
): Code | undefined {
  const kept = keeping(frame);
  const body = new Block();
  for (const expr of conditions) {
    before(body, expr);
    body.add(
      labelled(frame, (inner, label) => condition(frame, inner, expr, leave, kept.leaving(label))),
    );
  }
  kept.declare(out);
  out.add(body.toCode());
  return kept.variable();
}

function hitCode(frame: Frame, list: Code, index: number, unknown: Code | undefined): Code {
  const { emitter } = frame.unit;
  // Not frozen: V8 reads elements of frozen lists through a call.
  const alone: readonly Hit[] = [Object.freeze({ rule: index })];
  const applies = code`o.${list} = ${emitter.helper("addHit")}(o.${list}, ${emitter.constant(alone)});`;
  if (unknown === undefined) return applies;
  const might = code`{ o.uncertain = true; o.${list} = ${emitter.helper("addUnknown")}(o.${list}, ${emitter.constant(index)}, ${unknown}); }`;
  return code`if (${unknown} === undefined) ${applies}\nelse ${might}`;
}

/** Declares the values named by `let` that an expression reads, in front of it, once. */
export function letsOf(frame: Frame, rule: Rule): (out: Block, expr: Expr) => void {
  const declared = new Set<number>();
  return (out, expr) => {
    for (const { id, value } of letsReadBy(expr, rule.lets)) {
      if (declared.has(id)) continue;
      declared.add(id);
      letCode(frame, out, id, value);
    }
  };
}

function letCode(frame: Frame, out: Block, id: number, expr: Expr): void {
  const { emitter } = frame.unit;
  const [value, unknown, label] = [emitter.name("v"), emitter.name("u"), emitter.name("l")];
  let used = false;
  const body = new Block();
  const fail: Fail = (cause) => {
    used = true;
    return code`{ ${unknown} = ${cause}; break ${label}; }`;
  };
  body.add(code`${value} = ${valueCode(frame, body, expr, fail)};`);
  out.add(used ? code`let ${value}, ${unknown};` : code`let ${value};`);
  out.add(code`${label}: {\n${body.toCode()}\n}`);
  frame.locals.set(id, used ? { value, unknown } : { value });
}

/** One test for each clause, those first that cost least: most requests fail the first. */
function guardCode(frame: Frame, { rule, decided, repeated }: Guarded): readonly Code[] {
  const { guard } = rule;
  const tests: Code[] = [];
  const clause = (name: keyof Guard, test: (values: readonly string[]) => Code): void => {
    const values = guard[name] as readonly string[] | undefined;
    if (values === undefined || decided.has(name)) return;
    const key = clauseKey(name, values);
    tests.push(repeated.has(key) ? frame.shared(key, () => test(values)) : test(values));
  };
  clause("resources", (types) => isOneOf(frame, frame.hoist("resource", "type"), types));
  clause("agentKinds", (kinds) => isOneOf(frame, frame.hoist("agent", "kind"), kinds));
  clause("principalKinds", (kinds) => isOneOf(frame, frame.hoist("principal", "kind"), kinds));
  clause("tasks", (tasks) => isOneOf(frame, frame.hoist("intent", "task"), tasks));
  clause("agentGroups", (groups) => holdsAny(frame, frame.hoist("agent", "groups"), groups));
  clause("principalGroups", (groups) =>
    holdsAny(frame, frame.hoist("principal", "groups"), groups),
  );
  clause("purposes", (purposes) => {
    const purpose = frame.hoist("intent", "purpose");
    const within = frame.unit.emitter.helper("purposeWithin");
    return existing(
      purpose,
      purposes.map((wider) => code`${within}(${purpose}, ${frame.unit.emitter.constant(wider)})`),
    );
  });
  return tests;
}

function clauseKey(name: string, values: unknown): string {
  return `${name} ${JSON.stringify(values)}`;
}

function repeatedClauses(guards: readonly Guard[]): ReadonlySet<string> {
  const once = new Set<string>();
  const repeated = new Set<string>();
  for (const [name, values] of guards.flatMap((guard) => Object.entries(guard))) {
    const key = clauseKey(name, values);
    (once.has(key) ? repeated : once).add(key);
  }
  return repeated;
}

function holdsAny(frame: Frame, set: Code, values: readonly Scalar[]): Code {
  return existing(
    set,
    values.map((value) => code`${set}.has(${frame.unit.emitter.constant(value)})`),
  );
}

function isOneOf(frame: Frame, read: Code, values: readonly Scalar[]): Code {
  if (values.length > 4) return code`${frame.unit.emitter.constant(new Set(values))}.has(${read})`;
  return anyOf(values.map((value) => code`${read} === ${frame.unit.emitter.constant(value)}`));
}

function existing(read: Code, tests: readonly Code[]): Code {
  return code`(${read} !== undefined && ${anyOf(tests)})`;
}

function anyOf(tests: readonly Code[]): Code {
  return tests.length === 0 ? code`false` : code`(${join(tests, code` || `)})`;
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`nothing at ${index}`);
  return found;
}
