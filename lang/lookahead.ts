/**
 * Where an item begins (SPEC §3): words such as `tool` and `purpose` also begin clauses of the rule before, so
 * what follows them decides. The parser asks before each clause, and to find its feet again after an error.
 */
import type { IToken, TokenType } from "chevrotain";
import { keyword, StringLiteral, sign, Word } from "./tokens.ts";

/** The token `distance` ahead: 1 is the next one, 0 the one before it. */
export type Look = (distance: number) => IToken;

/** Names looked over for the `{` of `tool a, b {`: more would let one file cost the square of its length. */
const NAMES_MAX = 256;

export function is(token: IToken, type: TokenType): boolean {
  if (token.tokenType === type) return true;
  return type.categoryMatchesMap?.[token.tokenTypeIdx] === true;
}

export function startsLine(look: Look): boolean {
  return look(0).startLine !== look(1).startLine;
}

export function beginsItem(look: Look): boolean {
  const second = look(2);
  switch (look(1).tokenType) {
    case keyword.package:
    case keyword.use:
    case keyword.label:
    case keyword.permit:
    case keyword.forbid:
    case keyword.hold:
    case keyword.oblige:
    case keyword.never:
      return is(second, Word);
    case keyword.purpose:
      return is(second, Word) && !is(second, keyword.within);
    case keyword.import:
      return is(second, keyword.rego);
    case keyword.level:
    case keyword.type:
    case keyword.counter:
    case keyword.latch:
      return is(second, Word) && is(look(3), sign["="]);
    case keyword.fn:
      return is(second, Word) && is(look(3), sign["("]);
    case keyword.resource:
    case keyword.task:
    case keyword.pep:
      return is(second, Word) && is(look(3), sign["{"]);
    case keyword.test:
      return is(second, StringLiteral);
    case keyword.principal:
    case keyword.agent:
    case keyword.session:
    case keyword.environment:
      return is(second, sign["{"]);
    case keyword.tool:
      return namesThenBrace(look);
    default:
      return false;
  }
}

/**
 * Whether `tool`, `purpose` … begins a clause of the rule before it. A purpose that is declared stands at the
 * start of a line: `purpose payments`, indented under a rule, is a clause that forgot its `within`, and must not
 * quietly become a declaration that lets the rule apply everywhere.
 */
export function beginsClause(look: Look): boolean {
  if (is(look(1), keyword.purpose)) {
    return is(look(2), keyword.within) || look(1).startColumn !== 1;
  }
  return !beginsItem(look);
}

/** `tool a, b {` and `tool a named "A" {`, against the clause `tool a, b`. */
function namesThenBrace(look: Look): boolean {
  let at = 2;
  for (let names = 0; names < NAMES_MAX; names++) {
    if (!is(look(at), Word)) return false;
    if (is(look(at + 1), keyword.named) && is(look(at + 2), StringLiteral)) return true;
    if (!is(look(at + 1), sign[","])) return is(look(at + 1), sign["{"]);
    at += 2;
  }
  return false;
}

/** Words that only an item begins with, and those that also begin a clause. */
export const ITEM_STARTS: ReadonlySet<TokenType> = new Set([
  keyword.import,
  keyword.level,
  keyword.purpose,
  keyword.label,
  keyword.type,
  keyword.tool,
  keyword.resource,
  keyword.principal,
  keyword.agent,
  keyword.session,
  keyword.environment,
  keyword.counter,
  keyword.latch,
  keyword.fn,
  keyword.permit,
  keyword.forbid,
  keyword.hold,
  keyword.oblige,
  keyword.task,
  keyword.never,
  keyword.pep,
  keyword.test,
]);

export const CLAUSE_STARTS: ReadonlySet<TokenType> = new Set([
  keyword.agent,
  keyword.principal,
  keyword.tool,
  keyword.resource,
  keyword.purpose,
  keyword.task,
  keyword.when,
  keyword.unless,
  keyword.let,
  keyword.with,
  keyword.until,
  keyword.then,
  keyword.because,
  keyword.tag,
]);
