/**
 * Readers of a request's values in Rego, by type: a function for each type that gives the value, and is undefined
 * for what the type does not hold.
 */
import type { Program } from "../../../lang/ir.ts";
import {
  EFFECTS,
  type Field,
  KINDS,
  NAMED_LABEL,
  type RecordType,
  SOURCES,
  spell,
  type Type,
  USER_LABEL,
} from "../../../lang/type.ts";
import { type HelperName, helperTexts } from "./helpers.ts";
import { memberOf, type Names, ruleText, setOf, textOf } from "./names.ts";

const SIMPLE: { readonly [kind in Type["kind"]]?: HelperName } = {
  Bool: "truth",
  Int: "integer",
  Float: "number",
  Decimal: "decimal",
  String: "line",
  Command: "line",
  Path: "path",
  Email: "email",
  Ip: "ipv4",
  Party: "party",
  Any: "anything",
};

/** Whether values of the type can be read; else the type that cannot. */
export function unreadable(type: Type): Type | undefined {
  switch (type.kind) {
    case "Duration":
    case "Time":
    case "Cidr":
    case "Url":
      return type;
    case "Optional":
      return unreadable(type.of);
    case "Set":
    case "List":
    case "Map":
      return type.of.kind === "Optional" ? type : unreadable(type.of);
    case "Record":
      return type.fields.map((field) => unreadable(field.type)).find((one) => one !== undefined);
    default:
      return undefined;
  }
}

/** What is written of types and helpers, each once. Not plain functions: what was written depends on what was asked for. */
export class Readers {
  readonly #program: Program;
  readonly #names: Names;
  readonly #readers = new Map<string, string>();
  readonly #texts: string[] = [];
  readonly #helpers = new Set<HelperName>();

  constructor(program: Program, names: Names) {
    this.#program = program;
    this.#names = names;
  }

  use(name: HelperName): HelperName {
    this.#helpers.add(name);
    return name;
  }

  /** Every reader that was asked for, and the helpers that are needed. */
  texts(): readonly string[] {
    return [...this.#texts, ...helperTexts(this.#helpers)];
  }

  /** The name of the function that reads the type. */
  of(type: Type): string {
    if (type.kind === "Optional") return this.of(type.of);
    const simple = SIMPLE[type.kind];
    if (simple !== undefined) return this.use(simple);
    const key = JSON.stringify(type);
    const known = this.#readers.get(key);
    if (known !== undefined) return known;
    const name = this.#names.fresh(this.#wanted(type));
    this.#readers.set(key, name);
    this.#texts.push(this.#written(type, name));
    return name;
  }

  #wanted(type: Type): string {
    switch (type.kind) {
      case "Level":
        return `level_${type.name}`;
      case "Set":
      case "List":
      case "Map":
        return `${type.kind.toLowerCase()}_of_${this.of(type.of)}`;
      case "Record":
        return "record";
      case "OneOf":
        return "one_of";
      default:
        return `a_${type.kind.toLowerCase()}`;
    }
  }

  #written(type: Type, name: string): string {
    switch (type.kind) {
      case "Level":
        return `${name}(x) := ${memberOf("levels", type.name)}[x]`;
      case "OneOf":
        return word(name, type.values);
      case "Purpose":
        return `${name}(x) := x if x in purposes`;
      case "Label":
        return word(name, [...this.#program.labels, USER_LABEL, NAMED_LABEL]);
      case "Effect":
        return word(name, EFFECTS);
      case "Kind":
        return word(name, KINDS);
      case "Source":
        return word(name, SOURCES);
      case "List":
        return this.#list(name, `[${this.of(type.of)}(item) | some item in x]`, type.of);
      case "Set":
        return this.#list(name, `{${this.of(type.of)}(item) | some item in x}`, type.of);
      case "Map":
        return this.#map(name, type.of);
      case "Record":
        return this.#record(name, type);
      default:
        throw new Error(`no reader in Rego for ${spell(type)}`);
    }
  }

  #list(name: string, made: string, of: Type): string {
    this.use("present");
    return ruleText(`${name}(x) := ${made}`, [
      "is_array(x)",
      "count(x) <= 10000",
      `every item in x {\n\tpresent(${this.of(of)}(item))\n}`,
    ]);
  }

  #map(name: string, of: Type): string {
    this.use("present");
    return ruleText(`${name}(x) := {key: ${this.of(of)}(item) | some key, item in x}`, [
      "is_object(x)",
      "count(x) <= 10000",
      'object.keys(x) & {"__proto__", "constructor", "prototype"} == set()',
      `every item in x {\n\tpresent(${this.of(of)}(item))\n}`,
    ]);
  }

  /** Absent members are left out, `null` is absent. */
  #record(name: string, { fields, open }: RecordType): string {
    this.use("present");
    const members = fields.map((field) => {
      const read = `${this.of(field.type)}(${this.given("x", field)})`;
      return `{${textOf(field.name)}: value | value := ${read}}`;
    });
    const declared = setOf(fields.map((field) => textOf(field.wire ?? field.name)));
    const names = open
      ? 'object.keys(x) & {"__proto__", "constructor", "prototype"} == set()'
      : `object.keys(x) - ${declared} == set()`;
    return ruleText(`${name}(x) := object.union_n([${members.join(", ")}])`, [
      "is_object(x)",
      names,
      ...fields.map((field) => this.#fits(field)),
    ]);
  }

  #fits(field: Field): string {
    const read = `present(${this.of(field.type)}(${this.given("x", field)}))`;
    if (field.type.kind !== "Optional") return read;
    const wire = textOf(field.wire ?? field.name);
    return `every value in {object.get(x, ${wire}, null)} - {null} {\n\tpresent(${this.of(field.type)}(value))\n}`;
  }

  /** What was sent for a field, or what is taken where nothing was: where it may be absent, `null` is nothing. */
  given(of: string, field: Field): string {
    const wire = field.wire ?? field.name;
    if (field.default === undefined) return memberOf(of, wire);
    const taken = JSON.stringify(field.default);
    if (field.type.kind !== "Optional") return `object.get(${of}, ${textOf(wire)}, ${taken})`;
    return `${this.use("or_default")}(object.get(${of}, ${textOf(wire)}, null), ${taken})`;
  }
}

function word(name: string, words: readonly string[]): string {
  return `${name}(x) := x if x in ${setOf(words.map(textOf))}`;
}
