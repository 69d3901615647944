/** What expressions read, as code: constants, the request, what has a name, counters and latches, modules. */
import type { Expr, RootName } from "../../lang/ir.ts";
import { type Block, type Code, code } from "./emit.ts";
import { bind, type Fail, failAbsent } from "./leaving.ts";
import { ALWAYS_THERE } from "./total.ts";
import type { Frame } from "./unit.ts";

/** What one evaluation stands on in code: a fragment that is a name may be repeated. */
export interface Local {
  readonly value: Code;
  /** Holds why there is no value, or `undefined`. Missing where there is always a value. */
  readonly unknown?: Code;
  /** `value` may hold `undefined`: then it is absent. */
  readonly optional?: true;
}

export function constantCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "const" }>,
  fail: Fail,
): Code {
  const value = frame.unit.constantOf(expr);
  if (value === undefined) out.add(failAbsent(frame, expr.at, fail));
  if (value === true) return code`true`;
  if (value === false) return code`false`;
  return frame.unit.emitter.constant(value);
}

export function rootCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "root" }>,
  fail: Fail,
): Code {
  const root = frame.root(expr.name);
  if (!ALWAYS_THERE.has(expr.name)) {
    out.add(code`if (${root} === undefined) ${failAbsent(frame, expr.at, fail)}`);
  }
  return root;
}

export function localCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "local" }>,
  fail: Fail,
): Code {
  const local = frame.locals.get(expr.id);
  if (local === undefined) throw new Error(`no local ${expr.id}`);
  if (local.unknown !== undefined) {
    out.add(code`if (${local.unknown} !== undefined) ${fail(local.unknown)}`);
  }
  if (local.optional) {
    out.add(code`if (${local.value} === undefined) ${failAbsent(frame, expr.at, fail)}`);
  }
  return local.value;
}

/** A read that needs no statement: gives `undefined` where there is nothing. */
export function readOrUndefined(frame: Frame, expr: Expr): Code | undefined {
  if (expr.kind === "root") return frame.root(expr.name);
  if (expr.kind !== "attribute" || expr.of.kind !== "root") return undefined;
  const hoisted = frame.hoisted(expr.of.name, expr.name);
  if (hoisted !== undefined) return hoisted;
  return attributeOrUndefined(frame, expr.of.name, expr.name);
}

export function attributeOrUndefined(frame: Frame, root: RootName, name: string): Code {
  const key = frame.unit.emitter.memberName(name);
  const from = frame.root(root);
  return ALWAYS_THERE.has(root) ? code`${from}[${key}]` : code`${from}?.[${key}]`;
}

/** A counter's reading is looked up once in a frame; what to say where it cannot be read depends on the place. */
export function counterCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "counter" }>,
  fail: Fail,
): Code {
  const { emitter } = frame.unit;
  const cell = frame.cell("counter", expr.counter);
  const reader = frame.unit.reader("counter", expr.counter);
  out.add(code`if (${cell} === undefined) ${cell} = ${reader}(q, f);`);
  out.add(
    code`if (${cell} === ${emitter.constant("unavailable")}) ${fail(frame.unit.unknown("state_unavailable", expr.at), "state_unavailable")}`,
  );
  out.add(code`if (${cell} instanceof ${emitter.helper("Unknown")}) ${fail(cell)}`);
  return cell;
}

export function latchCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "latch" }>,
  fail: Fail,
): Code {
  const { emitter } = frame.unit;
  const cell = frame.cell("latch", expr.latch);
  const reader = frame.unit.reader("latch", expr.latch);
  out.add(code`if (${cell} === undefined) ${cell} = ${reader}(q, f);`);
  out.add(
    code`if (${cell} === ${emitter.constant("pending")}) ${fail(frame.unit.unknown("pending", expr.at), "pending")}`,
  );
  out.add(
    code`if (${cell} === ${emitter.constant("unavailable")}) ${fail(frame.unit.unknown("state_unavailable", expr.at), "state_unavailable")}`,
  );
  out.add(code`if (${cell} instanceof ${emitter.helper("Unknown")}) ${fail(cell)}`);
  return cell;
}

export function moduleCode(
  frame: Frame,
  out: Block,
  expr: Extract<Expr, { kind: "module" }>,
  fail: Fail,
): Code {
  const { emitter } = frame.unit;
  const reading = bind(frame, out, code`f.module?.(${emitter.constant(expr.module)})`);
  const unavailable = frame.unit.unknown("module_unavailable", expr.at);
  out.add(code`if (${reading} === undefined) ${fail(unavailable, "module_unavailable")}`);
  out.add(
    code`if (${reading}.value === undefined) ${fail(frame.unit.unknown("absent", expr.at), "absent")}`,
  );
  return code`${reading}.value`;
}
