/**
 * Evaluates what `syntax.ts` reads, by trying every way to fill the variables in. For the small policies that
 * OPA's cases of builtins stand in: nothing is indexed, statements hold in the order they are written in, and a
 * variable that is used before it has a value is `Unread`.
 */
import {
  compareRego,
  equalRego,
  isRegoArray,
  type Rego,
  RegoObject,
  RegoSet,
  wholeNumber,
} from "../../../engine/opa/rego.ts";
import {
  type Comprehension,
  type Module,
  type Rule,
  type Statement,
  type Term,
  Unread,
} from "./syntax.ts";

/** Values of variables. */
export type Bindings = ReadonlyMap<string, Rego>;

export interface World {
  readonly modules: readonly Module[];
  readonly data: Rego;
  readonly input: Rego | undefined;
  /** `undefined` where the result is undefined; throws `Unread` where there is no such builtin. */
  readonly call: (name: string, args: readonly Rego[]) => Rego | undefined;
}

/** Every way in which the query holds. */
export function answersTo(query: readonly Statement[], world: World): readonly Bindings[] {
  return [...new Evaluator(world).statements(query, { path: [], known: new Map() })];
}

/** Where a name is looked up: variables, then rules of the package. */
interface Scope {
  readonly path: readonly string[];
  readonly known: Bindings;
}

class Evaluator {
  readonly #world: World;
  readonly #values = new Map<Rule, readonly Rego[]>();

  constructor(world: World) {
    this.#world = world;
  }

  *statements(body: readonly Statement[], { path, known }: Scope): Generator<Bindings> {
    const [first, ...rest] = body;
    if (first === undefined) {
      yield known;
      return;
    }
    for (const then of this.#statement(first, { path, known })) {
      yield* this.statements(rest, { path, known: then });
    }
  }

  *#statement(statement: Statement, scope: Scope): Generator<Bindings> {
    const { isNegated, left, right } = statement;
    if (isNegated) {
      const [one] = this.#statement({ ...statement, isNegated: false }, scope);
      if (one === undefined) yield scope.known;
    } else if (left !== undefined) yield* this.#unified(left, right, scope);
    else if (right.kind === "call") yield* this.#called(right, scope);
    else for (const [value, known] of this.#term(right, scope)) if (value !== false) yield known;
  }

  *#unified(left: Term, right: Term, scope: Scope): Generator<Bindings> {
    const [pattern, term] = this.#isOpen(left, scope) ? [left, right] : [right, left];
    for (const [value, known] of this.#term(term, scope)) {
      yield* this.#matched(pattern, value, { ...scope, known });
    }
  }

  /** A builtin may be given the variable for its result as a last argument. */
  *#called(call: Term & { kind: "call" }, scope: Scope): Generator<Bindings> {
    const last = call.args.at(-1);
    if (last !== undefined && this.#isOpen(last, scope)) {
      yield* this.#unified(last, { ...call, args: call.args.slice(0, -1) }, scope);
      return;
    }
    for (const [value, known] of this.#term(call, scope)) if (value !== false) yield known;
  }

  /** Whether it holds variables without a value. */
  #isOpen(term: Term, scope: Scope): boolean {
    if (term.kind === "name") return term.name === "_" || !this.#isKnown(term.name, scope);
    if (term.kind === "array") return term.items.some((item) => this.#isOpen(item, scope));
    return false;
  }

  #isKnown(name: string, { path, known }: Scope): boolean {
    return (
      known.has(name) ||
      ["input", "data"].includes(name) ||
      this.#rulesAt([...path, name]).length > 0
    );
  }

  *#matched(pattern: Term, value: Rego, scope: Scope): Generator<Bindings> {
    const { known } = scope;
    if (!this.#isOpen(pattern, scope)) {
      for (const [other, then] of this.#term(pattern, scope))
        if (equalRego(other, value)) yield then;
    } else if (pattern.kind === "name") {
      yield pattern.name === "_" ? known : new Map([...known, [pattern.name, value]]);
    } else if (
      pattern.kind === "array" &&
      isRegoArray(value) &&
      value.length === pattern.items.length
    ) {
      yield* this.#matchedAll(pattern.items, value, scope);
    }
  }

  *#matchedAll(
    patterns: readonly Term[],
    values: readonly Rego[],
    scope: Scope,
  ): Generator<Bindings> {
    const [pattern, ...rest] = patterns;
    const [value, ...others] = values;
    if (pattern === undefined || value === undefined) yield scope.known;
    else {
      for (const known of this.#matched(pattern, value, scope)) {
        yield* this.#matchedAll(rest, others, { ...scope, known });
      }
    }
  }

  *#term(term: Term, scope: Scope): Generator<readonly [Rego, Bindings]> {
    const { known } = scope;
    switch (term.kind) {
      case "value":
        yield [term.value, known];
        return;
      case "name":
      case "ref":
        yield* this.#ref(term, scope);
        return;
      case "array":
        for (const [items, then] of this.#all(term.items, scope)) yield [items, then];
        return;
      case "set":
        for (const [items, then] of this.#all(term.items, scope)) yield [new RegoSet(items), then];
        return;
      case "object":
        for (const [items, then] of this.#all(term.entries.flat(), scope)) {
          yield [new RegoObject(pairsOf(items)), then];
        }
        return;
      case "comprehension":
        yield [this.#gathered(term, scope), known];
        return;
      default:
        yield* this.#applied(term, scope);
    }
  }

  *#applied(
    term: Term & { kind: "call" | "operator" },
    scope: Scope,
  ): Generator<readonly [Rego, Bindings]> {
    const operands = term.kind === "call" ? term.args : [term.left, term.right];
    for (const [args, known] of this.#all(operands, scope)) {
      const values =
        term.kind === "call" ? this.#call(term.name, args, scope) : [operated(term.sign, args)];
      for (const value of values) if (value !== undefined) yield [value, known];
    }
  }

  #call(name: string, args: readonly Rego[], scope: Scope): readonly (Rego | undefined)[] {
    const path = [...scope.path, name];
    const functions = this.#rulesAt(path);
    if (functions.length === 0) return [this.#world.call(name, args)];
    return functions.flatMap((rule) => {
      const own: Scope = { path: scope.path, known: new Map() };
      const entered = [...this.#matchedAll(rule.args ?? [], args, own)];
      return entered.flatMap((known) => this.#valuesOf(rule, { ...own, known }));
    });
  }

  *#all(terms: readonly Term[], scope: Scope): Generator<readonly [readonly Rego[], Bindings]> {
    const [first, ...rest] = terms;
    if (first === undefined) {
      yield [[], scope.known];
      return;
    }
    for (const [value, known] of this.#term(first, scope)) {
      for (const [values, then] of this.#all(rest, { ...scope, known }))
        yield [[value, ...values], then];
    }
  }

  #gathered({ of, key, term, body }: Comprehension, scope: Scope): Rego {
    const holds = [...this.statements(body, scope)];
    const all = holds.flatMap((known) => {
      const parts = key === undefined ? [term] : [key, term];
      return [...this.#all(parts, { ...scope, known })].map(([values]) => values);
    });
    if (of === "object") return new RegoObject(pairsOf(all.flat()));
    return of === "set" ? new RegoSet(all.flat()) : all.flat();
  }

  *#ref(term: Term & { kind: "name" | "ref" }, scope: Scope): Generator<readonly [Rego, Bindings]> {
    const { root, steps } = term.kind === "ref" ? term : { root: term, steps: [] };
    if (root.kind !== "name") {
      for (const [value, known] of this.#term(root, scope))
        yield* this.#stepped(value, steps, { ...scope, known });
      return;
    }
    const { known } = scope;
    const value = root.name === "input" ? this.#world.input : known.get(root.name);
    if (value !== undefined) yield* this.#stepped(value, steps, scope);
    else if (root.name === "data") yield* this.#document([], steps, scope);
    else if (this.#isKnown(root.name, scope))
      yield* this.#document([...scope.path, root.name], steps, scope);
    else throw new Unread(`\`${root.name}\` has no value yet`);
  }

  /** Below `data`: what rules give stands beside what is given. */
  *#document(
    path: readonly string[],
    steps: readonly Term[],
    scope: Scope,
  ): Generator<readonly [Rego, Bindings]> {
    const rules = this.#rulesAt(path);
    const [step, ...rest] = steps;
    if (rules.length > 0 || !this.#isPackage(path) || step === undefined) {
      const value = rules.length > 0 ? this.#ruled(rules, path) : this.#whole(path);
      if (value !== undefined) yield* this.#stepped(value, steps, scope);
    } else if (step.kind === "name" && this.#isOpen(step, scope)) {
      for (const name of this.#namesIn(path)) {
        for (const known of this.#matched(step, name, scope)) {
          yield* this.#document([...path, name], rest, { ...scope, known });
        }
      }
    } else {
      for (const [name, known] of this.#term(step, scope)) {
        if (typeof name === "string")
          yield* this.#document([...path, name], rest, { ...scope, known });
      }
    }
  }

  *#stepped(
    value: Rego,
    steps: readonly Term[],
    scope: Scope,
  ): Generator<readonly [Rego, Bindings]> {
    const [step, ...rest] = steps;
    if (step === undefined) {
      yield [value, scope.known];
      return;
    }
    for (const [key, member] of membersOf(value)) {
      for (const known of this.#matched(step, key, scope))
        yield* this.#stepped(member, rest, { ...scope, known });
    }
  }

  /** Rules and what is given, of a package and all below it. */
  #whole(path: readonly string[]): Rego | undefined {
    if (!this.#isPackage(path)) return this.#givenAt(path);
    const members = this.#namesIn(path).map((name) => {
      const below = [...path, name];
      const rules = this.#rulesAt(below);
      return [name, rules.length > 0 ? this.#ruled(rules, below) : this.#whole(below)] as const;
    });
    return new RegoObject(
      members.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
  }

  #namesIn(path: readonly string[]): readonly string[] {
    const { modules } = this.#world;
    const own = modules
      .filter((one) => isAt(one.path, path))
      .flatMap(({ rules }) => rules.map(({ name }) => name));
    const below = modules.flatMap((one) =>
      startsWith(one.path, path) ? (one.path[path.length] ?? []) : [],
    );
    const given = this.#givenAt(path);
    const names = given === undefined ? [] : membersOf(given).map(([name]) => String(name));
    return [...new Set([...own, ...below, ...names])];
  }

  #givenAt(path: readonly string[]): Rego | undefined {
    return path.reduce<Rego | undefined>(
      (inside, name) => (inside instanceof RegoObject ? inside.get(name) : undefined),
      this.#world.data,
    );
  }

  #isPackage(path: readonly string[]): boolean {
    return this.#world.modules.some((one) => startsWith(one.path, path));
  }

  #rulesAt(path: readonly string[]): readonly Rule[] {
    const name = path.at(-1);
    return this.#world.modules
      .filter((one) => isAt(one.path, path.slice(0, -1)))
      .flatMap(({ rules }) => rules.filter((rule) => rule.name === name));
  }

  /** What all rules of a name come to; functions are no documents. */
  #ruled(rules: readonly Rule[], path: readonly string[]): Rego | undefined {
    if (rules.some(({ args }) => args !== undefined)) return undefined;
    const scope: Scope = { path: path.slice(0, -1), known: new Map() };
    const values = rules.flatMap((rule) => {
      const found = this.#values.get(rule) ?? this.#valuesOf(rule, scope);
      this.#values.set(rule, found);
      return found;
    });
    const [first] = rules;
    if (first?.isElement === true) return new RegoSet(values);
    if (first?.key !== undefined) return new RegoObject(pairsOf(values.flat() as readonly Rego[]));
    return values[0];
  }

  /** Of a partial object, pairs. */
  #valuesOf({ key, value, body }: Rule, scope: Scope): readonly Rego[] {
    return [...this.statements(body, scope)].flatMap((known) => {
      const parts = key === undefined ? [value] : [key, value];
      const found = [...this.#all(parts, { ...scope, known })];
      return found.flatMap(([values]) => (key === undefined ? values : [values]));
    });
  }
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((name, index) => path[index] === name);
}

function isAt(path: readonly string[], other: readonly string[]): boolean {
  return path.length === other.length && startsWith(path, other);
}

function pairsOf(flat: readonly Rego[]): readonly (readonly [Rego, Rego])[] {
  return flat.flatMap((key, index) => {
    const value = flat[index + 1];
    return index % 2 === 0 && value !== undefined ? [[key, value] as const] : [];
  });
}

function membersOf(value: Rego): readonly (readonly [Rego, Rego])[] {
  if (isRegoArray(value)) return value.map((item, index) => [index, item]);
  if (value instanceof RegoSet) return value.sorted().map((item) => [item, item]);
  return value instanceof RegoObject ? value.sorted() : [];
}

function operated(sign: string, [left, right]: readonly Rego[]): Rego | undefined {
  if (left === undefined || right === undefined) return undefined;
  const order = compareRego(left, right);
  switch (sign) {
    case "==":
      return equalRego(left, right);
    case "!=":
      return !equalRego(left, right);
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      return calculated(sign, left, right);
  }
}

/** Exact for whole numbers of any size, as in OPA; fractions are doubles. */
function calculated(sign: string, left: Rego, right: Rego): Rego | undefined {
  const isWhole = (value: Rego) => typeof value === "bigint" || Number.isInteger(value);
  if (isWhole(left) && isWhole(right)) {
    const [a, b] = [BigInt(left as number), BigInt(right as number)];
    if (sign === "+") return wholeNumber(a + b);
    if (sign === "-") return wholeNumber(a - b);
    if (sign === "*") return wholeNumber(a * b);
    if (sign === "/" && b !== 0n && a % b === 0n) return wholeNumber(a / b);
  }
  if (typeof left !== "number" || typeof right !== "number")
    throw new Unread(`\`${sign}\` of these`);
  if (sign === "+") return left + right;
  if (sign === "-") return left - right;
  if (sign === "*") return left * right;
  throw new Unread(`\`${sign}\` of these`);
}
