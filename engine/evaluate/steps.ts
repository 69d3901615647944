/**
 * The most steps that evaluating may take (SPEC §5.3, `fuel`), whatever a request holds: for who cannot count them,
 * as Rego, or does not know yet what they will be. What a loop does with the text of each element adds up to no more
 * than all texts of a request have, so steps are kept as a *form*: a number, and beside it so many for each
 * character of an element.
 */
import { BUILTINS } from "../../lang/builtins.ts";
import type { Expr, Program, Rule } from "../../lang/ir.ts";
import { isScalar } from "../../lang/type.ts";
import { childrenOf } from "../explain/walk.ts";
import { ELEMENTS_MAX } from "../limits.ts";
import { callSteps, mayBeLong, roundSteps } from "./costs.ts";

interface Form {
  readonly steps: number;
  /** By the local that stands for an element. */
  readonly perCharacter: ReadonlyMap<number, number>;
}

/** How large a value may be, as `Cost` measures it; no larger than an element, where it is a part of one. */
interface Size {
  readonly element?: number;
  readonly most: number;
}

export interface Bounds {
  readonly program: Program;
  /** Characters that all texts of a request have together, and so the longest one: no operator makes longer ones. */
  readonly sizeMost: number;
  /** Of the rule that it stands in. */
  readonly lets?: Rule["lets"];
}

export function stepsAtMost(expr: Expr, bounds: Bounds): number {
  return total(formOf(expr, { ...bounds, elements: NO_ELEMENTS }), bounds.sizeMost);
}

interface Inside extends Bounds {
  /** Locals that stand for an element of what is a part of the request. */
  readonly elements: ReadonlySet<number>;
}

const NO_ELEMENTS: ReadonlySet<number> = new Set();

/** An element is no larger than all that there is. */
function total({ steps, perCharacter }: Form, sizeMost: number): number {
  let most = steps;
  for (const rate of perCharacter.values()) most += rate * sizeMost;
  return Math.ceil(most);
}

function formOf(expr: Expr, bounds: Inside): Form {
  switch (expr.kind) {
    case "quantifier":
      return loopForm(expr, [expr.body], bounds);
    case "aggregate":
      return loopForm(expr, [expr.where, expr.body], bounds);
    case "call": {
      const { program } = bounds;
      const body = program.functions[expr.function]?.body;
      // Its parameters may be anything.
      const inside = body === undefined ? 0 : total(formOf(body, bounds), bounds.sizeMost);
      return sum([
        fixed(callSteps(expr.function, program) + inside),
        ...formsOf(expr.args, bounds),
      ]);
    }
    default:
      return sum([...ownForms(expr, bounds), ...formsOf(childrenOf(expr), bounds)]);
  }
}

function formsOf(exprs: readonly Expr[], bounds: Inside): readonly Form[] {
  return exprs.map((expr) => formOf(expr, bounds));
}

type Loop = Extract<Expr, { kind: "quantifier" | "aggregate" }>;

function loopForm(loop: Loop, parts: readonly (Expr | undefined)[], bounds: Inside): Form {
  const { over, id } = loop;
  const isOfParts = isPart(over, bounds);
  const inner = isOfParts ? { ...bounds, elements: new Set([...bounds.elements, id]) } : bounds;
  const present = parts.filter((part) => part !== undefined);
  const round = sum([
    fixed(roundSteps(parts)),
    ...formsOf(present, inner),
    ...gathering(loop, inner),
  ]);
  const count = elementsAtMost(over, bounds);
  const others = new Map<number, number>();
  for (const [other, rate] of round.perCharacter) if (other !== id) others.set(other, rate * count);
  const rounds: Form = { steps: round.steps * count, perCharacter: others };
  const ofElements = taking(round.perCharacter.get(id) ?? 0, [sizeOf(over, bounds)]);
  return sum([formOf(over, bounds), rounds, ...ofElements]);
}

/** What is put into a set. */
function gathering(loop: Loop, bounds: Inside): readonly Form[] {
  if (loop.kind !== "aggregate" || loop.op !== "set") return [];
  const taken = loop.body ?? { kind: "local", id: loop.id, name: loop.name, at: loop.at };
  return taking(1 / 64, [sizeOf(taken, bounds)]);
}

/** Of the operator, by what its operands may be. */
function ownForms(expr: Expr, bounds: Inside): readonly Form[] {
  const size = (of: Expr) => sizeOf(of, bounds);
  const sizeOfAll = (of: Expr) => (isPart(of, bounds) ? size(of) : { most: ANYTHING });
  switch (expr.kind) {
    case "equal":
      if (!isScalar(expr.type)) return taking(1, [sizeOfAll(expr.left)]);
      return mayBeLong(expr.type)
        ? taking(1 / 64, [smaller(size(expr.left), size(expr.right))])
        : [];
    case "index":
      return expr.over === "Map" ? taking(1 / 64, [size(expr.index)]) : [];
    case "in": {
      const compared = expr.over === "List" ? sizeOfAll(expr.right) : size(expr.left);
      const gone = expr.over === "List" ? elementsAtMost(expr.right, bounds) / 8 : 0;
      return [fixed(gone), ...taking(1 / 64, [compared])];
    }
    case "subset":
      return taking(1 / 64, [sizeOfAll(expr.left), sizeOfAll(expr.right)]);
    case "within":
      return expr.of === "Path" ? taking(1 / 64, [size(expr.right)]) : [];
    case "like": {
      const pattern = size(expr.pattern);
      const rate = pattern.most > 250 ? 1 / 16 : 1 / 64;
      return [...taking(rate, [size(expr.left)]), ...taking(1 / 4, [pattern])];
    }
    case "text": {
      const [text, part] = [size(expr.left), size(expr.right)];
      if (expr.op !== "contains") return taking(1 / 64, [smaller(text, part)]);
      return part.most > 250 ? taking(1 / 16, [text, part]) : taking(1 / 64, [text]);
    }
    case "list":
      return expr.as === "Set" ? taking(1 / 64, expr.items.map(size)) : [];
    case "builtin": {
      const { base, each } = BUILTINS.get(expr.name)?.cost ?? { base: 0, each: 0 };
      if (each === 0) return [fixed(base)];
      return [
        fixed(base),
        ...taking(1 / each, expr.args.map(OF_TEXTS.has(expr.name) ? size : sizeOfAll)),
      ];
    }
    case "origin":
      return taking(4, [sizeOfAll(expr.of)]);
    default:
      return [];
  }
}

function fixed(steps: number): Form {
  return { steps, perCharacter: NONE };
}

const NONE: ReadonlyMap<number, number> = new Map();

/** `rate` steps for each character of each. */
function taking(rate: number, sizes: readonly Size[]): readonly Form[] {
  return sizes.map(({ element, most }) =>
    element === undefined
      ? fixed(rate * most)
      : { steps: 0, perCharacter: new Map([[element, rate]]) },
  );
}

function sum(forms: readonly Form[]): Form {
  let steps = 0;
  const perCharacter = new Map<number, number>();
  for (const form of forms) {
    steps += form.steps;
    for (const [id, rate] of form.perCharacter) {
      perCharacter.set(id, (perCharacter.get(id) ?? 0) + rate);
    }
  }
  return { steps, perCharacter };
}

function smaller(left: Size, right: Size): Size {
  if (left.element !== undefined && right.element === undefined && right.most > 64) return left;
  return left.most < right.most ? left : right;
}

/** Of what is built: fewer than all steps there are would not do. */
const ANYTHING = Number.MAX_SAFE_INTEGER;

/** Functions of texts; the others take lists, sets and maps. */
const OF_TEXTS: ReadonlySet<string> = new Set(
  [...BUILTINS.values()]
    .filter(({ signature }) => !/List<|Set<|Map</.test(signature.split(" → ")[0] ?? ""))
    .map(({ name }) => name),
);

/** Of a text, or of what is a part of the request. */
function sizeOf(expr: Expr, bounds: Inside): Size {
  if (expr.kind === "const") return { most: constantSize(expr.value) };
  if (expr.kind === "list") return together(expr.items, bounds);
  if (expr.kind === "builtin" && JOINING.has(expr.name)) return together(expr.args, bounds);
  const most = bounds.sizeMost + 8 * ELEMENTS_MAX;
  const element = elementIn(expr, bounds);
  return element === undefined ? { most } : { element, most };
}

function together(parts: readonly Expr[], bounds: Inside): Size {
  return { most: parts.reduce((size, part) => size + 8 + sizeOf(part, bounds).most, 0) };
}

function constantSize(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  const parts = Object.entries(value);
  return parts.reduce((size, [name, item]) => size + 8 + name.length + constantSize(item), 8);
}

/** Whether it is a part of the request, or of a text in it: then its elements together are no larger than it is. */
function isPart(expr: Expr, bounds: Inside): boolean {
  switch (expr.kind) {
    case "root":
    case "const":
      return true;
    case "local": {
      const named = bounds.lets?.find(({ id }) => id === expr.id)?.value;
      return named === undefined ? bounds.elements.has(expr.id) : isPart(named, bounds);
    }
    case "attribute":
    case "index":
      return isPart(expr.of, bounds);
    case "list":
      return expr.items.every((item) => isPart(item, bounds));
    case "coalesce":
      return isPart(expr.left, bounds) && isPart(expr.right, bounds);
    case "if":
      return isPart(expr.then, bounds) && isPart(expr.else, bounds);
    case "aggregate": {
      if (expr.op !== "list" && expr.op !== "set") return false;
      const inner = { ...bounds, elements: new Set([...bounds.elements, expr.id]) };
      const isOwn = expr.body === undefined || elementIn(expr.body, inner) === expr.id;
      return isOwn && isPart(expr.over, bounds);
    }
    case "builtin":
      return (
        (PARTING.has(expr.name) || JOINING.has(expr.name)) &&
        expr.args.every((arg) => isPart(arg, bounds))
      );
    default:
      return false;
  }
}

/** What they give is in what they are given. */
const PARTING: ReadonlySet<string> = new Set([
  ...["words", "split", "keys", "values", "distinct", "take", "skip", "lower", "trim", "text"],
  ...["path.segments", "email.local", "email.domain", "path.name", "path.extension", "path.parent"],
]);

/** What they give is all that they are given, or less. */
const JOINING: ReadonlySet<string> = new Set(["union", "intersection", "difference"]);

/** The element that it is a part of. */
function elementIn(expr: Expr, bounds: Inside): number | undefined {
  switch (expr.kind) {
    case "local":
      return bounds.elements.has(expr.id) ? expr.id : undefined;
    case "attribute":
    case "index":
      return elementIn(expr.of, bounds);
    case "builtin": {
      const [from] = PARTING.has(expr.name) ? expr.args : [];
      return from === undefined ? undefined : elementIn(from, bounds);
    }
    default:
      return undefined;
  }
}

function elementsAtMost(over: Expr, bounds: Inside): number {
  switch (over.kind) {
    case "const":
      return Array.isArray(over.value) ? over.value.length : ELEMENTS_MAX;
    case "list":
      return over.items.length;
    case "builtin":
      if (over.name === "split" || over.name === "words") return bounds.sizeMost;
      return Math.max(
        over.args.reduce((count, arg) => count + elementsAtMost(arg, bounds), 0),
        1,
      );
    default:
      return ELEMENTS_MAX;
  }
}
