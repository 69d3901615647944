import type { ModuleSource } from "./open.ts";

/** Bounds on imported modules, each with its reason. Modules that OPA 1.22 makes stand in brackets. */
export const MODULE_LIMITS = {
  /** [136 KiB for an empty policy; a megabyte is thousands of rules] */
  byteCount: 1024 * 1024,
  /** Function types. [29] */
  typeCount: 1_000,
  /** [747] */
  functionCount: 20_000,
  /** [26] */
  exportCount: 256,
  /** [4] */
  globalCount: 1_000,
  /** Elements of the one table. [80] */
  tableSize: 10_000,
  /** Of one function. V8's fast compiler takes a tenth of a second for each MiB. [7 KiB] */
  bodyBytes: 128 * 1024,
  /** Of one function; V8 itself takes 50,000. [300] */
  localCount: 5_000,
  /** Blocks in each other. [40] */
  blockDepth: 500,
  /** Of 64 KiB each, what a module may begin with and grow to: 32 MiB. [2] */
  memoryPages: 512,
} as const;

/** Bounds on one evaluation. */
export const EVALUATION_LIMITS = {
  /** The default for an answer; a module that takes longer is killed. */
  deadlineMs: 50,
  /** An answer is a boolean, a few words, or a record of them. */
  result: { byteCount: 64 * 1024, depth: 32, memberCount: 1_000, valueCount: 10_000 },
  /** What a module says when it gives up. */
  messageBytes: 512,
  /** One argument or result of a builtin. */
  valueBytes: 1024 * 1024,
  /** Values in each other, in what a builtin is given. */
  valueDepth: 256,
  /** The data document that belongs to a module. */
  dataBytes: 8 * 1024 * 1024,
  /** What a builtin may make: elements of a list, or characters of a text. */
  madeCount: 100_000,
} as const;

/** Why something so large is not even looked at. */
export function sizeFault({ wasm, data }: ModuleSource): string | undefined {
  const { byteCount } = MODULE_LIMITS;
  if (wasm.length > byteCount) return `it has ${wasm.length} bytes; ${byteCount} are the most`;
  const { dataBytes } = EVALUATION_LIMITS;
  const isTooMuch = data !== undefined && data.length > dataBytes;
  return isTooMuch ? `its data has more than ${dataBytes} bytes` : undefined;
}
