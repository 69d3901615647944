const OPENING = "(\"'<[{`";
const CLOSING = ")\"'>]}`.,;:!?";
/** What may stand between two of them without a blank: `[notes](https://acme.example)`, `a@b.c,d@e.f`. */
const JOINTS = /[,;<>()[\]{}"'`]+/;
/** `from:lily@acme.example` and `to=lily@acme.example` name lily. */
const KEYED = /^[A-Za-z_-]{1,32}[:=](?!\/\/)/;
const EMAIL = /^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/;
const URL_LIKE = /^(?:[A-Za-z][A-Za-z0-9+.-]*:\/\/|www\.)[^\s]+$/;
/** `acme.example/x`: readers of mail are shown a link where no scheme stands. */
const BARE_LINK = /^(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}\/[^\s]+$/;
const ACCOUNT = /^[A-Z]{2}\d{2}[A-Z0-9]{8,30}$/;

/**
 * What a free text names exactly (SPEC §5.8): the mail addresses, URLs and account numbers in it, as written
 * and without the punctuation around them. Linear: each word is looked at once, as a whole and in its parts.
 * A backslash parts words as well: models write line ends as `\n`.
 */
export function atomsIn(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const word of text.split(/[\s|\\]/)) {
    if (word === "") continue;
    for (const part of new Set([word, ...word.split(JOINTS)])) {
      const bare = withoutEdges(withoutEdges(part).replace(KEYED, ""));
      if (isAtom(bare)) found.add(bare);
    }
  }
  return found;
}

/** A pattern with `+$` would try again from every place of a long run. */
function withoutEdges(word: string): string {
  let [start, end] = [0, word.length];
  while (start < end && OPENING.includes(word.charAt(start))) start++;
  while (end > start && CLOSING.includes(word.charAt(end - 1))) end--;
  return word.slice(start, end);
}

function isAtom(word: string): boolean {
  return EMAIL.test(word) || URL_LIKE.test(word) || BARE_LINK.test(word) || ACCOUNT.test(word);
}
