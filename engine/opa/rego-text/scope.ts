/** What is known where an expression stands: which values are there for certain, and of which type. */
import { BUILTINS } from "../../../lang/builtins.ts";
import type { Expr, Guard, Program } from "../../../lang/ir.ts";
import type { Field, Type } from "../../../lang/type.ts";
import { childrenOf } from "../../explain/walk.ts";
import { resourceFields } from "../../resource-fields.ts";
import { rootFields } from "./request.ts";

export interface Local {
  /** What stands for it in the text. */
  readonly text: string;
  /** It cannot be unknown. */
  readonly known: boolean;
  readonly type: Type | undefined;
}

export interface Scope {
  readonly locals: ReadonlyMap<number, Local>;
  /** Variables of Rego that rules beside this one are given. */
  readonly variables: readonly string[];
  /** Paths that are there: `args.note`. */
  readonly facts: ReadonlySet<string>;
  readonly guard: Guard;
}

/** Where nothing is known yet but what a guard says. */
export function scopeUnder(guard: Guard): Scope {
  return { locals: new Map(), variables: [], facts: new Set(), guard };
}

/** Where any request may come. */
export const ANYWHERE: Scope = scopeUnder({});

/** Kinds whose truth and falsehood are written apart. */
const CONDITIONS: ReadonlySet<Expr["kind"]> = new Set([
  "not",
  "and",
  "or",
  "equal",
  "less",
  "in",
  "subset",
  "has",
  "quantifier",
]);

export function isCondition(expr: Expr): boolean {
  return CONDITIONS.has(expr.kind);
}

/** The scope behind a condition that came out so. */
export function factsOf(condition: Expr, came: boolean, scope: Scope): Scope {
  const found = presentIn(condition, came);
  return found.length === 0 ? scope : { ...scope, facts: new Set([...scope.facts, ...found]) };
}

function presentIn(condition: Expr, came: boolean): readonly string[] {
  switch (condition.kind) {
    case "not":
      return presentIn(condition.operand, !came);
    case "and":
    case "or":
      return (condition.kind === "and") === came
        ? [...presentIn(condition.left, came), ...presentIn(condition.right, came)]
        : [];
    case "has":
      return came ? prefixesOf(condition.of) : [];
    default:
      return [];
  }
}

/** A path and what it is of. */
function prefixesOf(expr: Expr): readonly string[] {
  const path = pathOf(expr);
  if (path === undefined) return [];
  return expr.kind === "attribute" ? [path, ...prefixesOf(expr.of)] : [path];
}

function pathOf(expr: Expr): string | undefined {
  if (expr.kind === "root") return expr.name;
  if (expr.kind === "local") return `#${expr.id}`;
  const of = expr.kind === "attribute" ? pathOf(expr.of) : undefined;
  return of === undefined || expr.kind !== "attribute" ? undefined : `${of}.${expr.name}`;
}

export function withLocal(
  scope: Scope,
  expr: Extract<Expr, { kind: "quantifier" | "aggregate" }>,
  variable: string,
  certainty: Certainty,
): Scope {
  const over = certainty.typeOf(expr.over, scope);
  const type = over?.kind === "List" || over?.kind === "Set" ? over.of : undefined;
  const local: Local = { text: variable, known: true, type };
  return {
    ...scope,
    locals: new Map(scope.locals).set(expr.id, local),
    variables: [...scope.variables, variable],
  };
}

/** Builtins that may be unknown though their arguments are there. */
const FAILING: ReadonlySet<string> = new Set(["sum", "min", "max", "zip"]);

export class Certainty {
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  /** Whether it always has a value. Wrong only to say no: that makes the text longer and not false. */
  isKnown(expr: Expr | undefined, scope: Scope): boolean {
    if (expr === undefined) return true;
    const known = (child: Expr): boolean => this.isKnown(child, scope);
    switch (expr.kind) {
      case "const":
      case "has":
        return true;
      case "root":
        return this.#isRootKnown(expr.name, scope);
      case "local":
        return scope.locals.get(expr.id)?.known === true;
      case "attribute":
        return this.#isAttributeKnown(expr, scope);
      case "coalesce":
        return known(expr.left) || known(expr.right);
      case "and":
      case "or":
        return (
          known(expr.left) &&
          this.isKnown(expr.right, factsOf(expr.left, expr.kind === "and", scope))
        );
      case "quantifier":
        return known(expr.over) && this.isKnown(expr.body, this.#inside(expr, scope));
      case "aggregate":
        return ["count", "list", "set"].includes(expr.op) && known(expr.over)
          ? this.isKnown(expr.where, this.#inside(expr, scope)) &&
              this.isKnown(expr.body, this.#inside(expr, scope))
          : false;
      case "builtin":
        return !FAILING.has(expr.name) && expr.args.every(known);
      case "index":
      case "arithmetic":
      case "decimal":
      case "call":
      case "module":
      case "counter":
      case "latch":
      case "origin":
        return false;
      default:
        return childrenOf(expr).every(known);
    }
  }

  #inside(expr: Extract<Expr, { kind: "quantifier" | "aggregate" }>, scope: Scope): Scope {
    return withLocal(scope, expr, "", this);
  }

  #isRootKnown(name: string, { facts, guard }: Scope): boolean {
    switch (name) {
      case "principal":
        return (
          facts.has(name) ||
          guard.principalGroups !== undefined ||
          guard.principalKinds !== undefined
        );
      case "resource":
        return facts.has(name) || guard.resources !== undefined;
      case "session":
        return facts.has(name);
      default:
        return true;
    }
  }

  #isAttributeKnown(expr: Extract<Expr, { kind: "attribute" }>, scope: Scope): boolean {
    const path = pathOf(expr);
    if (path !== undefined && scope.facts.has(path)) return true;
    if (!this.isKnown(expr.of, scope)) return false;
    const type = this.typeOf(expr, scope);
    return type !== undefined && type.kind !== "Optional";
  }

  /** Whether absence is all that can keep it from having a value. */
  isOnlyAbsent(expr: Expr): boolean {
    switch (expr.kind) {
      case "arithmetic":
      case "decimal":
      case "module":
      case "counter":
      case "latch":
      case "origin":
        return false;
      case "aggregate":
        return expr.op !== "sum" && childrenOf(expr).every((child) => this.isOnlyAbsent(child));
      case "builtin":
        return (
          expr.name !== "sum" &&
          expr.name !== "zip" &&
          expr.args.every((arg) => this.isOnlyAbsent(arg))
        );
      case "call": {
        const body = this.#program.functions[expr.function]?.body;
        return (
          body !== undefined &&
          this.isOnlyAbsent(body) &&
          expr.args.every((arg) => this.isOnlyAbsent(arg))
        );
      }
      default:
        return childrenOf(expr).every((child) => this.isOnlyAbsent(child));
    }
  }

  /** The declared type, `Optional` included; `undefined` where it is not clear from declarations. */
  typeOf(expr: Expr, scope: Scope): Type | undefined {
    switch (expr.kind) {
      case "const":
        return expr.type;
      case "local":
        return scope.locals.get(expr.id)?.type;
      case "attribute":
        return expr.of.kind === "root"
          ? this.#rootAttribute(expr.of.name, expr.name, scope)
          : fieldOf(this.#solid(expr.of, scope), expr.name);
      case "index": {
        const of = this.#solid(expr.of, scope);
        return of?.kind === "List" || of?.kind === "Map"
          ? { kind: "Optional", of: of.of }
          : undefined;
      }
      case "builtin": {
        const args = expr.args.map((arg) => this.#solid(arg, scope));
        if (args.some((arg) => arg === undefined)) return undefined;
        const result = BUILTINS.get(expr.name)?.result(args as readonly Type[]);
        return result !== undefined && "kind" in result ? result : undefined;
      }
      default:
        return undefined;
    }
  }

  #solid(expr: Expr, scope: Scope): Type | undefined {
    const type = this.typeOf(expr, scope);
    return type?.kind === "Optional" ? type.of : type;
  }

  #rootAttribute(root: string, name: string, scope: Scope): Type | undefined {
    const program = this.#program;
    if (root === "args") {
      const tools = scope.guard.tools ?? program.tools.map((_, at) => at);
      return sharedType(
        tools.map((at) => program.tools[at]?.args ?? []),
        name,
      );
    }
    if (root === "resource") {
      if (name === "id" || name === "type") return { kind: "String" };
      const wanted = scope.guard.resources;
      const types = program.resources.filter((one) => wanted?.includes(one.name) ?? true);
      return sharedType(
        types.map((one) => resourceFields(program, one.attributes)),
        name,
      );
    }
    const declared = { ...rootFields(program), ...BUILT_IN }[root];
    const field = declared?.find((one) => one.name === name);
    return field?.type ?? IDS[`${root}.${name}`];
  }
}

const STRING: Type = { kind: "String" };
const IDS: Readonly<Record<string, Type>> = {
  "agent.id": STRING,
  "principal.id": STRING,
  "session.id": STRING,
  "agent.trust": { kind: "Decimal" },
};

const BUILT_IN: Readonly<Record<string, readonly Field[]>> = {
  tool: [
    { name: "name", type: STRING },
    { name: "effect", type: { kind: "Effect" } },
    { name: "server", type: { kind: "Optional", of: STRING } },
    { name: "digest", type: { kind: "Optional", of: STRING } },
  ],
  intent: [
    { name: "source", type: { kind: "Source" } },
    { name: "purpose", type: { kind: "Optional", of: { kind: "Purpose" } } },
    { name: "plan", type: { kind: "Optional", of: { kind: "Map", of: { kind: "Int" } } } },
  ],
  delegation: [
    { name: "depth", type: { kind: "Int" } },
    { name: "verified", type: { kind: "Bool" } },
    { name: "scope", type: { kind: "Set", of: STRING } },
    {
      name: "root",
      type: {
        kind: "Record",
        open: false,
        fields: [
          { name: "id", type: STRING },
          { name: "kind", type: { kind: "Kind" } },
        ],
      },
    },
  ],
};

/** There for certain only where each declares it, and not as optional. */
function sharedType(declared: readonly (readonly Field[])[], name: string): Type | undefined {
  const types = declared.map((fields) => fields.find((field) => field.name === name)?.type);
  const found = types.find((type) => type !== undefined);
  if (found === undefined) return undefined;
  const always = types.every((type) => type !== undefined && type.kind !== "Optional");
  return always || found.kind === "Optional" ? found : { kind: "Optional", of: found };
}

function fieldOf(of: Type | undefined, name: string): Type | undefined {
  if (of?.kind === "Party") return name === "id" ? STRING : undefined;
  return of?.kind === "Record" ? of.fields.find((field) => field.name === name)?.type : undefined;
}
