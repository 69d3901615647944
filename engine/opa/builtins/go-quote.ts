/** Texts and characters as Go quotes them (`strconv.Quote`). Pure. */

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
]);

/** Every character beyond ASCII by its number, where `isAscii`. */
export function quoted(text: string, isAscii: boolean): string {
  return `"${[...text].map((rune) => escaped(rune, '"', isAscii)).join("")}"`;
}

export function quotedRune(rune: string, isAscii: boolean): string {
  return `'${escaped(rune, "'", isAscii)}'`;
}

function escaped(rune: string, quote: string, isAscii: boolean): string {
  if (rune === quote) return `\\${quote}`;
  const known = ESCAPES.get(rune);
  if (known !== undefined) return known;
  const code = rune.codePointAt(0) ?? 0;
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(rune) && (code < 0x80 || !isAscii)) return rune;
  const hex = code.toString(16);
  if (code < 0x20 || code === 0x7f) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
