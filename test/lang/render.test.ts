import { expect, test } from "vitest";
import { compile } from "../../lang/compile.ts";
import { render } from "../../lang/render.ts";

function shown(text: string, start: number, end: number): string[] {
  const diagnostic = { code: "E101", message: "wrong", span: { file: 0, start, end } } as const;
  return render(diagnostic, [{ path: "a.writ", text }]).split("\n");
}

test.each([
  {
    fact: "carriage returns are no part of a line",
    text: "a\r\nbc\r\nd",
    start: 3,
    end: 5,
    line: "bc",
    caret: "^^",
  },
  {
    fact: "the last line may lack its end",
    text: "a\nbc",
    start: 3,
    end: 4,
    line: "bc",
    caret: " ^",
  },
  {
    fact: "the end of the text has a caret",
    text: "ab",
    start: 2,
    end: 2,
    line: "ab",
    caret: "  ^",
  },
  { fact: "a tab is two columns", text: "\ta b", start: 3, end: 4, line: "  a b", caret: "    ^" },
  {
    fact: "a wide character is two columns",
    text: "日本 a",
    start: 3,
    end: 4,
    line: "日本 a",
    caret: "     ^",
  },
  {
    fact: "what spans lines is underlined to the end of the first",
    text: "ab\ncd",
    start: 1,
    end: 5,
    line: "ab",
    caret: " ^",
  },
  {
    fact: "terminal controls are not let through",
    text: "\u001b[2J a",
    start: 5,
    end: 6,
    line: "\ufffd[2J a",
    caret: "     ^",
  },
])("$fact", ({ text, start, end, line, caret }) => {
  const [, source, underline] = shown(text, start, end);
  expect(source?.replace(/^ *\d+ \| /, "")).toBe(line);
  expect(underline?.replace(/^ *\| /, "")).toBe(caret);
});

test("a long line is cut around what is wrong", () => {
  const [head, source, underline] = shown(`${"a".repeat(500)}!${"b".repeat(500)}`, 500, 501);
  expect(head).toBe("a.writ:1:501: error E101: wrong");
  expect(source?.length).toBeLessThan(110);
  expect(source?.indexOf("!")).toBe(underline?.indexOf("^"));
});

test("what is declared twice is shown with where it was declared first", () => {
  const sources = [
    { path: "a.writ", text: "package a\ntool look { effect read }\n" },
    { path: "b.writ", text: "package a\ntool pay, look { effect read }\n" },
  ];
  const { diagnostics } = compile({ directory: ".", files: sources });
  const [diagnostic] = diagnostics;
  if (diagnostic === undefined) throw new Error("it was taken");
  expect(render(diagnostic, sources).split("\n").slice(0, 4)).toEqual([
    "b.writ:2:11: error E203: tool `look` is declared twice",
    "  2 | tool pay, look { effect read }",
    "    |           ^^^^",
    "  first: a.writ:2:6",
  ]);
});

test.each([
  ["permit p when true", "permit p when false", "8"],
  ["resource r { a: Int }", "resource r { b: Int }", "10"],
  ["level L = a < b", "level L = b < a", "7"],
  ["agent { x: Int? }", "agent { x: String? }", "9"],
  ['tool one named "t" { effect read }', 'tool two named "t" { effect read }', "6"],
])("%s and %s: the first of them is named", (one, two, column) => {
  const sources = [{ path: "a.writ", text: `package a\n${one}\n${two}\n${two}\n` }];
  const twice = compile({ directory: ".", files: sources }).diagnostics.filter(
    ({ code }) => code === "E203",
  );
  const firsts = twice.map((each) => /^ {2}first: (.*)$/m.exec(render(each, sources))?.[1]);
  expect(firsts[0]).toBe(`a.writ:2:${column}`);
});
