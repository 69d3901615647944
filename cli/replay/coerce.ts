/** Arguments as models write them → as the tool takes them: what a tool's own runtime does before it runs. */
import type { ToolDecl } from "../../lang/ir.ts";
import type { Field, Json, Type } from "../../lang/type.ts";
import { isObject, type JsonObject } from "../json.ts";
import { parsePython } from "./python.ts";

/** What does not fit stays as it is: the engine refuses it. */
export function coerceArguments(args: JsonObject, tool: ToolDecl): JsonObject {
  const fields = new Map(tool.args.map((field) => [wireOf(field), field]));
  const made: Record<string, Json> = {};
  for (const [name, value] of Object.entries(args)) {
    const field = fields.get(name);
    made[name] = field === undefined ? value : coerce(value, field.type);
  }
  return made;
}

function wireOf({ name, wire }: Field): string {
  return wire ?? name;
}

function coerce(value: Json, type: Type): Json {
  switch (type.kind) {
    case "Optional":
      return value === null ? null : coerce(value, type.of);
    case "Set":
    case "List":
      return listOf(value).map((item) => coerce(item, type.of));
    case "Record":
      if (!isObject(value)) return value;
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => {
          const field = type.fields.find((candidate) => wireOf(candidate) === name);
          return [name, field === undefined ? inner : coerce(inner, field.type)];
        }),
      );
    case "Int":
    case "Decimal":
    case "Float":
      return typeof value === "string" && /^\s*-?\d+(?:\.\d+)?\s*$/.test(value)
        ? Number(value)
        : value;
    case "Bool":
      return boolOf(value);
    case "String":
    case "OneOf":
    case "Email":
    case "Path":
    case "Url":
    case "Time":
      return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
    default:
      return value;
  }
}

/** One thing where a list is wanted is a list of it; a list that was written out as text is read. */
function listOf(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value;
  if (typeof value === "string" && /^\s*\[/.test(value)) {
    const read = parsePython(value);
    if (Array.isArray(read)) return read;
  }
  return value === null || value === "" ? [] : [value];
}

function boolOf(value: Json): Json {
  if (typeof value !== "string") return value;
  const word = value.trim().toLowerCase();
  return word === "true" ? true : word === "false" ? false : value;
}
