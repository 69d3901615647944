/**
 * Random packages as text, aimed at being well typed: vocabulary of every type, and expressions that are made
 * for the type that is wanted, of what can be read where they stand. Some are wrong on purpose or by accident:
 * whatever compiles is what the checker vouches for.
 */
import { isOrdered, isScalar, type RecordType, type Type } from "../../lang/type.ts";
import { type Random, randomFrom } from "../differential/random.ts";

/** Items by themselves, so that they can be put in another order and into other files. */
export interface RandomPackage {
  readonly items: readonly string[];
}

export function randomPackage(seed: number): RandomPackage {
  return new Generator(randomFrom(seed)).package();
}

export function textOf(items: readonly string[]): string {
  return `package example\n\n${items.join("\n\n")}\n`;
}

const kind = (name: string): Type => ({ kind: name }) as Type;
const list = (of: Type): Type => ({ kind: "List", of });
const set = (of: Type): Type => ({ kind: "Set", of });
const map = (of: Type): Type => ({ kind: "Map", of });
const maybe = (of: Type): Type => (of.kind === "Optional" ? of : { kind: "Optional", of });
const record = (fields: Readonly<Record<string, Type>>): RecordType => ({
  kind: "Record",
  open: false,
  fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
});

const BOOL = kind("Bool");
const INT = kind("Int");
const DECIMAL = kind("Decimal");
const STRING = kind("String");
const DURATION = kind("Duration");
const TIME = kind("Time");
const PATH = kind("Path");
const LEVEL: Type = { kind: "Level", name: "Sensitivity" };
const TIER: Type = { kind: "Level", name: "Tier" };
const COLOUR: Type = { kind: "OneOf", values: ["red", "green", "blue"] };
const SHADE: Type = { kind: "OneOf", values: ["green", "blue"] };
const PARTY = kind("Party");
const LABELS = set(kind("Label"));

/** Declared with `type`, so that the same type has a name and is written out elsewhere. */
const ALIASES: Readonly<Record<string, Type>> = {
  Colour: COLOUR,
  Item: record({ sku: STRING, price: DECIMAL, count: INT, gift: maybe(STRING) }),
  Box: record({
    items: list(record({ sku: STRING, price: DECIMAL, count: INT, gift: maybe(STRING) })),
    lid: maybe(record({ path: PATH, tier: maybe(TIER) })),
    weights: map(DECIMAL),
  }),
};

const SCALARS: readonly Type[] = [
  BOOL,
  INT,
  DECIMAL,
  STRING,
  LEVEL,
  TIER,
  COLOUR,
  SHADE,
  ..."Float Duration Time Ip Cidr Path Url Email Command Purpose Label Effect Kind Source"
    .split(" ")
    .map(kind),
];

/** What stands for a value of the type in a policy. */
const LITERALS: Readonly<Record<string, readonly string[]>> = {
  Bool: ["true", "false"],
  Int: ["0", "1", "2", "-7", "100", "9007199254740991"],
  Decimal: ["0", "1.5", "0.0001", "-2.25", "500.00", "900719925474.0991"],
  Float: ["0", "0.5", "1", "-2.25"],
  String: ['""', '"alice"', '"bob"', '"k1"', '"k2"', '"a*b"', '"https://a.example/x"'],
  Duration: ["0s", "1s", "15m", "24h", "7d"],
  Time: ['"2026-01-02"', '"2026-01-02T12:00:00Z"', '"2025-06-01T00:00:00+02:00"'],
  Ip: ['"10.0.0.1"', '"10.1.2.3"', '"::1"'],
  Cidr: ['"10.0.0.0/8"', '"10.1.0.0/16"', '"2001:db8::/32"'],
  Path: ['"/home/alice"', '"/home/alice/../bob/n.txt"', '"src/main.ts"', '"/"'],
  Url: ['"https://a.example/"', '"HTTPS://A.example/x?q=1"', '"mailto:bob@b.example"'],
  Email: ['"bob@B.example"', '"alice@a.example"'],
  Command: ['"ls"', '"rm -rf /"', '"git push origin main"'],
  Purpose: ["payments", "payments.payroll", "support"],
  Label: ["untrusted", "private", "user", "named"],
  Effect: ["read", "write", "delete", "execute", "send"],
  Kind: ["human", "workload", "autonomous"],
  Source: ["user", "agent", "tool_output", "document", "unknown"],
  Sensitivity: ["public", "internal", "confidential", "restricted"],
  Tier: ["bronze", "silver", "gold"],
};

/** `value.name` by the type of the value. */
const ATTRIBUTES: readonly (readonly [string, string, Type])[] = [
  ["Email", "local", STRING],
  ["Email", "domain", STRING],
  ["Path", "name", STRING],
  ["Path", "extension", STRING],
  ["Path", "parent", PATH],
  ["Path", "segments", list(STRING)],
  ["Url", "host", STRING],
  ["Url", "scheme", STRING],
  ["Url", "port", maybe(INT)],
  ["Time", "hour", INT],
  ["Time", "date", STRING],
  ["Decimal", "text", STRING],
  ["Party", "id", STRING],
  ["Party", "kind", kind("Kind")],
  ["Command", "parsed", BOOL],
];

/** `name(…)`, what it takes and what it gives. */
const FUNCTIONS: readonly (readonly [string, readonly Type[], Type])[] = [
  ["lower", [STRING], STRING],
  ["trim", [STRING], STRING],
  ["length", [STRING], INT],
  ["split", [STRING, STRING], list(STRING)],
  ["words", [STRING], list(STRING)],
  ["text", [PATH], STRING],
  ["text", [COLOUR], STRING],
  ["text", [kind("Label")], STRING],
  ["count", [list(INT)], INT],
  ["count", [set(STRING)], INT],
  ["count", [map(DECIMAL)], INT],
  ["sum", [list(INT)], INT],
  ["sum", [list(DECIMAL)], DECIMAL],
  ["min", [list(INT)], maybe(INT)],
  ["max", [list(DECIMAL)], maybe(DECIMAL)],
  ["abs", [INT], INT],
  ["abs", [DURATION], DURATION],
  ["keys", [map(DECIMAL)], set(STRING)],
  ["values", [map(DECIMAL)], list(DECIMAL)],
  ["distinct", [list(STRING)], set(STRING)],
  ["union", [set(STRING), set(STRING)], set(STRING)],
  ["difference", [LABELS, LABELS], LABELS],
  ["intersection", [set(STRING), set(STRING)], set(STRING)],
  ["host_within", [STRING, STRING], BOOL],
  ["reaches", [PATH, PATH], BOOL],
  ["atoms", [STRING], set(STRING)],
  ["path", [STRING], maybe(PATH)],
  ["url", [STRING], maybe(kind("Url"))],
  ["email", [STRING], maybe(kind("Email"))],
  ["time", [STRING], maybe(TIME)],
  ["decimal", [INT], DECIMAL],
];

interface Path {
  readonly text: string;
  readonly type: Type;
  /** Calculated from something: `has` cannot be asked of it. */
  readonly derived?: boolean;
}

/** What can be read where an expression stands. */
interface Env {
  /** Indexes of tools the request can be a call of. */
  readonly tools: readonly number[];
  readonly resources: readonly string[];
  readonly reads: "everything" | "no state" | "parameters";
  readonly locals: readonly Path[];
  /** Paths that are known to be there. */
  readonly known: ReadonlySet<string>;
  readonly loops: number;
  /** What stands around it tells a literal its type. */
  readonly wanted: boolean;
}

interface Field {
  readonly name: string;
  readonly type: Type;
  readonly default?: string;
  readonly wire?: string;
}

class Generator {
  readonly #random: Random;
  #names = 0;
  readonly #tools: { readonly name: string; readonly args: readonly Field[] }[] = [];
  readonly #resources: { readonly name: string; readonly fields: readonly Field[] }[] = [];
  readonly #attributes: Record<string, readonly Field[]> = {};
  readonly #functions: {
    readonly name: string;
    readonly params: readonly Type[];
    readonly result: Type;
  }[] = [];
  readonly #counters: { readonly name: string; readonly type: Type; readonly op: string }[] = [];
  readonly #latches: string[] = [];
  readonly #tasks: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  package(): RandomPackage {
    const items = [
      this.#anchors(),
      "level Sensitivity = public < internal < confidential < restricted",
      "level Tier = bronze < silver < gold",
      "purpose payments, payments.payroll, support",
      "label untrusted, private",
      ...Object.entries(ALIASES).map(([name, type]) => `type ${name} = ${this.#written(type)}`),
    ];
    const add = (count: number, make: () => string) => {
      for (let at = 0; at < count; at++) items.push(make());
    };
    add(2 + this.#random.below(4), () => this.#tool());
    add(1 + this.#random.below(2), () => this.#resource());
    for (const root of ["principal", "agent", "session", "environment"]) {
      if (this.#random.chance(0.7)) items.push(this.#attributesOf(root));
    }
    add(this.#random.below(4), () => this.#fn());
    add(1 + this.#random.below(3), () => this.#counter());
    add(this.#random.below(2), () => this.#latch());
    add(this.#random.below(3), () => this.#task());
    add(3 + this.#random.below(6), () => this.#rule());
    add(this.#random.below(2), () => this.#never());
    return { items };
  }

  #anchors(): string {
    const fields = ANCHORS.map(({ text, type }): Field => {
      const fallback = this.#constant(type);
      const name = text.slice("environment.".length);
      return { name, type, ...(fallback === undefined ? {} : { default: fallback }) };
    });
    return `environment ${this.#spelled(fields)}`;
  }

  #name(start: string): string {
    return `${start}${this.#names++}`;
  }

  // ── Types and declarations ───────────────────────────────────────────────────────────────────────────────

  #type(depth = 2): Type {
    const random = this.#random;
    if (depth === 0 || random.chance(0.5)) return random.pick(SCALARS);
    switch (random.below(7)) {
      case 0:
        return set(random.pick(SCALARS));
      case 1:
        return list(this.#type(depth - 1));
      case 2:
        return map(this.#type(depth - 1));
      case 3:
        return ALIASES.Item ?? STRING;
      case 4:
        return ALIASES.Box ?? STRING;
      case 5:
        return kind("Any");
      default:
        return record({
          a: this.#type(depth - 1),
          b: random.chance(0.5) ? maybe(this.#type(depth - 1)) : this.#type(depth - 1),
        });
    }
  }

  #written(type: Type): string {
    switch (type.kind) {
      case "OneOf":
        return type.values.map((value) => JSON.stringify(value)).join(" | ");
      case "Level":
        return type.name;
      case "Set":
      case "List":
      case "Map":
        return `${type.kind}<${this.#written(type.of)}>`;
      case "Optional": {
        const of = this.#written(type.of);
        return `${of}?`;
      }
      case "Record": {
        const fields = type.fields.map(({ name, type: of }) => `${name}: ${this.#written(of)}`);
        return `{ ${fields.join(", ")} }`;
      }
      default:
        return type.kind;
    }
  }

  /** Names are few, so that tools share them, now and then with another type. */
  #fields(count: number, prefix: string, defaults: boolean): Field[] {
    const random = this.#random;
    return Array.from({ length: count }, (_, at): Field => {
      const fixed = FIXED[at % FIXED.length] ?? STRING;
      const type = random.chance(0.75) ? fixed : this.#type();
      const optional = random.chance(0.35) && type.kind !== "Any";
      const fallback =
        defaults && !optional && random.chance(0.6) ? this.#constant(type) : undefined;
      return {
        name: `${prefix}${at}`,
        type: optional ? maybe(type) : type,
        ...(fallback === undefined ? {} : { default: fallback }),
        ...(random.chance(0.15) ? { wire: `wire-${at}` } : {}),
      };
    }).filter(() => random.chance(0.7));
  }

  #spelled(fields: readonly Field[], open = false): string {
    const parts = fields.map(
      ({ name, wire, type, default: fallback }) =>
        `${name}${wire === undefined ? "" : ` named "${wire}"`}: ${this.#written(type)}${
          fallback === undefined ? "" : ` = ${fallback}`
        }`,
    );
    return `{ ${[...parts, ...(open ? ["*"] : [])].join(", ")} }`;
  }

  #tool(): string {
    const random = this.#random;
    const name = this.#name("tool");
    const effect = random.pick(["read", "write", "delete", "execute", "send"]);
    const args = this.#fields(FIXED.length, "x", false);
    const rival = random.chance(0.3) && this.#tools.length === 1 ? this.#tools[0]?.name : undefined;
    this.#tools.push({ name, args });
    const more = [
      ...(args.length === 0 ? [] : [`args ${this.#spelled(args, random.chance(0.2))}`]),
      ...(random.chance(0.4) ? ["yields untrusted"] : []),
      ...(rival === undefined ? [] : ['server "mcp://other"']),
    ];
    const wire = rival === undefined ? "" : ` named "${rival}"`;
    return `tool ${name}${wire} { ${[`effect ${effect}`, ...more].join(", ")} }`;
  }

  #resource(): string {
    const name = this.#name("res");
    const fields = this.#fields(8, "r", true);
    this.#resources.push({ name, fields });
    return `resource ${name} ${this.#spelled(fields)}`;
  }

  #attributesOf(of: string): string {
    const fields = this.#fields(7, "p", true);
    this.#attributes[of] = fields;
    return `${of} ${this.#spelled(fields)}`;
  }

  #fn(): string {
    const random = this.#random;
    const name = this.#name("f");
    const params = Array.from({ length: random.below(3) }, () => {
      const type = random.chance(0.7) ? random.pick(FIXED) : this.#type(1);
      return { text: this.#name("v"), type: random.chance(0.005) ? maybe(type) : type };
    });
    const result = random.chance(0.4) ? BOOL : random.pick([...FIXED, ...SCALARS]);
    const optional = random.chance(0.15);
    const env: Env = { ...this.#anywhere(), reads: "parameters", locals: params, wanted: true };
    const body = optional
      ? this.#maybeAbsent(result, 2, env)
      : this.#expr(result, 2 + random.below(2), env);
    this.#functions.push({
      name,
      params: params.map(({ type }) => type),
      result: optional ? maybe(result) : result,
    });
    const written = params.map(({ text, type }) => `${text}: ${this.#written(type)}`);
    const type = this.#written(optional ? maybe(result) : result);
    return `fn ${name}(${written.join(", ")}): ${type} = ${body}`;
  }

  #anywhere(): Env {
    return {
      tools: this.#tools.map((_, at) => at),
      resources: this.#resources.map(({ name }) => name),
      reads: "everything",
      locals: [],
      known: new Set(),
      loops: 0,
      wanted: false,
    };
  }

  #calls(): { readonly text: string; readonly env: Env } {
    const random = this.#random;
    const base = random.pick(["attempts", "allowed", "completed"]);
    const env: Env = { ...this.#anywhere(), reads: "no state" };
    const chosen = random.chance(0.5) ? this.#someTools() : undefined;
    const narrowed = chosen === undefined ? env : { ...env, tools: chosen };
    const selector =
      chosen === undefined ? "" : ` ${chosen.map((at) => this.#tools[at]?.name).join(", ")}`;
    if (random.chance(0.6)) return { text: `${base}${selector}`, env: narrowed };
    const { text, known } = this.#condition(2, narrowed);
    return { text: `${base}${selector} where ${text}`, env: { ...narrowed, known } };
  }

  #someTools(): readonly number[] {
    const all = this.#tools.map((_, at) => at);
    const some = this.#random.some(all, 0.4);
    return some.length === 0 ? [this.#random.pick(all)] : some;
  }

  #keys(env: Env): string {
    const random = this.#random;
    const fixed = ["session", "principal", "agent", "tool", "delegation.root", "resource", "task"];
    const key = () =>
      random.chance(0.7)
        ? random.pick(fixed)
        : this.#expr(random.pick(SCALARS), random.below(2), env);
    return random.chance(0.8) ? key() : `${key()}, ${key()}`;
  }

  #counter(): string {
    const random = this.#random;
    const name = this.#name("count");
    const { text, env } = this.#calls();
    const op = random.pick(["count", "sum", "distinct"]);
    const type = op === "sum" ? random.pick([INT, DECIMAL]) : INT;
    const of =
      op === "count" ? "" : `${this.#expr(op === "sum" ? type : random.pick(SCALARS), 1, env)} of `;
    const within = random.chance(0.5) ? ` within ${random.pick(["10s", "24h"])}` : "";
    const declared = `counter ${name} = ${op} ${of}${text} per ${this.#keys(env)}${within}`;
    this.#counters.push({ name, type, op });
    return declared;
  }

  #latch(): string {
    const name = this.#name("latch");
    const { text, env } = this.#calls();
    const reset = this.#random.chance(0.5) ? ` reset by ${this.#calls().text}` : "";
    const declared = `latch ${name} = ${text} per ${this.#keys(env)}${reset}`;
    this.#latches.push(name);
    return declared;
  }

  // ── Tasks ────────────────────────────────────────────────────────────────────────────────────────────────

  #task(): string {
    const random = this.#random;
    const name = this.#name("task");
    const bound: Path[] = [];
    const sequence = this.#sequence(2, bound);
    const counter = this.#counters.find(({ op }) => op !== "distinct" && random.chance(0.3));
    const limits = [
      "calls <= 20",
      "duration <= 15m",
      ...(counter !== undefined
        ? [`${counter.name} <= ${random.pick(LITERALS[counter.type.kind] ?? [])}`]
        : []),
    ];
    this.#tasks.push(name);
    const purpose = random.chance(0.3) ? "purpose payments " : "";
    return `task ${name} { ${purpose}sequence ${sequence} limit ${limits.join(", ")} }`;
  }

  #sequence(depth: number, bound: Path[]): string {
    const random = this.#random;
    if (depth === 0 || random.chance(0.3)) return this.#step(bound);
    const parts = [this.#sequence(depth - 1, bound), this.#sequence(depth - 1, bound)];
    switch (random.below(4)) {
      case 0:
        return `(${parts.join(" | ")})`;
      case 1:
        return `(${parts[0]})${random.pick(["*", "+", "?", "{2,3}"])}`;
      default:
        return `(${parts.join(", ")})`;
    }
  }

  #step(bound: Path[]): string {
    const random = this.#random;
    const at = random.below(this.#tools.length);
    const tool = this.#tools[at];
    if (tool === undefined) return "nothing";
    const parts: string[] = [];
    for (const { name, type } of random.some(tool.args, 0.2)) {
      const before = bound.find((one) => sameKind(one.type, type));
      const as =
        before !== undefined && random.chance(0.5)
          ? before
          : { text: this.#name("b"), type: plain(type) };
      if (as !== before) bound.push(as);
      parts.push(`${name} as ${as.text}`);
    }
    const env: Env = { ...this.#anywhere(), reads: "no state", tools: [at], locals: bound };
    if (random.chance(0.4)) parts.push(this.#condition(1, env).text);
    return parts.length === 0 ? tool.name : `${tool.name}(${parts.join(", ")})`;
  }

  // ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────

  #rule(): string {
    const random = this.#random;
    const effect = random.pick(["permit", "permit", "permit", "forbid", "hold", "oblige"]);
    const clauses: string[] = [];
    let env = this.#anywhere();
    if (random.chance(0.4)) {
      env = { ...env, tools: this.#someTools() };
      clauses.push(`tool ${env.tools.map((at) => this.#tools[at]?.name).join(", ")}`);
    }
    if (random.chance(0.15) && this.#resources.length > 0) {
      const names = random.some(env.resources, 0.6);
      if (names.length > 0) {
        env = { ...env, resources: names };
        clauses.push(`resource ${names.join(", ")}`);
      }
    }
    if (random.chance(0.1)) {
      clauses.push("purpose within payments");
      env = { ...env, known: new Set([...env.known, "intent.purpose"]) };
    }
    if (random.chance(0.1)) clauses.push('agent in group "staff"');
    if (random.chance(0.1)) clauses.push("principal is human");
    if (random.chance(0.08) && this.#tasks.length > 0) {
      clauses.push(`task ${random.pick(this.#tasks)}`);
      env = { ...env, known: new Set([...env.known, "intent.task"]) };
    }
    for (let at = random.below(4); at > 0; at--) {
      if (random.chance(0.3)) {
        const name = this.#name("y");
        const type = random.pick([...FIXED, ...SCALARS]);
        const optional = random.chance(0.4);
        const value = optional ? this.#maybeAbsent(type, 1, env) : this.#expr(type, 2, env);
        clauses.push(`let ${name} = ${value}`);
        const local = { text: name, type: optional ? maybe(type) : type };
        env = { ...env, locals: [...env.locals, local] };
      }
      const { text, known } = this.#condition(1 + random.below(3), env);
      if (random.chance(0.2)) clauses.push(`unless not (${text})`);
      else clauses.push(`when ${text}`);
      env = { ...env, known };
    }
    if (effect === "hold") clauses.push(`until approved by ${this.#approver(env)}`);
    if (effect === "oblige" || (effect === "permit" && random.chance(0.3))) {
      clauses.push(
        `with ${random.pick(["log full", 'redact ["*.iban"], notify "sre"', "mark { a: 1 }", 'credential { scope: ["a"], ttl: 60s }'])}`,
      );
    }
    if (effect === "forbid" && random.chance(0.1)) clauses.push("then interrupt session");
    if (random.chance(0.2)) clauses.push('because "of this"');
    return [`${effect} ${this.#name("rule")}`, ...clauses].join("\n  ");
  }

  #approver(env: Env): string {
    const random = this.#random;
    if (random.chance(0.5)) return 'group "staff"';
    return random.pick(["delegation.root", "principal", this.#expr(STRING, 1, env)]);
  }

  #never(): string {
    const { text } = this.#condition(2, this.#anywhere());
    return `never ${this.#name("never")} allow when (${text}) and tool.effect == delete`;
  }

  // ── Expressions ──────────────────────────────────────────────────────────────────────────────────────────

  /** Of type Bool, and what is known where it was true. */
  #condition(depth: number, around: Env): { readonly text: string; readonly known: Env["known"] } {
    const random = this.#random;
    const env: Env = { ...around, wanted: false };
    const absent = this.#paths(env).filter(
      ({ text, type, derived }) =>
        type.kind === "Optional" && !env.known.has(text) && derived !== true,
    );
    if (absent.length > 0 && random.chance(0.45)) {
      const { text, type } = random.pick(absent);
      const known = new Set([...env.known, text]);
      const there: Env = { ...env, known, locals: [...env.locals, { text, type: plain(type) }] };
      const inner = random.chance(0.6) ? this.#using(text, plain(type), there) : undefined;
      return { text: `has ${text}${inner === undefined ? "" : ` and ${inner}`}`, known };
    }
    return { text: this.#expr(BOOL, depth, env), known: env.known };
  }

  /** A condition that reads this very path. */
  #using(text: string, type: Type, env: Env): string {
    const literal = this.#constant(type);
    if (isOrdered(type) && literal !== undefined) return `(${text} <= ${literal})`;
    if (type.kind === "Set" || type.kind === "List") return `(count(${text}) < 3)`;
    if (!isScalar(type) || literal === undefined) return this.#expr(BOOL, 1, env);
    return `(${text} == ${literal})`;
  }

  #maybeAbsent(type: Type, depth: number, around: Env): string {
    const random = this.#random;
    const env: Env = { ...around, wanted: false };
    const fitting = this.#paths(env).filter(
      (path) => path.type.kind === "Optional" && sameKind(path.type.of, type),
    );
    if (fitting.length > 0 && random.chance(0.7)) return random.pick(fitting).text;
    if (isOrdered(type) && type.kind !== "Level" && random.chance(0.5)) {
      return `max([${this.#expr(type, depth - 1, env)}])`;
    }
    return `first(z in [${this.#expr(type, 0, env)}]: z)`;
  }

  #expr(type: Type, depth: number, env: Env): string {
    const random = this.#random;
    if (random.chance(0.002)) return this.#expr(random.pick(SCALARS), 0, env);
    if (depth <= 0) return this.#leaf(type, env);
    const choices: (() => string | undefined)[] = [
      () => this.#leaf(type, env),
      () => this.#call(type, depth, env),
      () => this.#choice(type, depth, env),
      () =>
        random.chance(0.5)
          ? `(${this.#maybeAbsent(type, depth - 1, env)} ?? ${this.#expr(type, depth - 1, { ...env, wanted: true })})`
          : undefined,
      ...this.#ofKind(type, depth, env),
    ];
    return random.pick(choices)() ?? this.#leaf(type, env);
  }

  #choice(type: Type, depth: number, env: Env): string {
    const { text, known } = this.#condition(depth - 1, env);
    const then = this.#expr(type, depth - 1, { ...env, known });
    const otherwise = this.#expr(type, depth - 1, { ...env, wanted: true });
    return `(if ${text} then ${then} else ${otherwise})`;
  }

  #call(type: Type, depth: number, env: Env): string | undefined {
    const random = this.#random;
    const declared = this.#functions.map(
      ({ name, params, result }) => [name, params, result] as const,
    );
    const fitting = [...FUNCTIONS, ...declared].filter(([, , gives]) =>
      sameKind(plain(gives), type),
    );
    if (fitting.length === 0) return undefined;
    const [name, takes, gives] = random.pick(fitting);
    const inside = { ...env, wanted: declared.some(([own]) => own === name) };
    const args = takes.map((want) => this.#expr(plain(want), depth - 1, inside));
    const call = `${name}(${args.join(", ")})`;
    if (gives.kind !== "Optional") return call;
    return `(${call} ?? ${this.#leaf(type, { ...env, wanted: true })})`;
  }

  #ofKind(type: Type, depth: number, around: Env): (() => string | undefined)[] {
    const random = this.#random;
    const env: Env = { ...around, wanted: false };
    const inner = (of: Type) => this.#expr(of, depth - 1, env);
    switch (type.kind) {
      case "Bool":
        return this.#truths(depth, env);
      case "Int":
        return [
          () => `(${inner(INT)} ${random.pick(["+", "-", "*"])} ${inner(INT)})`,
          () => `count(${this.#loop(list(this.#type(1)), depth, env, BOOL)})`,
          () => `sum(${this.#loop(undefined, depth, env, INT)})`,
          () => `-(${inner(INT)})`,
        ];
      case "Decimal":
        return [
          () => `(${inner(DECIMAL)} ${random.pick(["+", "-", "*"])} ${inner(DECIMAL)})`,
          () => `(${inner(DECIMAL)} * ${inner(INT)})`,
          () => `sum(${this.#loop(undefined, depth, env, DECIMAL)})`,
        ];
      case "Duration":
        return [
          () => `(${inner(TIME)} - ${inner(TIME)})`,
          () => `(${inner(DURATION)} + ${inner(DURATION)})`,
          () => `(${inner(DURATION)} * ${inner(INT)})`,
        ];
      case "Time":
        return [() => `(${inner(TIME)} + ${inner(DURATION)})`];
      case "Set":
        return [
          () => `set(${this.#loop(undefined, depth, env, type.of)})`,
          ...(type.of.kind === "Label"
            ? [() => `origin(${inner(random.pick([STRING, INT, DECIMAL, list(STRING)]))})`]
            : []),
        ];
      case "List":
        return [
          () => `[${inner(type.of)}, ${inner(type.of)}]`,
          () => `list(${this.#loop(undefined, depth, env, type.of)})`,
        ];
      case "Record":
        return [
          () => {
            if (!around.wanted) return undefined;
            const fields = type.fields.map((field) =>
              field.type.kind === "Optional" && random.chance(0.5)
                ? undefined
                : `${field.name}: ${this.#expr(plain(field.type), depth - 1, around)}`,
            );
            return `{ ${fields.filter((field) => field !== undefined).join(", ")} }`;
          },
        ];
      default:
        return [];
    }
  }

  #truths(depth: number, env: Env): (() => string | undefined)[] {
    const random = this.#random;
    const inner = (of: Type) => this.#expr(of, depth - 1, env);
    const comparable = () =>
      random.pick([...FIXED, ...SCALARS].filter(({ kind: of }) => !NEVER_EQUAL.has(of)));
    const ordered = () => random.pick(SCALARS.filter(isOrdered));
    const scalar = () => random.pick(SCALARS.filter(({ kind: of }) => of !== "Float"));
    const both = (type: Type) => {
      const left = this.#expr(type, depth - 1, { ...env, wanted: false });
      return [left, random.chance(0.5) ? (this.#constant(type) ?? inner(type)) : inner(type)];
    };
    return [
      () => `(not (${inner(BOOL)}))`,
      () => `(${inner(BOOL)} or ${inner(BOOL)})`,
      () => {
        const { text, known } = this.#condition(depth - 1, env);
        return `(${text} and ${this.#expr(BOOL, depth - 1, { ...env, known })})`;
      },
      () => {
        const { text, known } = this.#condition(depth - 1, env);
        return `(not (${text}) or ${this.#expr(BOOL, depth - 1, { ...env, known })})`;
      },
      () => `(${both(comparable()).join(random.pick([" == ", " != "]))})`,
      () => `(${both(ordered()).join(random.pick([" < ", " <= ", " > ", " >= "]))})`,
      () => {
        const type = scalar();
        const op = random.pick(["in", "not in"]);
        return `(${inner(type)} ${op} ${random.chance(0.6) ? `[${this.#constants(type)}]` : inner(random.pick([set, list])(type))})`;
      },
      () => {
        const type = scalar();
        return `(${inner(set(type))} subset of ${inner(random.pick([set, list])(type))})`;
      },
      () => {
        const type = scalar();
        return `(${inner(random.pick([set, list])(type))} contains ${inner(type)})`;
      },
      () =>
        `(${inner(random.pick([STRING, PATH, kind("Url"), kind("Email"), COLOUR]))} ${random.pick(["like", "not like", "starts with", "ends with", "contains"])} ${inner(STRING)})`,
      () => `(${inner(PATH)} within ${inner(random.pick([PATH, list(PATH)]))})`,
      () => `(${inner(kind("Purpose"))} within payments)`,
      () => `(${inner(kind("Ip"))} within ["10.0.0.0/8", "::/0"])`,
      () => `(delegation.root is ${random.pick(LITERALS.Kind ?? [])})`,
      () => `(agent is not human)`,
      () => `(${random.pick(["any", "all"])} ${this.#loop(undefined, depth, env, BOOL)})`,
      () => {
        const at = random.below(this.#tools.length);
        const tool = this.#tools[at]?.name;
        const there = this.#expr(BOOL, depth - 1, { ...env, tools: [at] });
        const others = env.tools.filter((other) => other !== at);
        const elsewhere = this.#expr(BOOL, depth - 1, { ...env, tools: others });
        if (env.reads === "parameters") return undefined;
        return random.pick([
          `(tool is ${tool} and ${there})`,
          `(tool is not ${tool} or ${there})`,
          `(tool is ${tool} or ${elsewhere})`,
        ]);
      },
      () => {
        if (env.reads === "parameters" || env.resources.length === 0) return undefined;
        const name = random.pick(env.resources);
        const there = this.#expr(BOOL, depth - 1, { ...env, resources: [name] });
        return `(resource is ${name} and ${there})`;
      },
    ];
  }

  /** `x in xs where c: body`, over anything that has elements. */
  #loop(over: Type | undefined, depth: number, env: Env, body: Type): string {
    const random = this.#random;
    const loops = this.#paths(env).filter(
      ({ type }) => type.kind === "Set" || type.kind === "List",
    );
    const name = this.#name("e");
    const chosen =
      loops.length > 0 && random.chance(0.7)
        ? random.pick(loops)
        : ((type: Type) => ({
            text: this.#expr(type, depth - 1, { ...env, wanted: false }),
            type,
          }))(over ?? list(random.pick(FIXED.filter(({ kind: of }) => of !== "Any"))));
    const of = "of" in chosen.type ? chosen.type.of : STRING;
    if (env.loops >= 2) return `${name} in [1]: ${this.#leaf(body, env)}`;
    const inside: Env = {
      ...env,
      wanted: false,
      loops: env.loops + 1,
      locals: [...env.locals, { text: name, type: of }],
    };
    const header = `${name} in ${chosen.text}`;
    return `${header}: ${this.#expr(body, depth - 1, inside)}`;
  }

  /** A path of the type, or a constant. */
  #leaf(type: Type, env: Env): string {
    const random = this.#random;
    if (random.chance(0.75)) {
      const fitting = this.#paths(env).filter((path) => sameKind(path.type, type));
      if (fitting.length > 0) return random.pick(fitting).text;
    }
    if (env.wanted || SELF_TYPED.has(type.kind)) {
      const constant = this.#constant(type);
      const bare = type.kind === "Decimal" && !env.wanted && constant?.includes(".") === false;
      if (constant !== undefined) return bare ? `${constant}.0` : constant;
    }
    return this.#path(type, env);
  }

  #path(type: Type, env: Env): string {
    const random = this.#random;
    const fitting = this.#paths(env).filter((path) => sameKind(path.type, type));
    if (fitting.length > 0) return random.pick(fitting).text;
    if (type.kind === "Set" || type.kind === "List") {
      const item = this.#path(type.of, env);
      return type.kind === "List" ? `[${item}]` : `set(z in [${item}]: z)`;
    }
    if (type.kind === "Record") {
      const fields = type.fields.map(
        ({ name, type: of }) => `${name}: ${this.#path(plain(of), env)}`,
      );
      return `{ ${fields.join(", ")} }`;
    }
    return "delegation.root";
  }

  #constants(type: Type): string {
    return [this.#constant(type), this.#constant(type)].join(", ");
  }

  #constant(type: Type): string | undefined {
    const random = this.#random;
    switch (type.kind) {
      case "Level":
        return random.pick(LITERALS[type.name] ?? []);
      case "OneOf":
        return JSON.stringify(random.pick(type.values));
      case "Set":
      case "List": {
        const items = Array.from({ length: 1 + random.below(2) }, () => this.#constant(type.of));
        return items.includes(undefined) ? undefined : `[${items.join(", ")}]`;
      }
      case "Map": {
        const items = ["k1", "alice"].map((key) => [key, this.#constant(type.of)]);
        const whole = items.every(([, value]) => value !== undefined);
        return whole ? `{ ${items.map((item) => item.join(": ")).join(", ")} }` : undefined;
      }
      case "Record": {
        const items = type.fields
          .filter((field) => field.type.kind !== "Optional" || random.chance(0.5))
          .map((field) => [field.name, this.#constant(plain(field.type))]);
        const whole = items.every(([, value]) => value !== undefined);
        return whole ? `{ ${items.map((item) => item.join(": ")).join(", ")} }` : undefined;
      }
      case "Any":
      case "Party":
      case "Optional":
        return undefined;
      default: {
        const words = LITERALS[type.kind];
        return words === undefined ? undefined : random.pick(words);
      }
    }
  }

  // ── What can be read ─────────────────────────────────────────────────────────────────────────────────────

  /** Every path, with the type it has here: `Optional` where it may be absent. */
  #paths(env: Env): readonly Path[] {
    const roots = [
      ...this.#rootPaths(),
      ...(env.reads === "parameters" ? [] : [...this.#argPaths(env), ...this.#resourcePaths(env)]),
    ];
    const state = env.reads === "everything" ? this.#statePaths() : [];
    const locals = env.locals.flatMap((local) => deeper(local, env.known, 2));
    return [...locals, ...locals, ...state, ...roots.flatMap((path) => deeper(path, env.known, 2))];
  }

  #statePaths(): Path[] {
    return [
      ...this.#counters.map(({ name, type }) => ({ text: name, type })),
      ...this.#latches.map((text) => ({ text, type: BOOL })),
    ];
  }

  #rootPaths(): Path[] {
    const declared = Object.entries(this.#attributes).flatMap(([root, fields]) =>
      fields.map(({ name, type }) => ({ text: `${root}.${name}`, type })),
    );
    return [...BUILT_IN, ...declared];
  }

  #argPaths(env: Env): Path[] {
    const owners = env.tools.flatMap((at) => this.#tools[at]?.args ?? []);
    return shared("args", owners, env.tools.length);
  }

  #resourcePaths(env: Env): Path[] {
    const owners = this.#resources.filter(({ name }) => env.resources.includes(name));
    const fields = owners.flatMap((resource) => resource.fields);
    return [...RESOURCE, ...shared("resource", fields, owners.length)];
  }
}

/** A literal of the type needs nothing to tell which it is. */
const SELF_TYPED = new Set([
  "Bool",
  "Int",
  "Decimal",
  "String",
  "Duration",
  "Level",
  "Effect",
  "Kind",
  "Purpose",
]);
const NEVER_EQUAL = new Set(["Float", "Any"]);

/** Types of which arguments and attributes often are. */
const FIXED: readonly Type[] = [
  STRING,
  INT,
  DECIMAL,
  set(kind("Email")),
  PATH,
  ALIASES.Box ?? STRING,
  list(ALIASES.Item ?? STRING),
  map(DECIMAL),
  COLOUR,
  TIME,
  list(INT),
  set(STRING),
  kind("Any"),
  kind("Email"),
];

/** One attribute of every type that is always there, so that an expression of every type can be written. */
const ANCHORED: readonly Type[] = [...SCALARS, ...FIXED.filter((type) => !SCALARS.includes(type))];
const ANCHORS: readonly Path[] = ANCHORED.map((type, at) => ({ text: `environment.z${at}`, type }));

const BUILT_IN: readonly Path[] = [
  ...ANCHORS,
  { text: "agent.id", type: STRING },
  { text: "agent.kind", type: kind("Kind") },
  { text: "agent.groups", type: set(STRING) },
  { text: "agent.attested", type: BOOL },
  { text: "agent.trust", type: DECIMAL },
  { text: "principal.id", type: STRING },
  { text: "principal.groups", type: set(STRING) },
  { text: "delegation.depth", type: INT },
  { text: "delegation.root", type: PARTY },
  {
    text: "delegation.chain",
    type: list(
      record({
        from: PARTY,
        to: PARTY,
        scope: set(STRING),
        purpose: maybe(kind("Purpose")),
        issued_at: maybe(TIME),
        expires_at: maybe(TIME),
        approved: BOOL,
      }),
    ),
  },
  { text: "delegation.scope", type: set(STRING) },
  { text: "delegation.purpose", type: maybe(kind("Purpose")) },
  { text: "delegation.expires_at", type: maybe(TIME) },
  { text: "delegation.tools", type: maybe(set(STRING)) },
  { text: "intent.purpose", type: maybe(kind("Purpose")) },
  { text: "intent.source", type: kind("Source") },
  { text: "intent.plan", type: maybe(map(INT)) },
  { text: "tool.name", type: STRING },
  { text: "tool.server", type: maybe(STRING) },
  { text: "tool.effect", type: kind("Effect") },
  { text: "session.id", type: STRING },
  { text: "session.started_at", type: TIME },
  { text: "session.labels", type: LABELS },
  { text: "session.sensitivity", type: LEVEL },
  { text: "environment.now", type: TIME },
  { text: "environment.ip", type: maybe(kind("Ip")) },
];

const RESOURCE: readonly Path[] = [
  { text: "resource.id", type: STRING },
  { text: "resource.labels", type: LABELS },
  { text: "resource.tenant", type: maybe(STRING) },
  { text: "resource.sensitivity", type: LEVEL },
];

/** Of one type in all that have it; perhaps absent where one lacks it. */
function shared(root: string, fields: readonly Field[], ownerCount: number): Path[] {
  const names = [...new Set(fields.map(({ name }) => name))];
  return names.flatMap((name) => {
    const own = fields.filter((field) => field.name === name);
    const [first] = own;
    if (first === undefined) return [];
    if (own.some((field) => !sameKind(plain(field.type), plain(first.type)))) return [];
    const everywhere =
      own.length === ownerCount && own.every((field) => field.type.kind !== "Optional");
    const type = everywhere ? first.type : maybe(plain(first.type));
    return [{ text: `${root}.${name}`, type }];
  });
}

/** The path and what is inside it. */
function deeper(path: Path, known: ReadonlySet<string>, depth: number): Path[] {
  const type = known.has(path.text) ? plain(path.type) : path.type;
  const here = { ...path, type };
  if (depth === 0) return [here];
  const inside = (text: string, of: Type) => deeper({ text, type: of }, known, depth - 1);
  switch (type.kind) {
    case "Record":
      return [
        here,
        ...type.fields.flatMap((field) => inside(`${path.text}.${field.name}`, field.type)),
      ];
    case "List":
      return [here, ...inside(`${path.text}[0]`, maybe(type.of))];
    case "Map":
      return [here, ...inside(`${path.text}["k1"]`, maybe(type.of))];
    default: {
      const attributes = ATTRIBUTES.filter(([of]) => of === type.kind);
      return [
        here,
        ...attributes.map(([, name, of]) => ({
          text: `${path.text}.${name}`,
          type: of,
          derived: true,
        })),
      ];
    }
  }
}

function plain(type: Type): Type {
  return type.kind === "Optional" ? type.of : type;
}

function sameKind(a: Type, b: Type): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
