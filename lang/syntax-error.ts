/** What the parser says about a syntax error: what was expected, after which word, and what was found. */
import {
  EOF,
  type IParserErrorMessageProvider,
  type IRecognitionException,
  type IToken,
  type TokenType,
} from "chevrotain";
import type { Code } from "./codes.ts";
import { CLAUSE_STARTS, ITEM_STARTS, is, type Look, startsLine } from "./lookahead.ts";
import type { Span } from "./source.ts";
import { suggest } from "./suggest.ts";
import { Identifier, keyword, Name, sign, Unknown, Word } from "./tokens.ts";

export interface Problem {
  readonly code: Code;
  readonly span: Span;
  readonly message: string;
  readonly help?: string | undefined;
}

/** Thrown inside the grammar for what its productions allow and the language does not. */
export class Refusal extends Error {
  readonly code: Code;
  readonly token: IToken;
  readonly help: string;

  constructor(code: Code, token: IToken, message: string, help: string) {
    super(message);
    this.code = code;
    this.token = token;
    this.help = help;
  }
}

/** Chevrotain's messages as what was expected, and no more: `problemOf` adds where and what instead. */
export const expectation: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => describe(expected),
  buildNoViableAltMessage: ({ expectedPathsPerAlt, customUserDescription }) =>
    customUserDescription ?? alternatives(expectedPathsPerAlt.flat(2)),
  buildEarlyExitMessage: ({ expectedIterationPaths, customUserDescription }) =>
    customUserDescription ?? alternatives(expectedIterationPaths.flat()),
  buildNotAllInputParsedMessage: () => "the end of the file",
};

/** Undefined where the lexer has already said what is wrong. */
export function problemOf(
  error: Refusal | IRecognitionException | Error,
  look: Look,
  file: number,
): Problem | undefined {
  if (error instanceof Refusal) {
    const { code, message, help } = error;
    return { code, span: placeOf(error.token, look(0), file), message, help };
  }
  const found = look(1);
  if (found.tokenType === Unknown) return undefined;
  const expected = error.message;
  const after = look(0).tokenType === EOF ? "" : ` after ${quoted(look(0))}`;
  const words = [...expected.matchAll(/`([a-z]+)`/g)].map(([, word]) => word ?? "");
  return {
    code: "E101",
    span: placeOf(found, look(0), file),
    message: `expected ${expected}${after}, found ${quoted(found)}`,
    help:
      helpFor(found, words) ??
      reservedHelp(look, expected) ??
      unclosedHelp(look, expected) ??
      helpBefore(look(0), words),
  };
}

/** About a token between items that begins none. */
export function strayProblem(look: Look, file: number): Problem | undefined {
  const found = look(1);
  if (found.tokenType === Unknown) return undefined;
  const span = placeOf(found, look(0), file);
  if (found.tokenType === keyword.package) {
    const help = "a file begins with its one `package`";
    return { code: "E102", span, message: "`package` stands at the start of a file, once", help };
  }
  if (found.tokenType === keyword.use) {
    return { code: "E102", span, message: "`use` stands before the first item" };
  }
  const onItsOwn = look(0).tokenType === EOF || look(0).startLine !== found.startLine;
  return {
    code: "E101",
    span,
    message: onItsOwn
      ? `expected an item or a clause, found ${quoted(found)}`
      : `unexpected ${quoted(found)} after ${quoted(look(0))}`,
    help: elsewhereHelp(look) ?? helpFor(found, onItsOwn ? STARTS : Object.keys(keyword)),
  };
}

/** The offset behind a token; 0 for what stands before the first one. */
export function endOf(token: IToken): number {
  return token.endOffset === undefined || Number.isNaN(token.endOffset) ? 0 : token.endOffset + 1;
}

/** Whether the next word is one that begins an item, but for a slip of the pen. */
export function isMisspeltItem(look: Look): boolean {
  const first = look(1);
  if (first.tokenType !== Identifier || !is(look(2), Word)) return false;
  return suggest(first.image, ITEM_WORDS) !== undefined;
}

const ITEM_WORDS = [...ITEM_STARTS].map((type) => type.name);
const STARTS = [...ITEM_STARTS, ...CLAUSE_STARTS].map((type) => type.name);

function placeOf(token: IToken, previous: IToken, file: number): Span {
  if (token.tokenType === EOF) return { file, start: endOf(previous), end: endOf(previous) };
  return { file, start: token.startOffset, end: endOf(token) };
}

const IMAGE_CHARS_MAX = 40;

function quoted(token: IToken): string {
  if (token.tokenType === EOF) return "the end of the file";
  const { image } = token;
  return image.length > IMAGE_CHARS_MAX
    ? `\`${image.slice(0, IMAGE_CHARS_MAX)}…\``
    : `\`${image}\``;
}

function helpFor(found: IToken, words: readonly string[]): string | undefined {
  if (found.tokenType === sign["="]) return "values are compared with `==`";
  if (found.tokenType !== Identifier) return undefined;
  const near = suggest(found.image, words);
  return near === undefined ? undefined : `did you mean \`${near}\`?`;
}

/** What other languages call it. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["allow", "permit"],
  ["deny", "forbid"],
  ["if", "when"],
  ["matches", "like"],
  ["startsWith", "starts with"],
  ["endsWith", "ends with"],
]);

function elsewhereHelp(look: Look): string | undefined {
  const found = look(1);
  if (found.tokenType === sign["{"]) return "clauses stand on lines of their own, without braces";
  if (found.tokenType === sign["-"]) return "names have `_`, and no `-`";
  // `args.path.startsWith("/tmp")` shows only behind the word.
  const here = ELSEWHERE.get((found.tokenType === sign["("] ? look(0) : found).image);
  return here === undefined ? undefined : `write \`${here}\``;
}

/** `attempts pre session`: the misspelt word was taken for a name, and the error shows only behind it. */
function helpBefore(previous: IToken, words: readonly string[]): string | undefined {
  if (previous.tokenType !== Identifier) return undefined;
  const near = suggest(previous.image, words);
  return near === undefined ? undefined : `did you mean \`${near}\` by ${quoted(previous)}?`;
}

/** A word that could stand here were it not kept for a sentence of its own. */
function reservedHelp(look: Look, expected: string): string | undefined {
  const found = look(1);
  const reserved = is(found, Word) && !is(found, Name) && !startsLine(look);
  if (!reserved || !/name|expression/.test(expected)) return undefined;
  return `\`${found.image}\` is a reserved word`;
}

const CLOSERS: ReadonlyMap<TokenType, TokenType> = new Map([
  [sign["("], sign[")"]],
  [sign["["], sign["]"]],
  [sign["{"], sign["}"]],
]);

/** Where a bracket that should close here was opened, if not on the same line. */
function unclosedHelp(look: Look, expected: string): string | undefined {
  let closed = 0;
  for (let at = 0; look(at).tokenType !== EOF; at--) {
    const token = look(at);
    if ([...CLOSERS.values()].includes(token.tokenType)) closed++;
    const closer = CLOSERS.get(token.tokenType);
    if (closer === undefined || closed-- > 0) continue;
    if (!expected.includes(`\`${closer.name}\``) || token.startLine === look(1).startLine) return;
    return `the \`${token.image}\` on line ${token.startLine} is still open`;
  }
  return undefined;
}

function alternatives(types: readonly TokenType[]): string {
  const names = [...new Set(types.map(describe))];
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

const KINDS: Readonly<Record<string, string>> = {
  Word: "a name",
  Name: "a name",
  Plain: "a name",
  Identifier: "a name",
  Int: "a whole number",
  Decimal: "a number",
  Duration: "a duration such as `15m`",
  String: 'a string in `"`',
};

function describe(type: TokenType): string {
  return KINDS[type.name] ?? `\`${type.name}\``;
}
