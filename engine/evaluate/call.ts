/** What a call leaves behind and whether it is a step of a task, as code (SPEC §7.2, §7.6). */
import type { CallFilter, Expr, Program, StepDecl } from "../../lang/ir.ts";
import { Block, type Code, code, type EmittedUnit, join } from "./emit.ts";
import type { StepResult, Touch } from "./evaluator.ts";
import { type Fail, valueCode } from "./expression.ts";
import { allHold, letsOf } from "./rule.ts";
import { type Frame, fillUp, keyCode, openFrame, partsOf, Unit } from "./unit.ts";

/** A part of a counter or latch that a call may touch. */
export interface Counted {
  readonly kind: Touch["kind"];
  readonly index: number;
  readonly calls: CallFilter;
  readonly per: readonly Expr[];
  readonly of: Expr | undefined;
}

/** What calls of `tool` are counted by. */
export function countedOf({ counters, latches }: Program, tool: number): readonly Counted[] {
  const counted: Counted[] = counters.map((one, index) => {
    const of = one.op === "count" ? undefined : one.of;
    return { kind: "counter", index, calls: one.calls, per: one.per, of };
  });
  latches.forEach(({ calls, reset, per }, index) => {
    counted.push({ kind: "latch", index, calls, per, of: undefined });
    if (reset !== undefined) {
      counted.push({ kind: "reset", index, calls: reset, per, of: undefined });
    }
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
  return finish(unit, frame, body, code`q, f`);
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
  const body = new Block();
  const where = counted.calls.where === undefined ? [] : [counted.calls.where];
  const undecided = allHold(frame, body, where, code`break ${label};`, () => {});
  const key = orUnknown(frame, body, (inner, fail) => keyCode(frame, inner, counted.per, fail));
  const { of } = counted;
  const amount =
    of === undefined
      ? emitter.constant(1)
      : orUnknown(frame, body, (inner, fail) => valueCode(frame, inner, of, fail));
  const kind = emitter.constant(counted.kind);
  const index = emitter.constant(counted.index);
  const uncertain = undecided === undefined ? code`false` : code`${undecided} !== undefined`;
  body.add(
    code`${touch} = { kind: ${kind}, index: ${index}, key: ${key}, amount: ${amount}, uncertain: ${uncertain} };`,
  );
  out.add(code`let ${touch};\n${label}: {\n${fillUp(frame.unit)}\n${body.toCode()}\n}`);
  return touch;
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
  return finish(unit, frame, body, code`q, f`);
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
  const bound = emitter.name("v");
  body.add(code`let ${bound} = b;`);
  for (const { argument, id } of step.binds)
    bindCode(frame, body, bound, argument, id, step.at, misses);
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
  return finish(unit, frame, body, code`q, f, b`);
}

const MISSES: StepResult = Object.freeze({ matches: false });

function unknownStep(frame: Frame, unknown: Code): Code {
  return code`return { matches: ${frame.unit.emitter.constant("unknown")}, unknown: ${unknown} };`;
}

function bindCode(
  frame: Frame,
  out: Block,
  bound: Code,
  argument: string,
  id: number,
  at: number,
  misses: Code,
): void {
  const { emitter } = frame.unit;
  const value = frame.hoist("args", argument);
  const earlier = emitter.name("v");
  const idConstant = emitter.constant(id);
  out.add(
    code`if (${value} === undefined) ${unknownStep(frame, frame.unit.unknown("absent", at))}`,
  );
  out.add(code`const ${earlier} = ${bound}.get(${idConstant});`);
  out.add(
    code`if (${earlier} === undefined) ${bound} = ${emitter.helper("bindMore")}(${bound}, ${idConstant}, ${value});`,
  );
  out.add(code`else if (!${emitter.helper("equal")}(${earlier}, ${value})) ${misses}`);
  frame.locals.set(id, { value });
}

function readIds(exprs: readonly Expr[]): readonly number[] {
  return exprs.flatMap((expr) => (expr.kind === "local" ? [expr.id] : readIds(partsOf(expr))));
}

function finish(unit: Unit, frame: Frame, body: Block, parameters: Code): EmittedUnit {
  return unit.emitter.finish(
    unit.declarations(),
    code`function (${parameters}) {\n${frame.prologue()}\n${fillUp(unit)}\n${body.toCode()}\n}`,
  );
}
