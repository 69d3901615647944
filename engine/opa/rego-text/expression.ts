/**
 * Expressions in Rego (SPEC §5). Unknown is undefined: a value that is unknown has none. Of a condition there are
 * two texts, what holds where it is true and what holds where it is false, because `not` in Rego takes unknown
 * for false. Where a condition cannot be unknown, the second is `not` of the first.
 */
import type { Expr, Program } from "../../../lang/ir.ts";
import { unreachable } from "../../../lang/unreachable.ts";
import { constant } from "./constant.ts";
import { FUNCTIONS } from "./functions.ts";
import type { HelperName } from "./helpers.ts";
import { indented, memberOf, type Names, ruleText, setOf, textOf } from "./names.ts";
import type { Readers } from "./readers.ts";
import { type Certainty, factsOf, isCondition, type Scope, withLocal } from "./scope.ts";
import { Unwritable } from "./unwritable.ts";

/** Writes the expressions of one rule; what it needs beside them is left in `beside`. */
export class ExpressionWriter {
  readonly #program: Program;
  readonly #readers: Readers;
  readonly #names: Names;
  readonly #functions: readonly string[];
  readonly #certainty: Certainty;
  /** Starts the names of the rules that stand beside. */
  readonly #prefix: string;
  readonly beside: string[] = [];
  /** What stands for an expression, so that no rule stands beside twice. */
  readonly #written = new Map<Expr, string>();
  readonly #variables = new Map<Expr, string>();

  constructor(parts: {
    readonly program: Program;
    readonly readers: Readers;
    readonly names: Names;
    readonly functions: readonly string[];
    readonly certainty: Certainty;
    readonly prefix: string;
  }) {
    this.#program = parts.program;
    this.#readers = parts.readers;
    this.#names = parts.names;
    this.#functions = parts.functions;
    this.#certainty = parts.certainty;
    this.#prefix = parts.prefix;
  }

  // ── Conditions ─────────────────────────────────────────────────────────────────────────────────────────

  /** Lines that hold where the condition is true. */
  whenTrue(expr: Expr, scope: Scope): readonly string[] {
    switch (expr.kind) {
      case "const":
        return [String(expr.value)];
      case "not":
        return this.whenFalse(expr.operand, scope);
      case "and":
        return [
          ...this.whenTrue(expr.left, scope),
          ...this.whenTrue(expr.right, factsOf(expr.left, true, scope)),
        ];
      case "or":
        return [
          this.#either(
            [
              this.whenTrue(expr.left, scope),
              this.whenTrue(expr.right, factsOf(expr.left, false, scope)),
            ],
            scope,
          ),
        ];
      case "quantifier": {
        const inner = this.#loop(expr, scope);
        const body = this.whenTrue(expr.body, inner.scope);
        return expr.op === "any" ? inner.some(body) : inner.every(body);
      }
      default:
        return [this.#statement(expr, scope)];
    }
  }

  /** Lines that hold where the condition is false; neither these nor those above hold where it is unknown. */
  whenFalse(expr: Expr, scope: Scope): readonly string[] {
    switch (expr.kind) {
      case "const":
        return [String(expr.value !== true)];
      case "not":
        return this.whenTrue(expr.operand, scope);
      case "and":
        return [
          this.#either(
            [
              this.whenFalse(expr.left, scope),
              this.whenFalse(expr.right, factsOf(expr.left, true, scope)),
            ],
            scope,
          ),
        ];
      case "or":
        return [
          ...this.whenFalse(expr.left, scope),
          ...this.whenFalse(expr.right, factsOf(expr.left, false, scope)),
        ];
      case "quantifier": {
        const inner = this.#loop(expr, scope);
        const body = this.whenFalse(expr.body, inner.scope);
        return expr.op === "any" ? inner.every(body) : inner.some(body);
      }
      case "has":
        return [`not ${this.#presence(expr, scope)}`];
      case "equal":
        return [`${this.value(expr.left, scope)} != ${this.value(expr.right, scope)}`];
      case "less":
        return [this.#comparison(expr, OPPOSITE[expr.op], scope)];
      case "in":
        return [this.#call("outside", [expr.left, expr.right], scope)];
      case "subset": {
        const [left, right] = [this.value(expr.left, scope), this.value(expr.right, scope)];
        const element = this.#variable(expr, "element");
        return [
          `some ${element} in ${left}`,
          `${this.#readers.use("outside")}(${element}, ${right})`,
        ];
      }
      default: {
        const statement = this.#statement(expr, scope);
        return [
          this.#certainty.isKnown(expr, scope) ? `not ${statement}` : `${statement} == false`,
        ];
      }
    }
  }

  /** One line for a condition that is no connective. */
  #statement(expr: Expr, scope: Scope): string {
    switch (expr.kind) {
      case "has":
        return this.#presence(expr, scope);
      case "equal":
        return `${this.value(expr.left, scope)} == ${this.value(expr.right, scope)}`;
      case "less":
        return this.#comparison(expr, expr.op, scope);
      case "in":
        return `${this.value(expr.left, scope)} in ${this.value(expr.right, scope)}`;
      case "subset": {
        const element = this.#variable(expr, "element");
        const [left, right] = [this.value(expr.left, scope), this.value(expr.right, scope)];
        return `every ${element} in ${left} {\n\t${element} in ${right}\n}`;
      }
      default:
        return this.value(expr, scope);
    }
  }

  /**
   * What may stand behind `not`: a reference, since `not` of a call is undefined where an argument is. `false` is a
   * value that a reference takes for none.
   */
  #presence(expr: Extract<Expr, { kind: "has" }>, scope: Scope): string {
    const { of } = expr;
    if (of.kind === "root") return SENT.has(of.name) ? `input.${of.name}` : "true";
    if (!this.#certainty.isOnlyAbsent(of))
      return unwritable(expr, "what overflows and what is absent look alike in Rego");
    const type = this.#certainty.typeOf(of, scope);
    const kind = type?.kind === "Optional" ? type.of.kind : type?.kind;
    const text = this.value(of, scope);
    if (kind !== undefined && kind !== "Bool" && kind !== "Any") return text;
    return this.#beside([{ body: [`${this.#readers.use("present")}(${text})`] }], scope);
  }

  #comparison(expr: Extract<Expr, { kind: "less" }>, op: string, scope: Scope): string {
    return `${this.value(expr.left, scope)} ${op} ${this.value(expr.right, scope)}`;
  }

  /** A rule beside this one that holds where one of the bodies does. */
  #either(bodies: readonly (readonly string[])[], scope: Scope): string {
    return this.#beside(
      bodies.map((body) => ({ body })),
      scope,
    );
  }

  /** A rule, or a function of the locals that its bodies read. Returns what refers to it. */
  #beside(
    clauses: readonly { readonly value?: string; readonly body: readonly string[] }[],
    scope: Scope,
    alternative: "if" | "else" = "if",
  ): string {
    const name = this.#names.fresh(`${this.#prefix}_part`);
    const texts = clauses.map(({ value = "", body }) => [value, ...body].join("\n"));
    const locals = scope.variables.filter((local) => texts.some((text) => reads(text, local)));
    const written = clauses.map(({ value, body }, at) => {
      const params = locals.map((local) =>
        alternative === "else" || reads(texts[at] ?? "", local) ? local : "_",
      );
      const head = locals.length === 0 ? name : `${name}(${params.join(", ")})`;
      const given = value === undefined || value === "true" ? "" : ` := ${value}`;
      if (alternative === "else" && at > 0) return ruleText(`else${given}`, body);
      return ruleText(`${head}${given}`, body);
    });
    this.beside.push(written.join("\n\n"));
    return locals.length === 0 ? name : `${name}(${locals.join(", ")})`;
  }

  /** The same whenever the loop is written, since what stands inside is written once. */
  #variable(loop: Expr, wanted: string): string {
    const known = this.#variables.get(loop) ?? this.#names.fresh(wanted);
    this.#variables.set(loop, known);
    return known;
  }

  #loop(expr: Extract<Expr, { kind: "quantifier" | "aggregate" }>, scope: Scope) {
    const variable = this.#variable(expr, expr.name);
    const over = this.value(expr.over, scope);
    const named = (body: readonly string[]) =>
      body.some((line) => reads(line, variable)) ? variable : "_";
    return {
      variable,
      over,
      named,
      scope: withLocal(scope, expr, variable, this.#certainty),
      some: (body: readonly string[]) => [`some ${named(body)} in ${over}`, ...body],
      every: (body: readonly string[]) => [
        `every ${named(body)} in ${over} {\n${body.map(indented).join("\n")}\n}`,
      ],
    };
  }

  // ── Values ─────────────────────────────────────────────────────────────────────────────────────────────

  /** An expression of Rego, undefined where this one is unknown. */
  value(expr: Expr, scope: Scope): string {
    const known = this.#written.get(expr);
    if (known !== undefined) return known;
    const written = isCondition(expr) ? this.#truth(expr, scope) : this.#value(expr, scope);
    this.#written.set(expr, written);
    return written;
  }

  #value(expr: Expr, scope: Scope): string {
    switch (expr.kind) {
      case "const":
        return constant(expr.value, expr.type, this.#program, this.#readers);
      case "root":
        return this.#root(expr);
      case "local":
        return scope.locals.get(expr.id)?.text ?? unwritable(expr, `\`${expr.name}\` is not known`);
      case "attribute":
        return memberOf(this.#owner(expr, scope), expr.name);
      case "index":
        if (expr.index.kind === "const" && typeof expr.index.value === "string")
          return memberOf(this.value(expr.of, scope), expr.index.value);
        return `${this.value(expr.of, scope)}[${this.value(expr.index, scope)}]`;
      case "coalesce":
        return this.#coalesce(expr, scope);
      case "if":
        return this.#beside(
          [
            { value: this.value(expr.then, scope), body: this.whenTrue(expr.condition, scope) },
            { value: this.value(expr.else, scope), body: this.whenFalse(expr.condition, scope) },
          ],
          scope,
        );
      case "arithmetic":
        return this.#arithmetic(expr, scope);
      case "decimal":
        return `${this.#readers.use("multiplied")}(${this.value(expr.of, scope)}, 10000)`;
      case "negate":
        return `${this.#readers.use("subtracted")}(0, ${this.value(expr.of, scope)})`;
      case "aggregate":
        return this.#aggregate(expr, scope);
      case "list": {
        const items = expr.items.map((item) => this.value(item, scope));
        return expr.as === "Set" ? setOf(items) : `[${items.join(", ")}]`;
      }
      case "record": {
        const fields = expr.fields.map(
          ({ name, value }) => `${textOf(name)}: ${this.value(value, scope)}`,
        );
        return `{${fields.join(", ")}}`;
      }
      case "within":
        return this.#within(expr, scope);
      case "like":
        return this.#like(expr, scope);
      case "text":
        return this.#call(TEXT[expr.op], [expr.left, expr.right], scope);
      case "builtin":
        return this.#builtin(expr, scope);
      case "call": {
        const args = expr.args.map((argument) => this.value(argument, scope)).join(", ");
        const name = this.#functions[expr.function] ?? "";
        return args === "" ? name : `${name}(${args})`;
      }
      case "module":
        return unwritable(
          expr,
          "a module cannot be called in Rego",
          "call its Rego from the text, by hand",
        );
      case "counter":
      case "latch":
        return unwritable(expr, "state is not remembered in Rego", STATEFUL);
      case "origin":
        return unwritable(expr, "where values come from is not known in Rego", STATEFUL);
      default:
        // Conditions went their way above.
        throw new Error(`no text for ${expr.kind}`);
    }
  }

  /** A condition as a value: both texts, one for each. */
  #truth(expr: Expr, scope: Scope): string {
    return this.#beside(
      [
        { value: "true", body: this.whenTrue(expr, scope) },
        { value: "false", body: this.whenFalse(expr, scope) },
      ],
      scope,
    );
  }

  #root(expr: Extract<Expr, { kind: "root" }>): string {
    return unwritable(
      expr,
      `\`${expr.name}\` as a whole has no form in Rego`,
      "read its attributes",
    );
  }

  /** What the text does not read of a request is not there for rules either. */
  #owner(expr: Extract<Expr, { kind: "attribute" }>, scope: Scope): string {
    const { of, name } = expr;
    if (of.kind !== "root") return this.value(of, scope);
    if (this.#certainty.typeOf(expr, scope) === undefined)
      return unwritable(expr, `\`${of.name}.${name}\` is known to Writ alone`, STATEFUL);
    return of.name;
  }

  #coalesce(expr: Extract<Expr, { kind: "coalesce" }>, scope: Scope): string {
    if (!this.#certainty.isOnlyAbsent(expr.left))
      return unwritable(
        expr,
        "what overflows and what is absent look alike in Rego",
        "test with `has` first",
      );
    const left = this.value(expr.left, scope);
    return this.#beside(
      [
        { value: left, body: [`${this.#readers.use("present")}(${left})`] },
        { value: this.value(expr.right, scope), body: [] },
      ],
      scope,
      "else",
    );
  }

  #arithmetic(expr: Extract<Expr, { kind: "arithmetic" }>, scope: Scope): string {
    if (expr.number === "Float") return refuseFloat(expr);
    if (expr.number === "Decimal" && expr.op === "*")
      return this.#call("multiplied_dec", [expr.left, expr.right], scope);
    return this.#call(ARITHMETIC[expr.op], [expr.left, expr.right], scope);
  }

  #within(expr: Extract<Expr, { kind: "within" }>, scope: Scope): string {
    if (expr.of === "Purpose") return this.#call("within", [expr.left, expr.right], scope);
    if (expr.of === "Path") return this.#call("within_path", [expr.left, expr.right], scope);
    return `net.cidr_contains(${this.value(expr.right, scope)}, ${this.value(expr.left, scope)})`;
  }

  #like(expr: Extract<Expr, { kind: "like" }>, scope: Scope): string {
    if (expr.pattern.kind !== "const")
      return unwritable(expr, "a pattern that is calculated has no form in Rego", "write it out");
    const pattern = String(expr.pattern.value)
      .split("*")
      .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
      .join(".*");
    return `regex.match(${textOf(`(?s)^${pattern}$`)}, ${this.value(expr.left, scope)})`;
  }

  #call(
    name: HelperName | (typeof TEXT)[keyof typeof TEXT],
    args: readonly Expr[],
    scope: Scope,
  ): string {
    const used = isBuiltIn(name) ? name : this.#readers.use(name);
    return `${used}(${args.map((argument) => this.value(argument, scope)).join(", ")})`;
  }

  #builtin(expr: Extract<Expr, { kind: "builtin" }>, scope: Scope): string {
    const written = FUNCTIONS[expr.name];
    if (written === undefined)
      return unwritable(
        expr,
        `\`${expr.name.split(".").at(-1)}\` has no form in Rego that is exact`,
        STATEFUL,
      );
    if (expr.name === "split" && !(expr.args[1]?.kind === "const" && expr.args[1].value !== ""))
      return unwritable(
        expr,
        "a separator that may be empty splits otherwise in Rego",
        "write it out",
      );
    if (expr.name === "sum" && expr.args[0] !== undefined) this.#ordered(expr.args[0], scope);
    for (const helper of written.helpers ?? []) this.#readers.use(helper);
    return written.text(expr.args.map((argument) => this.value(argument, scope)));
  }

  /** Unknown where any part is: then fewer elements are decided than there are. */
  #aggregate(expr: Extract<Expr, { kind: "aggregate" }>, scope: Scope): string {
    if (["first", "last", "list", "sum"].includes(expr.op)) this.#ordered(expr.over, scope);
    const loop = this.#loop(expr, scope);
    const kept = expr.where === undefined ? [] : this.whenTrue(expr.where, loop.scope);
    const dropped = expr.where === undefined ? ["false"] : this.whenFalse(expr.where, loop.scope);
    const value = expr.body === undefined ? loop.variable : this.value(expr.body, loop.scope);
    const gathered = (what: string, body: readonly string[]) =>
      `[${what} |\n${[`some ${loop.named([...body, what])} in elements`, ...body].map(indented).join("\n")}\n]`;
    const isCertain =
      this.#certainty.isKnown(expr.where, loop.scope) &&
      this.#certainty.isKnown(expr.body, loop.scope);
    const decided = `count(chosen) + count(${gathered("true", dropped)}) == count(elements)`;
    const body = [
      `elements := ${loop.over}`,
      `chosen := ${gathered(value, kept)}`,
      ...(isCertain ? [] : [decided]),
    ];
    return this.#beside([{ value: this.#combined(expr, "chosen"), body }], scope);
  }

  /** Sets have no order in Rego, and the one in which they were made in Writ. */
  #ordered(over: Expr, scope: Scope): void {
    const type = this.#certainty.typeOf(over, scope);
    const of = type?.kind === "Optional" ? type.of : type;
    const isMade = over.kind === "list" && over.as === "List";
    if (of?.kind !== "List" && !isMade)
      unwritable(
        over,
        "the order of what is looped over is not the same in Rego",
        "loop over a List",
      );
  }

  #combined(expr: Extract<Expr, { kind: "aggregate" }>, chosen: string): string {
    switch (expr.op) {
      case "count":
        return `count(${chosen})`;
      case "sum":
        if (expr.number === "Float") return refuseFloat(expr);
        return `${this.#readers.use("total")}(${chosen})`;
      case "min":
      case "max":
        return `${expr.op}(${chosen})`;
      case "first":
        return `${chosen}[0]`;
      case "last":
        return `${chosen}[count(${chosen}) - 1]`;
      case "list":
        return chosen;
      case "set":
        return `{value | some value in ${chosen}}`;
      default:
        return unreachable(expr.op);
    }
  }
}

/** Roots that a request may lack. */
const SENT: ReadonlySet<string> = new Set(["principal", "resource", "session"]);

const STATEFUL = "decide this rule in Writ, or build with `--target opa-wasm`";

const OPPOSITE = { "<": ">=", "<=": ">", ">": "<=", ">=": "<" } as const;
const ARITHMETIC = { "+": "added", "-": "subtracted", "*": "multiplied" } as const;
const TEXT = { starts: "startswith", ends: "endswith", contains: "contains" } as const;

function isBuiltIn(name: string): name is (typeof TEXT)[keyof typeof TEXT] {
  return Object.values<string>(TEXT).includes(name);
}

/** Whether a line reads the variable: in its code, not in a text. */
export function reads(line: string, variable: string): boolean {
  const code = line.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  return new RegExp(`(?<![\\w.])${variable}(?!\\w)`).test(code);
}

function refuseFloat(expr: Expr): never {
  const what = "Rego calculates with decimal fractions, not with Floats";
  return unwritable(expr, what, "use Decimal");
}

function unwritable(expr: Expr, what: string, help = "decide this rule in Writ"): never {
  throw new Unwritable(expr.at, what, help);
}
