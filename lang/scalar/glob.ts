import { placeIn } from "./search.ts";

/**
 * Whether the whole text fits the pattern, in which `*` stands for any characters, none included, and
 * everything else for itself (SPEC §5.6). What stands between two `*` is best where it comes first, so each part
 * is looked for once, by a search that does not begin anew at every place.
 */
export function globMatches(text: string, pattern: string): boolean {
  const first = pattern.indexOf("*");
  if (first < 0) return text === pattern;
  const last = pattern.lastIndexOf("*");
  const end = text.length - (pattern.length - last - 1);
  if (end < first || !text.startsWith(pattern.slice(0, first))) return false;
  if (!text.endsWith(pattern.slice(last + 1))) return false;
  let at = first;
  for (let from = first + 1; from <= last && at <= end; ) {
    const to = pattern.indexOf("*", from);
    const found = placeIn(text, pattern.slice(from, to), at);
    if (found < 0) return false;
    at = found + to - from;
    from = to + 1;
  }
  return at <= end;
}
