/** What a call leaves behind and whether it is a step of a task, as code (SPEC §7.2, §7.6). */
import type { CallFilter, Expr, Program, StepDecl } from "../../lang/ir.ts";
import { Block, type Code, code, type EmittedUnit, join } from "./emit.ts";
import type { StepResult, Touch } from "./evaluator.ts";
import { valueCode } from "./expression.ts";
import { bind, type Fail } from "./leaving.ts";
import { allHold, letsOf } from "./rule.ts";
import { spending, spendingOn, unlessSpent, useFuel } from "./spending.ts";
import { asking, type Frame, keyCode, openFrame, partsOf, plainKeyCode, Unit } from "./unit.ts";

/** A part of a counter or latch that a call may touch. */
export interface Counted {
  readonly kind: Touch["kind"];
  readonly index: number;
  readonly calls: CallFilter;
  readonly per: readonly Expr[];
  readonly of: Expr | undefined;
  /** Amounts are told apart by what keys are told apart by. */
  readonly isDistinct: boolean;
}

/** What calls of `tool` are counted by. */
export function countedOf({ counters, latches }: Program, tool: number): readonly Counted[] {
  const counted: Counted[] = counters.map((one, index) => {
    const of = one.op === "count" ? undefined : one.of;
    const isDistinct = one.op === "distinct";
    return { kind: "counter", index, calls: one.calls, per: one.per, of, isDistinct };
  });
  latches.forEach(({ calls, reset, per }, index) => {
    const plain = { index, per, of: undefined, isDistinct: false };
    counted.push({ kind: "latch", calls, ...plain });
    if (reset !== undefined) counted.push({ kind: "reset", calls: reset, ...plain });
  });
  return counted.filter(({ calls }) => calls.tools === undefined || calls.tools.includes(tool));
}

/** A function from roots and facts to the list of what a call is counted by, of those it may be. */
export function emitTouches(program: Program, counted: readonly Counted[]): EmittedUnit {
  const unit = new Unit(program);
  const frame = openFrame(unit, []);
  const body = new Block();
  const touches = counted.map((one) => touchCode(frame, body, one));
  const areConditional = counted.some(({ calls }) => calls.where !== undefined);
  body.add(listCode(frame, touches, areConditional));
  return finish(frame, body, code`q, f`);
}

/** A list made at once is much smaller than one that grew: most calls are counted once or twice. */
function listCode(frame: Frame, touches: readonly Code[], conditional: boolean): Code {
  if (!conditional) return code`return [${join(touches, code`, `)}];`;
  const list = frame.unit.emitter.name("v");
  const adding = touches.map((touch) => code`if (${touch} !== undefined) ${list}.push(${touch});`);
  return code`const ${list} = [];\n${join(adding, code`\n`)}\nreturn ${list};`;
}

/** The name that holds the touch, or `undefined` where a condition is false. */
function touchCode(frame: Frame, out: Block, counted: Counted): Code {
  const { emitter } = frame.unit;
  const [label, touch] = [emitter.name("l"), emitter.name("v")];
  const { of, calls, per } = counted;
  const body = new Block();
  const where = calls.where === undefined ? [] : [calls.where];
  const isPlain = where.length === 0 && of === undefined;
  const undecided = allHold(frame, body, where, code`break ${label};`, () => {});
  const key = orUnknown(
    frame,
    body,
    (inner, fail) =>
      (isPlain ? touchedKeyCode(frame, inner, per, fail) : undefined) ??
      keyCode(frame, inner, per, fail),
  );
  const amount =
    of === undefined
      ? emitter.constant(1)
      : orUnknown(frame, body, (inner, fail) => amountCode(frame, inner, of, counted, fail));
  const kind = emitter.constant(counted.kind);
  const index = emitter.constant(counted.index);
  const uncertain = undecided === undefined ? code`false` : code`${undecided} !== undefined`;
  body.add(
    code`${touch} = { kind: ${kind}, index: ${index}, key: ${key}, amount: ${amount}, uncertain: ${uncertain} };`,
  );
  out.add(code`let ${touch};\n${label}: {\n${asking(frame.unit)}\n${body.toCode()}\n}`);
  return touch;
}

/** Where nothing else takes steps, the question begins with them. */
function touchedKeyCode(
  frame: Frame,
  out: Block,
  per: readonly Expr[],
  fail: Fail,
): Code | undefined {
  const plain = plainKeyCode(frame, out, per, fail);
  if (plain === undefined) return undefined;
  out.add(plain.check(code`${frame.unit.emitter.helper("fuel")}.ask();`, code``));
  return plain.key;
}

function amountCode(frame: Frame, out: Block, of: Expr, { isDistinct }: Counted, fail: Fail): Code {
  const value = valueCode(frame, out, of, fail);
  if (!isDistinct) return value;
  const amount = bind(frame, out, value);
  out.add(spendingOn(frame, "keySteps", [amount], of.at, fail));
  return amount;
}

/** A value, or the unknown that stands in its place. */
function orUnknown(frame: Frame, out: Block, write: (inner: Block, fail: Fail) => Code): Code {
  const result = frame.unit.emitter.name("v");
  const label = frame.unit.emitter.name("l");
  const inner = new Block();
  const value = write(inner, (unknown) => code`{ ${result} = ${unknown}; break ${label}; }`);
  inner.add(code`${result} = ${value};`);
  out.add(code`let ${result};\n${label}: {\n${inner.toCode()}\n}`);
  return result;
}

/** A function from roots and facts to the id of who must approve, or unknown. */
export function emitApprover(program: Program, index: number): EmittedUnit | undefined {
  const rule = program.rules[index];
  const approver = rule?.approval?.approver;
  if (rule === undefined || approver?.kind !== "party") return undefined;
  const unit = new Unit(program);
  const { emitter } = unit;
  const frame = openFrame(unit, []);
  const body = new Block();
  letsOf(frame, rule)(body, approver.party);
  const party = valueCode(frame, body, approver.party, (unknown) => code`return ${unknown};`);
  const at = emitter.constant(approver.party.at);
  body.add(code`return ${emitter.helper("partyId")}(${party}, ${at});`);
  return finish(frame, asked(frame, body), code`q, f`);
}

/**
 * A function from roots, facts and values bound so far to whether this is a call at `step`. A name bound
 * again must hold an equal value; predicates read the values of this call.
 */
export function emitStep(program: Program, step: StepDecl): EmittedUnit {
  const unit = new Unit(program);
  const { emitter } = unit;
  const frame = openFrame(unit, step.predicates);
  const body = new Block();
  const misses = code`return ${emitter.constant(MISSES)};`;
  const outOfFuel: Fail = (unknown) => unknownStep(frame, unknown);
  const bound = emitter.name("v");
  body.add(spending(frame, 1, step.at, outOfFuel));
  body.add(code`let ${bound} = b;`);
  for (const bind of step.binds) bindCode(frame, body, bound, bind, step.at, misses);
  for (const id of readIds(step.predicates)) {
    if (frame.locals.has(id)) continue;
    const value = emitter.name("v");
    body.add(code`const ${value} = b.get(${emitter.constant(id)});`);
    frame.locals.set(id, { value, optional: true });
  }
  const unknown = allHold(frame, body, step.predicates, misses, () => {});
  const matches = code`return { matches: true, bound: ${bound} };`;
  body.add(
    unknown === undefined
      ? matches
      : code`if (${unknown} === undefined) ${matches}\n${unknownStep(frame, unknown)}`,
  );
  return finish(frame, asked(frame, body), code`q, f, b`);
}

const MISSES: StepResult = Object.freeze({ matches: false });

function unknownStep(frame: Frame, unknown: Code): Code {
  return code`return { matches: ${frame.unit.emitter.constant("unknown")}, unknown: ${unknown} };`;
}

function bindCode(
  frame: Frame,
  out: Block,
  bound: Code,
  { argument, id }: StepDecl["binds"][number],
  at: number,
  misses: Code,
): void {
  const { emitter } = frame.unit;
  const fuel = useFuel(frame);
  const outOfFuel: Fail = (unknown) => unknownStep(frame, unknown);
  const value = frame.hoist("args", argument);
  const earlier = emitter.name("v");
  const idConstant = emitter.constant(id);
  out.add(
    code`if (${value} === undefined) ${unknownStep(frame, frame.unit.unknown("absent", at))}`,
  );
  out.add(spendingOn(frame, "bindingSteps", [value, fuel], at, outOfFuel));
  out.add(code`const ${earlier} = ${bound}.get(${idConstant});`);
  out.add(
    code`if (${earlier} === undefined) ${bound} = ${emitter.helper("bindMore")}(${bound}, ${idConstant}, ${value});`,
  );
  const same = emitter.name("v");
  out.add(
    code`else {\nconst ${same} = ${emitter.helper("equal")}(${earlier}, ${value}, ${fuel});\n${unlessSpent(frame, at, outOfFuel)}\nif (!${same}) ${misses}\n}`,
  );
  frame.locals.set(id, { value });
}

function readIds(exprs: readonly Expr[]): readonly number[] {
  return exprs.flatMap((expr) => (expr.kind === "local" ? [expr.id] : readIds(partsOf(expr))));
}

function asked(frame: Frame, body: Block): Block {
  const whole = new Block();
  whole.add(asking(frame.unit));
  whole.add(body.toCode());
  return whole;
}

function finish({ unit, prologue }: Frame, body: Block, parameters: Code): EmittedUnit {
  return unit.emitter.finish(
    unit.declarations(),
    code`function (${parameters}) {\n${prologue()}\n${body.toCode()}\n}`,
  );
}
