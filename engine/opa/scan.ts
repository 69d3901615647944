/**
 * What a Wasm module is, read from its bytes before anything compiles or runs it: whether it is one that OPA's
 * compiler could have made, and none that takes more than its share. OPA's own modules have a start section
 * (`_initialize`), so that one is admitted; the call is made where the module is contained. Pure.
 */
import { skipInstructions } from "./instructions.ts";
import { MODULE_LIMITS } from "./limits.ts";
import { Reader, Refused } from "./reader.ts";

export type Scan =
  | { readonly ok: true; readonly module: ScannedModule }
  | { readonly ok: false; readonly why: string };

export interface ScannedModule {
  readonly abi: { readonly major: 1; readonly minor: number };
  /** Pages of 64 KiB that it wants at least, and perhaps at most. */
  readonly memory: Limits;
  readonly functionCount: number;
  /** Of the largest function. */
  readonly bodyBytes: number;
}

interface Limits {
  readonly least: number;
  readonly most: number | undefined;
}

export function scanModule(bytes: Uint8Array): Scan {
  try {
    return { ok: true, module: scan(bytes) };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, why: error.message };
    throw error;
  }
}

const VALUE_TYPES: ReadonlySet<number> = new Set([0x7f, 0x7e, 0x7d, 0x7c]);
const I32 = 0x7f;

/** `i32 × count → i32`, written as sections write it. */
const word = (count: number) => `${"i".repeat(count)}:i`;

/** What OPA's modules import, all from `env`, beside `memory`: how the host is spoken to. */
const IMPORTS: ReadonlyMap<string, string> = new Map([
  ["opa_abort", "i:"],
  ["opa_println", "i:"],
  ["opa_builtin0", word(2)],
  ["opa_builtin1", word(3)],
  ["opa_builtin2", word(4)],
  ["opa_builtin3", word(5)],
  ["opa_builtin4", word(6)],
]);

/** What the host calls. OPA's ABI has more, which is exported and left alone. */
const EXPORTS: ReadonlyMap<string, string> = new Map([
  ["opa_eval", word(7)],
  ["opa_malloc", word(1)],
  ["opa_value_parse", word(2)],
  ["opa_value_dump", word(1)],
  ["opa_json_dump", word(1)],
  ["opa_heap_ptr_get", word(0)],
  ["builtins", word(0)],
  ["entrypoints", word(0)],
]);

type Kind = "function" | "table" | "memory" | "global";
const KINDS: readonly Kind[] = ["function", "table", "memory", "global"];

/** What has been read so far. Functions and globals are numbered imports first. */
interface Found {
  types: string[];
  /** Signature of each function. */
  functions: string[];
  imported: number;
  memories: Limits[];
  tables: number;
  /** Value of those that are constant `i32`s. */
  globals: (number | undefined)[];
  exports: Map<string, { readonly kind: Kind; readonly index: number }>;
  bodies: number;
  bodyBytes: number;
}

function scan(bytes: Uint8Array): ScannedModule {
  if (bytes.length > MODULE_LIMITS.byteCount) {
    throw new Refused(`it has ${bytes.length} bytes; ${MODULE_LIMITS.byteCount} are the most`);
  }
  const reader = new Reader(bytes);
  const magic = Buffer.from(reader.bytes.subarray(0, 8)).toString("hex");
  if (magic !== "0061736d01000000") throw new Refused("it is no WebAssembly module of version 1");
  reader.skip(8);
  const found: Found = {
    types: [],
    functions: [],
    imported: 0,
    memories: [],
    tables: 0,
    globals: [],
    exports: new Map(),
    bodies: 0,
    bodyBytes: 0,
  };
  let last = 0;
  while (!reader.done) {
    const id = reader.byte();
    const section = reader.part(reader.u32());
    if (id === 0) continue;
    if (id <= last) throw new Refused("its sections are out of order, or there twice");
    last = id;
    scanSection(id, section, found);
    if (!section.done) throw new Refused(`section ${id} is longer than what it holds`);
  }
  return conclude(found);
}

/** By the number of the section. */
const SECTIONS: Readonly<Record<number, (section: Reader, found: Found) => void>> = {
  1: scanTypes,
  2: scanImports,
  3: scanFunctions,
  4: scanTables,
  5: refuseMemory,
  6: scanGlobals,
  7: scanExports,
  8: scanStart,
  9: scanElements,
  10: scanCode,
  11: scanData,
};

function scanSection(id: number, section: Reader, found: Found): void {
  const read = SECTIONS[id];
  if (read === undefined) throw new Refused(`it has a section ${id}, beyond WebAssembly 1.0`);
  read(section, found);
}

function refuseMemory(): never {
  throw new Refused("it brings a memory of its own, and must import the host's");
}

function times(count: number, each: () => void): void {
  for (let left = count; left > 0; left -= 1) each();
}

function scanTypes(section: Reader, found: Found): void {
  times(section.count("types", MODULE_LIMITS.typeCount), () => {
    if (section.byte() !== 0x60) throw new Refused("it has types beyond WebAssembly 1.0");
    const from = valueTypes(section, 1_000);
    const to = valueTypes(section, 1);
    found.types.push(`${from}:${to}`);
  });
}

function valueTypes(section: Reader, most: number): string {
  let spelled = "";
  times(section.count("values in one type", most), () => {
    const type = valueType(section);
    spelled += type === I32 ? "i" : "x";
  });
  return spelled;
}

function valueType(section: Reader): number {
  const type = section.byte();
  if (!VALUE_TYPES.has(type)) throw new Refused("it has a value type beyond WebAssembly 1.0");
  return type;
}

function scanImports(section: Reader, found: Found): void {
  const seen = new Set<string>();
  times(section.count("imports", IMPORTS.size + 1), () => {
    const module = section.name();
    const name = section.name();
    const kind = section.byte();
    const spelled = `${module}.${name}`;
    const isKnown = module === "env" && (name === "memory" || IMPORTS.has(name));
    if (!isKnown) throw new Refused(`it imports ${quote(spelled)}, which OPA's modules do not`);
    if (seen.has(spelled)) throw new Refused(`it imports ${quote(spelled)} twice`);
    seen.add(spelled);
    if (name === "memory") {
      if (kind !== 2) throw new Refused("its import `env.memory` is no memory");
      found.memories.push(memoryLimits(section));
      return;
    }
    const signature = kind === 0 ? found.types[section.u32()] : undefined;
    if (signature !== IMPORTS.get(name)) {
      throw new Refused(`its import ${quote(spelled)} is not what the host supplies`);
    }
    found.functions.push(signature ?? "");
    found.imported += 1;
  });
}

function memoryLimits(section: Reader): Limits {
  const flags = section.byte();
  if (flags > 1) throw new Refused("its memory is shared, or of 64 bits");
  const least = section.u32();
  const most = flags === 1 ? section.u32() : undefined;
  if (least > MODULE_LIMITS.memoryPages) {
    throw new Refused(
      `it begins with ${least} pages of memory; ${MODULE_LIMITS.memoryPages} are the most`,
    );
  }
  return { least, most };
}

function scanFunctions(section: Reader, found: Found): void {
  times(section.count("functions", MODULE_LIMITS.functionCount), () => {
    const signature = found.types[section.u32()];
    if (signature === undefined) throw new Refused("a function has a type that is not there");
    found.functions.push(signature);
  });
}

function scanTables(section: Reader, found: Found): void {
  times(section.count("tables", 1), () => {
    if (section.byte() !== 0x70)
      throw new Refused("its table holds something other than functions");
    const flags = section.byte();
    if (flags > 1) throw new Refused("its table is shared, or of 64 bits");
    const least = section.u32();
    if (flags === 1) section.u32();
    if (least > MODULE_LIMITS.tableSize) {
      throw new Refused(`its table has ${least} elements; ${MODULE_LIMITS.tableSize} are the most`);
    }
    found.tables += 1;
  });
}

function scanGlobals(section: Reader, found: Found): void {
  times(section.count("globals", MODULE_LIMITS.globalCount), () => {
    const type = valueType(section);
    const isMutable = section.byte() !== 0;
    const start = section.position;
    const value = type === I32 && !isMutable && section.byte() === 0x41 ? section.i32() : undefined;
    section.position = start;
    skipInstructions(section);
    found.globals.push(value);
  });
}

function scanExports(section: Reader, found: Found): void {
  times(section.count("exports", MODULE_LIMITS.exportCount), () => {
    const name = section.name();
    const kind = KINDS[section.byte()];
    const index = section.u32();
    if (kind === undefined) throw new Refused("it exports what WebAssembly 1.0 does not have");
    if (found.exports.has(name)) throw new Refused(`it exports ${quote(name)} twice`);
    found.exports.set(name, { kind, index });
  });
}

function scanStart(section: Reader, found: Found): void {
  if (found.functions[section.u32()] !== ":")
    throw new Refused("its start function takes or gives");
}

function scanElements(section: Reader, found: Found): void {
  times(section.count("runs of elements", MODULE_LIMITS.tableSize), () => {
    if (section.u32() !== 0) throw new Refused("it has elements beyond WebAssembly 1.0");
    skipInstructions(section);
    times(section.count("elements", MODULE_LIMITS.tableSize), () => {
      if (section.u32() >= found.functions.length) throw new Refused("an element is no function");
    });
  });
}

function scanCode(section: Reader, found: Found): void {
  times(section.count("functions", MODULE_LIMITS.functionCount), () => {
    const size = section.u32();
    if (size > MODULE_LIMITS.bodyBytes) {
      throw new Refused(`a function has ${size} bytes; ${MODULE_LIMITS.bodyBytes} are the most`);
    }
    const body = section.part(size);
    scanLocals(body);
    skipInstructions(body);
    if (!body.done) throw new Refused("a function is longer than what it holds");
    found.bodies += 1;
    found.bodyBytes = Math.max(found.bodyBytes, size);
  });
}

function scanLocals(body: Reader): void {
  let total = 0;
  times(body.count("groups of locals", MODULE_LIMITS.localCount), () => {
    total += body.u32();
    valueType(body);
    if (total > MODULE_LIMITS.localCount) {
      throw new Refused(`a function has more than ${MODULE_LIMITS.localCount} locals`);
    }
  });
}

function scanData(section: Reader): void {
  times(section.count("runs of data", MODULE_LIMITS.functionCount), () => {
    if (section.u32() !== 0) throw new Refused("it has data beyond WebAssembly 1.0");
    skipInstructions(section);
    section.skip(section.u32());
  });
}

function conclude(found: Found): ScannedModule {
  const [memory] = found.memories;
  if (memory === undefined) throw new Refused("it does not import `env.memory`");
  if (found.bodies !== found.functions.length - found.imported) {
    throw new Refused("it declares other functions than it has");
  }
  for (const [name, signature] of EXPORTS) {
    const exported = found.exports.get(name);
    if (exported === undefined) throw new Refused(`it does not export \`${name}\``);
    if (exported.kind !== "function" || found.functions[exported.index] !== signature) {
      throw new Refused(`its export \`${name}\` is not what OPA's ABI says`);
    }
  }
  const major = constantOf("opa_wasm_abi_version", found);
  const minor = constantOf("opa_wasm_abi_minor_version", found);
  if (major !== 1 || minor < 2) {
    throw new Refused(`it speaks OPA's ABI ${major}.${minor}; 1.2 and later 1.x are supported`);
  }
  return {
    abi: { major, minor },
    memory,
    functionCount: found.functions.length,
    bodyBytes: found.bodyBytes,
  };
}

function constantOf(name: string, { exports, globals }: Found): number {
  const exported = exports.get(name);
  const value = exported?.kind === "global" ? globals[exported.index] : undefined;
  if (value === undefined) throw new Refused(`it does not export the constant \`${name}\``);
  return value;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
