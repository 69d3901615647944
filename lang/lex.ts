/**
 * Text → tokens and comments (SPEC §2), in one pass that never fails: what is no token becomes an `Unknown`
 * one, with a diagnostic, so that the parser can go on behind it.
 */
import type { IToken, TokenType } from "chevrotain";
import type { Comment } from "./ast.ts";
import { hexOf, hiddenCharacter } from "./characters.ts";
import { STRING_CHARS_MAX, TOKENS_MAX, WORD_CHARS_MAX } from "./limits.ts";
import type { Report } from "./report.ts";
import { decimalFromText } from "./scalar/decimal.ts";
import { parseDuration } from "./scalar/duration.ts";
import {
  Decimal,
  Duration,
  Identifier,
  Int,
  keyword,
  StringLiteral,
  sign,
  Unknown,
} from "./tokens.ts";
import { FORBIDDEN_NAMES } from "./value.ts";

export interface Lexed {
  readonly tokens: IToken[];
  readonly comments: readonly Comment[];
}

/** A token of a file: `payload` is the value of a string, or the milliseconds of a duration. */
interface Lexeme extends IToken {
  readonly startLine: number;
  readonly startColumn: number;
}

const BLANKS = /[ \t]+/y;
const LINE_END = /\r\n|\r|\n/y;
const COMMENT = /\/\/[^\r\n]*/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /[0-9][A-Za-z0-9_]*(?:\.[0-9][A-Za-z0-9_]*)?/y;
const BYTE_ORDER_MARK = "\uFEFF";
/** Habits of other languages first, or `&&` would be two errors and `||` two good signs. */
const FOREIGN = /&&|\|\||!(?!=)|\/\*|;/y;
const SIGN = /->|==|!=|<=|>=|\?\?|[{}()[\]<>=,.:|*+?-]/y;
const STRAY = /[^\s/A-Za-z0-9_"{}()[\]<>=,.:|*+?-]+|[\s\S]/y;

const KEYWORDS = new Map<string, TokenType>(Object.entries(keyword));
const SIGNS = new Map<string, TokenType>(Object.entries(sign));

export function lex(text: string, file: number, report: Report): Lexed {
  const tokens: Lexeme[] = [];
  const comments: Comment[] = [];
  let at = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  let line = 1;
  let lineStart = at;

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const span = (start: number, length: number) => ({ file, start, end: start + length });
  const push = (type: TokenType, image: string, payload?: unknown) => {
    tokens.push({
      image,
      startOffset: at,
      endOffset: at + image.length - 1,
      startLine: line,
      startColumn: at - lineStart + 1,
      tokenType: type,
      tokenTypeIdx: type.tokenTypeIdx ?? 0,
      payload,
    });
    at += image.length;
  };

  while (at < text.length) {
    const blanks = take(BLANKS);
    if (blanks !== undefined) {
      at += blanks.length;
      continue;
    }
    const lineEnd = take(LINE_END);
    if (lineEnd !== undefined) {
      at += lineEnd.length;
      line++;
      lineStart = at;
      continue;
    }
    const comment = take(COMMENT);
    if (comment !== undefined) {
      refuseHidden(comment, at, file, report);
      comments.push({ text: comment.trimEnd(), span: span(at, comment.trimEnd().length) });
      at += comment.length;
      continue;
    }
    if (tokens.length >= TOKENS_MAX) {
      report("E122", span(at, 0), `a file has at most ${TOKENS_MAX} words and signs`);
      break;
    }
    const word = take(WORD);
    if (word !== undefined) {
      if (word.length > WORD_CHARS_MAX) {
        const long = `a word has at most ${WORD_CHARS_MAX} characters, this one ${word.length}`;
        report("E122", span(at, word.length), long);
      }
      if (FORBIDDEN_NAMES.has(word)) {
        const help = "give it another name; no request has a member that is called so";
        report("E116", span(at, word.length), `\`${word}\` is no word`, help);
      }
      push(KEYWORDS.get(word) ?? Identifier, word);
      continue;
    }
    const number = take(NUMBER);
    if (number !== undefined) {
      const read = readNumber(number);
      if ("why" in read) report("E114", span(at, number.length), read.why, read.help);
      push(read.type, number, "ms" in read ? read.ms : undefined);
      continue;
    }
    if (text[at] === '"') {
      const image = stringImage(text, at);
      push(StringLiteral, image, readString(image, at, file, report));
      continue;
    }
    const foreign = take(FOREIGN);
    const known = foreign === undefined ? take(SIGN) : undefined;
    const type = known === undefined ? undefined : SIGNS.get(known);
    if (known !== undefined && type !== undefined) {
      push(type, known);
      continue;
    }
    const stray = foreign ?? take(STRAY) ?? text.slice(at, at + 1);
    const first = foreign ?? String.fromCodePoint(text.codePointAt(at) ?? 0);
    report("E111", span(at, first.length), `unexpected ${shown(first)}`, strayHelp(first));
    push(Unknown, stray);
  }
  return { tokens, comments };
}

type NumberRead =
  | { readonly type: TokenType; readonly ms?: number }
  | { readonly type: TokenType; readonly why: string; readonly help: string };

function readNumber(image: string): NumberRead {
  if (/^[0-9]+$/.test(image)) {
    if (image.length > 1 && image.startsWith("0")) return badNumber(Int, image, "leading zeros");
    if (Number.isSafeInteger(Number(image))) return { type: Int };
    return badNumber(Int, image, "integers end at 2^53−1");
  }
  if (/^[0-9]+\.[0-9]+$/.test(image)) {
    const read = decimalFromText(image);
    return read.ok ? { type: Decimal } : badNumber(Decimal, image, read.why);
  }
  if (/^[0-9]+(ms|s|m|h|d)$/.test(image)) {
    const read = parseDuration(image);
    return read.ok
      ? { type: Duration, ms: read.value }
      : badNumber(
          Duration,
          image,
          read.why,
          "write a duration such as `500ms`, `10s`, `15m`, `24h`",
        );
  }
  return badNumber(Int, image, "neither a number nor a duration");
}

function badNumber(
  type: TokenType,
  image: string,
  why: string,
  help = "write a number such as `12` or `12.50`, or a duration such as `15m`",
): NumberRead {
  return { type, why: `malformed number ${shown(image)}: ${why}`, help };
}

/** From the quote at `at` to the closing one, or to the end of the line. A loop: the text may be long. */
function stringImage(text: string, at: number): string {
  for (let end = at + 1; end < text.length; end++) {
    const character = text[end];
    if (character === '"') return text.slice(at, end + 1);
    if (character === "\n" || character === "\r") return text.slice(at, end);
    const next = text[end + 1];
    if (character === "\\" && next !== "\n" && next !== "\r") end++;
  }
  return text.slice(at);
}

const ESCAPE = /\\(?:u\{([0-9A-Fa-f]{1,6})\}|([\s\S]))?/gu;
const ESCAPES = 'an escape is one of `\\"`, `\\\\`, `\\n`, `\\t`, `\\r` and `\\u{…}`';
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  n: "\n",
  t: "\t",
  r: "\r",
};

function readString(image: string, at: number, file: number, report: Report): string {
  const closed = image.length > 1 && image.endsWith('"') && !endsInEscape(image);
  if (!closed) {
    const help = 'close it with `"`; a line break inside is written `\\n`';
    report("E112", { file, start: at, end: at + 1 }, "this string is not closed on its line", help);
  }
  if (image.length > STRING_CHARS_MAX) {
    const long = `a string has at most ${STRING_CHARS_MAX} characters, this one ${image.length}`;
    report("E122", { file, start: at, end: at + image.length }, long);
    return "";
  }
  refuseHidden(image, at, file, report);
  const body = image.slice(1, closed ? -1 : undefined);
  return body.replace(ESCAPE, (image, hex: string | undefined, one: string | undefined, offset) => {
    const value = hex === undefined ? SIMPLE_ESCAPES[one ?? ""] : fromHex(hex);
    if (value !== undefined) return value;
    const start = at + 1 + Number(offset);
    const span = { file, start, end: start + image.length };
    report("E113", span, `unknown escape ${shown(image)}`, ESCAPES);
    return "";
  });
}

/** Whether the last quote belongs to an escape: an odd number of backslashes stands before it. */
function endsInEscape(image: string): boolean {
  return (/\\*$/.exec(image.slice(1, -1))?.[0].length ?? 0) % 2 === 1;
}

/** Undefined for what is no character: beyond Unicode, or half of a surrogate pair. */
function fromHex(hex: string): string | undefined {
  const code = Number.parseInt(hex, 16);
  const surrogate = code >= 0xd800 && code <= 0xdfff;
  return code > 0x10ffff || surrogate ? undefined : String.fromCodePoint(code);
}

function refuseHidden(image: string, at: number, file: number, report: Report): void {
  const hidden = hiddenCharacter(image);
  if (hidden === undefined) return;
  const { character, index } = hidden;
  const span = { file, start: at + index, end: at + index + character.length };
  const help = `remove it, or write it as \`\\u{${hexOf(character)}}\` in a string`;
  report("E115", span, `hidden character ${named(character)}`, help);
}

const SHOWN_CHARS_MAX = 40;

/** For messages: a hidden character by its number, and long text cut. */
function shown(text: string): string {
  const hidden = hiddenCharacter(text);
  if (hidden !== undefined) return `character ${named(hidden.character)}`;
  const cut = text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
  return `\`${cut}\``;
}

function named(character: string): string {
  return `U+${hexOf(character).toUpperCase().padStart(4, "0")}`;
}

function strayHelp(text: string): string | undefined {
  switch (text) {
    case "&&":
      return "write `and`";
    case "||":
      return "write `or`";
    case "!":
      return "write `not`";
    case ";":
      return "nothing separates items and clauses but space";
    case "#":
    case "/*":
      return "a comment begins with `//`";
    case "'":
    case "`":
    case "“":
    case "”":
      return 'a string stands between `"`';
    default:
      return /\p{L}/u.test(text)
        ? "a name has letters `A` to `Z`, `a` to `z`, digits and `_`"
        : undefined;
  }
}
