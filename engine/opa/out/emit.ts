/**
 * A policy as a module that any OPA host runs: OPA's Wasm ABI 1.2 (SPEC §11.7). The module is the runtime
 * (`runtime/runtime.c`: QuickJS and the ABI), the engine's own code as byte code, and the policy's IR as data.
 *
 * A host brings a small memory of its own, so nothing can stand in memory from the beginning: what the runtime
 * and the policy need is put there by a start function, which first makes room.
 */
import { Reader } from "../reader.ts";
import { createWasmInstance, createWasmMemory, createWasmModule } from "../wasm.ts";
import {
  bytesOf,
  concat,
  constant,
  itemsOf,
  moduleOf,
  number,
  SECTION,
  type Section,
  sectionsOf,
  sized,
  text,
  vector,
} from "./sections.ts";

export interface ModuleParts {
  /** `runtime/runtime.wasm`. */
  readonly runtime: Uint8Array;
  /** `guest.ts` and all it imports, as one script. */
  readonly guest: string;
}

const PAGE = 65_536;

/** What the runtime was linked for; everything below is its own. */
const ARENA_PAGES = 512;

/** OPA's ABI, as exported globals. */
const ABI = { opa_wasm_abi_version: 1, opa_wasm_abi_minor_version: 2 };

/** Exports of the runtime that are for here only, or that a host might call a second time. */
const OWN_EXPORTS: ReadonlySet<string> = new Set([
  "_initialize",
  "__heap_base",
  "writ_place",
  "writ_compile",
  "writ_compiled_length",
]);

/** From the runtime and the engine's code, which are compiled once, a function from policy to module. */
export function moduleEmitter({ runtime, guest }: ModuleParts): (policy: string) => Uint8Array {
  const sections = sectionsOf(runtime);
  const code = byteCodeOf(guest, runtime);
  return (policy) => assemble(sections, code, new TextEncoder().encode(policy));
}

/** The runtime itself compiles, so that it reads what it wrote. */
function byteCodeOf(source: string, runtime: Uint8Array): Uint8Array {
  const memory = createWasmMemory(ARENA_PAGES, 2 * ARENA_PAGES);
  const refuse = () => {
    throw new Error("the engine's code for modules cannot be compiled");
  };
  const env = { memory, opa_abort: refuse, opa_println: refuse, opa_builtin0: refuse };
  const { exports } = createWasmInstance(createWasmModule(runtime), { env });
  const call = exports as Record<string, (...values: number[]) => number>;
  call._initialize?.();
  const bytes = new TextEncoder().encode(source);
  const at = ARENA_PAGES * PAGE;
  memory.grow(pagesOf(bytes.length + 1));
  new Uint8Array(memory.buffer).set(bytes, at);
  const made = call.writ_compile?.(at, bytes.length) ?? 0;
  if (made === 0) refuse();
  return new Uint8Array(memory.buffer, made, call.writ_compiled_length?.()).slice();
}

function assemble(sections: readonly Section[], code: Uint8Array, policy: Uint8Array): Uint8Array {
  const body = (id: number) => sections.find((section) => section.id === id)?.body;
  const imports = itemsOf(body(SECTION.import), passImport);
  const exported = itemsOf(body(SECTION.export), passExport);
  const types = itemsOf(body(SECTION.type), passType);
  const functions = itemsOf(body(SECTION.function), (reader) => reader.u32());
  const globals = itemsOf(body(SECTION.global), passGlobal);
  const bodies = itemsOf(body(SECTION.code), bytesOf);
  const segments = dataSegments(body(SECTION.data));
  const names = new Map(exported.map(exportOf));
  const importedFunctions = imports.filter((one) => kindOfImport(one) === 0).length;
  const starting = importedFunctions + functions.length;
  const start = startCode(segments, code, policy, (name) => names.get(name) ?? 0);
  const changed: readonly Section[] = [
    { id: SECTION.type, body: vector([...types, Uint8Array.of(0x60, 0, 0)]) },
    { id: SECTION.import, body: vector(imports.map(smallMemory)) },
    { id: SECTION.function, body: vector([...functions, number(types.length)]) },
    { id: SECTION.global, body: vector([...globals, ...Object.values(ABI).map(fixedGlobal)]) },
    {
      id: SECTION.export,
      body: vector([
        ...exported.filter((one) => !OWN_EXPORTS.has(exportOf(one)[0])),
        ...Object.keys(ABI).map((name, at) =>
          concat([text(name), Uint8Array.of(3), number(globals.length + at)]),
        ),
      ]),
    },
    { id: SECTION.start, body: number(starting) },
    { id: SECTION.dataCount, body: number(segments.length + 2) },
    { id: SECTION.code, body: vector([...bodies, sized(start)]) },
    {
      id: SECTION.data,
      body: vector(
        [...segments.map(({ bytes }) => bytes), code, policy].map((bytes) =>
          concat([Uint8Array.of(1), sized(bytes)]),
        ),
      ),
    },
  ];
  const ids = new Set(changed.map(({ id }) => id));
  return moduleOf([...sections.filter(({ id }) => !ids.has(id)), ...changed]);
}

/** Makes room for the arena, fills it, lets the runtime take it, and puts code and policy behind it. */
function startCode(
  segments: readonly Segment[],
  code: Uint8Array,
  policy: Uint8Array,
  indexOf: (name: string) => number,
): Uint8Array {
  const codeAt = ARENA_PAGES * PAGE;
  const policyAt = aligned(codeAt + code.length);
  const heapAt = aligned(policyAt + policy.length);
  const call = (name: string) => concat([Uint8Array.of(0x10), number(indexOf(name))]);
  const places = [codeAt, code.length, policyAt, policy.length, heapAt].map(constant);
  return concat([
    Uint8Array.of(0),
    growTo(ARENA_PAGES),
    ...segments.map(({ offset, bytes }, at) => fill(at, offset, bytes.length)),
    call("_initialize"),
    ...places,
    call("writ_place"),
    growTo(Math.ceil(heapAt / PAGE) + 1),
    fill(segments.length, constant(codeAt), code.length),
    fill(segments.length + 1, constant(policyAt), policy.length),
    Uint8Array.of(0x0b),
  ]);
}

/** Unreachable where the host's memory cannot grow: the module is then not instantiated. */
function growTo(pages: number): Uint8Array {
  const size = Uint8Array.of(0x3f, 0);
  const grow = concat([constant(pages), size, Uint8Array.of(0x6b, 0x40, 0)]);
  const failed = concat([grow, constant(-1), Uint8Array.of(0x46, 0x04, 0x40, 0x00, 0x0b)]);
  return concat([
    size,
    constant(pages),
    Uint8Array.of(0x49, 0x04, 0x40),
    failed,
    Uint8Array.of(0x0b),
  ]);
}

/** `memory.init`, then `data.drop`. */
function fill(segment: number, offset: Uint8Array, length: number): Uint8Array {
  return concat([
    offset,
    constant(0),
    constant(length),
    Uint8Array.of(0xfc, 8),
    number(segment),
    Uint8Array.of(0, 0xfc, 9),
    number(segment),
  ]);
}

interface Segment {
  /** The instruction that gives it. */
  readonly offset: Uint8Array;
  readonly bytes: Uint8Array;
}

function dataSegments(body: Uint8Array | undefined): readonly Segment[] {
  if (body === undefined) return [];
  const reader = new Reader(body);
  return Array.from({ length: reader.u32() }, () => {
    if (reader.u32() !== 0) throw new Error("the runtime has data that is not in memory");
    const from = reader.position;
    passConstant(reader);
    const offset = reader.bytes.subarray(from, reader.position - 1);
    return { offset, bytes: bytesOf(reader) };
  });
}

function passType(reader: Reader): void {
  reader.byte();
  bytesOf(reader);
  bytesOf(reader);
}

function passImport(reader: Reader): void {
  reader.name();
  reader.name();
  const kind = reader.byte();
  if (kind === 0) reader.u32();
  else if (kind === 2) passLimits(reader);
  else throw new Error("the runtime imports what no OPA host gives");
}

function passLimits(reader: Reader): void {
  const hasMost = reader.byte() === 1;
  reader.u32();
  if (hasMost) reader.u32();
}

function kindOfImport(item: Uint8Array): number {
  const reader = new Reader(item);
  reader.name();
  reader.name();
  return reader.byte();
}

/** Hosts bring as little as five pages. */
function smallMemory(item: Uint8Array): Uint8Array {
  if (kindOfImport(item) !== 2) return item;
  return concat([text("env"), text("memory"), Uint8Array.of(2, 0, 2)]);
}

function passExport(reader: Reader): void {
  reader.name();
  reader.byte();
  reader.u32();
}

function exportOf(item: Uint8Array): readonly [string, number] {
  const reader = new Reader(item);
  const name = reader.name();
  reader.byte();
  return [name, reader.u32()];
}

function passGlobal(reader: Reader): void {
  reader.byte();
  reader.byte();
  passConstant(reader);
}

/** `i32.const N end`, which is all that the linker writes here. */
function passConstant(reader: Reader): void {
  if (reader.byte() !== 0x41) throw new Error("the runtime has an initial value that is no number");
  reader.skipSigned(32);
  if (reader.byte() !== 0x0b) throw new Error("the runtime has an initial value that is no number");
}

function fixedGlobal(value: number): Uint8Array {
  return concat([Uint8Array.of(0x7f, 0), constant(value), Uint8Array.of(0x0b)]);
}

function aligned(at: number): number {
  return Math.ceil(at / 16) * 16;
}

function pagesOf(length: number): number {
  return Math.ceil(length / PAGE);
}
