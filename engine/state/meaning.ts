/**
 * What a declaration means, as a short name that is the same under every policy that says the same (SPEC §7.1):
 * tools by name, locals by where they first appear, functions by what they do, and no places. State is
 * found by it, so a declaration that kept its meaning keeps what it remembers.
 */
import { createHash } from "node:crypto";
import type { CounterDecl, Expr, LatchDecl, Program, SequenceDecl } from "../../lang/ir.ts";
import type { Type } from "../../lang/type.ts";
import { canonicalJson } from "../canonical-json.ts";
import { type TypeOf, typing } from "../explain/typing.ts";

export function meaningOf(declared: CounterDecl | LatchDecl, program: Program): string {
  const scope = scopeOf(program);
  const types = keptIn(declared).map((expr) => typeOf(expr, declared, program) ?? program.levels);
  return digest([said(declared, scope), said(types, scope)]);
}

/** Keys, and what is told apart: its values are kept as they are, and a position in a level is another one in another. */
function keptIn(declared: CounterDecl | LatchDecl): readonly Expr[] {
  const isDistinct = "op" in declared && declared.op === "distinct" && declared.of !== undefined;
  return isDistinct ? [...declared.per, declared.of] : declared.per;
}

const typings = new WeakMap<Program, TypeOf>();

/** `undefined` where it cannot be told: then it may be of any level. */
function typeOf(
  expr: Expr,
  { calls }: CounterDecl | LatchDecl,
  program: Program,
): Type | undefined {
  if (expr.kind === "attribute" && expr.of.kind === "root" && expr.of.name === "args") {
    // The same of all tools that it counts.
    const tool = program.tools[calls.tools?.[0] ?? 0];
    return tool?.args.find(({ name }) => name === expr.name)?.type;
  }
  const known = typings.get(program) ?? typing(program);
  typings.set(program, known);
  return known(expr);
}

/**
 * A task without a sequence is told apart from every one with. With the arguments of its tools, since steps bind
 * them: a number is another one under another type.
 */
export function sequenceMeaning(sequence: SequenceDecl | undefined, program: Program): string {
  const scope = scopeOf(program);
  const named = new Set(
    namesOf(sequence?.positions.flatMap((position) => position.tools) ?? [], program),
  );
  const args = [...named].map((name) => [
    name,
    said(program.tools.find((tool) => tool.name === name)?.args, scope),
  ]);
  return digest([said(sequence ?? null, scope), args]);
}

/** 128 bits: whoever could find two declarations of one name writes both of them. */
function digest(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("base64url").slice(0, 22);
}

interface Scope {
  readonly program: Program;
  /** Local id → number in order of appearance. */
  readonly locals: Map<number, number>;
  /** What functions do, by index: those that call one another twice each would be walked for ever. */
  readonly functions: Map<number, string>;
}

function scopeOf(program: Program, functions = new Map<number, string>()): Scope {
  return { program, locals: new Map(), functions };
}

/** Members that say where something stands or how people call it. */
const UNSAID = new Set(["at", "label"]);

function said(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((item) => said(item, scope));
  if (typeof value !== "object" || value === null) return value;
  const node = value as Readonly<Record<string, unknown>>;
  switch (node.kind) {
    case "const":
      // Its value is the author's: no members of it are nodes, whatever they are called.
      return { kind: node.kind, type: said(node.type, scope), value: node.value };
    case "call":
      return { ...saidMembers(node, scope, "function"), function: functionOf(node, scope) };
    case "module":
      return said(scope.program.modules[Number(node.module)], scope);
    case "Level":
      return { kind: node.kind, values: levelOf(node, scope) };
    case "local":
    case "quantifier":
    case "aggregate":
      return saidMembers(node, scope, "name");
    default:
      return saidMembers(node, scope);
  }
}

function saidMembers(
  node: Readonly<Record<string, unknown>>,
  scope: Scope,
  unsaid?: string,
): Readonly<Record<string, unknown>> {
  const members = Object.entries(node).flatMap(([name, item]): [string, unknown][] => {
    if (UNSAID.has(name) || name === unsaid) return [];
    if (name === "id" && typeof item === "number") return [[name, localNumber(item, scope)]];
    if (name === "tools") return [[name, toolNames(item, scope)]];
    return [[name, said(item, scope)]];
  });
  return Object.fromEntries(members);
}

function functionOf(node: Readonly<Record<string, unknown>>, scope: Scope): string {
  const { program, functions } = scope;
  const index = Number(node.function);
  const called = program.functions[index];
  if (called === undefined) throw new Error("a declaration calls no function of its policy");
  const own = scopeOf(program, functions);
  const params = called.params.map((id) => localNumber(id, own));
  const meaning = functions.get(index) ?? digest({ params, body: said(called.body, own) });
  functions.set(index, meaning);
  return meaning;
}

function levelOf({ name }: Readonly<Record<string, unknown>>, { program }: Scope): unknown {
  return program.levels.find((level) => level.name === name)?.values ?? name;
}

function localNumber(id: number, { locals }: Scope): number {
  const known = locals.get(id) ?? locals.size;
  locals.set(id, known);
  return known;
}

function toolNames(tools: unknown, { program }: Scope): unknown {
  return Array.isArray(tools) ? namesOf(tools, program) : tools;
}

/** In an order of their own: what a policy declares in another order means the same. */
function namesOf(tools: readonly number[], program: Program): readonly string[] {
  return tools.map((index) => program.tools[index]?.name ?? "").sort();
}
