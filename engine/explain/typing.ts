/**
 * Types of IR expressions, which IR leaves out where deciding does not need them: so that values are shown
 * as the language writes them, and made of the right kind. Pure.
 */
import { BUILTINS } from "../../lang/builtins.ts";
import { type Context, elementOf } from "../../lang/context.ts";
import type { Expr, Program } from "../../lang/ir.ts";
import { ROOTS, rootAttribute, rootFields } from "../../lang/roots.ts";
import { stateContext } from "../../lang/state.ts";
import { present, type Type } from "../../lang/type.ts";
import type { Vocabulary } from "../../lang/vocabulary.ts";
import { childrenOf } from "./walk.ts";

/** The type of an expression's value where it is there; `undefined` where it cannot be told. */
export type TypeOf = (expr: Expr) => Type | undefined;

/** What a request narrows: arguments and attributes of one name may have several types. */
export interface Narrowing {
  readonly tool?: number;
  readonly resource?: string;
}

export function typing(program: Program, narrowing: Narrowing = {}): TypeOf {
  const context = contextOf(program, narrowing);
  const locals = localsOf(program);
  return typingWith({ program, context, locals, params: new Map(), calls: new Map() });
}

function typingWith(around: Omit<Around, "typeOf">): TypeOf {
  const known = new Map<Expr, Type | undefined>();
  const typeOf: TypeOf = (expr) => {
    if (!known.has(expr)) {
      // Set first: what would be made of itself has no type.
      known.set(expr, undefined);
      known.set(expr, infer(expr, { ...around, typeOf }));
    }
    return known.get(expr);
  };
  return typeOf;
}

/** The checker's own view of what a request brings, made of a program instead of a text. */
export function contextOf(program: Program, { tool, resource }: Narrowing = {}): Context {
  const { agent, principal, session, environment } = program;
  const vocabulary: Vocabulary = {
    levels: new Map(program.levels.map((level) => [level.name, level])),
    purposes: new Set(program.purposes),
    labels: new Set(program.labels),
    aliases: new Map(),
    tools: [...program.tools],
    wires: new Map(),
    toolIndex: new Map(program.tools.map(({ name }, index) => [name, index])),
    resources: new Map(program.resources.map((declared) => [declared.name, declared])),
    attributes: {
      agent: [...agent],
      principal: [...principal],
      session: [...session],
      environment: [...environment],
    },
    tasks: new Set(program.tasks.map(({ name }) => name)),
    places: new Map(),
  };
  const context = stateContext({
    vocabulary,
    functions: new Map(),
    modules: new Map(),
    counters: new Map(),
    latches: new Map(),
    keys: new Map(),
    report: () => {},
    check: () => undefined,
    place: () => 0,
    fresh: () => 0,
  });
  return {
    ...context,
    reads: "everything",
    ...(tool === undefined ? {} : { tools: [tool] }),
    ...(resource === undefined ? {} : { known: { ...context.known, resources: [resource] } }),
  };
}

/** What a local id stands for: the same everywhere, since no two declarations share one. */
type Local =
  /** One of these, all of one type: a parameter is what each call gives it. */
  | { readonly kind: "value"; readonly of: readonly Expr[] }
  | { readonly kind: "element"; readonly of: Expr }
  | { readonly kind: "argument"; readonly tools: readonly number[]; readonly name: string };

function localsOf(program: Program): ReadonlyMap<number, Local> {
  const locals = new Map<number, Local>();
  const visit = (expr: Expr): void => {
    if (expr.kind === "quantifier" || expr.kind === "aggregate") {
      locals.set(expr.id, { kind: "element", of: expr.over });
    }
    if (expr.kind === "call") {
      for (const [at, id] of (program.functions[expr.function]?.params ?? []).entries()) {
        const given = expr.args[at];
        const known = locals.get(id);
        const before = known?.kind === "value" ? known.of : [];
        if (given !== undefined) locals.set(id, { kind: "value", of: [...before, given] });
      }
    }
    for (const child of childrenOf(expr)) visit(child);
  };
  for (const rule of program.rules) {
    for (const { id, value } of rule.lets) locals.set(id, { kind: "value", of: [value] });
  }
  for (const step of program.tasks.flatMap(({ sequence }) => sequence?.positions ?? [])) {
    for (const { argument, id } of step.binds) {
      locals.set(id, { kind: "argument", tools: step.tools, name: argument });
    }
  }
  for (const expr of expressionsOf(program)) visit(expr);
  return locals;
}

/** Every expression that stands by itself. */
export function expressionsOf(program: Program): readonly Expr[] {
  const { rules, nevers, counters, latches, tasks, functions } = program;
  const wheres = [...counters, ...latches].flatMap(({ calls, per }) => [
    ...(calls.where === undefined ? [] : [calls.where]),
    ...per,
  ]);
  return [
    ...rules.flatMap(({ lets, conditions, approval }) => [
      ...lets.map(({ value }) => value),
      ...conditions,
      ...(approval?.approver.kind === "party" ? [approval.approver.party] : []),
    ]),
    ...nevers.map(({ condition }) => condition),
    ...wheres,
    ...counters.flatMap(({ of }) => (of === undefined ? [] : [of])),
    ...latches.flatMap(({ reset }) => (reset?.where === undefined ? [] : [reset.where])),
    ...tasks.flatMap(({ sequence }) =>
      (sequence?.positions ?? []).flatMap(({ predicates }) => predicates),
    ),
    ...functions.map(({ body }) => body),
  ];
}

interface Around {
  readonly program: Program;
  readonly context: Context;
  readonly locals: ReadonlyMap<number, Local>;
  /** Of the call at hand: its type is of what it is given, whatever other calls give. */
  readonly params: ReadonlyMap<number, Type | undefined>;
  /** By function and types of what it is given: the body may call others many times over. */
  readonly calls: Map<string, Type | undefined>;
  readonly typeOf: TypeOf;
}

const BOOL: Type = { kind: "Bool" };

function infer(expr: Expr, around: Around): Type | undefined {
  const type = inferred(expr, around);
  return type === undefined ? undefined : present(type);
}

function inferred(expr: Expr, around: Around): Type | undefined {
  const { program, typeOf, locals } = around;
  switch (expr.kind) {
    case "const":
      return expr.type;
    case "root":
      return { kind: "Record", open: true, fields: [...rootFields(expr.name, around.context)] };
    case "local": {
      if (around.params.has(expr.id)) return around.params.get(expr.id);
      const local = locals.get(expr.id);
      if (local === undefined) return undefined;
      if (local.kind === "argument") return argumentOf(local.tools, local.name, program);
      if (local.kind === "value") return firstKnown(local.of, typeOf);
      const type = typeOf(local.of);
      return type === undefined ? type : elementOf(type);
    }
    case "attribute":
      return attributeOf(expr, around);
    case "index": {
      const of = typeOf(expr.of);
      return of?.kind === "List" || of?.kind === "Map" ? of.of : undefined;
    }
    case "coalesce":
      return typeOf(expr.left) ?? typeOf(expr.right);
    case "if":
      return typeOf(expr.then) ?? typeOf(expr.else);
    case "arithmetic":
      return { kind: expr.number };
    case "decimal":
      return { kind: "Decimal" };
    case "negate":
      return typeOf(expr.of);
    case "aggregate":
      return aggregateOf(expr, around);
    case "list": {
      const of = firstKnown(expr.items, typeOf);
      return of === undefined ? undefined : { kind: expr.as, of };
    }
    case "record":
      return {
        kind: "Record",
        open: false,
        fields: expr.fields.map(({ name, value }) => ({
          name,
          type: typeOf(value) ?? { kind: "Any" },
        })),
      };
    case "builtin": {
      const types = expr.args.map((arg) => typeOf(arg) ?? { kind: "Any" as const });
      const result = BUILTINS.get(expr.name)?.result(types);
      return result !== undefined && "kind" in result ? result : undefined;
    }
    case "call":
      return calledOf(expr, around);
    case "module":
      return program.modules[expr.module]?.type;
    case "counter":
      return { kind: program.counters[expr.counter]?.type ?? "Int" };
    case "origin":
      return { kind: "Set", of: { kind: "Label" } };
    default:
      return BOOL;
  }
}

/** An empty list says nothing of its elements: another of the same type may. */
function firstKnown(exprs: readonly Expr[], typeOf: TypeOf): Type | undefined {
  for (const expr of exprs) {
    const type = typeOf(expr);
    if (type !== undefined) return type;
  }
  return undefined;
}

function calledOf(expr: Extract<Expr, { kind: "call" }>, around: Around): Type | undefined {
  const { program, calls, typeOf } = around;
  const called = program.functions[expr.function];
  if (called === undefined) return undefined;
  const given = expr.args.map(typeOf);
  const name = JSON.stringify([expr.function, given]);
  if (!calls.has(name)) {
    const params = new Map(called.params.map((id, at) => [id, given[at]]));
    calls.set(name, typingWith({ ...around, params })(called.body));
  }
  return calls.get(name);
}

function attributeOf(
  expr: Extract<Expr, { kind: "attribute" }>,
  { context, typeOf }: Around,
): Type | undefined {
  if (expr.of.kind === "root" && ROOTS.includes(expr.of.name)) {
    const looked = rootAttribute(expr.of.name, expr.name, context);
    return "found" in looked ? looked.found : undefined;
  }
  const of = typeOf(expr.of);
  if (of?.kind === "Record") return of.fields.find(({ name }) => name === expr.name)?.type;
  if (of?.kind === "Party") return expr.name === "kind" ? { kind: "Kind" } : { kind: "String" };
  return undefined;
}

function argumentOf(tools: readonly number[], name: string, program: Program): Type | undefined {
  for (const index of tools) {
    const field = program.tools[index]?.args.find((candidate) => candidate.name === name);
    if (field !== undefined) return field.type;
  }
  return undefined;
}

function aggregateOf(
  expr: Extract<Expr, { kind: "aggregate" }>,
  { typeOf }: Around,
): Type | undefined {
  if (expr.op === "count") return { kind: "Int" };
  if (expr.op === "sum" && expr.number !== undefined) return { kind: expr.number };
  const over = typeOf(expr.over);
  const element =
    expr.body === undefined ? over && elementOf(over) : (typeOf(expr.body) ?? undefined);
  if (element === undefined) return undefined;
  if (expr.op === "list") return { kind: "List", of: element };
  return expr.op === "set" ? { kind: "Set", of: element } : element;
}
