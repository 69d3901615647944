/** Steps in code: what an operator takes (`costs.ts`) is taken before it does its work. */
import type { Builtin } from "../../lang/builtins.ts";
import type { Expr } from "../../lang/ir.ts";
import { mayBeLong, roundSteps } from "./costs.ts";
import { type Block, type Code, code, type HelperName, join } from "./emit.ts";
import type { Fail } from "./leaving.ts";
import type { Frame } from "./unit.ts";

/** Takes so many steps, which are some, or leaves where there are none left. */
export function spending(frame: Frame, steps: number, at: number, fail: Fail): Code {
  const fuel = useFuel(frame);
  const taken = frame.unit.emitter.constant(steps);
  return code`if ((${fuel}.left -= ${taken}) < ${fuel}.floor) ${failure(frame, at, fail)}`;
}

/** Takes the steps that `cost` finds for the operands, if any. */
export function spendingOn(
  frame: Frame,
  cost: HelperName,
  operands: readonly Code[],
  at: number,
  fail: Fail,
): Code {
  const fuel = useFuel(frame);
  const { emitter } = frame.unit;
  const steps = emitter.name("v");
  return code`const ${steps} = ${emitter.helper(cost)}(${join(operands, code`, `)});
if (${steps} > ${emitter.constant(0)} && (${fuel}.left -= ${steps}) < ${fuel}.floor) ${failure(frame, at, fail)}`;
}

/** Leaves where what was just done took more steps than there were. */
export function unlessSpent(frame: Frame, at: number, fail: Fail): Code {
  const fuel = useFuel(frame);
  return code`if (${fuel}.left < ${fuel}.floor) ${failure(frame, at, fail)}`;
}

/** Its name; who asks the next question must begin its steps. */
export function useFuel(frame: Frame): Code {
  frame.unit.spendsFuel = true;
  return frame.unit.emitter.helper("fuel");
}

function failure(frame: Frame, at: number, fail: Fail): Code {
  return fail(frame.unit.unknown("fuel", at), "fuel");
}

/** A text that takes no step to be compared with. */
export function isShort(expr: Expr): boolean {
  if (expr.kind !== "const") return false;
  return typeof expr.value !== "string" || expr.value.length < 64;
}

export type Binary = Extract<
  Expr,
  { kind: "equal" | "in" | "subset" | "within" | "like" | "text" }
>;

/** `undefined`: nothing, whatever the operands are. */
export function costOf(expr: Binary): HelperName | undefined {
  switch (expr.kind) {
    case "equal":
      if (!mayBeLong(expr.type) || isShort(expr.left) || isShort(expr.right)) return undefined;
      return "sameSteps";
    case "in":
      return expr.over === "Set" && isShort(expr.left) ? undefined : "inSteps";
    case "subset":
      return "subsetSteps";
    case "within":
      return expr.of !== "Path" || isShort(expr.right) ? undefined : "edgeSteps";
    case "like":
      return "likeSteps";
    case "text":
      if (expr.op === "contains") return isShort(expr.left) ? undefined : "containsSteps";
      return isShort(expr.right) ? undefined : "edgeSteps";
  }
}

export function spendingRound(
  frame: Frame,
  parts: readonly (Expr | undefined)[],
  at: number,
  fail: Fail,
): Code {
  return spending(frame, roundSteps(parts), at, fail);
}

export function spendOnBuiltin(
  frame: Frame,
  out: Block,
  { at }: Expr,
  builtin: Builtin,
  args: readonly Code[],
  fail: Fail,
): void {
  const { emitter } = frame.unit;
  const { base, each } = builtin.cost;
  if (builtin.attributeOf === "Command") {
    const analysed = code`${useFuel(frame)}.analyse(${join(args, code`, `)})`;
    out.add(code`if (!${analysed}) ${failure(frame, at, fail)}`);
  } else if (each > 0) {
    const operands = [emitter.constant(builtin), code`[${join(args, code`, `)}]`];
    out.add(spendingOn(frame, "builtinSteps", operands, at, fail));
  } else if (base > 0) {
    out.add(spending(frame, base, at, fail));
  }
}
