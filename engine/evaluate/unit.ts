/** What is known while one unit of source is written: functions beside each other, each with its own names. */
import type { Cause, Expr, Program, RootName } from "../../lang/ir.ts";
import { fromJson, KEPT_LENGTH, Unknown, type Value } from "../value.ts";
import { Block, type Code, code, Emitter, join } from "./emit.ts";
import { valueCode } from "./expression.ts";
import { bind, type Fail } from "./leaving.ts";
import { attributeOrUndefined, type Local } from "./reading.ts";
import { spendingOn, useFuel } from "./spending.ts";

export type Reading = "counter" | "latch";

export class Unit {
  readonly program: Program;
  readonly emitter = new Emitter();
  /** Some code written so far takes steps: who asks the next question must say so before. */
  spendsFuel = false;
  readonly #unknowns = new Map<string, Unknown>();
  readonly #constants = new Map<Expr, Value | undefined>();
  readonly #functions = new Map<number | string, Code>();
  readonly #declarations = new Block();

  constructor(program: Program) {
    this.program = program;
  }

  declare(declaration: Code): void {
    this.#declarations.add(declaration);
  }

  declarations(): Code {
    return this.#declarations.toCode();
  }

  /** The one instance for this cause and place. */
  unknown(cause: Cause, at: number): Code {
    const key = `${cause}@${at}`;
    const made = this.#unknowns.get(key) ?? new Unknown(cause, at);
    this.#unknowns.set(key, made);
    return this.emitter.constant(made);
  }

  constantOf(expr: Extract<Expr, { kind: "const" }>): Value | undefined {
    const made = this.#constants.get(expr) ?? fromJson(expr.value, expr.type);
    this.#constants.set(expr, made);
    return made;
  }

  /** The name of declared function `index`: from roots, facts and arguments to a value or `Unknown`. */
  function(index: number): Code {
    const known = this.#functions.get(index);
    if (known !== undefined) return known;
    const declared = this.program.functions[index];
    if (declared === undefined) throw new Error(`no function ${index}`);
    const name = this.emitter.name("f");
    this.#functions.set(index, name);
    const frame = openFrame(this, [declared.body]);
    const parameters = declared.params.map((id) => {
      const value = this.emitter.name("v");
      frame.locals.set(id, { value });
      return value;
    });
    const body = new Block();
    body.add(code`return ${valueCode(frame, body, declared.body, returnUnknown)};`);
    this.declare(
      code`function ${name}(${join([code`q`, code`f`, ...parameters], code`, `)}) {\n${frame.prologue()}\n${body.toCode()}\n}`,
    );
    return name;
  }

  /** The name of the function that reads a counter or latch: its reading, `Unknown` where its key is, or a word. */
  reader(kind: Reading, index: number): Code {
    const id = `${kind} ${index}`;
    const known = this.#functions.get(id);
    if (known !== undefined) return known;
    const declared = (kind === "counter" ? this.program.counters : this.program.latches)[index];
    if (declared === undefined) throw new Error(`no ${kind} ${index}`);
    const name = this.emitter.name("f");
    this.#functions.set(id, name);
    const frame = openFrame(this, declared.per);
    const body = new Block();
    const key = ownKeyCode(frame, body, declared.per);
    const read = kind === "counter" ? code`counter` : code`latch`;
    body.add(code`return f.${read}(${this.emitter.constant(index)}, ${key});`);
    this.declare(code`function ${name}(q, f) {\n${frame.prologue()}\n${body.toCode()}\n}`);
    return name;
  }
}

const returnUnknown = (unknown: Code): Code => code`return ${unknown};`;

/** Begins the question's steps, if anything written up to here takes some. Goes in front of each question's code. */
export function asking(unit: Unit): Code {
  return unit.spendsFuel ? code`${unit.emitter.helper("fuel")}.ask();` : code``;
}

/** The key under which the store keeps what is counted per `per`; it takes steps of the question at hand. */
export function keyCode(frame: Frame, out: Block, per: readonly Expr[], fail: Fail): Code {
  const { emitter } = frame.unit;
  const parts = per.map((part) => {
    const value = bind(frame, out, valueCode(frame, out, part, fail));
    out.add(spendingOn(frame, "keySteps", [value], part.at, fail));
    return value;
  });
  const [first] = parts;
  if (first === undefined) return emitter.constant("");
  if (parts.length === 1) return code`${emitter.helper("keyOfOne")}(${first})`;
  return code`${emitter.helper("keyOf")}([${join(parts, code`, `)}])`;
}

/** The same with steps of its own. They are counted only where they may be some: hardly a key is a long text. */
function ownKeyCode(frame: Frame, out: Block, per: readonly Expr[]): Code {
  const { emitter } = frame.unit;
  const plain = plainKeyCode(frame, out, per, returnUnknown);
  if (plain !== undefined) {
    const fuel = emitter.helper("fuel");
    out.add(plain.check(code`${fuel}.enter();`, code`${fuel}.leave();`));
    return plain.key;
  }
  const [key, label, fuel] = [emitter.name("v"), emitter.name("l"), useFuel(frame)];
  const inner = new Block();
  const value = keyCode(
    frame,
    inner,
    per,
    (unknown) => code`{ ${key} = ${unknown}; break ${label}; }`,
  );
  inner.add(code`${key} = ${value};`);
  out.add(code`let ${key};\n${fuel}.enter();\n${label}: {\n${inner.toCode()}\n}\n${fuel}.leave();`);
  out.add(code`if (${key} instanceof ${emitter.helper("Unknown")}) return ${key};`);
  return key;
}

interface PlainKey {
  readonly key: Code;
  /** Statements that take its steps, between `before` and `after`, where it is long. */
  readonly check: (before: Code, after: Code) => Code;
}

/** Of a key that is one value as it was sent; `undefined` for others. */
export function plainKeyCode(
  frame: Frame,
  out: Block,
  per: readonly Expr[],
  fail: Fail,
): PlainKey | undefined {
  const [part, ...others] = per;
  if (part === undefined || others.length > 0 || !isRead(part)) return undefined;
  const { emitter } = frame.unit;
  const value = bind(frame, out, valueCode(frame, out, part, fail));
  const steps = emitter.name("v");
  const check = (before: Code, after: Code): Code => {
    const failure = fail(frame.unit.unknown("fuel", part.at), "fuel");
    const fuel = emitter.helper("fuel");
    const taken = code`${before}\nconst ${steps} = ${fuel}.spend(${emitter.helper("keySteps")}(${value}));\n${after}`;
    return code`if (${value}.length > ${emitter.constant(KEPT_LENGTH)}) {\n${taken}\nif (!${steps}) ${failure}\n}`;
  };
  return { key: code`${emitter.helper("keyOfOne")}(${value})`, check };
}

function isRead(expr: Expr): boolean {
  return expr.kind === "root" || (expr.kind === "attribute" && isRead(expr.of));
}

/** One function: roots and attributes that are read more than once are read at its start. */
export interface Frame {
  readonly unit: Unit;
  readonly locals: Map<number, Local>;
  /** Which expressions are known to be total: asked again and again on the way down. */
  readonly totals: Map<Expr, boolean>;
  root(name: RootName): Code;
  /** The name that holds the attribute or `undefined`, if it was read at the start. */
  hoisted(root: RootName, attribute: string): Code | undefined;
  /** The same, read at the start from now on. */
  hoist(root: RootName, attribute: string): Code;
  /** A name that holds `value`, computed at the start; the same name for the same `key`. */
  shared(key: string, value: () => Code): Code;
  /** A variable of this function that keeps what was read from state. */
  cell(kind: Reading, index: number): Code;
  /** Declares all of it; to be asked when the body is written. */
  prologue(): Code;
}

export function openFrame(unit: Unit, reads: readonly Expr[]): Frame {
  const roots = new Map<RootName, Code>();
  const attributes = new Map<string, Code>();
  const cells = new Map<string, Code>();
  const shared = new Map<string, Code>();
  const start = new Block();
  const frame: Frame = {
    unit,
    locals: new Map(),
    totals: new Map(),
    root(name) {
      const known = roots.get(name);
      if (known !== undefined) return known;
      const made = unit.emitter.name("v");
      roots.set(name, made);
      return made;
    },
    hoisted: (root, attribute) => attributes.get(`${root}.${attribute}`),
    hoist(root, name) {
      const key = `${root}.${name}`;
      const known = attributes.get(key);
      if (known !== undefined) return known;
      const made = unit.emitter.name("v");
      attributes.set(key, made);
      start.add(code`const ${made} = ${attributeOrUndefined(frame, root, name)};`);
      return made;
    },
    shared(key, value) {
      const known = shared.get(key);
      if (known !== undefined) return known;
      const made = unit.emitter.name("v");
      shared.set(key, made);
      const text = value();
      start.add(code`const ${made} = ${text};`);
      return made;
    },
    cell(kind, index) {
      const key = `${kind} ${index}`;
      const known = cells.get(key);
      if (known !== undefined) return known;
      const made = unit.emitter.name("v");
      cells.set(key, made);
      return made;
    },
    prologue() {
      const before = new Block();
      for (const [name, made] of roots) before.add(code`const ${made} = q.${ROOTS[name]};`);
      before.add(start.toCode());
      for (const made of cells.values()) before.add(code`let ${made};`);
      return before.toCode();
    },
  };
  for (const { root, name } of repeatedReads(reads)) {
    frame.hoist(root, name);
  }
  return frame;
}

interface Read {
  readonly root: RootName;
  readonly name: string;
  count: number;
}

function repeatedReads(exprs: readonly Expr[]): readonly Read[] {
  const reads = new Map<string, Read>();
  for (const expr of exprs) countReads(expr, reads);
  return [...reads.values()].filter((read) => read.count > 1);
}

function countReads(expr: Expr, reads: Map<string, Read>): void {
  if (expr.kind === "attribute" && expr.of.kind === "root") {
    const key = `${expr.of.name}.${expr.name}`;
    const read = reads.get(key) ?? { root: expr.of.name, name: expr.name, count: 0 };
    read.count++;
    reads.set(key, read);
    return;
  }
  for (const part of partsOf(expr)) countReads(part, reads);
}

/** The expressions that `expr` is made of. */
export function partsOf(expr: Expr): readonly Expr[] {
  const parts: Expr[] = [];
  if (expr.kind === "const") return parts;
  for (const value of Object.values(expr) as unknown[]) {
    if (Array.isArray(value)) for (const item of value) addExpr(parts, item);
    else addExpr(parts, value);
  }
  return parts;
}

function addExpr(parts: Expr[], value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if ("kind" in value && "at" in value) parts.push(value as Expr);
  else if ("value" in value) addExpr(parts, value.value);
}

const ROOTS: Readonly<Record<RootName, Code>> = {
  agent: code`agent`,
  principal: code`principal`,
  delegation: code`delegation`,
  intent: code`intent`,
  tool: code`tool`,
  args: code`args`,
  resource: code`resource`,
  session: code`session`,
  environment: code`environment`,
};
