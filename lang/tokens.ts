/** The words and signs of the language (SPEC §2). `lex.ts` makes them, `grammar.ts` consumes them. */
import { createToken, Lexer, type TokenType } from "chevrotain";

/** Not names in expressions: each would make a sentence read two ways. */
export const RESERVED = [
  "all and any because contains counter else ends false fn forbid has hold if import in is latch let",
  "like never not oblige of or package per permit starts subset then true unless until when where",
  "with within",
] as const;

/** Names that also start an item or a clause. */
export const STARTERS = [
  "agent environment label level pep principal purpose resource session tag task test tool type use",
] as const;

/** Names with a meaning in one place. */
export const CONTEXTUAL = [
  "allow allowed approved args as attempts by completed count delegation deny digest distinct effect",
  "elsewhere entrypoint error from given group instruction interrupt labels lacks limit list max min",
  "named next now ok on outcome pending plan rego repeat reset returns scope sequence server set",
  "source sum unverified wait yields",
] as const;

export const SIGNS = ["-> == != <= >= ?? { } ( ) [ ] < > = , . : | * + - ?"] as const;

/** Any word, where only a name can stand: `resource.label`, `{ when: 1 }`, `permit tag`. */
export const Word = kind("Word");
/** A word that can stand alone in an expression. */
export const Name = kind("Name", Word);
/** A name that starts neither an item nor a clause, for where either could follow. */
export const Plain = kind("Plain", Name);

/** A word that is no keyword. */
export const Identifier = kind("Identifier", Plain);
export const Int = kind("Int");
export const Decimal = kind("Decimal");
export const Duration = kind("Duration");
export const StringLiteral = kind("String");
/** What is no token: the lexer has said so, and the parser keeps silent about it. */
export const Unknown = kind("Unknown");

export const keyword = {
  ...literals(RESERVED, Word),
  ...literals(STARTERS, Name),
  ...literals(CONTEXTUAL, Plain),
};

export const sign = literals(SIGNS);

/** Every token type, as the parser wants them. */
export const vocabulary: TokenType[] = [
  Word,
  Name,
  Plain,
  Identifier,
  Int,
  Decimal,
  Duration,
  StringLiteral,
  Unknown,
  ...Object.values(keyword),
  ...Object.values(sign),
];

type Split<S extends string, Found = never> = S extends `${infer Head} ${infer Tail}`
  ? Split<Tail, Found | Head>
  : Found | S;

function literals<const Lines extends readonly string[]>(
  lines: Lines,
  category?: TokenType,
): Record<Split<Lines[number]>, TokenType> {
  const texts = lines.flatMap((line) => line.split(" "));
  const types = texts.map((text) => [text, literal(text, category)] as const);
  return Object.fromEntries(types) as Record<Split<Lines[number]>, TokenType>;
}

function literal(text: string, category?: TokenType): TokenType {
  const categories = category === undefined ? [] : [category];
  return createToken({ name: text, label: `"${text}"`, pattern: Lexer.NA, categories });
}

function kind(name: string, category?: TokenType): TokenType {
  const categories = category === undefined ? [] : [category];
  return createToken({ name, label: name, pattern: Lexer.NA, categories });
}
