import fc from "fast-check";
import { expect, test } from "vitest";
import { WordIndex } from "../../../engine/state/word-index.ts";

/** Few characters, so that texts hold each other often: letters of more than one unit, digits, joints, blanks. */
const text = fc
  .array(fc.constantFrom("a", "b", "é", "𝒳", "7", "_", " ", ".", "@", "-"), { maxLength: 24 })
  .map((characters) => characters.join(""));

const isWord = (character: string) => /[\p{L}\p{N}_]/u.test(character);

/** Contained, and neither end in the middle of a word. */
function holds(whole: string, part: string): boolean {
  const [characters, sought] = [[...whole], [...part]];
  return characters.some((_, at) => {
    if (characters.slice(at, at + sought.length).join("") !== part) return false;
    const before = characters[at - 1] ?? "";
    const after = characters[at + sought.length] ?? "";
    const [first = "", last = ""] = [sought[0], sought.at(-1)];
    return !(isWord(first) && isWord(before)) && !(isWord(last) && isWord(after));
  });
}

test("no text that holds another is left out", () => {
  let held = 0;
  let skipped = 0;
  const property = fc.property(fc.array(text, { maxLength: 8 }), text, (texts, part) => {
    const index = new WordIndex();
    for (const one of texts) index.add(one);
    const candidates = index.candidates(part) ?? texts.map((_, place) => place);
    texts.forEach((one, place) => {
      if (part !== "" && holds(one, part)) {
        held += 1;
        expect(candidates).toContain(place);
      } else if (!candidates.includes(place)) skipped += 1;
    });
  });
  fc.assert(property, { numRuns: 20_000 });
  expect(held).toBeGreaterThan(500);
  expect(skipped).toBeGreaterThan(500);
});
