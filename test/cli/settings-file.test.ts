/** Settings in YAML: what two readers could read otherwise is refused, and a large file is read in time. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSettingsFile } from "../../cli/settings-file.ts";
import { directoryWith } from "../support/cli.ts";

function read(text: string): unknown {
  return readSettingsFile(join(directoryWith({ "s.yaml": text }), "s.yaml"), "s.yaml");
}

test.each([
  ["a name", "a: 1\nb: 2\na: 3\n", "`a` stands twice, at line 3"],
  ["a name further in", "x:\n  - {a: 1, a: 2}\n", "`a` stands twice, at line 2"],
  ["a number and its text", '1: a\n"1": b\n', "`1` stands twice, at line 2"],
  ["nothing and an empty text", '~: a\n"": b\n', "`` stands twice, at line 2"],
])("%s that stands twice is refused", (_name, text, why) => {
  expect(() => read(text)).toThrow(`s.yaml is no YAML: names must be unique: ${why}`);
});

test("one name in two maps is none that stands twice", () => {
  expect(read("- {a: 1}\n- {a: 2, b: {a: 3}}\n")).toEqual([{ a: 1 }, { a: 2, b: { a: 3 } }]);
});

test("a map of 30,000 names is read in time that grows with it, not with its square", () => {
  const lines = Array.from({ length: 30_000 }, (_, at) => `user-${at}: group\n`);
  const began = performance.now();
  expect(Object.keys(read(lines.join("")) as object)).toHaveLength(30_000);
  expect(performance.now() - began).toBeLessThan(5_000);
});
