/**
 * Wasm modules written by hand: one that speaks OPA's ABI and answers `[{"result":true}]`, and through
 * `Changes` whatever a hostile one would do instead.
 */

export type Bytes = readonly number[];

export interface Changes {
  /** Of the module's functions, instructions without the closing `end`. */
  readonly bodies?: Partial<Record<FunctionName, Bytes>>;
  /** Local `i32`s of `opa_eval`. */
  readonly locals?: number;
  /** What stands at `RESULT`. */
  readonly result?: string | Bytes;
  /** What `builtins()` and `entrypoints()` say. */
  readonly builtins?: string;
  readonly entrypoints?: string;
  /** Instructions of a function that runs when the module begins. */
  readonly start?: Bytes;
  /** Limits of the imported memory, as bytes of the format. */
  readonly memory?: Bytes;
  /** Pairs of module and name, imported besides as functions that take and give nothing. */
  readonly imports?: readonly (readonly [string, string])[];
  /** Kinds of exports: 0 function, 1 table, 2 memory, 3 global; and their index. */
  readonly exports?: Partial<Record<FunctionName, readonly [kind: number, index: number]>>;
  readonly abi?: readonly [major: number, minor: number];
  /** Sections put in, by number; they replace what would stand there. */
  readonly sections?: Readonly<Record<number, Bytes>>;
  /** Functions that do nothing. */
  readonly idle?: number;
  /** A function whose body these bytes are, as they are. */
  readonly rawBody?: Bytes;
}

const FUNCTIONS = [
  "opa_eval",
  "opa_malloc",
  "opa_value_parse",
  "opa_value_dump",
  "opa_json_dump",
  "opa_heap_ptr_get",
  "builtins",
  "entrypoints",
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

export const RESULT = 1024;
const BUILTINS = 8192;
const ENTRYPOINTS = 12_288;
const NUMBER = 16_384;
const SCRATCH = 32_768;
const HEAP = 65_536;

/** Functions that the module imports, in order: their indexes in `call`. */
export const IMPORTED = { opa_abort: 0, opa_println: 1, opa_builtin0: 2, opa_builtin1: 3 } as const;

export function leb(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  do {
    bytes.push((left % 128) + (left >= 128 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return bytes;
}

/** `i32.const`: signed LEB128. */
export function i32(value: number): number[] {
  const bytes: number[] = [0x41];
  let left = value | 0;
  for (;;) {
    const byte = left & 0x7f;
    left >>= 7;
    const isLast = (left === 0 && (byte & 0x40) === 0) || (left === -1 && (byte & 0x40) !== 0);
    bytes.push(isLast ? byte : byte | 0x80);
    if (isLast) return bytes;
  }
}

export const call = (index: number): number[] => [0x10, ...leb(index)];

export function section(id: number, content: Bytes): number[] {
  return [id, ...leb(content.length), ...content];
}

function list(items: readonly Bytes[]): Bytes {
  return [...leb(items.length), ...items.flat()];
}

function text(value: string): number[] {
  const bytes = [...Buffer.from(value)];
  return [...leb(bytes.length), ...bytes];
}

const I32 = 0x7f;
const words = (count: number, results = 1): Bytes => [
  0x60,
  ...leb(count),
  ...Array<number>(count).fill(I32),
  ...leb(results),
  ...Array<number>(results).fill(I32),
];

/** Types by index: `(i32 × n) → i32` is n, then `i32 → ()` and `() → ()`. */
const TYPES = [0, 1, 2, 3, 4, 5, 6, 7].map((count) => words(count));
const TAKES_ONE = TYPES.length;
const NOTHING = TYPES.length + 1;

const ARITY: Readonly<Record<FunctionName, number>> = {
  opa_eval: 7,
  opa_malloc: 1,
  opa_value_parse: 2,
  opa_value_dump: 1,
  opa_json_dump: 1,
  opa_heap_ptr_get: 0,
  builtins: 0,
  entrypoints: 0,
};

const BODIES: Readonly<Record<FunctionName, Bytes>> = {
  opa_eval: i32(RESULT),
  opa_malloc: i32(SCRATCH),
  opa_value_parse: i32(1),
  opa_value_dump: i32(NUMBER),
  opa_json_dump: [0x20, 0x00],
  opa_heap_ptr_get: i32(HEAP),
  builtins: i32(BUILTINS),
  entrypoints: i32(ENTRYPOINTS),
};

export function assemble(changes: Changes = {}): Uint8Array {
  const { bodies = {}, locals = 0, exports = {}, abi = [1, 2], idle = 0 } = changes;
  const extra = changes.imports ?? [];
  const imports = [
    [...text("env"), ...text("memory"), 2, ...(changes.memory ?? [0, 2])],
    [...text("env"), ...text("opa_abort"), 0, TAKES_ONE],
    [...text("env"), ...text("opa_println"), 0, TAKES_ONE],
    [...text("env"), ...text("opa_builtin0"), 0, 2],
    [...text("env"), ...text("opa_builtin1"), 0, 3],
    ...extra.map(([module, name]) => [...text(module), ...text(name), 0, NOTHING]),
  ];
  const first = imports.length - 1;
  const codes: Bytes[] = FUNCTIONS.map((name) =>
    body(bodies[name] ?? BODIES[name], name === "opa_eval" ? locals : 0),
  );
  const types: Bytes[] = FUNCTIONS.map((name) => [ARITY[name]]);
  const add = (code: Bytes) => {
    codes.push(code);
    types.push([NOTHING]);
  };
  if (changes.start !== undefined) add(body(changes.start, 0));
  const start = first + codes.length - 1;
  for (let left = idle; left > 0; left -= 1) add(body([], 0));
  if (changes.rawBody !== undefined) add([...leb(changes.rawBody.length), ...changes.rawBody]);
  const sections: Record<number, Bytes> = {
    1: list([...TYPES, words(1, 0), words(0, 0)]),
    2: list(imports),
    3: list(types),
    6: list([...abi.map((value) => [I32, 0, ...i32(value), 0x0b]), [I32, 1, ...i32(0), 0x0b]]),
    7: list([
      ...FUNCTIONS.map((name, index) => {
        const [kind, at] = exports[name] ?? [0, first + index];
        return [...text(name), kind, ...leb(at)];
      }),
      [...text("opa_wasm_abi_version"), 3, 0],
      [...text("opa_wasm_abi_minor_version"), 3, 1],
    ]),
    ...(changes.start === undefined ? {} : { 8: leb(start) }),
    10: list(codes),
    11: list(data(changes)),
    ...changes.sections,
  };
  const bytes = Object.entries(sections)
    .sort(([a], [b]) => Number(a) - Number(b))
    .flatMap(([id, content]) => section(Number(id), content));
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...bytes]);
}

function body(instructions: Bytes, locals: number): number[] {
  const declared = locals === 0 ? [0] : [1, ...leb(locals), I32];
  const bytes = [...declared, ...instructions, 0x0b];
  return [...leb(bytes.length), ...bytes];
}

function data({ result, builtins = '{"time.now_ns":0}', entrypoints }: Changes): number[][] {
  const at = (address: number, content: string | Bytes, closing: Bytes = [0]) => {
    const bytes = typeof content === "string" ? [...Buffer.from(content)] : content;
    return [0, ...i32(address), 0x0b, ...leb(bytes.length + closing.length), ...bytes, ...closing];
  };
  return [
    at(RESULT, result ?? '[{"result":true}]', typeof result === "object" ? [] : [0]),
    at(BUILTINS, builtins),
    at(ENTRYPOINTS, entrypoints ?? '{"a/allow":0}'),
    at(NUMBER, "1"),
  ];
}
