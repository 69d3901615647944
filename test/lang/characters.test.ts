import { expect, test } from "vitest";
import { hiddenCharacter } from "../../lang/characters.ts";
import { parseFile } from "../../lang/parse.ts";
import { format } from "../../lang/print.ts";

/** Each makes two texts that look the same. */
const HIDDEN = {
  "soft hyphen": "\u00ad",
  "grapheme joiner": "\u034f",
  "Hangul filler": "\u115f",
  "Khmer inherent vowel": "\u17b4",
  "Mongolian variation selector": "\u180b",
  "space of no width": "\u200b",
  "override of direction": "\u202e",
  "line separator": "\u2028",
  "wide Hangul filler": "\u3164",
  "variation selector": "\ufe00",
  "selector of an emoji behind a letter": "\ufe0f",
  "byte order mark": "\ufeff",
  "ideographic variation selector": "\u{e0100}",
  tag: "\u{e0041}",
  control: "\u0007",
};

test.each(Object.entries(HIDDEN))("a %s is hidden, and written by its number", (_, character) => {
  expect(hiddenCharacter(`ab${character}c`)).toEqual({ character, index: 2 });
  for (const text of [`package a\n// b${character}\n`, `package a\nimport rego "b${character}"`])
    expect(parseFile({ path: "a.writ", text }).diagnostics[0]?.code).toBe("E115");
  const number = `\\u{${character.codePointAt(0)?.toString(16)}}`;
  const text = `package a\n\npermit b\n  because "c${number}d"\n`;
  expect(format({ path: "a.writ", text })).toEqual({ text });
});

test.each(["é", "ñandú", "名前", "한국어", "नमस्ते", "\t", "⚠️ stop", "✔︎", "1️⃣", "👍🏽"])(
  "%s is seen",
  (text) => expect(hiddenCharacter(text)).toBeUndefined(),
);
