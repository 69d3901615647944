/** Brace expansion: `a{b,c}` is two words. */

/** A word may be the start of at most this many by brace expansion. */
export const BRACE_WORDS_MAX = 64;
/** And all of them in one text make at most this many characters. */
export const BRACE_CHARS_MAX = 65_536;

/** Brace expansion is done when a word ends; until then its unquoted `{`, `,`, `}` stand as these. */
const OPEN = "\uf8f0";
const COMMA = "\uf8f1";
const CLOSE = "\uf8f2";

/** Characters that a text must not hold, since they would be taken for braces. */
export const BRACE_MARKS = /[\uf8f0-\uf8f2]/;

/** An unquoted character of a word. */
export function markedBrace(char: string): string {
  if (char === "{") return OPEN;
  if (char === ",") return COMMA;
  return char === "}" ? CLOSE : char;
}

/** A text with its braces as they were written. */
export function withBraces(text: string): string {
  return text.replace(/[\uf8f0-\uf8f2]/g, (mark) =>
    mark === OPEN ? "{" : mark === COMMA ? "," : "}",
  );
}

/** `{a..e}`, `{1..9..2}`: made into words of its own by bash, and by no POSIX shell. */
const SEQUENCE = /\uf8f0[\w+-]+\.\.[\w+-]+(?:\.\.[\w+-]+)?\uf8f2/;

/** Where a text with marked braces has a sequence first, which is not spelled out here. */
export function sequenceAt(text: string): number | undefined {
  const at = text.search(SEQUENCE);
  return at < 0 ? undefined : at;
}

/** Every word that a text with marked braces stands for, in order; undefined when there are too many. */
export function expandBraces(text: string): readonly string[] | undefined {
  for (let open = text.indexOf(OPEN); open >= 0; open = text.indexOf(OPEN, open + 1)) {
    const group = braceGroup(text, open);
    if (group === undefined) continue;
    const rests = expandBraces(text.slice(group.end));
    if (rests === undefined) return undefined;
    const words: string[] = [];
    for (const choice of group.choices) {
      for (const inner of expandBraces(choice) ?? []) {
        for (const rest of rests) words.push(text.slice(0, open) + inner + rest);
        if (words.length > BRACE_WORDS_MAX) return undefined;
      }
    }
    return words;
  }
  return [text];
}

/** The alternatives of the group that opens at `open`, if it is one: balanced, with a comma of its own. */
function braceGroup(
  text: string,
  open: number,
): { readonly choices: readonly string[]; readonly end: number } | undefined {
  const choices: string[] = [];
  let level = 0;
  let from = open + 1;
  for (let at = open; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === OPEN) level += 1;
    if (char === CLOSE) level -= 1;
    if (char === COMMA && level === 1) {
      choices.push(text.slice(from, at));
      from = at + 1;
    }
    if (level === 0) {
      if (choices.length === 0) return undefined;
      choices.push(text.slice(from, at));
      return { choices, end: at + 1 };
    }
  }
  return undefined;
}
