/**
 * Controls, marks of direction, line separators, unpaired surrogates, and letters and marks too that are drawn as
 * nothing: also those that say how an emoji is drawn, which would name two alike.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/**
 * Why a text may not name anything (SPEC §4.3): it holds characters that people cannot see, or it is not in
 * normal form C, so that two texts that look the same would differ. Nothing is folded: case and script stay.
 */
export function hiddenCharacter(text: string): string | undefined {
  if (isPrintableAscii(text)) return undefined;
  const found = HIDDEN.exec(text);
  if (found) return `holds the hidden character ${codePoint(found[0])}`;
  return text.normalize("NFC") === text ? undefined : "is not in Unicode normal form C";
}

function isPrintableAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

function codePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  return `U+${hex.padStart(4, "0")}`;
}
