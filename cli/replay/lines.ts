/** JSON Lines as traces are kept in. */
import type { Json } from "../../lang/type.ts";
import { Misuse } from "../command.ts";
import { parseJson } from "../documents.ts";
import { readText } from "../files.ts";
import { isObject, type JsonObject } from "../json.ts";

/** Beyond what a text may be long, a trace is cut into files. */
const TRACE_BYTES_MAX = 512 * 1024 * 1024;

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly value: JsonObject;
}

export function readLines(path: string): Line[] {
  return parseLines(readWholeText(path), path);
}

export function readWholeText(path: string): string {
  return readText(path, TRACE_BYTES_MAX);
}

export function parseLines(text: string, name: string): Line[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    return [
      { number: index + 1, value: parseLine(line, `${JSON.stringify(name)}, line ${index + 1}`) },
    ];
  });
}

function parseLine(line: string, where: string): JsonObject {
  const value = parseJson(line, where) as Json;
  if (!isObject(value)) throw new Misuse(`${where} is no JSON object`);
  return value;
}
