/** Of longer ones V8 may compare much of each at every place. */
const PLAIN_LENGTH = 250;

/** Whether looking for it takes a search that prepares itself. */
export function isLong(part: string): boolean {
  return part.length > PLAIN_LENGTH;
}

/** Where `part` stands in `text` from `from` on, or -1: in time that grows with both lengths and not with their product. */
export function placeIn(text: string, part: string, from = 0): number {
  return isLong(part) ? placeOfLong(text, part, from) : text.indexOf(part, from);
}

/** Knuth–Morris–Pratt: `aaa…b` in `aaaa…` would be compared anew at every place. */
function placeOfLong(text: string, part: string, from: number): number {
  if (part.length > text.length - from) return -1;
  const borders = bordersOf(part);
  let matched = 0;
  for (let at = from; at < text.length; at++) {
    matched = extended(matched, text.charCodeAt(at), part, borders);
    if (matched === part.length) return at + 1 - matched;
  }
  return -1;
}

/** For each length of a beginning of `part`, how long the longest shorter one is that it ends with. */
export function bordersOf(part: string): Int32Array {
  const borders = new Int32Array(part.length);
  for (let at = 1; at < part.length; at++) {
    borders[at] = extended(borders[at - 1] ?? 0, part.charCodeAt(at), part, borders);
  }
  return borders;
}

/** How much of `part` stands there with one more character, where `matched` of it stood before. */
export function extended(
  matched: number,
  character: number,
  part: string,
  borders: Int32Array,
): number {
  let length = matched;
  while (length > 0 && part.charCodeAt(length) !== character) length = borders[length - 1] ?? 0;
  return part.charCodeAt(length) === character ? length + 1 : 0;
}
