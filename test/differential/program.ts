/**
 * Random policies in IR, of the kind the checker lets pass: every node is well typed, and what may be absent
 * is read where its presence was tested, or gives way to another value. Whole roots may still be missing.
 */
import { BUILTINS } from "../../lang/builtins.ts";
import type {
  CallFilter,
  CounterDecl,
  Expr,
  FunctionDecl,
  Guard,
  LatchDecl,
  Program,
  RootName,
  Rule,
  StepDecl,
} from "../../lang/ir.ts";
import { isOrdered, isScalar, type Json, KINDS, spell, type Type } from "../../lang/type.ts";
import type { Random } from "./random.ts";
import {
  ANYTHING,
  ATTRIBUTES,
  BOOL,
  COLOUR,
  DECIMAL,
  GROUPS,
  INT,
  LABELS,
  LEVEL,
  LEVELS,
  LINE,
  PARTY,
  PURPOSES,
  pool,
  RESOURCES,
  ROOT_NAMES,
  STRING,
  TASKS,
  TOOLS,
} from "./world.ts";

const kind = (name: string): Type => ({ kind: name }) as Type;
const list = (of: Type): Type => ({ kind: "List", of });
const set = (of: Type): Type => ({ kind: "Set", of });
const map = (of: Type): Type => ({ kind: "Map", of });

const SCALAR_TYPES: readonly Type[] = [
  BOOL,
  INT,
  DECIMAL,
  STRING,
  LEVEL,
  COLOUR,
  ..."Float Duration Time Ip Cidr Path Url Email Command Purpose Label Effect Kind Source"
    .split(" ")
    .map(kind),
];
const SET_TYPES = [STRING, kind("Label"), kind("Email"), INT, DECIMAL].map(set);
const LIST_TYPES = [INT, DECIMAL, STRING, LINE].map(list);
const MAP_TYPES = [INT, STRING].map(map);
const VALUE_TYPES: readonly Type[] = [
  ...SCALAR_TYPES,
  ...SET_TYPES,
  ...LIST_TYPES,
  ...MAP_TYPES,
  LINE,
  PARTY,
  kind("Any"),
];

/** What `zip` gives. */
const PAIRS = [
  [INT, DECIMAL],
  [STRING, INT],
  [LINE, STRING],
].map((of) => ({
  of,
  over: list({
    kind: "Record",
    open: false,
    fields: of.map((type, at) => ({ name: at === 0 ? "first" : "second", type })),
  }),
}));
const LOOPED_TYPES = [...LIST_TYPES, ...SET_TYPES, ...PAIRS.map(({ over }) => over)];

interface Read {
  readonly root: RootName;
  readonly name: string;
  readonly optional: boolean;
}

/** Attributes by the type they have when they are there. */
const READS = new Map<string, Read[]>();
for (const root of ROOT_NAMES) {
  for (const { name, type } of ATTRIBUTES[root]) {
    const optional = type.kind === "Optional";
    const key = spell(optional ? type.of : type);
    READS.set(key, [...(READS.get(key) ?? []), { root, name, optional }]);
  }
}
const OPTIONAL_READS = [...READS.entries()].flatMap(([key, reads]) =>
  reads.filter((read) => read.optional).map((read) => ({ ...read, key })),
);

/** Calls of builtins by the type of their result. */
const BUILTIN_CALLS = new Map<string, { name: string; args: readonly Type[] }[]>();
for (const builtin of BUILTINS.values()) {
  for (const args of tuples(builtin.arity)) {
    const result = builtin.result(args);
    if (!("kind" in result)) continue;
    const key = spell(result.kind === "Optional" ? result.of : result);
    BUILTIN_CALLS.set(key, [...(BUILTIN_CALLS.get(key) ?? []), { name: builtin.name, args }]);
  }
}

function tuples(arity: number): readonly (readonly Type[])[] {
  if (arity === 0) return [[]];
  return tuples(arity - 1).flatMap((start) => VALUE_TYPES.map((type) => [...start, type]));
}

/** What an expression may use at its place. */
interface Scope {
  readonly locals: readonly { readonly id: number; readonly type: Type; readonly many?: true }[];
  /** Optional attributes known to be there: `root.name`. */
  readonly present: ReadonlySet<string>;
  readonly reads: "everything" | "no state" | "parameters";
  readonly loops: number;
}

const EVERYTHING: Scope = { locals: [], present: new Set(), reads: "everything", loops: 0 };

export interface Shape {
  readonly ruleCount: number;
  readonly depth: number;
}

export function randomProgram(random: Random, shape: Shape): Program {
  return new Generator(random, shape).program();
}

/** Not of this project's usual form, a class: what is generated depends on what was generated before. */
class Generator {
  readonly #random: Random;
  readonly #shape: Shape;
  #placeCount = 0;
  #localCount = 0;
  #functions: (FunctionDecl & { readonly types: readonly Type[]; readonly gives: Type })[] = [];
  #counters: CounterDecl[] = [];
  #latches: LatchDecl[] = [];

  constructor(random: Random, shape: Shape) {
    this.#random = random;
    this.#shape = shape;
  }

  program(): Program {
    const random = this.#random;
    for (let left = random.below(4); left > 0; left--) this.#functions.push(this.#function());
    const counters = Array.from({ length: 3 }, () => this.#counter());
    const latches = Array.from({ length: 2 }, () => this.#latch());
    this.#counters = counters;
    this.#latches = latches;
    const rules = Array.from({ length: this.#shape.ruleCount }, (_, at) => this.#rule(at));
    const nevers = Array.from({ length: random.below(3) }, (_, at) => ({
      name: `never_${at}`,
      package: "random",
      condition: this.#all([this.#bool(EVERYTHING, 2), this.#bool(EVERYTHING, 2), this.#rare()]),
      at: this.#at(),
    }));
    const tasks = TASKS.map((name) => ({
      name,
      sequence: {
        positions: this.#steps(),
        first: [0, 1],
        follow: [[0, 1], [2], [1, 2]],
        last: [1, 2],
        empty: false,
      },
      limits: random.chance(0.3)
        ? [{ kind: "counter" as const, counter: 0, most: 60_000, at: this.#at() }]
        : [],
      at: this.#at(),
    }));
    return {
      format: "writ.ir",
      version: { major: 1, minor: 0 },
      package: "random",
      packages: ["random"],
      levels: [{ name: "Sensitivity", values: LEVELS }],
      purposes: PURPOSES,
      labels: LABELS.filter((label) => label !== "user"),
      tools: TOOLS.map(({ name, effect }) => ({
        name,
        wire: name,
        effect,
        args: ATTRIBUTES.args,
        open: false,
        yields: [],
        scope: [],
      })),
      resources: RESOURCES.map((name) => ({ name, attributes: [], open: false })),
      principal: [],
      agent: [],
      session: [],
      environment: [],
      functions: this.#functions.map(({ types: _types, gives: _gives, ...declared }) => declared),
      modules: [{ name: "legacy", module: "m.wasm", entrypoint: "e", type: BOOL, at: this.#at() }],
      counters,
      latches,
      tasks,
      rules,
      nevers,
      readsOrigin: true,
      sources: ["random.writ"],
      places: Array.from({ length: this.#placeCount * 5 }, (_, at) => at),
    };
  }

  #at(): number {
    return this.#placeCount++;
  }

  #function() {
    const random = this.#random;
    const types = Array.from({ length: 1 + random.below(2) }, () => random.pick(VALUE_TYPES));
    const gives = random.pick([BOOL, BOOL, INT, DECIMAL, STRING, set(STRING), list(INT)]);
    const params = types.map(() => this.#localCount++);
    const locals = params.map((id, at) => ({ id, type: types[at] ?? BOOL }));
    const scope: Scope = { ...EVERYTHING, locals, reads: "parameters" };
    return {
      name: `f${this.#functions.length}`,
      params,
      body: this.#expr(gives, scope, 3),
      at: this.#at(),
      types,
      gives,
    };
  }

  #counter(): CounterDecl {
    const random = this.#random;
    const scope: Scope = { ...EVERYTHING, reads: "no state" };
    const op = random.pick(["count", "sum", "distinct"] as const);
    const type = random.pick(["Int", "Decimal"] as const);
    return {
      name: `c${this.#placeCount}`,
      op,
      ...(op === "count"
        ? {}
        : { of: this.#expr(op === "sum" ? kind(type) : random.pick(SCALAR_TYPES), scope, 2) }),
      type: op === "sum" ? type : "Int",
      calls: this.#calls(scope),
      per: this.#per(scope),
      ...(random.chance(0.5) ? { windowMs: 60_000 } : {}),
      at: this.#at(),
    };
  }

  #latch(): LatchDecl {
    const scope: Scope = { ...EVERYTHING, reads: "no state" };
    return {
      name: `l${this.#placeCount}`,
      calls: this.#calls(scope),
      per: this.#per(scope),
      ...(this.#random.chance(0.5) ? { reset: this.#calls(scope) } : {}),
      at: this.#at(),
    };
  }

  #per(scope: Scope): readonly Expr[] {
    const count = this.#random.below(3);
    return Array.from({ length: count }, () =>
      this.#expr(this.#random.pick(SCALAR_TYPES), scope, this.#random.below(3)),
    );
  }

  #calls(scope: Scope): CallFilter {
    const random = this.#random;
    return {
      base: random.pick(["attempts", "allowed", "completed"] as const),
      ...(random.chance(0.5) ? { tools: this.#tools(0.6) } : {}),
      ...(random.chance(0.6) ? { where: this.#bool(scope, 2) } : {}),
    };
  }

  #tools(probability: number): number[] {
    const tools = this.#random.some([...TOOLS.keys()], probability);
    return tools.length > 0 ? tools : [this.#random.below(TOOLS.length)];
  }

  #steps(): StepDecl[] {
    const bound: { id: number; type: Type; argument: string }[] = [];
    return Array.from({ length: 3 }, (_, at) => {
      const random = this.#random;
      const binds: { argument: string; id: number }[] = [];
      for (const { name, type } of random.some(ATTRIBUTES.args, 0.1)) {
        const present = type.kind === "Optional" ? type.of : type;
        const again = bound.filter((one) => spell(one.type) === spell(present));
        const id =
          again.length > 0 && random.chance(0.6) ? random.pick(again).id : this.#localCount++;
        binds.push({ argument: name, id });
        if (again.every((one) => one.id !== id)) bound.push({ id, type: present, argument: name });
      }
      const locals = bound.filter(
        (one) => at === 0 || binds.some(({ id }) => id === one.id) || random.chance(0.8),
      );
      const scope: Scope = { ...EVERYTHING, reads: "no state", locals };
      return {
        label: `step ${at}`,
        tools: this.#tools(0.7),
        binds,
        predicates: Array.from({ length: random.below(3) }, () => this.#bool(scope, 2)),
        at: this.#at(),
      };
    });
  }

  #rule(at: number): Rule {
    const random = this.#random;
    const crowded = this.#shape.ruleCount > 12;
    const effect = random.pick([
      ...Array<Rule["effect"]>(crowded ? 5 : 8).fill("permit"),
      ...Array<Rule["effect"]>(3).fill("forbid"),
      ...(["hold", "hold", "oblige", "oblige"] as const),
    ]);
    const lets: { id: number; name: string; value: Expr }[] = [];
    const locals: { id: number; type: Type; many: true }[] = [];
    for (let left = crowded ? 0 : random.below(3); left > 0; left--) {
      const type = random.pick(VALUE_TYPES);
      const value = this.#expr(type, { ...EVERYTHING, locals }, 2);
      const id = this.#localCount++;
      lets.push({ id, name: `x${id}`, value });
      locals.push({ id, type, many: true });
    }
    const scope: Scope = { ...EVERYTHING, locals };
    const conditions = Array.from({ length: 1 + random.below(2) }, () =>
      this.#bool(scope, 1 + random.below(this.#shape.depth)),
    );
    if (effect === "permit" && random.chance(0.25)) conditions.length = 0;
    if (effect === "forbid" ? random.chance(0.85) : effect === "hold" && random.chance(0.5)) {
      conditions.push(this.#rare());
    }
    if (crowded && random.chance(0.6)) conditions.push(this.#equalsConstant());
    const party =
      effect === "hold"
        ? {
            count: 1,
            approver: random.chance(0.8)
              ? ({ kind: "party", party: this.#expr(PARTY, scope, random.below(3)) } as const)
              : ({ kind: "group", group: random.pick(GROUPS) } as const),
          }
        : undefined;
    return {
      name: `rule_${at}`,
      package: "random",
      effect,
      guard: this.#guard(crowded ? 0.4 : effect === "permit" ? 0.12 : 0.25),
      lets,
      conditions,
      obligations: this.#obligations(),
      ...(party === undefined ? {} : { approval: party }),
      interrupt: effect === "forbid" && random.chance(0.1),
      tags: [],
      at: this.#at(),
    };
  }

  #obligations(): Rule["obligations"] {
    const random = this.#random;
    return random.some<Rule["obligations"][number]>(
      [
        { type: "credential", scope: random.some(["pay", "read"], 0.6), ttlMs: 60_000 },
        { type: "redact", paths: ["*.iban"] },
        { type: "log", level: random.pick(["none", "summary", "full"]) },
      ],
      0.2,
    );
  }

  #guard(probability: number): Guard {
    const random = this.#random;
    const clause = <T>(items: readonly T[]): T[] | undefined => {
      if (!random.chance(probability)) return undefined;
      const chosen = random.some(items, 0.5);
      return chosen.length > 0 ? chosen : [random.pick(items)];
    };
    const guard = {
      tools: random.chance(0.5) ? this.#tools(0.6) : undefined,
      agentGroups: clause(GROUPS),
      agentKinds: clause(KINDS),
      principalGroups: clause(GROUPS),
      principalKinds: clause(KINDS),
      resources: clause(RESOURCES),
      purposes: clause(PURPOSES),
      tasks: clause(TASKS),
    };
    return Object.fromEntries(
      Object.entries(guard).filter(([, value]) => value !== undefined),
    ) as Guard;
  }

  /** Seldom true, so that not every request is refused. */
  #rare(): Expr {
    const random = this.#random;
    const type = random.pick([STRING, LEVEL, COLOUR, INT, kind("Purpose"), kind("Effect")]);
    return {
      kind: "equal",
      left: this.#read(type, EVERYTHING) ?? this.#constant(type),
      right: this.#constant(type),
      type,
      at: this.#at(),
    };
  }

  /** A condition that the index tells rules apart by. */
  #equalsConstant(): Expr {
    const random = this.#random;
    const [root, name, type] = random.pick([
      ["args", "name", STRING],
      ["args", "colour", COLOUR],
      ["resource", "id", STRING],
      ["resource", "type", { kind: "OneOf", values: RESOURCES } as Type],
    ] as const);
    const read: Expr = {
      kind: "attribute",
      of: { kind: "root", name: root, at: this.#at() },
      name,
      at: this.#at(),
    };
    return { kind: "equal", left: read, right: this.#constant(type), type, at: this.#at() };
  }

  #all(exprs: readonly Expr[]): Expr {
    return exprs.reduce((left, right) => ({ kind: "and", left, right, at: this.#at() }));
  }

  #bool(scope: Scope, depth: number): Expr {
    return this.#expr(BOOL, scope, depth);
  }

  #expr(type: Type, scope: Scope, depth: number): Expr {
    const random = this.#random;
    if (depth <= 0) return this.#leaf(type, scope);
    const calculated =
      isOrdered(type) || spell(type) === "Set<Label>"
        ? random.chance(0.3) && this.#calculation(type, scope, depth - 1)
        : undefined;
    if (calculated) return calculated;
    const made =
      type.kind === "Bool" && random.chance(0.85)
        ? this.#boolNode(scope, depth - 1)
        : this.#node(type, scope, depth - 1);
    return made ?? this.#leaf(type, scope);
  }

  #leaf(type: Type, scope: Scope): Expr {
    const random = this.#random;
    if (random.chance(0.4)) {
      const local = this.#local(type, scope);
      if (local !== undefined) return local;
    }
    if (random.chance(0.65)) {
      const read = this.#read(type, scope);
      if (read !== undefined) return read;
    }
    if (type.kind === "Party") {
      const party = this.#local(type, scope) ?? this.#read(type, scope);
      if (party !== undefined) return party;
    }
    return this.#constant(type);
  }

  #constant(type: Type): Expr {
    return { kind: "const", type, value: this.#json(type), at: this.#at() };
  }

  #json(type: Type): Json {
    const random = this.#random;
    switch (type.kind) {
      case "Set": {
        const values = Array.from({ length: random.below(4) }, () => this.#json(type.of));
        return [...new Set(values)];
      }
      case "List":
        return Array.from({ length: random.below(4) }, () => this.#json(type.of));
      case "Map":
        return Object.fromEntries(
          random.some(["k1", "k2", "alice"], 0.5).map((key) => [key, this.#json(type.of)]),
        );
      case "Record":
        return Object.fromEntries(
          type.fields
            .filter((field) => field.type.kind !== "Optional")
            .map((field) => [field.name, this.#json(field.type)]),
        );
      case "Party":
        return { id: "alice", kind: "human" };
      case "Any":
        return random.pick(ANYTHING);
      default:
        return random.pick(pool(type));
    }
  }

  #local(type: Type, scope: Scope): Expr | undefined {
    const key = spell(type);
    const places = scope.locals.flatMap((local): Expr[] => {
      const read: Expr = { kind: "local", id: local.id, name: `x${local.id}`, at: this.#at() };
      if (spell(local.type) === key) return [read];
      const fields = local.type.kind === "Record" ? local.type.fields : [];
      return fields
        .filter((field) => spell(field.type) === key)
        .map((field) => ({ kind: "attribute", of: read, name: field.name, at: this.#at() }));
    });
    return places.length === 0 ? undefined : this.#random.pick(places);
  }

  #read(type: Type, scope: Scope): Expr | undefined {
    const reads = (READS.get(spell(type)) ?? []).filter(
      (read) =>
        // Now and then untested: absence must be handled even where the checker should have seen to it.
        (!read.optional ||
          scope.present.has(`${read.root}.${read.name}`) ||
          this.#random.chance(0.03)) &&
        (scope.reads !== "parameters" || (read.root !== "args" && read.root !== "resource")),
    );
    return reads.length === 0 ? undefined : this.#attribute(this.#random.pick(reads));
  }

  #attribute(read: { readonly root: RootName; readonly name: string }): Expr {
    return {
      kind: "attribute",
      of: { kind: "root", name: read.root, at: this.#at() },
      name: read.name,
      at: this.#at(),
    };
  }

  /** Any expression of this type that is not a leaf; `undefined` where the choice made does not fit. */
  #node(type: Type, scope: Scope, depth: number): Expr | undefined {
    const random = this.#random;
    switch (random.below(type.kind === "Set" || type.kind === "List" ? 9 : 7)) {
      case 0:
        return {
          kind: "if",
          condition: this.#bool(scope, depth),
          then: this.#expr(type, scope, depth),
          else: this.#expr(type, scope, depth),
          at: this.#at(),
        };
      case 1:
        return this.#coalesce(type, scope, depth);
      case 2:
        return this.#element(type, scope, depth);
      case 3:
        return this.#builtin(type, scope, depth);
      case 4:
        return this.#call(type, scope, depth);
      case 5:
        return this.#calculation(type, scope, depth);
      case 6:
        return this.#aggregate(type, scope, depth);
      default:
        return this.#literal(type, scope, depth);
    }
  }

  #coalesce(type: Type, scope: Scope, depth: number): Expr {
    const reads = OPTIONAL_READS.filter(
      (read) =>
        read.key === spell(type) &&
        (scope.reads !== "parameters" || (read.root !== "args" && read.root !== "resource")),
    );
    const left =
      reads.length > 0 && this.#random.chance(0.6)
        ? this.#attribute(this.#random.pick(reads))
        : (this.#element(type, scope, depth) ?? this.#expr(type, scope, depth));
    return { kind: "coalesce", left, right: this.#expr(type, scope, depth), at: this.#at() };
  }

  #element(type: Type, scope: Scope, depth: number): Expr | undefined {
    const over = this.#random.pick(["List", "Map"] as const);
    const key = spell({ kind: over, of: type });
    if (![...LIST_TYPES, ...MAP_TYPES].some((known) => spell(known) === key)) return undefined;
    return {
      kind: "index",
      of: this.#expr({ kind: over, of: type }, scope, depth - 1),
      index:
        over === "List"
          ? this.#random.chance(0.7)
            ? { kind: "const", type: INT, value: this.#random.below(3), at: this.#at() }
            : this.#expr(INT, scope, depth - 1)
          : this.#random.chance(0.7)
            ? {
                kind: "const",
                type: STRING,
                value: this.#random.pick(["k1", "k2"]),
                at: this.#at(),
              }
            : this.#expr(STRING, scope, depth - 1),
      over,
      at: this.#at(),
    };
  }

  #builtin(type: Type, scope: Scope, depth: number): Expr | undefined {
    const calls = BUILTIN_CALLS.get(spell(type));
    if (calls === undefined) return undefined;
    // First by name: else builtins that take many types would crowd out the others.
    const name = this.#random.pick([...new Set(calls.map((call) => call.name))]);
    const { args } = this.#random.pick(calls.filter((call) => call.name === name));
    return {
      kind: "builtin",
      name,
      args: args.map((arg) => this.#expr(arg, scope, depth - 1)),
      at: this.#at(),
    };
  }

  #call(type: Type, scope: Scope, depth: number): Expr | undefined {
    const choices = this.#functions.flatMap((declared, index) =>
      spell(declared.gives) === spell(type) ? [{ declared, index }] : [],
    );
    if (choices.length === 0) return undefined;
    const { declared, index } = this.#random.pick(choices);
    return {
      kind: "call",
      function: index,
      args: declared.types.map((arg) => this.#expr(arg, scope, depth - 1)),
      at: this.#at(),
    };
  }

  #calculation(type: Type, scope: Scope, depth: number): Expr | undefined {
    const random = this.#random;
    if (type.kind === "Int" && scope.reads === "everything" && random.chance(0.4)) {
      return this.#counterRead("Int");
    }
    if (type.kind === "Decimal") {
      if (scope.reads === "everything" && random.chance(0.3)) return this.#counterRead("Decimal");
      if (random.chance(0.5)) {
        return { kind: "decimal", of: this.#expr(INT, scope, depth), at: this.#at() };
      }
    }
    if (type.kind === "Set" && type.of.kind === "Label" && scope.reads === "everything") {
      return {
        kind: "origin",
        of: this.#expr(random.pick([STRING, kind("Email"), kind("Path")]), scope, depth),
        at: this.#at(),
      };
    }
    if (!isOrdered(type) || type.kind === "Level") return undefined;
    if (type.kind !== "Time" && random.chance(0.2)) {
      return { kind: "negate", of: this.#expr(type, scope, depth), at: this.#at() };
    }
    const number = type.kind as "Int" | "Decimal" | "Float" | "Duration" | "Time";
    const op = random.pick(number === "Time" ? (["+", "-"] as const) : (["+", "-", "*"] as const));
    const right =
      number === "Time" ? kind("Duration") : number === "Duration" && op === "*" ? INT : type;
    return {
      kind: "arithmetic",
      op,
      number,
      left: this.#expr(type, scope, depth),
      right: this.#expr(right, scope, depth),
      at: this.#at(),
    };
  }

  #counterRead(type: "Int" | "Decimal"): Expr | undefined {
    const indexes = this.#counters.flatMap((one, index) => (one.type === type ? [index] : []));
    if (indexes.length === 0) return undefined;
    return { kind: "counter", counter: this.#random.pick(indexes), at: this.#at() };
  }

  #aggregate(type: Type, scope: Scope, depth: number): Expr | undefined {
    if (scope.loops >= 2) return undefined;
    const random = this.#random;
    const over = random.pick(LOOPED_TYPES);
    const id = this.#localCount++;
    const inner: Scope = {
      ...scope,
      loops: scope.loops + 1,
      locals: [...scope.locals, { id, type: (over as { of: Type }).of }],
    };
    const op = this.#aggregateOp(type);
    if (op === undefined) return undefined;
    const body = type.kind === "List" || type.kind === "Set" ? type.of : type;
    return {
      kind: "aggregate",
      op,
      ...(op === "sum" || op === "min" || op === "max"
        ? type.kind === "Level"
          ? {}
          : { number: type.kind as "Int" }
        : {}),
      id,
      name: `x${id}`,
      over: this.#looped(over, scope, depth),
      ...(random.chance(0.5) ? { where: this.#bool(inner, depth) } : {}),
      ...(op === "count" ? {} : { body: this.#expr(body, inner, depth) }),
      at: this.#at(),
    };
  }

  #looped(over: Type, scope: Scope, depth: number): Expr {
    const pair = PAIRS.find((one) => one.over === over);
    if (pair === undefined) return this.#expr(over, scope, depth);
    const args = pair.of.map((of) => this.#expr(list(of), scope, depth - 1));
    return { kind: "builtin", name: "zip", args, at: this.#at() };
  }

  #aggregateOp(type: Type) {
    const random = this.#random;
    switch (type.kind) {
      case "Int":
        return random.pick(["count", "sum", "min", "max", "first", "last"] as const);
      case "Decimal":
      case "Duration":
        return random.pick(["sum", "min", "max", "first", "last"] as const);
      case "Float":
      case "Time":
      case "Level":
        return random.pick(["min", "max", "first", "last"] as const);
      case "List":
        return "list";
      case "Set":
        return isScalar(type.of) ? "set" : undefined;
      default:
        return random.pick(["first", "last"] as const);
    }
  }

  #literal(type: Type, scope: Scope, depth: number): Expr | undefined {
    if (type.kind === "Set" || type.kind === "List") {
      return {
        kind: "list",
        items: Array.from({ length: this.#random.below(4) }, () =>
          this.#expr(type.of, scope, depth - 1),
        ),
        as: type.kind,
        at: this.#at(),
      };
    }
    return undefined;
  }

  #boolNode(scope: Scope, depth: number): Expr | undefined {
    const random = this.#random;
    if (scope.locals.length > 0 && random.chance(0.35)) return this.#aboutLocal(scope, depth);
    const at = this.#at();
    switch (random.below(22)) {
      case 0:
        return { kind: "not", operand: this.#bool(scope, depth), at };
      case 1:
      case 2:
        return { kind: "and", left: this.#bool(scope, depth), right: this.#bool(scope, depth), at };
      case 3:
      case 4:
        return { kind: "or", left: this.#bool(scope, depth), right: this.#bool(scope, depth), at };
      case 5:
      case 6:
        return this.#guarded(scope, depth);
      case 7:
      case 8: {
        const type = random.pick(random.chance(0.7) ? SCALAR_TYPES : VALUE_TYPES);
        const left = this.#expr(type, scope, depth);
        return { kind: "equal", left, right: this.#expr(type, scope, depth), type, at };
      }
      case 9:
      case 10: {
        const type = random.pick(SCALAR_TYPES.filter(isOrdered));
        const left = this.#expr(type, scope, depth);
        const op = random.pick(["<", "<=", ">", ">="] as const);
        return { kind: "less", op, left, right: this.#expr(type, scope, depth), at };
      }
      case 11:
      case 12: {
        const over = random.pick(["Set", "List"] as const);
        const right = random.pick(over === "Set" ? SET_TYPES : LIST_TYPES.slice(0, 3));
        const left = this.#expr((right as { of: Type }).of, scope, depth);
        return { kind: "in", left, right: this.#expr(right, scope, depth), over, at };
      }
      case 13: {
        const type = random.pick([...SET_TYPES, ...LIST_TYPES.slice(0, 3)]);
        const left = this.#expr(type, scope, depth);
        return { kind: "subset", left, right: this.#expr(type, scope, depth), at };
      }
      case 14: {
        const of = random.pick(["Purpose", "Path", "Ip"] as const);
        const left = of === "Ip" ? random.pick([kind("Ip"), kind("Cidr")]) : kind(of);
        return {
          kind: "within",
          left: this.#expr(left, scope, depth),
          right: this.#expr(of === "Ip" ? kind("Cidr") : left, scope, depth),
          of,
          at,
        };
      }
      case 15: {
        const pattern: Expr = {
          kind: "const",
          type: STRING,
          value: random.pick(["*", "a*", "*e", "a*b", "**", "", "*l*i*"]),
          at: this.#at(),
        };
        return {
          kind: "like",
          left: this.#expr(STRING, scope, depth),
          pattern: random.chance(0.7) ? pattern : this.#expr(STRING, scope, depth),
          at,
        };
      }
      case 16: {
        const op = random.pick(["starts", "ends", "contains"] as const);
        const left = this.#expr(STRING, scope, depth);
        return { kind: "text", op, left, right: this.#expr(STRING, scope, depth), at };
      }
      case 17:
      case 18:
        return this.#quantifier(scope, depth);
      case 19: {
        const value: Expr = {
          kind: "record",
          fields: LINE.kind === "Record" ? this.#fields(scope, depth) : [],
          at: this.#at(),
        };
        return {
          kind: "equal",
          left: value,
          right: this.#expr(LINE, scope, depth),
          type: LINE,
          at,
        };
      }
      case 20:
        return scope.reads === "everything"
          ? { kind: "latch", latch: random.below(this.#latches.length), at }
          : undefined;
      default:
        return scope.reads === "everything" && random.chance(0.3)
          ? { kind: "module", module: 0, at }
          : this.#node(BOOL, scope, depth);
    }
  }

  /** A test of a local or, where it is a record, of a member. */
  #aboutLocal(scope: Scope, depth: number): Expr {
    const random = this.#random;
    const local = random.pick(scope.locals);
    const read: Expr = { kind: "local", id: local.id, name: `x${local.id}`, at: this.#at() };
    const members =
      local.type.kind === "Record"
        ? local.type.fields.filter((field) => field.type.kind !== "Optional")
        : [];
    const member = members.length > 0 ? random.pick(members) : undefined;
    const type = member?.type ?? local.type;
    const left: Expr =
      member === undefined
        ? read
        : { kind: "attribute", of: read, name: member.name, at: this.#at() };
    const right = this.#expr(type, scope, depth);
    if (isOrdered(type) && random.chance(0.6)) {
      return { kind: "less", op: random.pick(["<", "<=", ">", ">="]), left, right, at: this.#at() };
    }
    return { kind: "equal", left, right, type, at: this.#at() };
  }

  #fields(scope: Scope, depth: number) {
    const fields = LINE.kind === "Record" ? LINE.fields : [];
    return fields
      .filter((field) => field.type.kind !== "Optional")
      .map((field) => ({ name: field.name, value: this.#expr(field.type, scope, depth - 1) }));
  }

  /** `has x and …x…`, `not has x or …x…`, `if has x then …x… else …`, or `has` alone. */
  #guarded(scope: Scope, depth: number): Expr {
    const random = this.#random;
    const reads = OPTIONAL_READS.filter(
      (read) => scope.reads !== "parameters" || (read.root !== "args" && read.root !== "resource"),
    );
    const read = random.pick(reads);
    const choice = random.below(6);
    const of: Expr =
      choice === 4
        ? { kind: "root", name: random.pick(["principal", "resource", "session"]), at: this.#at() }
        : choice === 5
          ? (this.#element(random.pick([INT, STRING, LINE]), scope, depth) ?? this.#attribute(read))
          : this.#attribute(read);
    const has: Expr = { kind: "has", of, at: this.#at() };
    if (choice >= 3) return has;
    const known: Scope = {
      ...scope,
      present: new Set([...scope.present, `${read.root}.${read.name}`]),
    };
    const reading = this.#reading(read, known, depth);
    switch (choice) {
      case 0:
        return { kind: "and", left: has, right: reading, at: this.#at() };
      case 1:
        return {
          kind: "or",
          left: { kind: "not", operand: has, at: this.#at() },
          right: reading,
          at: this.#at(),
        };
      default:
        return {
          kind: "if",
          condition: has,
          then: reading,
          else: this.#bool(scope, depth),
          at: this.#at(),
        };
    }
  }

  #reading(read: { root: RootName; name: string }, scope: Scope, depth: number): Expr {
    const declared = ATTRIBUTES[read.root].find((field) => field.name === read.name)?.type ?? BOOL;
    const type = declared.kind === "Optional" ? declared.of : declared;
    if (this.#random.chance(0.3)) return this.#bool(scope, depth);
    return {
      kind: "equal",
      left: this.#attribute(read),
      right: this.#expr(type, scope, depth),
      type,
      at: this.#at(),
    };
  }

  #quantifier(scope: Scope, depth: number): Expr | undefined {
    if (scope.loops >= 2) return undefined;
    const over = this.#random.pick(LOOPED_TYPES);
    const id = this.#localCount++;
    const inner: Scope = {
      ...scope,
      loops: scope.loops + 1,
      locals: [...scope.locals, { id, type: (over as { of: Type }).of }],
    };
    return {
      kind: "quantifier",
      op: this.#random.pick(["any", "all"] as const),
      id,
      name: `x${id}`,
      over: this.#looped(over, scope, depth),
      body: this.#bool(inner, depth),
      at: this.#at(),
    };
  }
}
