/**
 * Modules that mean harm, or are broken: the 24 kinds that the issue lists, by number, and more. Each is stopped
 * by the scan, when it is loaded, or when it is asked.
 */
import {
  assemble,
  type Bytes,
  type Changes,
  call,
  IMPORTED,
  i32,
  leb,
  RESULT,
} from "./assemble.ts";
import { moduleNamed } from "./modules.ts";

export interface Hostile {
  /** Of the list; missing = one of our own. */
  readonly number?: number;
  /** What follows `a module that`. */
  readonly does: string;
  readonly wasm: () => Uint8Array;
  readonly entrypoint?: string;
  /** Why the scan refuses it; missing = it does not. */
  readonly refusal?: string;
  /** It cannot be loaded, and is never asked. */
  readonly isUnfit?: true;
  /** What is wrong with it hurts nobody who trusts it: it keeps what it knows. */
  readonly isKept?: true;
}

const I32 = 0x7f;
const NESTED = (depth: number) => [
  ...Array.from({ length: depth }, () => [0x02, 0x40]).flat(),
  ...Array<number>(depth).fill(0x0b),
];
export const LOOP: Bytes = [0x03, 0x40, 0x0c, 0x00, 0x0b];
/** Grows by 16 pages until it gets no more, then goes on asking. */
const GROW = [0x03, 0x40, ...i32(16), 0x40, 0x00, 0x1a, 0x0c, 0x00, 0x0b];
/** Takes 400 pages more, and begins to write at the address in global 2. */
const TAKE = [...i32(400), 0x40, 0x00, 0x1a];
/** Writes a word there. */
const WRITE = (word: number) => [0x23, 0x02, ...i32(word), 0x36, 0x02, 0x00];
const ADVANCE = (by: number) => [0x23, 0x02, ...i32(by), 0x6a, 0x24, 0x02];
/** Writes over all memory it can get, and beyond. */
const FILL = [...TAKE, 0x03, 0x40, ...WRITE(0), ...ADVANCE(64), 0x0c, 0x00, 0x0b];
/** 25 MiB of the word from `RESULT` on, without an end. */
const TEXT = (word: number) => [
  ...TAKE,
  ...i32(RESULT),
  0x24,
  0x02,
  ...[
    0x03,
    0x40,
    ...WRITE(word),
    ...ADVANCE(4),
    0x23,
    0x02,
    ...i32(400 * 65_536),
    0x49,
    0x0d,
    0x00,
  ],
  0x0b,
];
/** `\u001b[31`. */
const COLOURS = 0x31_33_5b_1b;
/** `opa_eval` calls itself. */
const RECURSE = [...Array.from({ length: 7 }, () => i32(0)).flat(), ...call(4)];
const builtin = (id: number) => [...i32(id), ...i32(0), ...call(IMPORTED.opa_builtin0), 0x1a];
const ABORT = [...i32(RESULT), ...call(IMPORTED.opa_abort)];
const PRINT = [...i32(RESULT), ...call(IMPORTED.opa_println)];
/** Says false when it is asked first, and true from then on. */
const FALSE_FIRST = '[{"result":false}]\0[{"result":true}]';
const REMEMBER = [
  ...[0x23, 0x02, 0x04, I32, ...i32(RESULT + FALSE_FIRST.indexOf("\0") + 1), 0x05],
  ...[...i32(1), 0x24, 0x02, ...i32(RESULT), 0x0b],
];

const result = (value: string) => ({ result: `[{"result":${value}}]` });
const evaluating = (...parts: readonly Bytes[]): Changes => ({
  bodies: { opa_eval: [...parts.flat(), ...i32(RESULT)] },
});

/** Its last section is this one, of so many zeros. */
function endingIn(section: 10 | 11, length: number): Uint8Array {
  const before = assemble({ sections: { [section]: [], 11: [] } });
  const start = before.length - (section === 11 ? 2 : 4);
  return Buffer.concat([
    before.subarray(0, start),
    Uint8Array.from([section, ...leb(length)]),
    new Uint8Array(length),
  ]);
}

/** Told by looking at them. */
const REFUSED: readonly Hostile[] = [
  { does: "is empty", refusal: "no WebAssembly module", wasm: () => new Uint8Array() },
  { does: "is text", refusal: "no WebAssembly module", wasm: () => Buffer.from("package authz") },
  {
    does: "is a component",
    refusal: "no WebAssembly module",
    wasm: () => Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]),
  },
  {
    does: "has more than a mebibyte",
    refusal: "1048576 are the most",
    wasm: () => new Uint8Array(1024 * 1024 + 1),
  },
  {
    number: 9,
    does: "has 8 MiB of data",
    refusal: "are the most",
    wasm: () => endingIn(11, 8 << 20),
  },
  {
    number: 8,
    does: "begins with 4 GiB",
    refusal: "65536 pages",
    wasm: () => assemble({ memory: [0, 0x80, 0x80, 0x04] }),
  },
  {
    number: 15,
    does: "shares its memory",
    refusal: "shared",
    wasm: () => assemble({ memory: [3, 2, 4] }),
  },
  { does: "has a memory of 64 bits", refusal: "64 bits", wasm: () => assemble({ memory: [4, 2] }) },
  {
    does: "brings a memory",
    refusal: "a memory of its own",
    wasm: () => assemble({ sections: { 5: [1, 0, 2] } }),
  },
  {
    number: 13,
    does: "wants files",
    refusal: "env.fs",
    wasm: () => assemble({ imports: [["env", "fs"]] }),
  },
  {
    number: 13,
    does: "wants WASI",
    refusal: "wasi",
    wasm: () => assemble({ imports: [["wasi_snapshot_preview1", "fd_write"]] }),
  },
  {
    does: "imports a thing twice",
    refusal: "opa_abort",
    wasm: () => assemble({ imports: [["env", "opa_abort"]] }),
  },
  {
    number: 7,
    does: "has a hundred tables",
    refusal: "100 tables",
    wasm: () => assemble({ sections: { 4: [100, ...Array(100).fill([0x70, 0, 1]).flat()] } }),
  },
  {
    number: 6,
    does: "has a table of ten million",
    refusal: "10000000 elements",
    wasm: () => assemble({ sections: { 4: [1, 0x70, 0, 0x80, 0xad, 0xe2, 0x04] } }),
  },
  {
    does: "has a table of references",
    refusal: "other than functions",
    wasm: () => assemble({ sections: { 4: [1, 0x6f, 0, 1] } }),
  },
  {
    number: 6,
    does: "grows its table",
    refusal: "reference types",
    wasm: () => assemble({ bodies: { opa_eval: [0xd0, 0x70, ...i32(1), 0xfc, 15, 0] } }),
  },
  {
    number: 5,
    does: "fills 4 GiB",
    refusal: "bulk memory",
    wasm: () =>
      assemble({
        bodies: { opa_eval: [...i32(0), ...i32(0), ...i32(-1), 0xfc, 11, 0, ...i32(0)] },
      }),
  },
  {
    number: 16,
    does: "computes with SIMD",
    refusal: "SIMD",
    wasm: () => assemble({ bodies: { opa_eval: [0xfd, 12, ...Array(16).fill(0)] } }),
  },
  {
    number: 15,
    does: "waits for other threads",
    refusal: "threads",
    wasm: () => assemble({ bodies: { opa_eval: [0xfe, 1, 2, 0] } }),
  },
  {
    number: 16,
    does: "has objects collected",
    refusal: "garbage collection",
    wasm: () => assemble({ bodies: { opa_eval: [0xfb, 0, 0] } }),
  },
  {
    number: 16,
    does: "throws",
    refusal: "exceptions",
    wasm: () => assemble({ bodies: { opa_eval: [0x06, 0x40, 0x0b] } }),
  },
  {
    does: "makes tail calls",
    refusal: "tail calls",
    wasm: () => assemble({ bodies: { opa_eval: [0x12, 0] } }),
  },
  {
    number: 16,
    does: "declares exceptions",
    refusal: "section 13",
    wasm: () => assemble({ sections: { 13: [1, 0, 0] } }),
  },
  {
    does: "has a section twice",
    refusal: "out of order",
    wasm: () => Uint8Array.from([...assemble(), 1, 1, 0]),
  },
  {
    number: 10,
    does: "has 50,000 locals",
    refusal: "locals",
    wasm: () => assemble({ locals: 50_000 }),
  },
  {
    number: 10,
    does: "has 50,000 groups of locals",
    refusal: "groups of locals",
    wasm: () =>
      assemble({ rawBody: [...[0xd0, 0x86, 0x03], ...Array(50_000).fill([1, I32]).flat(), 0x0b] }),
  },
  {
    number: 10,
    does: "has a function of 5 MB",
    refusal: "are the most",
    wasm: () => endingIn(10, 5_000_000),
  },
  {
    number: 11,
    does: "nests 30,000 blocks",
    refusal: "deep",
    wasm: () => assemble({ bodies: { opa_eval: [...NESTED(30_000), ...i32(0)] } }),
  },
  {
    number: 12,
    does: "has 100,000 functions",
    refusal: "are the most",
    wasm: () => assemble({ idle: 100_000 }),
  },
  {
    number: 14,
    does: "exports a memory as `opa_eval`",
    refusal: "`opa_eval`",
    wasm: () => assemble({ exports: { opa_eval: [2, 0] } }),
  },
  {
    number: 14,
    does: "exports an `opa_eval` of another type",
    refusal: "`opa_eval`",
    wasm: () => assemble({ exports: { opa_eval: [0, 5] } }),
  },
  { does: "speaks ABI 2.0", refusal: "ABI 2.0", wasm: () => assemble({ abi: [2, 0] }) },
  { does: "speaks ABI 1.1", refusal: "ABI 1.1", wasm: () => assemble({ abi: [1, 1] }) },
  {
    does: "has a function without an end",
    refusal: "ends too early",
    wasm: () => assemble({ rawBody: [0] }),
  },
  {
    does: "calls through a second table",
    refusal: "second table",
    wasm: () => assemble({ bodies: { opa_eval: [...i32(0), 0x11, 0, 1] } }),
  },
  {
    does: "has blocks of many values",
    refusal: "multi-value",
    wasm: () => assemble({ bodies: { opa_eval: [0x02, 0x01, 0x0b] } }),
  },
  {
    number: 12,
    does: "has 100,000 exports",
    refusal: "are the most",
    wasm: () => assemble({ sections: { 7: leb(100_000) } }),
  },
  {
    number: 10,
    does: "has a function of 200 KB",
    refusal: "are the most",
    wasm: () => assemble({ rawBody: Array(200_000).fill(1) }),
  },
];

type Asked = readonly [number: number | undefined, does: string, changes: Changes];

/** Told by nothing but what they do when they are asked. */
const ASKED: readonly Asked[] = [
  [1, "loops", evaluating(LOOP)],
  [3, "recurses without end", { bodies: { opa_eval: RECURSE } }],
  [4, "asks for memory without end", evaluating(GROW)],
  [4, "writes until its memory ends", evaluating(FILL)],
  [17, "points outside its memory", { bodies: { opa_eval: i32(0x7fffffff) } }],
  [17, "points before its memory", { bodies: { opa_eval: i32(-8) } }],
  [17, "points nowhere", { bodies: { opa_eval: i32(0) } }],
  [18, "does not end its result", { result: Array<number>(70_000).fill(0x20) }],
  [19, "gives a result of 70 KB", result(`"${"x".repeat(70_000)}"`)],
  [19, "gives a result of 25 MB", evaluating(TEXT(0x78787878))],
  [19, "gives a result 3,000 deep", result(`${"[".repeat(3_000)}${"]".repeat(3_000)}`)],
  [19, "gives a result 25,000,000 deep", evaluating(TEXT(0x5b5b5b5b))],
  [20, "says a thing twice", { result: '[{"result":false,"result":true}]' }],
  [20, "allows twice", result('{"allow":false,"allow":true}')],
  [20, "says __proto__", result('{"__proto__":true}')],
  [20, "allows by __proto__", result('{"__proto__":{"allow":true}}')],
  ...['"true"', "1", "[]", "[true]", "{}", "null", '{"allow":"true"}', '{"allow":1}'].map(
    (value): Asked => [21, `answers ${value}`, result(value)],
  ),
  [21, "answers nothing", { result: "[]" }],
  [22, "gives up with colours", { result: "\u001b[31m".repeat(10_000), ...evaluating(ABORT) }],
  [22, "gives up with 25 MB of colours", evaluating(TEXT(COLOURS), ABORT)],
  [22, "prints 25 MB of colours and gives up", evaluating(TEXT(COLOURS), PRINT, ABORT)],
  [23, "asks for a builtin that it did not name", evaluating(builtin(7))],
  [23, "asks for a builtin below zero", evaluating(builtin(-1))],
  [
    23,
    "asks for a builtin while it is answered",
    {
      bodies: {
        opa_eval: [...builtin(0), ...i32(RESULT)],
        opa_malloc: [...builtin(0), ...i32(32_768)],
      },
    },
  ],
  [
    23,
    "gives a builtin's answer no room",
    { bodies: { opa_eval: [...builtin(0), ...i32(RESULT)], opa_malloc: i32(0x7fffff00) } },
  ],
  [undefined, "says what is not UTF-8", { result: [0x22, 0xff, 0x22, 0] }],
  [undefined, "says nothing that is JSON", { result: "true, more or less" }],
  [undefined, "says many things", { result: '[{"result":true},{"result":true}]' }],
  [undefined, "divides by zero", { bodies: { opa_eval: [...i32(1), ...i32(0), 0x6d] } }],
  [undefined, "cannot go on", { bodies: { opa_eval: [0x00] } }],
  [
    undefined,
    "keeps its heap outside its memory",
    { bodies: { opa_heap_ptr_get: i32(0x7fffffff) } },
  ],
];

/** Told when they are loaded. */
const UNFIT: readonly Asked[] = [
  [2, "loops before it begins", { start: LOOP }],
  [2, "stops before it begins", { start: [0x00] }],
  [13, "wants the network", { builtins: '{"http.send":0}' }],
  [undefined, "says what it has in 70 KB", { entrypoints: `{"${"a".repeat(70_000)}":0}` }],
  [undefined, "lists entrypoints that are no numbers", { entrypoints: '{"a/allow":"0"}' }],
  [undefined, "loops while it lists what it needs", { bodies: { builtins: [...LOOP, ...i32(0)] } }],
];

const made = ([number, does, changes]: Asked): Hostile => ({
  ...(number === undefined ? {} : { number }),
  does,
  wasm: () => assemble(changes),
});

export const HOSTILE: readonly Hostile[] = [
  ...REFUSED,
  ...UNFIT.map((one): Hostile => ({ ...made(one), isUnfit: true })),
  ...ASKED.map(made),
  {
    number: 23,
    does: "asks builtins for patterns that backtrack",
    wasm: () => moduleNamed("builtins"),
    entrypoint: "builtins/backtracking",
  },
  {
    number: 24,
    does: "allows whoever asks second",
    wasm: () => assemble({ result: FALSE_FIRST, bodies: { opa_eval: REMEMBER } }),
    isKept: true,
  },
];
