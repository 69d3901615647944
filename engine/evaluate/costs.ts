/**
 * How many steps an operator takes (SPEC §5.3), from its operands alone: both evaluators ask here before they do the
 * work, so that they run out at the same place.
 */
import type { Builtin } from "../../lang/builtins.ts";
import type { Expr, Program } from "../../lang/ir.ts";
import { isLong } from "../../lang/scalar/search.ts";
import type { Type } from "../../lang/type.ts";
import { childrenOf } from "../explain/walk.ts";
import {
  isList,
  isMap,
  isSet,
  KEPT_LENGTH,
  type Meter,
  NULL,
  type Scalar,
  type Value,
} from "../value.ts";

type Elements = ReadonlySet<Scalar> | readonly Value[];

/** Of a text that is compared, looked up or gone through as fast as memory goes. */
export function textSteps(value: Value | undefined): number {
  return typeof value === "string" ? value.length >> 6 : 0;
}

/** Texts of different lengths are told apart at once. */
export function sameSteps(left: Value | undefined, right: Value | undefined): number {
  if (typeof left !== "string" || typeof right !== "string") return 0;
  return left.length === right.length ? left.length >> 6 : 0;
}

/** Types of texts that may have 64 characters. */
export function mayBeLong(type: Type): boolean {
  return LONG.has(type.kind);
}

const LONG: ReadonlySet<Type["kind"]> = new Set([
  ...(["String", "Path", "Url", "Email", "Command", "OneOf", "Purpose", "Label"] as const),
]);

/** `starts with`, `ends with`, `within` of paths. */
export function edgeSteps(text: string, part: string): number {
  return part.length <= text.length ? part.length >> 6 : 0;
}

export function containsSteps(text: string, part: string): number {
  if (part.length > text.length) return 0;
  return isLong(part) ? (text.length + part.length) >> 4 : text.length >> 6;
}

/** What stands between two `*` may be one character, and is looked for by itself. */
export function likeSteps(text: string, pattern: string): number {
  return (text.length >> (pattern.length > PATTERN_LENGTH ? 4 : 6)) + (pattern.length >> 2);
}

const PATTERN_LENGTH = 250;

/** Of an element of a set, or of a list of which each element is compared. */
export function inSteps(value: Value | undefined, elements: Elements): number {
  if (!isList(elements)) return textSteps(value);
  const steps = elements.length >> 3;
  if (typeof value !== "string" || value.length < 64) return steps;
  let same = 0;
  for (const element of elements) if (lengthOf(element) === value.length) same += 1;
  return steps + same * (value.length >> 6);
}

function lengthOf(value: Value | undefined): number {
  return typeof value === "string" ? value.length : 0;
}

export function subsetSteps(left: Elements, right: Elements): number {
  return (sizeOf(left) + sizeOf(right)) >> 6;
}

/** Of the texts that a set is made of, beyond that there are so many. */
export function setSteps(items: readonly Value[]): number {
  let steps = 0;
  for (const item of items) steps += textSteps(item);
  return steps;
}

/** Of a key that state is kept under: a long text becomes a digest. */
export function keySteps(value: Value): number {
  return typeof value === "string" && value.length > KEPT_LENGTH ? value.length >> 6 : 0;
}

export function builtinSteps({ cost: { base, each } }: Builtin, args: readonly Value[]): number {
  if (each === 0) return base;
  let size = 0;
  for (const arg of args) size += sizeOf(arg);
  return base + Math.floor(size / each);
}

/** Characters; of a list, set or map eight for each element, and the characters of those that are texts. */
function sizeOf(value: Value): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === NULL) return 0;
  if (isList(value) || isSet(value)) return textsIn(value) + 8 * countOf(value);
  if (!isMap(value)) return 8;
  return textsIn(value.keys()) + textsIn(value.values()) + 8 * value.size;
}

function countOf(elements: Elements): number {
  return isList(elements) ? elements.length : elements.size;
}

function textsIn(values: Iterable<Value>): number {
  let characters = 0;
  for (const value of values) if (typeof value === "string") characters += value.length;
  return characters;
}

/**
 * Of looking for where all that is in a value comes from, down to the last text. Counts no further than `enough`:
 * a list may hold another many times over.
 */
export function originSteps(value: Value | undefined, enough: number): number {
  const counted = { steps: 0, enough };
  countDeep(value, counted);
  return counted.steps;
}

/** Of a value that a step of a task binds, and by which ways through it are told apart. */
export function bindingSteps(value: Value, { left, floor }: Meter): number {
  return originSteps(value, left - floor) >> 2;
}

function countDeep(value: Value | undefined, counted: { steps: number; enough: number }): void {
  if (value === undefined || counted.steps > counted.enough) return;
  counted.steps += typeof value === "string" ? 4 + (value.length >> 2) : 4;
  if (typeof value !== "object" || value === NULL) return;
  const inner = isList(value) || isSet(value) || isMap(value) ? value : Object.values(value);
  for (const item of inner.values()) countDeep(item, counted);
}

/** Of one element that a loop goes through, or one call: what is calculated for it, without what counts by itself. */
export function roundSteps(parts: readonly (Expr | undefined)[]): number {
  const weight = parts.reduce((sum, part) => sum + (part === undefined ? 0 : weightOf(part)), 0);
  return 1 + (weight >> 5);
}

/** Of a call of the function. */
export function callSteps(index: number, program: Program): number {
  return roundSteps([program.functions[index]?.body]);
}

const weights = new WeakMap<Expr, number>();

/** Operators and operands. The body of a loop in it counts for each element by itself. */
function weightOf(expr: Expr): number {
  const known = weights.get(expr);
  if (known !== undefined) return known;
  const parts = isLoop(expr) ? [expr.over] : childrenOf(expr);
  const weight = parts.reduce((sum, part) => sum + weightOf(part), ownWeight(expr));
  weights.set(expr, weight);
  return weight;
}

function isLoop(
  expr: Expr,
): expr is Extract<Expr, { kind: "quantifier" }> | Extract<Expr, { kind: "aggregate" }> {
  return expr.kind === "quantifier" || expr.kind === "aggregate";
}

function ownWeight(expr: Expr): number {
  switch (expr.kind) {
    case "within":
      return expr.of === "Ip" ? 512 : 1;
    case "arithmetic":
      return expr.op === "*" && expr.number === "Decimal" ? 64 : 1;
    case "record":
      return 64;
    default:
      return 1;
  }
}
