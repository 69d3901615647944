/**
 * A program cut into texts that are each parsed in a moment, so that a thread which decides is never busy for
 * long with a program that another thread has read.
 */
import { setImmediate } from "node:timers/promises";
import type { Program } from "../../lang/ir.ts";
import { parseJsonText } from "../json-text.ts";

export interface Piece {
  readonly member: string;
  /** JSON: the member, or some of the items of a list. */
  readonly text: string;
  readonly isList: boolean;
}

/** Rules have some 800 bytes each, places are single numbers. */
const ITEMS_OF_PIECE = 200;
const NUMBERS_OF_PIECE = 20_000;

export function cutProgram(program: Program): readonly Piece[] {
  return Object.entries(program).flatMap(([member, value]: [string, unknown]): readonly Piece[] => {
    if (!Array.isArray(value)) return [{ member, text: JSON.stringify(value), isList: false }];
    const size = typeof value[0] === "number" ? NUMBERS_OF_PIECE : ITEMS_OF_PIECE;
    const count = Math.max(1, Math.ceil(value.length / size));
    return Array.from({ length: count }, (_, index) => {
      const items = value.slice(index * size, (index + 1) * size);
      return { member, text: JSON.stringify(items), isList: true };
    });
  });
}

/** Everything else that waits has its turn between any two pieces. */
export async function joinProgram(pieces: readonly Piece[]): Promise<Program> {
  const program: Record<string, unknown> = {};
  for (const { member, text, isList } of pieces) {
    const value: unknown = parseJsonText(text);
    const before = program[member];
    if (isList && Array.isArray(before) && Array.isArray(value)) before.push(...value);
    else program[member] = value;
    await setImmediate();
  }
  return program as unknown as Program;
}
