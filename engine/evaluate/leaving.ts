/** How code goes on where there is no value: by a jump to whoever knows what that means. */
import type { Cause } from "../../lang/ir.ts";
import { Block, type Code, code } from "./emit.ts";
import type { Frame } from "./unit.ts";

/** The statement that leaves with this unknown. Where `cause` is missing, only the generated code will know it. */
export type Fail = (unknown: Code, cause?: Cause) => Code;

/** Keeps `value` under a name of its own. */
export function bind(frame: Frame, out: Block, value: Code): Code {
  const name = frame.unit.emitter.name("v");
  out.add(code`const ${name} = ${value};`);
  return name;
}

/** A block that `write` may leave by its label. */
export function labelled(frame: Frame, write: (inner: Block, label: Code) => void): Code {
  const label = frame.unit.emitter.name("l");
  const inner = new Block();
  write(inner, label);
  return code`${label}: {\n${inner.toCode()}\n}`;
}

/**
 * A variable for the first unknown of several parts, where another part may still decide. However deep
 * expressions are nested, each jump stays one short statement: source grows no faster than its policy.
 */
export interface Keeper {
  /** Keeps what is unknown, if it is the first, and leaves the block. */
  leaving(label: Code): Fail;
  /** In front of the parts, when these are written. */
  declare(out: Block): void;
  /** Behind the parts. */
  failIfAny(out: Block, fail: Fail): void;
  /** The variable, or `undefined` where no part can be unknown. */
  variable(): Code | undefined;
}

export function keeping(frame: Frame): Keeper {
  const unknown = frame.unit.emitter.name("u");
  let used = false;
  return {
    leaving: (label) => (cause) => {
      used = true;
      return code`{ if (${unknown} === undefined) ${unknown} = ${cause}; break ${label}; }`;
    },
    declare(out) {
      if (used) out.add(code`let ${unknown};`);
    },
    failIfAny(out, fail) {
      if (used) out.add(code`if (${unknown} !== undefined) ${fail(unknown)}`);
    },
    variable: () => (used ? unknown : undefined),
  };
}

export function presentCode(frame: Frame, out: Block, read: Code, at: number, fail: Fail): Code {
  const value = bind(frame, out, read);
  out.add(code`if (${value} === undefined) ${failAbsent(frame, at, fail)}`);
  return value;
}

export function failAbsent(frame: Frame, at: number, fail: Fail): Code {
  return fail(frame.unit.unknown("absent", at), "absent");
}

/** Leaves the block on what is absent; what only the generated code can tell is kept until behind it. */
export function exceptAbsent(kept: Keeper, label: Code, fail: Fail): Fail {
  return (unknown, cause) => {
    if (cause === "absent") return code`break ${label};`;
    return cause === undefined ? kept.leaving(label)(unknown) : fail(unknown, cause);
  };
}

export function failUnlessAbsent(frame: Frame, out: Block, kept: Keeper, fail: Fail): void {
  const unknown = kept.variable();
  if (unknown === undefined) return;
  const absent = frame.unit.emitter.constant("absent" satisfies Cause);
  const failure = fail(unknown);
  out.add(code`if (${unknown} !== undefined && ${unknown}.cause !== ${absent}) ${failure}`);
}

export function failOverflow(frame: Frame, at: number, fail: Fail): Code {
  return fail(frame.unit.unknown("overflow", at), "overflow");
}
