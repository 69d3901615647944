/** Python's `repr` of plain values, which recorded agents print dictionaries in. */
import type { Json } from "../../lang/type.ts";

/** `undefined` where the text is no such value, or more than one. */
export function parsePython(text: string): Json | undefined {
  const reader: Reader = { text, at: 0 };
  try {
    const value = readValue(reader, 0);
    skipSpace(reader);
    return reader.at === text.length ? value : undefined;
  } catch (error) {
    if (error instanceof NoValue) return undefined;
    throw error;
  }
}

class NoValue extends Error {}

interface Reader {
  readonly text: string;
  at: number;
}

const DEEPEST = 64;

function readValue(reader: Reader, depth: number): Json {
  if (depth > DEEPEST) throw new NoValue();
  skipSpace(reader);
  const next = reader.text[reader.at];
  switch (next) {
    case "{":
      return readBraces(reader, depth);
    case "[":
      return readItems(reader, "]", depth);
    case "(":
      return readItems(reader, ")", depth);
    case "'":
    case '"':
      return readString(reader, next);
    default:
      return readWord(reader);
  }
}

/** A dictionary, or a set, which becomes a list. */
function readBraces(reader: Reader, depth: number): Json {
  const start = reader.at;
  reader.at += 1;
  const members: [string, Json][] = [];
  for (;;) {
    skipSpace(reader);
    if (take(reader, "}")) return Object.fromEntries(members);
    const key = readValue(reader, depth + 1);
    skipSpace(reader);
    if (!take(reader, ":")) {
      reader.at = start;
      return readItems(reader, "}", depth);
    }
    members.push([
      typeof key === "string" ? key : JSON.stringify(key),
      readValue(reader, depth + 1),
    ]);
    skipSpace(reader);
    if (!take(reader, ",") && reader.text[reader.at] !== "}") throw new NoValue();
  }
}

function readItems(reader: Reader, end: string, depth: number): Json {
  reader.at += 1;
  const items: Json[] = [];
  for (;;) {
    skipSpace(reader);
    if (take(reader, end)) return items;
    items.push(readValue(reader, depth + 1));
    skipSpace(reader);
    if (!take(reader, ",") && reader.text[reader.at] !== end) throw new NoValue();
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "\\": "\\",
  "'": "'",
  '"': '"',
};
const CODES: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function readString(reader: Reader, quote: string): string {
  const { text } = reader;
  let made = "";
  for (reader.at += 1; reader.at < text.length; reader.at += 1) {
    const character = text[reader.at] ?? "";
    if (character === quote) {
      reader.at += 1;
      return made;
    }
    made += character === "\\" ? readEscape(reader) : character;
  }
  throw new NoValue();
}

/** Leaves the reader at the escape's last character. */
function readEscape(reader: Reader): string {
  reader.at += 1;
  const letter = reader.text[reader.at] ?? "";
  const digits = CODES[letter];
  if (digits === undefined) return ESCAPES[letter] ?? `\\${letter}`;
  const code = Number.parseInt(reader.text.slice(reader.at + 1, reader.at + 1 + digits), 16);
  if (!(code >= 0 && code <= 0x10ffff)) throw new NoValue();
  reader.at += digits;
  return String.fromCodePoint(code);
}

const WORDS: Readonly<Record<string, Json>> = { True: true, False: false, None: null };

function readWord(reader: Reader): Json {
  const [word = ""] = /^[A-Za-z0-9_.+-]+/.exec(reader.text.slice(reader.at, reader.at + 64)) ?? [];
  const known = WORDS[word];
  if (known === undefined && !/^-?\d+(?:\.\d*)?(?:e[+-]?\d+)?$/.test(word)) throw new NoValue();
  reader.at += word.length;
  return known === undefined ? Number(word) : known;
}

function skipSpace(reader: Reader): void {
  while (/\s/.test(reader.text[reader.at] ?? "")) reader.at += 1;
}

function take(reader: Reader, character: string): boolean {
  if (reader.text[reader.at] !== character) return false;
  reader.at += 1;
  return true;
}
