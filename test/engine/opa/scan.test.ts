import { describe, expect, test } from "vitest";
import { scanModule } from "../../../engine/opa/scan.ts";
import { assemble } from "./assemble.ts";
import { HOSTILE } from "./hostile.ts";
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

describe("what no module of OPA's has is refused before anything is compiled", () => {
  const refused = HOSTILE.filter(({ refusal }) => refusal !== undefined);
  test.each(refused)(
    "a module that $does",
    ({ wasm, refusal = "" }) => {
      expect(scanned(wasm())).toContain(refusal);
    },
    60_000,
  );
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
