/** JSON Lines as traces are kept in. */
import { JSON_LIMITS, type JsonLimits, OUTCOME_LIMITS } from "../../engine/limits.ts";
import type { Json } from "../../lang/type.ts";
import { Misuse } from "../command.ts";
import { parseJson, strictJson } from "../documents.ts";
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

export function parseLines(text: string, name: string, parse: Parse = parseJson): Line[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const where = `${JSON.stringify(name)}, line ${index + 1}`;
    const value = parse(line, where) as Json;
    if (!isObject(value)) throw new Misuse(`${where} is no JSON object`);
    return [{ number: index + 1, value }];
  });
}

type Parse = (line: string, where: string) => unknown;

/** Of requests and outcomes: as the service reads them, or they would be decided otherwise than it did. */
export function strictLine(line: string, where: string): unknown {
  return strictJson(Buffer.from(line), where, LINE_LIMITS);
}

/** A request with its outcome, one level below the line that holds them. */
const LINE_LIMITS: JsonLimits = {
  byteCount: JSON_LIMITS.byteCount + OUTCOME_LIMITS.byteCount,
  depth: JSON_LIMITS.depth + 1,
  memberCount: OUTCOME_LIMITS.memberCount,
  valueCount: JSON_LIMITS.valueCount + OUTCOME_LIMITS.valueCount,
};
