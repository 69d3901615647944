import { expect, test } from "vitest";
import { printable, withoutHidden } from "../../cli/terminal.ts";

test.each([
  ["a space that is none", "to: bob\u00a0@x", "to: bob\\u{a0}@x"],
  ["a braille cell without dots", "a\u2800b", "a\\u{2800}b"],
  ["a Cyrillic letter among Latin ones", "p\u0430ypal.com", "p\\u{430}ypal.com"],
  ["one beside an underscore", "\u0430_pay", "\\u{430}_pay"],
  ["one beside a digit", "pay2\u0430", "pay2\\u{430}"],
  ["one behind an apostrophe", "o'\u0430", "o'\\u{430}"],
  ["a Greek one, and its accent", "r\u03cc\u0301ot", "r\\u{3cc}\u0301ot"],
  [
    "a word of one script",
    "\u043f\u0440\u0438\u0432\u0435\u0442 world",
    "\u043f\u0440\u0438\u0432\u0435\u0442 world",
  ],
  ["words of scripts that look like no other", "Tokyo\u6771\u4eac", "Tokyo\u6771\u4eac"],
  ["an accent of its own", "Andre\u0301 M\u00fcller", "Andre\u0301 M\u00fcller"],
])("%s is told from what it looks like", (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test.each([
  ["a joiner that is no format character", "pay\u034fpal", "pay\\u{34f}pal", "pay\\u034fpal"],
  ["a letter that is drawn as nothing", "carol\u3164", "carol\\u{3164}", "carol\\u3164"],
  ["a selector behind a letter", "a\ufe00", "a\\u{fe00}", "a\\ufe00"],
  ["a mark of direction", "a\u202eb", "a\\u{202e}b", "a\\u202eb"],
  ["an emoji as it is drawn", "⚠️ stop", "⚠️ stop", "⚠️ stop"],
])("%s is shown for what it is", (_, text, shown, escaped) => {
  expect(printable(text)).toBe(shown);
  expect(withoutHidden(text)).toBe(escaped);
});
