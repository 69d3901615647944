import { expect, test } from "vitest";
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
