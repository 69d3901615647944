import { expect, test } from "vitest";
import { printable, withoutHidden } from "../../cli/terminal.ts";

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
