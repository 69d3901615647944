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

test.each(["x: 1\n? {a: 1}\n: 2\n", "x: 1\n? [a]\n: 2\n? [a]\n: 3\n"])(
  "a name that is no text is refused: %j",
  (text) => {
    expect(() => read(text)).toThrow("a name is a text, and no list or map, at line 1");
  },
);

// In time that grows with its square it would be far from ready when the test is given up.
test("a map of 60,000 names is read", { timeout: 20_000 }, () => {
  const lines = Array.from({ length: 60_000 }, (_, at) => `u${at}: g\n`);
  expect(Object.keys(read(lines.join("")) as object)).toHaveLength(60_000);
});
