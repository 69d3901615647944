/** Tasks (SPEC §8): a sequence becomes its positions, a limit a bound on what is kept for the task alone. */
import type * as ast from "./ast.ts";
import { type Context, type Surroundings, withLocal } from "./context.ts";
import type { CounterDecl, Expr, LimitDecl, SequenceDecl, StepDecl, TaskDecl } from "./ir.ts";
import { SEQUENCE_STEPS_MAX } from "./limits.ts";
import { literal } from "./literal.ts";
import { rootAttribute } from "./roots.ts";
import { declared } from "./rules.ts";
import { checkKey, selectTools, stateContext } from "./state.ts";
import { didYouMean } from "./suggest.ts";
import { present, type Type } from "./type.ts";
import { condition, refuseShadowing } from "./typed.ts";

/** Declared counters, to which those that limits need are added. */
export interface Counters {
  readonly all: CounterDecl[];
  readonly byName: ReadonlyMap<string, { readonly index: number }>;
}

export function checkTask(item: ast.Task, counters: Counters, around: Surroundings): TaskDecl {
  const purpose = only(item, "purpose", around);
  const sequence = only(item, "sequence", around);
  if (purpose !== undefined)
    declared(purpose.purpose, around.vocabulary.purposes, "purpose", around);
  const limits = item.items.flatMap((part) => (part.kind === "limit" ? part.limits : []));
  return {
    name: item.name.text,
    ...(purpose === undefined ? {} : { purpose: purpose.purpose.text }),
    ...(sequence === undefined ? {} : { sequence: checkSequence(sequence.sequence, around) }),
    limits: limits.flatMap((limit) => checkLimit(limit, item.name.text, counters, around)),
    at: around.place(item.name.span),
  };
}

function only<K extends "purpose" | "sequence">(
  item: ast.Task,
  kind: K,
  around: Surroundings,
): Extract<ast.TaskItem, { kind: K }> | undefined {
  const found = item.items.filter(
    (part): part is Extract<ast.TaskItem, { kind: K }> => part.kind === kind,
  );
  const second: ast.TaskItem | undefined = found[1];
  if (second !== undefined)
    around.report("E213", second.span, `\`${kind}\` stands twice in this task`);
  return found[0];
}

/** What a part of a sequence can begin and end with, and whether it can be nothing (Glushkov's construction). */
interface Fragment {
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly empty: boolean;
}

interface Builder {
  readonly around: Surroundings;
  readonly positions: StepDecl[];
  readonly follow: Set<number>[];
  /** What `as` names so far, in the order of the text. */
  context: Context;
  overflown: boolean;
}

function checkSequence(sequence: ast.Sequence, around: Surroundings): SequenceDecl {
  const context: Context = stateContext(around);
  const builder: Builder = { around, positions: [], follow: [], context, overflown: false };
  const { first, last, empty } = fragment(sequence, builder);
  return {
    positions: builder.positions,
    first,
    follow: builder.follow.map((next) => [...next].sort((a, b) => a - b)),
    last,
    empty,
  };
}

const NOTHING: Fragment = { first: [], last: [], empty: true };

function fragment(part: ast.Sequence, builder: Builder): Fragment {
  if (builder.overflown) return NOTHING;
  switch (part.kind) {
    case "step":
      return step(part, builder);
    case "then":
      return part.parts
        .map((inner) => fragment(inner, builder))
        .reduce((a, b) => after(a, b, builder), NOTHING);
    case "either":
      return part.parts.map((inner) => fragment(inner, builder)).reduce(alternative);
    case "repeat":
      return repeated(part, builder);
  }
}

function after(a: Fragment, b: Fragment, builder: Builder): Fragment {
  link(a.last, b.first, builder);
  return {
    first: a.empty ? [...a.first, ...b.first] : a.first,
    last: b.empty ? [...a.last, ...b.last] : b.last,
    empty: a.empty && b.empty,
  };
}

function alternative(a: Fragment, b: Fragment): Fragment {
  return {
    first: [...a.first, ...b.first],
    last: [...a.last, ...b.last],
    empty: a.empty || b.empty,
  };
}

function link(from: readonly number[], to: readonly number[], builder: Builder): void {
  for (const position of from) for (const next of to) builder.follow[position]?.add(next);
}

/** `x{2,4}` is `x, x, (x, (x)?)?`; without an upper bound the last copy follows itself. */
function repeated(part: Extract<ast.Sequence, { kind: "repeat" }>, builder: Builder): Fragment {
  const { least, most } = part;
  if (most !== undefined && most < least) {
    builder.around.report("E211", part.span, `at least ${least} and at most ${most} is never`);
    return NOTHING;
  }
  const copies = most ?? Math.max(least, 1);
  let whole = NOTHING;
  for (let copy = 0; copy < copies; copy++) {
    const inner = fragment(part.of, builder);
    if (builder.overflown) return NOTHING;
    if (most === undefined && copy === copies - 1) link(inner.last, inner.first, builder);
    whole = after(whole, copy < least ? inner : { ...inner, empty: true }, builder);
  }
  return whole;
}

function step(part: Extract<ast.Sequence, { kind: "step" }>, builder: Builder): Fragment {
  const { around, positions } = builder;
  if (positions.length >= SEQUENCE_STEPS_MAX) {
    around.report(
      "E225",
      part.span,
      `a sequence has ${SEQUENCE_STEPS_MAX} steps at most, repetitions counted out`,
    );
    builder.overflown = true;
    return NOTHING;
  }
  const tools = selectTools(part.selector, around);
  const binds: { argument: string; id: number }[] = [];
  const predicates: Expr[] = [];
  for (const argument of part.args) {
    if (argument.kind === "bind") {
      const id = bind(argument, tools, builder);
      if (id !== undefined) binds.push({ argument: argument.argument.text, id });
      continue;
    }
    const held = condition(argument.condition, { ...builder.context, tools });
    if (held !== undefined) predicates.push(held.ir);
  }
  const position = positions.length;
  positions.push({ label: labelOf(part), tools, binds, predicates, at: around.place(part.span) });
  builder.follow.push(new Set());
  return { first: [position], last: [position], empty: false };
}

function labelOf(part: Extract<ast.Sequence, { kind: "step" }>): string {
  const names = part.selector.names.map((name) => name.text).join(", ");
  return part.selector.kind === "effects" ? `effect ${names}` : names;
}

/** The same name bound again means the same value; a copy of a step binds what the original binds. */
function bind(
  argument: Extract<ast.StepArgument, { kind: "bind" }>,
  tools: readonly number[],
  builder: Builder,
): number | undefined {
  const { around } = builder;
  const lookup = rootAttribute("args", argument.argument.text, { ...builder.context, tools });
  if (!("found" in lookup)) {
    const why = lookup.why ?? `the step has no argument \`${argument.argument.text}\``;
    around.report(
      "E206",
      argument.argument.span,
      why,
      didYouMean(argument.argument.text, lookup.missing).help,
    );
    return undefined;
  }
  const type: Type = present(lookup.found);
  const before = builder.context.locals.get(argument.as.text);
  if (before !== undefined) return before.id;
  refuseShadowing(argument.as, builder.context);
  const id = around.fresh();
  builder.context = withLocal(builder.context, argument.as.text, id, type);
  return id;
}

function checkLimit(
  limit: ast.Limit,
  task: string,
  counters: Counters,
  around: Surroundings,
): LimitDecl[] {
  const { vocabulary, report } = around;
  const at = around.place(limit.span);
  const bound = (type: Type): number | undefined => {
    const value = literal(limit.bound, type, vocabulary, report)?.value;
    return typeof value === "number" ? value : undefined;
  };
  if (limit.name.text === "calls") {
    const most = bound({ kind: "Int" });
    return most === undefined ? [] : [{ kind: "calls", most, at }];
  }
  if (limit.name.text === "duration") {
    const mostMs = bound({ kind: "Duration" });
    return mostMs === undefined ? [] : [{ kind: "duration", mostMs, at }];
  }
  const index = counters.byName.get(limit.name.text)?.index;
  const counter = index === undefined ? undefined : counters.all[index];
  if (counter === undefined) {
    const names = ["calls", "duration", ...counters.byName.keys()];
    report(
      "E226",
      limit.name.span,
      `\`${limit.name.text}\` cannot be limited`,
      didYouMean(limit.name.text, names).help ?? "`calls`, `duration` and counters can",
    );
    return [];
  }
  if (counter.op === "distinct") {
    report(
      "E226",
      limit.name.span,
      "a `distinct` counter cannot be limited in a task",
      "write a `forbid` that reads it",
    );
    return [];
  }
  const most = bound({ kind: counter.type });
  if (most === undefined) return [];
  return [{ kind: "counter", counter: forTask(counter, task, counters, at, around), most, at }];
}

/** The same counter over this task's calls alone, kept for the task's lifetime. */
function forTask(
  counter: CounterDecl,
  task: string,
  counters: Counters,
  at: number,
  around: Surroundings,
): number {
  const name = `${task}.${counter.name}`;
  const span = { file: 0, start: 0, end: 0 };
  const per = checkKey({ kind: "name", name: "task", span }, stateContext(around));
  const { windowMs: _, ...rest } = counter;
  const intent: Expr = {
    kind: "attribute",
    of: { kind: "root", name: "intent", at },
    name: "task",
    at,
  };
  const type: Type = { kind: "String" };
  const inTask: Expr = {
    kind: "and",
    left: { kind: "has", of: intent, at },
    right: {
      kind: "equal",
      left: intent,
      right: { kind: "const", type, value: task, at },
      type,
      at,
    },
    at,
  };
  const { where } = counter.calls;
  const both: Expr = where === undefined ? inTask : { kind: "and", left: inTask, right: where, at };
  counters.all.push({ ...rest, name, calls: { ...counter.calls, where: both }, per, at });
  return counters.all.length - 1;
}
