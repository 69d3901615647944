/** Controls, marks of direction, characters of no width, line separators, halves of surrogate pairs. */
const HIDDEN = /(?!\t)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

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
