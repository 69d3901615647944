/** JSON that people hand over: what is none is said in one way. `name` is what they called it. */
import { messageOf } from "../engine/fault.ts";
import { type JsonFault, type JsonValue, readJson } from "../engine/json.ts";
import { parseJsonText } from "../engine/json-text.ts";
import type { JsonLimits } from "../engine/limits.ts";
import { Misuse } from "./command.ts";

/** As strictly as requests: of two members of one name, nobody could say which counts. */
export function strictJson(bytes: Uint8Array, name: string, limits: JsonLimits): JsonValue {
  const read = readJson(bytes, limits);
  if (read.ok) return read.value;
  throw notJson(name, read.fault);
}

export function parseJson(text: string, name: string): unknown {
  try {
    return parseJsonText(text);
  } catch (error) {
    throw new Misuse(`${name} is not JSON: ${messageOf(error)}`);
  }
}

export function notJson(name: string, { message, at }: JsonFault): Misuse {
  const where = at.pointer === "" ? `byte ${at.offset}` : `byte ${at.offset}, in ${at.pointer}`;
  return new Misuse(`${name} is not JSON: ${message}, at ${where}`);
}
