/**
 * Reads as much of Rego as OPA's own cases of builtins are written in: rules, partial rules, functions, calls,
 * comprehensions, operators. What it does not know it refuses (`Unread`), and never guesses.
 */
import { parseRego, type Rego, wholeNumber } from "../../../engine/opa/rego.ts";

export class Unread extends Error {}

export type Term =
  | { readonly kind: "value"; readonly value: Rego }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "array" | "set"; readonly items: readonly Term[] }
  | { readonly kind: "object"; readonly entries: readonly (readonly [Term, Term])[] }
  | { readonly kind: "ref"; readonly root: Term; readonly steps: readonly Term[] }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Term[] }
  | { readonly kind: "operator"; readonly sign: string; readonly left: Term; readonly right: Term }
  | Comprehension;

export interface Comprehension {
  readonly kind: "comprehension";
  readonly of: "array" | "set" | "object";
  readonly key?: Term;
  readonly term: Term;
  readonly body: readonly Statement[];
}

/** `left := right` and `left = right` alike; a term by itself has no `left`. */
export interface Statement {
  readonly isNegated: boolean;
  readonly left?: Term;
  readonly right: Term;
}

export interface Rule {
  readonly name: string;
  /** Of a function. */
  readonly args?: readonly Term[];
  /** Of a partial object. */
  readonly key?: Term;
  /** `contains`: an element of a partial set. */
  readonly isElement: boolean;
  readonly value: Term;
  readonly body: readonly Statement[];
}

export interface Module {
  readonly path: readonly string[];
  readonly rules: readonly Rule[];
}

export function readModule(text: string): Module {
  return new Parser(text).module();
}

export function readQuery(text: string): readonly Statement[] {
  return new Parser(text).statements("");
}

const TOKEN =
  /[ \t\r]+|#[^\n]*|(\n|"(?:[^"\\]|\\.)*"|`[^`]*`|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|[A-Za-z_][A-Za-z_0-9]*|:=|==|!=|<=|>=|[-+*/%<>=(){}[\],.:;|])/y;

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) throw new Unread(`at ${JSON.stringify(text.slice(at, at + 20))}`);
    if (found[1] !== undefined) tokens.push(found[1]);
  }
  return tokens;
}

const TRUE: Term = { kind: "value", value: true };
const UNKNOWN_WORDS = ["with", "else", "every", "some", "in", "default"];
/** From the loosest; each of the left. */
const OPERATORS = [
  ["==", "!=", "<", "<=", ">", ">="],
  ["+", "-"],
  ["*", "/", "%"],
];

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  module(): Module {
    this.#skipLines();
    this.#expect("package");
    const path = this.#path();
    const rules: Rule[] = [];
    for (this.#skipLines(); this.#peek() !== ""; this.#skipLines()) {
      if (this.#takes("import")) this.#import();
      else rules.push(this.#rule());
    }
    return { path, rules };
  }

  /** Up to `end`, a bracket or the end of the text, which is taken. */
  statements(end: string): readonly Statement[] {
    const statements: Statement[] = [];
    for (;;) {
      while (this.#takes("\n") || this.#takes(";"));
      if (this.#peek() === end) break;
      statements.push(this.#statement());
      if (!["\n", ";", end].includes(this.#peek())) throw this.#unread();
    }
    if (end !== "") this.#at += 1;
    return statements;
  }

  /** Those that bring words of later versions, which are known anyway. */
  #import(): void {
    const path = this.#path();
    if (!["rego", "future"].includes(path[0] ?? "")) throw new Unread("imports data");
  }

  #path(): readonly string[] {
    const path = [this.#word()];
    while (this.#takes(".")) path.push(this.#word());
    return path;
  }

  #rule(): Rule {
    const name = this.#word();
    const args = this.#takes("(") ? this.#list(")") : undefined;
    const key = this.#takes("[") ? this.#term() : undefined;
    if (key !== undefined) this.#expect("]");
    const isElement = this.#takes("contains");
    const isGiven = isElement || this.#takes(":=") || this.#takes("=");
    const value = isGiven ? this.#term() : TRUE;
    const body = this.#takes("if") ? this.#body() : [];
    if (!["\n", ""].includes(this.#peek())) throw this.#unread();
    const more = { ...(args && { args }), ...(key && { key }) };
    return { name, isElement, value, body, ...more };
  }

  #body(): readonly Statement[] {
    return this.#takes("{") ? this.statements("}") : [this.#statement()];
  }

  #statement(): Statement {
    const isNegated = this.#takes("not");
    const left = this.#term();
    if (!this.#takes(":=") && !this.#takes("=")) return { isNegated, right: left };
    return { isNegated, left, right: this.#term() };
  }

  #term(level = 0): Term {
    const signs = OPERATORS[level];
    if (signs === undefined) return this.#ref();
    let left = this.#term(level + 1);
    while (signs.includes(this.#peek())) {
      const sign = this.#next();
      left = { kind: "operator", sign, left, right: this.#term(level + 1) };
    }
    return left;
  }

  #ref(): Term {
    let root = this.#primary();
    const steps: Term[] = [];
    for (;;) {
      if (this.#takes(".")) steps.push({ kind: "value", value: this.#word() });
      else if (this.#takes("[")) {
        steps.push(this.#term());
        this.#expect("]");
      } else if (this.#takes("(")) {
        root = { kind: "call", name: dotted(root, steps.splice(0)), args: this.#list(")") };
      } else break;
    }
    return steps.length === 0 ? root : { kind: "ref", root, steps };
  }

  #primary(): Term {
    const token = this.#next();
    if (token === "(") return this.#closed(")");
    if (token === "[") return this.#array();
    if (token === "{") return this.#braces();
    if (token === "-") return { kind: "value", value: parseRego(`-${this.#next()}`) };
    if (/^[0-9]+[eE][0-9]+$/.test(token)) return { kind: "value", value: wholeIn(token) };
    if (token.startsWith("`")) return { kind: "value", value: token.slice(1, -1) };
    if (/^["0-9]|^(?:null|true|false)$/.test(token))
      return { kind: "value", value: parseRego(token) };
    if (!/^[A-Za-z_]/.test(token) || UNKNOWN_WORDS.includes(token)) throw this.#unread(token);
    return { kind: "name", name: token };
  }

  #closed(end: string): Term {
    this.#skipLines();
    const term = this.#term();
    this.#skipLines();
    this.#expect(end);
    return term;
  }

  #array(): Term {
    this.#skipLines();
    if (this.#takes("]")) return { kind: "array", items: [] };
    const first = this.#term();
    if (this.#takes("|")) return this.#comprehension({ of: "array", term: first }, "]");
    return { kind: "array", items: [first, ...this.#rest("]")] };
  }

  #braces(): Term {
    this.#skipLines();
    if (this.#takes("}")) return { kind: "object", entries: [] };
    const first = this.#term();
    if (this.#takes("|")) return this.#comprehension({ of: "set", term: first }, "}");
    if (!this.#takes(":")) return { kind: "set", items: [first, ...this.#rest("}")] };
    const term = this.#term();
    if (this.#takes("|")) return this.#comprehension({ of: "object", key: first, term }, "}");
    const entries: (readonly [Term, Term])[] = [[first, term]];
    while (!this.#ends("}")) {
      const key = this.#term();
      this.#expect(":");
      entries.push([key, this.#term()]);
    }
    return { kind: "object", entries };
  }

  #comprehension(of: Omit<Comprehension, "kind" | "body">, end: string): Term {
    return { kind: "comprehension", ...of, body: this.statements(end) };
  }

  #list(end: string): readonly Term[] {
    this.#skipLines();
    return this.#takes(end) ? [] : [this.#term(), ...this.#rest(end)];
  }

  #rest(end: string): readonly Term[] {
    const items: Term[] = [];
    while (!this.#ends(end)) items.push(this.#term());
    return items;
  }

  /** Behind an item: the end, or a comma and perhaps the end. */
  #ends(end: string): boolean {
    this.#skipLines();
    if (this.#takes(end)) return true;
    this.#expect(",");
    this.#skipLines();
    return this.#takes(end);
  }

  #word(): string {
    const token = this.#next();
    return /^[A-Za-z_]/.test(token) ? token : this.#refuse(token);
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? "";
  }

  #next(): string {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #takes(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at += 1;
    return true;
  }

  #expect(token: string): void {
    if (!this.#takes(token)) throw this.#unread();
  }

  #skipLines(): void {
    while (this.#takes("\n"));
  }

  #unread(token = this.#peek()): Unread {
    return new Unread(`\`${token}\``);
  }

  #refuse(token: string): never {
    throw this.#unread(token);
  }
}

/** `1e109` is a whole number, of which a double has the first digits. */
function wholeIn(token: string): Rego {
  const [digits = "", exponent = ""] = token.split(/[eE]/);
  if (!Number.isFinite(Number(token))) throw new Unread(`\`${token}\``);
  return wholeNumber(BigInt(digits) * 10n ** BigInt(exponent));
}

function dotted(root: Term, steps: readonly Term[]): string {
  const names = [root, ...steps].map((one) => {
    const name = one.kind === "name" ? one.name : one.kind === "value" ? one.value : undefined;
    return typeof name === "string" ? name : refuseCall();
  });
  return names.join(".");
}

function refuseCall(): never {
  throw new Unread("a call of what is no name");
}
