import { describe, expect, test } from "vitest";
import { scanModule } from "../../../engine/opa/scan.ts";
import { assemble, i32 } from "./assemble.ts";
import { moduleNamed } from "./modules.ts";

/** Why it is refused; `ok` where it is not. */
function scanned(bytes: Uint8Array): string {
  const scan = scanModule(bytes);
  return scan.ok ? "ok" : scan.why;
}

test.each(["authz", "builtins", "forbidden"])("what OPA made of %s.rego passes", (name) => {
  const scan = scanModule(moduleNamed(name));
  expect(scan).toMatchObject({ ok: true, module: { abi: { major: 1, minor: 3 } } });
});

test("a module written by hand passes, and V8 takes it", () => {
  expect(scanned(assemble())).toBe("ok");
  expect(WebAssembly.validate(assemble())).toBe(true);
});

const NESTED = (depth: number) => [
  ...Array.from({ length: depth }, () => [0x02, 0x40]).flat(),
  ...Array<number>(depth).fill(0x0b),
];
const I32 = 0x7f;

describe("what no module of OPA's has is refused before anything is compiled", () => {
  test.each<readonly [string, Uint8Array, string]>([
    ["nothing", new Uint8Array(), "no WebAssembly module"],
    ["text", Buffer.from("package authz"), "no WebAssembly module"],
    ["a component", Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]), "no WebAssembly module"],
    ["more than a mebibyte", new Uint8Array(1024 * 1024 + 1), "1048576 are the most"],
    ["8 MiB of data", assemble({ sections: { 11: Array(8 << 20).fill(0) } }), "are the most"],
    ["pages for 4 GiB", assemble({ memory: [0, 0x80, 0x80, 0x04] }), "65536 pages"],
    ["a shared memory", assemble({ memory: [3, 2, 4] }), "shared"],
    ["a memory of 64 bits", assemble({ memory: [4, 2] }), "64 bits"],
    ["a memory of its own", assemble({ sections: { 5: [1, 0, 2] } }), "a memory of its own"],
    ["files", assemble({ imports: [["env", "fs"]] }), "env.fs"],
    ["WASI", assemble({ imports: [["wasi_snapshot_preview1", "fd_write"]] }), "wasi"],
    ["an import twice", assemble({ imports: [["env", "opa_abort"]] }), "opa_abort"],
    [
      "a hundred tables",
      assemble({ sections: { 4: [100, ...Array(100).fill([0x70, 0, 1]).flat()] } }),
      "100 tables",
    ],
    [
      "a table of ten million",
      assemble({ sections: { 4: [1, 0x70, 0, 0x80, 0xad, 0xe2, 0x04] } }),
      "10000000 elements",
    ],
    [
      "a table of references",
      assemble({ sections: { 4: [1, 0x6f, 0, 1] } }),
      "other than functions",
    ],
    [
      "table.grow",
      assemble({ bodies: { opa_eval: [0xd0, 0x70, ...i32(1), 0xfc, 15, 0] } }),
      "reference types",
    ],
    [
      "memory.fill",
      assemble({
        bodies: { opa_eval: [...i32(0), ...i32(0), ...i32(-1), 0xfc, 11, 0, ...i32(0)] },
      }),
      "bulk memory",
    ],
    ["SIMD", assemble({ bodies: { opa_eval: [0xfd, 12, ...Array(16).fill(0)] } }), "SIMD"],
    ["threads", assemble({ bodies: { opa_eval: [0xfe, 1, 2, 0] } }), "threads"],
    ["garbage collection", assemble({ bodies: { opa_eval: [0xfb, 0, 0] } }), "garbage collection"],
    ["exceptions", assemble({ bodies: { opa_eval: [0x06, 0x40, 0x0b] } }), "exceptions"],
    ["a tail call", assemble({ bodies: { opa_eval: [0x12, 0] } }), "tail calls"],
    ["an exception section", assemble({ sections: { 13: [1, 0, 0] } }), "section 13"],
    ["a section twice", Uint8Array.from([...assemble(), 1, 1, 0]), "out of order"],
    ["50,000 locals", assemble({ locals: 50_000 }), "locals"],
    [
      "50,000 groups of locals",
      assemble({ rawBody: [...[0xd0, 0x86, 0x03], ...Array(50_000).fill([1, I32]).flat(), 0x0b] }),
      "groups of locals",
    ],
    ["a function of 5 MB", assemble({ rawBody: Array(5_000_000).fill(1) }), "are the most"],
    [
      "50,000 nested blocks",
      assemble({ bodies: { opa_eval: [...NESTED(30_000), ...i32(0)] } }),
      "deep",
    ],
    ["100,000 functions", assemble({ idle: 100_000 }), "are the most"],
    ["an export of the wrong kind", assemble({ exports: { opa_eval: [2, 0] } }), "`opa_eval`"],
    ["an export of the wrong type", assemble({ exports: { opa_eval: [0, 5] } }), "`opa_eval`"],
    ["ABI 2.0", assemble({ abi: [2, 0] }), "ABI 2.0"],
    ["ABI 1.1", assemble({ abi: [1, 1] }), "ABI 1.1"],
    ["no end", assemble({ rawBody: [0] }), "ends too early"],
    [
      "a table called through a second one",
      assemble({ bodies: { opa_eval: [...i32(0), 0x11, 0, 1] } }),
      "second table",
    ],
    [
      "blocks of many values",
      assemble({ bodies: { opa_eval: [0x02, 0x01, 0x0b] } }),
      "multi-value",
    ],
  ])("%s", (_, bytes, why) => {
    expect(scanned(bytes)).toContain(why);
  });
});

test("an export that is missing is named", () => {
  expect(scanned(assemble({ sections: { 7: [0] } }))).toBe("it does not export `opa_eval`");
});

test("a module that is cut is refused, unless V8 takes it as well", () => {
  const whole = assemble();
  const passed = Array.from({ length: whole.length }, (_, length) =>
    whole.subarray(0, length),
  ).filter((bytes) => scanModule(bytes).ok);
  // Without its data, which stands last, a module is whole.
  expect(passed.length).toBe(1);
  expect(passed.every((bytes) => WebAssembly.validate(bytes))).toBe(true);
});
