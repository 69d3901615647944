const EDGES = /^[("'<[{`]+|[)"'>\]}`.,;:!?]+$/g;
/** `from:lily@acme.example` and `to=lily@acme.example` name lily. */
const KEYED = /^[A-Za-z_-]{1,32}[:=](?!\/\/)/;
const EMAIL = /^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/;
const URL_LIKE = /^(?:[A-Za-z][A-Za-z0-9+.-]*:\/\/|www\.)[^\s]+$/;
const ACCOUNT = /^[A-Z]{2}\d{2}[A-Z0-9]{8,30}$/;

/**
 * What a free text names exactly (SPEC §5.8): the mail addresses, URLs and account numbers in it, as written
 * and without the punctuation around them. Linear: each word is looked at once.
 */
export function atomsIn(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const word of text.split(/[\s|]/)) {
    const bare = word.replace(EDGES, "").replace(KEYED, "").replace(EDGES, "");
    if (EMAIL.test(bare) || URL_LIKE.test(bare) || ACCOUNT.test(bare)) found.add(bare);
  }
  return found;
}
