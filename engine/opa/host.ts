/**
 * A small host of OPA's Wasm ABI 1.2 and later 1.x. The SDK's loop is not used: it keeps an instance, and so a
 * module's globals, from one evaluation to the next, reads results with `JSON.parse` up to whatever zero byte
 * comes, decodes broken UTF-8, throws texts, and lets its builtins win over ours. Here everything that a
 * module hands over is checked against its memory and read strictly, and a module that is not trusted begins
 * each evaluation anew. What takes too long or dies is the affair of whoever runs this (`child.ts`).
 */
import { readJson } from "../json.ts";
import { type Builtin, type BuiltinContext, BuiltinError } from "./builtins/builtin.ts";
import { EVALUATION_LIMITS, MODULE_LIMITS } from "./limits.ts";
import { Malformed, parseRego, type Rego, spellRego } from "./rego.ts";
import type { ScannedModule } from "./scan.ts";
import { createWasmInstance, createWasmMemory, type WasmMemory, type WasmModule } from "./wasm.ts";

/** A module did what none should, or could not go on: the evaluation has no answer. */
export class Trap extends Error {}

export interface HostParts {
  readonly compiled: WasmModule;
  readonly scanned: ScannedModule;
  /** The document that belongs to it: JSON in UTF-8. */
  readonly data?: Uint8Array;
  readonly builtins: ReadonlyMap<string, Builtin>;
  /** Keep one instance for all evaluations: quicker, and for modules that are trusted. */
  readonly reuse: boolean;
}

export interface Described {
  /** Names of entrypoints with their numbers. */
  readonly entrypoints: ReadonlyMap<string, number>;
  /** Names of builtins that it asks its host for, with their numbers. */
  readonly builtins: ReadonlyMap<string, number>;
}

export interface Host {
  readonly described: Described;
  /**
   * The text of `[{"result": …}]`, or of `[]` where nothing is defined, of `input`, JSON in UTF-8. Throws
   * `Trap`, or whatever V8 throws of the module.
   */
  evaluate(entrypoint: number, input: Uint8Array, context: BuiltinContext): string;
}

export function createHost(parts: HostParts): Host {
  const first = begin(parts, new Map());
  const described = describe(first);
  const names = new Map([...described.builtins].map(([name, id]) => [id, name]));
  let kept: Running | undefined;
  return {
    described,
    evaluate(entrypoint, input, context) {
      const running = kept ?? loaded(begin(parts, names), parts);
      kept = undefined;
      const text = run(running, entrypoint, input, context);
      // Only what came to a good end is used again.
      if (parts.reuse) kept = running;
      return text;
    },
  };
}

/** One instance with its memory. */
interface Running {
  readonly memory: WasmMemory;
  readonly exports: Exports;
  /** What a builtin may know in this evaluation; none is under way where it is missing. */
  context: BuiltinContext | undefined;
  /** A builtin is being answered: nothing may ask for another one meanwhile. */
  busy: boolean;
  dataAddress: number;
  heap: number;
}

type Exports = Readonly<
  Record<
    | "opa_eval"
    | "opa_malloc"
    | "opa_value_parse"
    | "opa_value_dump"
    | "opa_json_dump"
    | "opa_heap_ptr_get"
    | "builtins"
    | "entrypoints",
    (...words: number[]) => number
  >
>;

function begin(parts: HostParts, names: ReadonlyMap<number, string>): Running {
  const { compiled, scanned, builtins } = parts;
  const { least, most = MODULE_LIMITS.memoryPages } = scanned.memory;
  const maximum = Math.min(most, MODULE_LIMITS.memoryPages);
  const memory = createWasmMemory(least, maximum);
  const asked = (id: number, ...args: number[]): number => {
    // The first argument is a context that the ABI reserves.
    return answerBuiltin(running, builtins.get(names.get(id) ?? ""), args.slice(1));
  };
  const env = {
    memory,
    opa_abort: (address: number) => {
      throw new Trap(`it gave up: ${textAt(memory, address)}`);
    },
    // What a policy prints is for its author, and nobody asked.
    opa_println: () => 0,
    opa_builtin0: asked,
    opa_builtin1: asked,
    opa_builtin2: asked,
    opa_builtin3: asked,
    opa_builtin4: asked,
  };
  const running: Running = {
    memory,
    exports: {} as Exports,
    context: undefined,
    busy: false,
    dataAddress: 0,
    heap: 0,
  };
  const instance = createWasmInstance(compiled, { env });
  // The scan has seen that these are functions of words.
  return Object.assign(running, { exports: instance.exports as unknown as Exports });
}

function describe({ memory, exports }: Running): Described {
  const read = (address: number) => {
    const json = readResult(memory, exports.opa_json_dump(address));
    const entries = Object.entries(json as Record<string, unknown>);
    if (entries.some(([, id]) => !Number.isInteger(id))) throw new Trap("it lists no numbers");
    return new Map(entries as [string, number][]);
  };
  return { entrypoints: read(exports.entrypoints()), builtins: read(exports.builtins()) };
}

function readResult(memory: WasmMemory, address: number): unknown {
  const { result } = EVALUATION_LIMITS;
  const reading = readJson(bytesAt(memory, address, result.byteCount), result);
  if (!reading.ok) throw new Trap(`what it wrote is no JSON: ${reading.fault.message}`);
  return reading.value;
}

function loaded(running: Running, { data }: HostParts): Running {
  const { exports, memory } = running;
  running.dataAddress = exports.opa_value_parse(...put(running, data ?? EMPTY));
  if (running.dataAddress === 0) throw new Trap("its data cannot be read");
  running.heap = heapOf(exports.opa_heap_ptr_get(), memory);
  return running;
}

const EMPTY = new TextEncoder().encode("{}");

function heapOf(address: number, { buffer }: WasmMemory): number {
  const heap = address >>> 0;
  if (heap > buffer.byteLength) throw new Trap("its heap lies outside its memory");
  return heap;
}

/** In memory that the module gives; where and how much. */
function put({ exports, memory }: Running, bytes: Uint8Array): [number, number] {
  const address = exports.opa_malloc(bytes.length) >>> 0;
  if (address === 0 || address + bytes.length > memory.buffer.byteLength) {
    throw new Trap("it has no room");
  }
  new Uint8Array(memory.buffer).set(bytes, address);
  return [address, bytes.length];
}

function run(
  running: Running,
  entrypoint: number,
  input: Uint8Array,
  context: BuiltinContext,
): string {
  const { exports, memory, heap, dataAddress } = running;
  const missing = heap + input.length - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
  new Uint8Array(memory.buffer).set(input, heap);
  running.context = context;
  try {
    const behind = heap + input.length;
    const result = exports.opa_eval(0, entrypoint, dataAddress, heap, input.length, behind, 0);
    return decode(bytesAt(memory, result, EVALUATION_LIMITS.result.byteCount));
  } finally {
    running.context = undefined;
  }
}

/** A builtin that fails is undefined, as in OPA; one that is not there ends the evaluation. */
function answerBuiltin(
  running: Running,
  builtin: Builtin | undefined,
  addresses: readonly number[],
): number {
  const { context } = running;
  if (builtin === undefined || context === undefined) {
    throw new Trap("it asks for a builtin that it did not name");
  }
  if (running.busy) throw new Trap("it asks for a builtin within a builtin");
  running.busy = true;
  try {
    const args = addresses.map((address) => valueAt(running, address));
    const result = builtin(args, context);
    if (result === undefined) return 0;
    return running.exports.opa_value_parse(...put(running, encodeValue(result)));
  } catch (error) {
    if (error instanceof BuiltinError) return 0;
    throw error;
  } finally {
    running.busy = false;
  }
}

function valueAt({ exports, memory }: Running, address: number): Rego {
  const text = decode(
    bytesAt(memory, exports.opa_value_dump(address), EVALUATION_LIMITS.valueBytes),
  );
  try {
    return parseRego(text);
  } catch (error) {
    if (error instanceof Malformed) throw new Trap(`it hands over no value: ${error.message}`);
    throw error;
  }
}

function encodeValue(value: Rego): Uint8Array {
  const bytes = new TextEncoder().encode(spellRego(value));
  if (bytes.length > EVALUATION_LIMITS.valueBytes)
    throw new BuiltinError("the result is too large");
  return bytes;
}

/** What stands before the next zero byte, which comes within `most`. */
function bytesAt({ buffer }: WasmMemory, address: number, most: number): Uint8Array {
  const start = address >>> 0;
  const bytes = new Uint8Array(buffer);
  if (start === 0 || start >= bytes.length) throw new Trap("it points outside its memory");
  const end = bytes.subarray(start, start + most + 1).indexOf(0);
  if (end < 0) throw new Trap(`what it wrote does not end within ${most} bytes`);
  // A copy: the memory may grow, and then is another one.
  return bytes.slice(start, start + end);
}

function decode(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new Trap("what it wrote is not UTF-8");
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A message for people: what cannot be read or shown is left out. */
function textAt(memory: WasmMemory, address: number): string {
  try {
    const bytes = bytesAt(memory, address, MODULE_MESSAGE_MOST).subarray(
      0,
      EVALUATION_LIMITS.messageBytes,
    );
    return Buffer.from(bytes)
      .toString("utf8")
      .replace(/[^\x20-\x7e]/g, "?");
  } catch {
    return "it said nothing that can be read";
  }
}

/** A longer message is no message. */
const MODULE_MESSAGE_MOST = 64 * 1024;
