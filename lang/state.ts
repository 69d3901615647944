/** Counters and latches (SPEC §7): which calls they see, what they keep, under which keys. */
import type * as ast from "./ast.ts";
import { type Context, type KeyScope, knowing, type Surroundings, toolsHere } from "./context.ts";
import type { CallFilter, CounterDecl, Expr, LatchDecl, RootName } from "./ir.ts";
import { either, type Known, NOTHING } from "./known.ts";
import { withoutParens } from "./literal.ts";
import { isRoot } from "./roots.ts";
import { didYouMean } from "./suggest.ts";
import { EFFECTS, isScalar, sameType, spell, type Type } from "./type.ts";
import { condition, mismatch, solid } from "./typed.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The context in which state is defined: about any tool, reading no state. */
export function stateContext(around: Surroundings): Context {
  const { vocabulary } = around;
  const tools = allTools.get(vocabulary) ?? vocabulary.tools.map((_, index) => index);
  allTools.set(vocabulary, tools);
  return {
    around,
    locals: new Map(),
    known: NOTHING,
    tools,
    reads: "no state",
    cautious: false,
    loops: 0,
    lenient: false,
  };
}

const allTools = new WeakMap<Vocabulary, readonly number[]>();

export function checkCounter(item: ast.Counter, around: Surroundings): KeyedCounter {
  const base = stateContext(around);
  const { calls, context } = checkCalls(item.calls, base);
  const of = item.of === undefined ? undefined : solid(item.of, context);
  if (of !== undefined && item.of !== undefined) {
    const fits =
      item.op === "sum" ? of.type.kind === "Int" || of.type.kind === "Decimal" : isScalar(of.type);
    const wanted = item.op === "sum" ? "Int or Decimal" : "a simple value";
    if (!fits)
      around.report("E204", item.of.span, `this is ${spell(of.type)}, and ${wanted} is wanted`);
  }
  const per = item.per.flatMap((key) => checkKey(key, context));
  const counter: CounterDecl = {
    name: item.name.text,
    op: item.op,
    ...(of === undefined ? {} : { of: of.ir }),
    type: item.op === "sum" && of?.type.kind === "Decimal" ? "Decimal" : "Int",
    calls,
    per,
    ...(item.within === undefined ? {} : { windowMs: positive(item.within, around) }),
    at: around.place(item.name.span),
  };
  return { counter, keys: keyScope(item.per, context) };
}

export interface KeyedCounter {
  readonly counter: CounterDecl;
  readonly keys: KeyScope;
}

/** The keys as written and their types: wherever a counter or latch is read, its keys are calculated anew. */
function keyScope(per: readonly ast.Expr[], context: Context): KeyScope {
  return { per, types: per.map((key) => keyType(key, context)) };
}

/** The key that cannot be calculated in this context, or not as the same type; undefined where all can. */
export function missingKey(scope: KeyScope, context: Context): ast.Expr | undefined {
  return scope.per.find((key, at) => {
    const [wanted, found] = [scope.types[at], keyType(key, context)];
    return wanted !== undefined && (found === undefined || !sameType(wanted, found));
  });
}

/** None for a word such as `session`: it is a key wherever it stands, though it may be unknown there. */
function keyType(key: ast.Expr, context: Context): Type | undefined {
  const inner = withoutParens(key);
  if (inner.kind === "name" && KEY_PARTS.has(inner.name)) return undefined;
  const around = { ...context.around, report: () => {} };
  return solid(key, { ...context, around, reads: "no state", lenient: false })?.type;
}

function positive(duration: ast.DurationLiteral, around: Surroundings): number {
  if (duration.ms < 1) around.report("E211", duration.span, "a window is at least 1 ms long");
  return Math.max(1, duration.ms);
}

export function checkLatch(item: ast.Latch, around: Surroundings): KeyedLatch {
  const base = stateContext(around);
  const set = checkCalls(item.calls, base);
  const reset = item.reset === undefined ? undefined : checkCalls(item.reset, base);
  // A key is that of a call that sets the latch, and of one that resets it.
  const context = reset === undefined ? set.context : eitherContext(set.context, reset.context);
  const per = item.per.flatMap((key) => checkKey(key, context));
  const latch: LatchDecl = {
    name: item.name.text,
    calls: set.calls,
    per,
    ...(reset === undefined ? {} : { reset: reset.calls }),
    at: around.place(item.name.span),
  };
  return { latch, keys: keyScope(item.per, context) };
}

export interface KeyedLatch {
  readonly latch: LatchDecl;
  readonly keys: KeyScope;
}

function eitherContext(a: Context, b: Context): Context {
  const tools = [...new Set([...toolsHere(a), ...toolsHere(b)])].sort((x, y) => x - y);
  return { ...a, tools, known: either(a.known, b.known) };
}

function checkCalls(
  filter: ast.CallFilter,
  base: Context,
): { readonly calls: CallFilter; readonly context: Context } {
  const tools =
    filter.selector === undefined ? undefined : selectTools(filter.selector, base.around);
  const selected = tools === undefined ? base : { ...base, tools };
  const where = filter.where === undefined ? undefined : condition(filter.where, selected);
  const calls = {
    base: filter.base,
    ...(tools === undefined ? {} : { tools }),
    ...(where === undefined ? {} : { where: where.ir }),
  };
  const known: Known = where?.then ?? NOTHING;
  return { calls, context: knowing(selected, known) };
}

/** The tools a selector names, ascending and once each. */
export function selectTools(selector: ast.Selector, around: Surroundings): readonly number[] {
  const names = selector.names.map((name) => name.text).join();
  const key = `${selector.kind} ${names}`;
  const known = selections.get(around.vocabulary) ?? new Map<string, readonly number[]>();
  selections.set(around.vocabulary, known);
  const found = known.get(key);
  if (found !== undefined) return found;
  const chosen = newSelection(selector, around);
  // What was reported is reported wherever it stands.
  const isWhole = selector.kind === "tools" && chosen.length === selector.names.length;
  if (isWhole || (selector.kind === "effects" && selector.names.length === 1 && chosen.length > 0))
    known.set(key, chosen);
  return chosen;
}

/** Rules about the same tools share one list of them. */
const selections = new WeakMap<Vocabulary, Map<string, readonly number[]>>();

function newSelection(selector: ast.Selector, around: Surroundings): readonly number[] {
  const { vocabulary, report } = around;
  const chosen = new Set<number>();
  for (const name of selector.names) {
    if (selector.kind === "effects") {
      const effect = EFFECTS.find((candidate) => candidate === name.text);
      if (effect === undefined) {
        report(
          "E207",
          name.span,
          `unknown effect \`${name.text}\``,
          `there is ${EFFECTS.join(", ")}`,
        );
      }
      const before = chosen.size;
      for (const [index, tool] of vocabulary.tools.entries())
        if (tool.effect === effect) chosen.add(index);
      // A package to be used by others may have rules for effects and no tools of its own.
      if (effect !== undefined && chosen.size === before && vocabulary.tools.length > 0) {
        report("W303", name.span, `no tool has the effect \`${effect}\``);
      }
      continue;
    }
    const index = vocabulary.toolIndex.get(name.text);
    if (index !== undefined) chosen.add(index);
    else {
      const near = didYouMean(name.text, vocabulary.toolIndex.keys()).help;
      report(
        "E207",
        name.span,
        `unknown tool \`${name.text}\``,
        near ?? `declare it: \`tool ${name.text} { … }\``,
      );
    }
  }
  return [...chosen].sort((a, b) => a - b);
}

/**
 * The simple values a `per` stands for: an actor, tool or session by its id or name, a resource by type and
 * id, a task by its session, name and, where it was granted, id.
 */
export function checkKey(expr: ast.Expr, context: Context): Expr[] {
  const inner = withoutParens(expr);
  const at = context.around.place(inner.span);
  if (inner.kind === "name" && !context.locals.has(inner.name)) {
    const parts = KEY_PARTS.get(inner.name);
    if (parts !== undefined) {
      const kept = parts.map(([root, name]) => attributeOf(root, name, at));
      return inner.name === "task" ? [...kept, runOf(at)] : kept;
    }
    if (isRoot(inner.name)) {
      context.around.report(
        "E208",
        inner.span,
        `\`${inner.name}\` is no key`,
        "a key is an actor, `session`, `task`, `tool`, `resource` or a simple value",
      );
      return [];
    }
  }
  const key = solid(expr, context);
  if (key === undefined) return [];
  if (key.type.kind === "Party") return [{ kind: "attribute", of: key.ir, name: "id", at }];
  if (!isScalar(key.type)) mismatch(expr.span, key.type, { kind: "String" }, context);
  return [key.ir];
}

function attributeOf(root: RootName, name: string, at: number): Expr {
  return { kind: "attribute", of: { kind: "root", name: root, at }, name, at };
}

/** Two runs of one task in one session are told apart where they were granted. */
function runOf(at: number): Expr {
  const none: Expr = { kind: "const", type: { kind: "String" }, value: "", at };
  return { kind: "coalesce", left: attributeOf("intent", "task_id", at), right: none, at };
}

type KeyPart = readonly [
  "agent" | "principal" | "session" | "tool" | "resource" | "intent",
  string,
];

const KEY_PARTS: ReadonlyMap<string, readonly KeyPart[]> = new Map<string, readonly KeyPart[]>([
  ["agent", [["agent", "id"]]],
  ["principal", [["principal", "id"]]],
  ["session", [["session", "id"]]],
  ["tool", [["tool", "name"]]],
  [
    "resource",
    [
      ["resource", "type"],
      ["resource", "id"],
    ],
  ],
  [
    "task",
    [
      ["session", "id"],
      ["intent", "task"],
    ],
  ],
]);
