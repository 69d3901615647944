/** Tasks (SPEC §8): a sequence becomes its positions, a limit a bound on what is kept for the task alone. */
import type * as ast from "./ast.ts";
import { type Context, type Surroundings, withLocal } from "./context.ts";
import type { CounterDecl, Expr, LimitDecl, SequenceDecl, StepDecl, TaskDecl } from "./ir.ts";
import { SEQUENCE_LINKS_MAX, SEQUENCE_STEPS_MAX } from "./limits.ts";
import { literal } from "./literal.ts";
import { rootAttribute } from "./roots.ts";
import { declared } from "./rules.ts";
import type { Span } from "./source.ts";
import { checkKey, selectTools, stateContext } from "./state.ts";
import { didYouMean } from "./suggest.ts";
import { optional, present, sameType, spell, type Type } from "./type.ts";
import { condition, refuseShadowing } from "./typed.ts";

/** Declared counters, to which those that limits need are added. */
export interface Counters {
  readonly all: CounterDecl[];
  readonly byName: ReadonlyMap<string, { readonly index: number }>;
  /** What is left of what all sequences of the package may come to. */
  readonly links: { left: number };
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
    ...(sequence === undefined
      ? {}
      : { sequence: checkSequence(sequence.sequence, counters.links, around) }),
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
  /** Which of those have a value, whatever way led here. */
  bound: ReadonlySet<number>;
  /** What a step came to the first time: repetitions only ever know more names. */
  readonly checked: Map<ast.Sequence, CheckedStep>;
  readonly links: { left: number };
  readonly span: Span;
  overflown: boolean;
}

type CheckedStep = Pick<StepDecl, "label" | "tools" | "binds" | "predicates">;

function checkSequence(
  sequence: ast.Sequence,
  links: { left: number },
  around: Surroundings,
): SequenceDecl {
  const builder: Builder = {
    around,
    positions: [],
    follow: [],
    context: stateContext(around),
    bound: new Set(),
    checked: new Map(),
    links,
    span: sequence.span,
    overflown: false,
  };
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
      return either(part.parts, builder);
    case "repeat":
      return repeated(part, builder);
  }
}

/** After a choice those names have a value that every way gives one. */
function either(parts: readonly ast.Sequence[], builder: Builder): Fragment {
  const before = builder.bound;
  let common: ReadonlySet<number> | undefined;
  let whole: Fragment | undefined;
  for (const part of parts) {
    builder.bound = before;
    const inner = fragment(part, builder);
    whole = whole === undefined ? inner : alternative(whole, inner);
    const { bound } = builder;
    common = common === undefined ? bound : new Set([...common].filter((id) => bound.has(id)));
  }
  builder.bound = common ?? before;
  return whole ?? NOTHING;
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
  spend(from.length * to.length, builder);
  if (builder.overflown) return;
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
    const before = builder.bound;
    const inner = fragment(part.of, builder);
    if (builder.overflown) return NOTHING;
    // However often nothing is repeated, it is nothing.
    if (inner.first.length === 0) break;
    if (copy >= least) builder.bound = before;
    if (most === undefined && copy === copies - 1) link(inner.last, inner.first, builder);
    whole = after(whole, copy < least ? inner : { ...inner, empty: true }, builder);
  }
  return whole;
}

/** Of what all sequences of the package may come to. */
function spend(count: number, builder: Builder): void {
  builder.links.left -= count;
  if (builder.links.left >= 0 || builder.overflown) return;
  const message = `the sequences of a package have ${SEQUENCE_LINKS_MAX} ways from step to step at most`;
  builder.around.report("E225", builder.span, message, "repeat less");
  builder.overflown = true;
}

function step(part: Extract<ast.Sequence, { kind: "step" }>, builder: Builder): Fragment {
  const { around, positions } = builder;
  const checked = builder.checked.get(part) ?? checkStep(part, builder);
  builder.checked.set(part, checked);
  builder.bound = new Set([...builder.bound, ...checked.binds.map(({ id }) => id)]);
  // Each copy holds them anew wherever the program is written down.
  spend(checked.predicates.length + checked.tools.length + checked.binds.length, builder);
  if (builder.overflown) return NOTHING;
  if (positions.length >= SEQUENCE_STEPS_MAX) {
    around.report(
      "E225",
      part.span,
      `a sequence has ${SEQUENCE_STEPS_MAX} steps at most, repetitions counted out`,
    );
    builder.overflown = true;
    return NOTHING;
  }
  const position = positions.length;
  positions.push({ ...checked, at: around.place(part.span) });
  builder.follow.push(new Set());
  return { first: [position], last: [position], empty: false };
}

function checkStep(part: Extract<ast.Sequence, { kind: "step" }>, builder: Builder): CheckedStep {
  const tools = selectTools(part.selector, builder.around);
  const binds: { argument: string; id: number }[] = [];
  const predicates: Expr[] = [];
  for (const argument of part.args) {
    if (argument.kind === "bind") {
      const id = bind(argument, tools, builder);
      if (id !== undefined) binds.push({ argument: argument.argument.text, id });
      continue;
    }
    const bound = new Set([...builder.bound, ...binds.map(({ id }) => id)]);
    const context = { ...builder.context, tools, locals: asBound(builder.context.locals, bound) };
    const held = condition(argument.condition, context);
    if (held !== undefined) predicates.push(held.ir);
  }
  return { label: labelOf(part), tools, binds, predicates };
}

/** What only some of the ways here have bound may be absent. */
function asBound(locals: Context["locals"], bound: ReadonlySet<number>): Context["locals"] {
  return new Map(
    [...locals].map(([name, { id, type }]) => [
      name,
      { id, type: bound.has(id) ? type : optional(type) },
    ]),
  );
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
  if (before !== undefined) {
    if (!sameType(before.type, type)) {
      const message = `\`${argument.as.text}\` is ${spell(before.type)} already, and this is ${spell(type)}`;
      around.report("E204", argument.span, message, "give it another name");
    }
    return before.id;
  }
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
  // Two limits of one counter are about one number.
  const made = counters.all.findIndex((one) => one.name === name);
  if (made >= 0) return made;
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
