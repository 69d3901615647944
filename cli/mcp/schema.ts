/** JSON Schema → types of the language, as text. What the language cannot say becomes `Any`, and is said. */
import { quote } from "../../lang/print-expression.ts";
import type { Json } from "../../lang/type.ts";
import { FORBIDDEN_NAMES } from "../../lang/value.ts";
import { isObject, type JsonObject } from "../json.ts";

export interface Typed {
  readonly type: string;
  /** May be `null`. */
  readonly nullable: boolean;
}

export interface SchemaContext {
  /** What `$ref`s are resolved in. */
  readonly root: Json;
  /** Told of what a person should look at: where, and why. */
  readonly check: (where: string, why: string) => void;
  /** Told how many characters something takes; throws where a file has no room for it. */
  readonly take: (charCount: number) => void;
}

/** Of a member, beside its name: what stands around it, and the shortest type. */
const MEMBER_CHARS = 8;

const DEEPEST = 16;
const REFERENCES_MOST = 8;

/** Members of an object schema, as the inside of a record type; open where `*` stands. */
export function recordOf(
  schema: JsonObject,
  where: string,
  context: SchemaContext,
  depth = 0,
): string {
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const taken = new Set<string>();
  const fields = Object.entries(objectIn(schema.properties)).flatMap(([wire, member]) => {
    // References make trees of a schema that are far larger than its text.
    context.take(wire.length + MEMBER_CHARS);
    const at = where === "" ? wire : `${where}.${wire}`;
    if (FORBIDDEN_NAMES.has(wire)) {
      context.check(at, "no request has a member that is called so: it is left out");
      return [];
    }
    const name = wordFor(wire, taken);
    const { type, nullable } = typeOf(member, at, wire, context, depth + 1);
    const mark = nullable || !required.has(wire) ? "?" : "";
    return `${name}${name === wire ? "" : ` named ${quote(wire)}`}: ${type}${type.endsWith("?") ? "" : mark}`;
  });
  if (where !== "" && schema.additionalProperties === true) fields.push("*");
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

export function typeOf(
  json: Json,
  where: string,
  name: string,
  context: SchemaContext,
  depth: number,
): Typed {
  const { schema, refused } = resolve(json, context.root);
  if (refused !== undefined || depth > DEEPEST) {
    return anything(where, refused ?? "nested too deeply", context);
  }
  const union = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(union)) return unionOf(union, where, name, context, depth);
  if (Array.isArray(schema.allOf)) {
    const [only, ...more] = schema.allOf;
    if (only !== undefined && more.length === 0)
      return typeOf(only, where, name, context, depth + 1);
    return anything(where, "`allOf`", context);
  }
  const values = "const" in schema ? [schema.const ?? null] : schema.enum;
  if (Array.isArray(values)) return oneOf(values, where, context);
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]).filter(
    (type) => type !== "null",
  );
  const nullable = Array.isArray(schema.type) && schema.type.includes("null");
  if (types.length !== 1)
    return anything(where, `one of several types: ${types.join(", ")}`, context);
  return { type: plainType(types[0], schema, where, name, context, depth), nullable };
}

function plainType(
  type: Json | undefined,
  schema: JsonObject,
  where: string,
  name: string,
  context: SchemaContext,
  depth: number,
): string {
  switch (type) {
    case "boolean":
      return "Bool";
    case "integer":
      return "Int";
    case "number":
      return isDecimal(schema.multipleOf) ? "Decimal" : "Float";
    case "string":
      return textType(schema.format, name);
    case "array":
      return listType(schema, where, name, context, depth);
    case "object":
      return objectType(schema, where, context, depth);
    case undefined:
      if (schema.properties !== undefined) return objectType(schema, where, context, depth);
      return anything(where, "no type", context).type;
    default:
      return anything(where, `type ${JSON.stringify(type)}`, context).type;
  }
}

/** Steps that four fraction digits hold exactly: amounts of money, above all. */
function isDecimal(step: Json | undefined): boolean {
  return (
    step === 0.1 ||
    step === 0.01 ||
    step === 0.001 ||
    step === 0.0001 ||
    step === 0.05 ||
    step === 0.25 ||
    step === 0.5
  );
}

function textType(format: Json | undefined, name: string): string {
  switch (format) {
    case "uri":
    case "url":
      return "Url";
    case "email":
      return "Email";
    case "date-time":
      return "Time";
    case "ipv4":
    case "ipv6":
      return "Ip";
    default:
      // So that `..` and the like are resolved before a rule looks at it.
      return /(?:^|[_-])(?:file)?paths?$|[a-z]Paths?$/.test(name) ? "Path" : "String";
  }
}

const SCALARS = ["Bool", "Int", "Float", "Decimal", "String", "Url", "Email", "Time", "Ip", "Path"];

function listType(
  schema: JsonObject,
  where: string,
  name: string,
  context: SchemaContext,
  depth: number,
): string {
  if (schema.items === undefined || schema.items === true) return "List<Any>";
  const item = typeOf(schema.items, `${where}[]`, name, context, depth + 1);
  if (item.nullable)
    return `List<${anything(`${where}[]`, "elements that may be null", context).type}>`;
  const isScalar = SCALARS.includes(item.type) || item.type.startsWith('"');
  return `${schema.uniqueItems === true && isScalar ? "Set" : "List"}<${item.type}>`;
}

function objectType(
  schema: JsonObject,
  where: string,
  context: SchemaContext,
  depth: number,
): string {
  if (Object.keys(objectIn(schema.properties)).length > 0)
    return recordOf(schema, where, context, depth);
  const values = schema.additionalProperties;
  if (values === false) return "{}";
  if (!isObject(values)) return "Map<Any>";
  const { type, nullable } = typeOf(values, `${where}.*`, "", context, depth + 1);
  return nullable
    ? `Map<${anything(`${where}.*`, "values that may be null", context).type}>`
    : `Map<${type}>`;
}

function unionOf(
  parts: readonly Json[],
  where: string,
  name: string,
  context: SchemaContext,
  depth: number,
): Typed {
  const solid = parts.filter((part) => !(isObject(part) && part.type === "null"));
  const nullable = solid.length < parts.length;
  const [only] = solid;
  if (only !== undefined && solid.length === 1) {
    const typed = typeOf(only, where, name, context, depth + 1);
    return { ...typed, nullable: nullable || typed.nullable };
  }
  const constants = solid.map((part) =>
    isObject(part) && typeof part.const === "string" ? part.const : undefined,
  );
  if (constants.every((value) => value !== undefined) && constants.length > 0) {
    return { ...oneOf(constants, where, context), nullable };
  }
  return { ...anything(where, "one of several schemas", context), nullable };
}

function oneOf(values: readonly Json[], where: string, context: SchemaContext): Typed {
  const solid = values.filter((value) => value !== null);
  if (solid.length === 0 || !solid.every((value) => typeof value === "string")) {
    return anything(where, "a set of values that are not all texts", context);
  }
  const unique = [...new Set(solid as string[])];
  context.take(unique.reduce((sum, value) => sum + value.length, 0));
  return { type: unique.map(quote).join(" | "), nullable: solid.length < values.length };
}

function anything(where: string, why: string, context: SchemaContext): Typed {
  context.check(where, `${why}: rules cannot read it`);
  return { type: "Any", nullable: false };
}

interface Resolved {
  readonly schema: JsonObject;
  readonly refused?: string;
}

/** Follows `#/…`; what lies elsewhere is not fetched. */
export function resolve(json: Json, root: Json): Resolved {
  let schema: Json = json;
  for (let steps = 0; steps <= REFERENCES_MOST; steps += 1) {
    if (schema === true) return { schema: {}, refused: "anything at all" };
    if (!isObject(schema)) return { schema: {}, refused: "no schema" };
    const reference: Json | undefined = schema.$ref;
    if (reference === undefined) return { schema };
    if (typeof reference !== "string" || !reference.startsWith("#")) {
      return { schema: {}, refused: "a reference to elsewhere" };
    }
    const target = follow(root, reference);
    if (target === undefined) return { schema: {}, refused: "a reference to nothing" };
    schema = target;
  }
  return { schema: {}, refused: "references in a circle" };
}

function follow(root: Json, reference: string): Json | undefined {
  let found: Json | undefined = root;
  for (const step of reference.split("/").slice(1)) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return found;
}

/** A word like `wire` that nothing here is called yet. */
export function wordFor(wire: string, taken: Set<string>): string {
  const plain = wire.replace(/[^A-Za-z0-9_]+/g, "_").slice(0, 100);
  const isWord = /^[A-Za-z_]/.test(plain) && /[A-Za-z0-9]/.test(plain);
  const word = isWord && !FORBIDDEN_NAMES.has(plain) ? plain : `x${plain}`;
  let made = word;
  for (let count = 2; taken.has(made); count += 1) made = `${word}_${count}`;
  taken.add(made);
  return made;
}

function objectIn(json: Json | undefined): JsonObject {
  return isObject(json) ? json : {};
}
