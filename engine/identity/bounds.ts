/**
 * What a hop says of tools and their arguments (SPEC §12.5): which may be called, and within which bounds.
 * Bounds only ever add up: a hop may name fewer tools and tighter bounds than the one before.
 */
import type { ToolDecl } from "../../lang/ir.ts";
import { decimalFromNumber } from "../../lang/scalar/decimal.ts";
import type { Type } from "../../lang/type.ts";
import { elementsOf, isList, isSet, type RecordValue, type Value } from "../value.ts";
import {
  below,
  isObject,
  optionally,
  type Problem,
  readerOf,
  readId,
  report,
  type Words,
  wrong,
} from "../value-reader.ts";

/** Of one argument; every part that is there must hold. */
export interface Bound {
  readonly min?: number;
  readonly max?: number;
  readonly in?: readonly (string | number | boolean)[];
}

export type ToolBounds = ReadonlyMap<string, ReadonlyMap<string, Bound>>;

const BOUND_MEMBERS: ReadonlySet<string> = new Set(["min", "max", "in"]);

/** `{ "send_money": { "amount": { "max": 100 } }, "read_file": {} }` */
export function readToolBounds(
  json: unknown,
  at: string,
  problems: Problem[],
): ToolBounds | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  const tools = new Map<string, ReadonlyMap<string, Bound>>();
  for (const [name, args] of Object.entries(json)) {
    const where = below(at, name);
    readId(name, where, problems);
    if (!isObject(args)) return wrong(problems, where, "an object", args);
    const bounds = Object.entries(args).map(
      ([arg, bound]) => [arg, readBound(bound, below(where, arg), problems)] as const,
    );
    tools.set(name, new Map(bounds));
  }
  return tools;
}

function readBound(json: unknown, at: string, problems: Problem[]): Bound {
  if (!isObject(json)) return wrong(problems, at, "an object", json) ?? {};
  const names = Object.keys(json);
  for (const name of names) {
    if (!BOUND_MEMBERS.has(name)) report(problems, below(at, name), "is no bound");
  }
  if (names.length === 0) report(problems, at, "bounds nothing: say `min`, `max` or `in`");
  const min = optionally(readNumber, json.min, below(at, "min"), problems);
  const max = optionally(readNumber, json.max, below(at, "max"), problems);
  const among = optionally(readAmong, json.in, below(at, "in"), problems);
  return {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(among === undefined ? {} : { in: among }),
  };
}

function readNumber(json: unknown, at: string, problems: Problem[]): number | undefined {
  if (typeof json === "number" && Number.isFinite(json)) return json;
  return wrong(problems, at, "a number", json);
}

function readAmong(json: unknown, at: string, problems: Problem[]): Bound["in"] {
  const simple = (item: unknown) => ["string", "number", "boolean"].includes(typeof item);
  if (Array.isArray(json) && json.every(simple)) return json;
  return wrong(problems, at, "a list of texts, numbers or booleans", json);
}

/** How `child` says more than `parent`; `undefined` where it only narrows. */
export function widerTools(child: ToolBounds, parent: ToolBounds): string | undefined {
  for (const [tool, args] of child) {
    const outer = parent.get(tool);
    if (outer === undefined) return `it adds the tool \`${tool}\``;
    for (const [arg, bound] of args) {
      const widened = widerBound(bound, outer.get(arg));
      if (widened !== undefined) return `it widens \`${widened}\` of \`${tool}.${arg}\``;
    }
  }
  return undefined;
}

function widerBound(child: Bound, parent: Bound | undefined): keyof Bound | undefined {
  if (parent === undefined) return undefined;
  if (child.min !== undefined && parent.min !== undefined && child.min < parent.min) return "min";
  if (child.max !== undefined && parent.max !== undefined && child.max > parent.max) return "max";
  const outer = parent.in;
  if (outer !== undefined && child.in?.some((item) => !outer.includes(item))) return "in";
  return undefined;
}

/** Both together, where `child` is not wider: its tools, each with the bounds of both. */
export function narrowTools(parent: ToolBounds | undefined, child: ToolBounds): ToolBounds {
  if (parent === undefined) return child;
  return new Map(
    [...child].map(([tool, args]) => {
      const joined = new Map(parent.get(tool));
      for (const [arg, bound] of args) joined.set(arg, { ...joined.get(arg), ...bound });
      return [tool, joined];
    }),
  );
}

/** Which argument of a call is not within its bounds, and why; what cannot be compared is not within them. */
export function outsideBounds(
  tool: ToolDecl,
  args: RecordValue,
  bounds: ReadonlyMap<string, Bound>,
  words: Words,
): string | undefined {
  for (const [name, bound] of bounds) {
    const field = tool.args.find((one) => (one.wire ?? one.name) === name);
    const value = field === undefined ? undefined : args[field.name];
    if (field === undefined || value === undefined) {
      return `\`${name}\` is bounded, and the call has none`;
    }
    const why = outsideBound(value, presentType(field.type), bound, words);
    if (why !== undefined) return `\`${name}\` ${why}`;
  }
  return undefined;
}

function presentType(type: Type): Type {
  return type.kind === "Optional" ? type.of : type;
}

function outsideBound(value: Value, type: Type, bound: Bound, words: Words): string | undefined {
  const { min, max, in: among } = bound;
  if (min !== undefined && !isAtMost(scaled(min, type), value)) return `is below ${min}`;
  if (max !== undefined && !isAtMost(value, scaled(max, type))) return `is above ${max}`;
  if (among !== undefined && !isAmong(value, type, among, words)) {
    return "is none of those that were delegated";
  }
  return undefined;
}

/** A bound as the argument's own type has it; none where that type has no such numbers. */
function scaled(bound: number, type: Type): number | undefined {
  if (type.kind === "Int" || type.kind === "Float") return bound;
  if (type.kind !== "Decimal") return undefined;
  const read = decimalFromNumber(bound);
  return read.ok ? read.value : undefined;
}

function isAtMost(less: Value | undefined, more: Value | undefined): boolean {
  return typeof less === "number" && typeof more === "number" && less <= more;
}

/** Of a list or set, each element. */
function isAmong(value: Value, type: Type, among: NonNullable<Bound["in"]>, words: Words): boolean {
  const one = type.kind === "Set" || type.kind === "List" ? type.of : type;
  const read = readerOf(one, words);
  const allowed = new Set(among.map((item) => read(item, "", [])));
  const values = isSet(value) || isList(value) ? elementsOf(value) : [value];
  return values.every((item) => typeof item !== "object" && allowed.has(item));
}
