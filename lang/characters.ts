/** Controls, marks of direction, line separators, halves of surrogate pairs. */
const UNSEEN = "(?!\\t)[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]";
/** Letters and marks too that are drawn as nothing, but not what says how the emoji before it is drawn. */
const OF_AN_EMOJI = "(?<=\\p{Extended_Pictographic})[\\ufe0e\\ufe0f]|\\ufe0f(?=\\u20e3)";
export const OF_NO_WIDTH = `(?!${OF_AN_EMOJI})\\p{Default_Ignorable_Code_Point}`;
const HIDDEN = new RegExp(`${UNSEEN}|${OF_NO_WIDTH}`, "u");

/** The first character that nobody sees: it could make a policy read otherwise than it decides. Tabs are seen. */
export function hiddenCharacter(
  text: string,
): { readonly character: string; readonly index: number } | undefined {
  const found = HIDDEN.exec(text);
  return found === null ? undefined : { character: found[0], index: found.index };
}

const EVERY_HIDDEN = new RegExp(HIDDEN, "gu");

export function replaceHidden(text: string, replace: (character: string) => string): string {
  return text.replace(EVERY_HIDDEN, replace);
}

/** `202e`, as in `\u{202e}` and U+202E. */
export function hexOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}
