import { expect, test } from "vitest";
import { lineStarts, lineText, locate } from "../../lang/source.ts";

const TEXT = "ab\nc\r\nd\re";

test.each([
  [0, 1, 1],
  [2, 1, 3],
  [3, 2, 1],
  [6, 3, 1],
  [8, 4, 1],
  [9, 4, 2],
  [99, 4, 2],
])("offset %i is line %i, column %i", (offset, line, column) => {
  expect(locate(TEXT, offset)).toEqual({ line, column });
});

test("lines are read without what ends them", () => {
  const starts = lineStarts(TEXT);
  expect([1, 2, 3, 4, 5].map((line) => lineText(TEXT, line, starts))).toEqual([
    "ab",
    "c",
    "d",
    "e",
    "",
  ]);
});
