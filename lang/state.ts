/** Counters and latches (SPEC §7): which calls they see, what they keep, under which keys. */
import type * as ast from "./ast.ts";
import { type Context, knowing, type Surroundings } from "./context.ts";
import type { CallFilter, CounterDecl, Expr, LatchDecl } from "./ir.ts";
import { type Known, NOTHING } from "./known.ts";
import { withoutParens } from "./literal.ts";
import { isRoot } from "./roots.ts";
import { didYouMean } from "./suggest.ts";
import { EFFECTS, isScalar, spell } from "./type.ts";
import { condition, mismatch, solid } from "./typed.ts";

/** The context in which state is defined: about any tool, reading no state. */
export function stateContext(around: Surroundings): Context {
  return {
    around,
    locals: new Map(),
    known: NOTHING,
    tools: around.vocabulary.tools.map((_, index) => index),
    reads: "no state",
    cautious: false,
    loops: 0,
    lenient: false,
  };
}

export function checkCounter(item: ast.Counter, around: Surroundings): CounterDecl {
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
  return {
    name: item.name.text,
    op: item.op,
    ...(of === undefined ? {} : { of: of.ir }),
    type: item.op === "sum" && of?.type.kind === "Decimal" ? "Decimal" : "Int",
    calls,
    per: item.per.flatMap((key) => checkKey(key, context)),
    ...(item.within === undefined ? {} : { windowMs: positive(item.within, around) }),
    at: around.place(item.name.span),
  };
}

function positive(duration: ast.DurationLiteral, around: Surroundings): number {
  if (duration.ms < 1) around.report("E211", duration.span, "a window is at least 1 ms long");
  return Math.max(1, duration.ms);
}

export function checkLatch(item: ast.Latch, around: Surroundings): LatchDecl {
  const base = stateContext(around);
  const { calls, context } = checkCalls(item.calls, base);
  const reset = item.reset === undefined ? undefined : checkCalls(item.reset, base).calls;
  return {
    name: item.name.text,
    calls,
    per: item.per.flatMap((key) => checkKey(key, context)),
    ...(reset === undefined ? {} : { reset }),
    at: around.place(item.name.span),
  };
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
export function selectTools(selector: ast.Selector, around: Surroundings): number[] {
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
 * id, a task by its session and name.
 */
export function checkKey(expr: ast.Expr, context: Context): Expr[] {
  const inner = withoutParens(expr);
  const at = context.around.place(inner.span);
  if (inner.kind === "name" && !context.locals.has(inner.name)) {
    const parts = KEY_PARTS.get(inner.name);
    if (parts !== undefined) {
      return parts.map(([root, name]) => ({
        kind: "attribute",
        of: { kind: "root", name: root, at },
        name,
        at,
      }));
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
