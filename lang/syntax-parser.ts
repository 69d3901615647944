/**
 * What the rules of the grammar share: building nodes, bounding nesting, and going on after an error. Chevrotain
 * runs every rule once at start to record the grammar, with tokens and nodes that hold nothing.
 */
import {
  EmbeddedActionsParser,
  EOF,
  type IToken,
  isRecognitionException,
  type TokenType,
} from "chevrotain";
import type * as ast from "./ast.ts";
import { DIAGNOSTICS_MAX, ITEMS_MAX, NESTING_MAX } from "./limits.ts";
import { beginsItem, ITEM_STARTS, is, startsLine } from "./lookahead.ts";
import type { Report } from "./report.ts";
import type { Span } from "./source.ts";
import {
  endOf,
  expectation,
  isMisspeltItem,
  type Problem,
  problemOf,
  Refusal,
  strayProblem,
} from "./syntax-error.ts";
import { keyword, sign, vocabulary } from "./tokens.ts";

export abstract class SyntaxParser extends EmbeddedActionsParser {
  private fileIndex = 0;
  private report: Report = () => {};
  private reported = 0;
  private depth = 0;

  /** `validate` looks for ambiguities in the grammar, which takes time and finds nothing once tests pass. */
  constructor(validate: boolean) {
    super(vocabulary, {
      recoveryEnabled: false,
      maxLookahead: 1,
      skipValidations: !validate,
      errorMessageProvider: expectation,
    });
  }

  protected begin(tokens: IToken[], fileIndex: number, report: Report): void {
    this.input = tokens;
    this.fileIndex = fileIndex;
    this.report = report;
    this.reported = 0;
    this.depth = 0;
  }

  // ── Building nodes

  protected spanOf(token: IToken): Span {
    return { file: this.fileIndex, start: token.startOffset, end: (token.endOffset ?? 0) + 1 };
  }

  /** From `start` to the token consumed last; nothing where none was. */
  protected spanFrom(start: IToken): Span {
    const from = Number.isNaN(start.startOffset) ? 0 : start.startOffset;
    return { file: this.fileIndex, start: from, end: Math.max(from, endOf(this.LA(0))) };
  }

  protected name(token: IToken): ast.Name {
    return { text: token.image, span: this.spanOf(token) };
  }

  protected text(token: IToken): ast.Text {
    return { text: token.payload, span: this.spanOf(token) };
  }

  protected int(token: IToken): number {
    return Number(token.image);
  }

  protected bool(token: IToken, value: boolean): ast.Expr {
    return { kind: "bool", span: this.spanOf(token), value };
  }

  protected number(token: IToken): ast.Expr {
    return { kind: "number", span: this.spanOf(token), text: token.image };
  }

  protected duration(token: IToken): ast.DurationLiteral {
    return { kind: "duration", span: this.spanOf(token), text: token.image, ms: token.payload };
  }

  protected string(token: IToken): ast.Expr {
    return { kind: "string", span: this.spanOf(token), value: token.payload };
  }

  protected bare(token: IToken): ast.Expr {
    return { kind: "name", span: this.spanOf(token), name: token.image };
  }

  protected operator(token: IToken): ast.BinaryOperator {
    return token.image as ast.BinaryOperator;
  }

  protected binary(
    start: IToken,
    op: ast.BinaryOperator,
    left: ast.Expr,
    right: ast.Expr,
  ): ast.Expr {
    return { kind: "binary", span: this.spanFrom(start), op, left, right };
  }

  protected oneOr(kind: "then" | "either", start: IToken, parts: ast.Sequence[]): ast.Sequence {
    const [only] = parts;
    if (only !== undefined && parts.length === 1) return only;
    return { kind, span: this.spanFrom(start), parts };
  }

  // ── Looking ahead, nesting, and going on after an error

  protected readonly look = (distance: number): IToken => this.LA(distance);

  /** Whether the next word can belong to what stands before it: it does not begin an item on a line of its own. */
  protected continues(): boolean {
    return !(startsLine(this.look) && beginsItem(this.look));
  }

  protected open(type: TokenType): void {
    this.enter();
    this.CONSUME(type);
  }

  protected enter(): void {
    this.depth++;
    if (this.depth <= NESTING_MAX) return;
    const help = "give a part of it a name of its own";
    throw new Refusal("E121", this.LA(1), `nested more than ${NESTING_MAX} deep`, help);
  }

  protected close(): void {
    this.depth--;
  }

  protected refuseComparisonInARow(): void {
    const next = this.LA(1);
    const not = is(next, keyword.not) && NEGATABLE.has(this.LA(2).tokenType);
    if (!not && !COMPARISONS.has(next.tokenType)) return;
    const help = "join two comparisons with `and`, or put one in parentheses";
    throw new Refusal("E103", next, "comparisons cannot stand in a row", help);
  }

  /** What `parse` gives, or nothing after an error: it is reported, and what follows up to an item skipped. */
  protected attempt<T>(parse: () => T): T | undefined {
    const start = this.LA(1);
    try {
      return parse();
    } catch (error) {
      if (
        !(error instanceof Refusal || (error instanceof Error && isRecognitionException(error)))
      ) {
        throw error;
      }
      this.depth = 0;
      this.complain(problemOf(error, this.look, this.fileIndex));
      this.skipToItem(start.startColumn ?? 1);
      return undefined;
    }
  }

  /** Between items: what begins none is reported once, and skipped. */
  protected skipStray(): void {
    const next = this.LA(1);
    if (next.tokenType === EOF || ITEM_STARTS.has(next.tokenType)) return;
    this.complain(strayProblem(this.look, this.fileIndex));
    this.SKIP_TOKEN();
    this.skipToItem(Number.POSITIVE_INFINITY);
    if (!ITEM_STARTS.has(this.LA(1).tokenType)) this.skipStray();
  }

  /**
   * An item begins its line, no further right than the one that failed: what is further right is within it. At
   * the left edge its first word is enough, even misspelt, so that its own error is reported too.
   */
  protected skipToItem(columnMax: number): void {
    for (let next = this.LA(1); next.tokenType !== EOF; next = this.LA(1)) {
      if (startsLine(this.look) && (next.startColumn ?? 1) <= columnMax) {
        if (beginsItem(this.look)) return;
        const atEdge = next.startColumn === 1;
        if (atEdge && (ITEM_STARTS.has(next.tokenType) || isMisspeltItem(this.look))) return;
      }
      this.SKIP_TOKEN();
    }
  }

  protected complain(problem: Problem | undefined): void {
    if (problem === undefined) return;
    this.report(problem.code, problem.span, problem.message, problem.help);
    this.reported++;
    // Nobody reads more, and each costs time: what comes after is not looked at.
    if (this.reported > DIAGNOSTICS_MAX) this.skipToEnd();
  }

  protected skipTooMany(): void {
    if (this.LA(1).tokenType === EOF) return;
    this.report("E122", this.spanOf(this.LA(1)), `a package has at most ${ITEMS_MAX} items`);
    this.skipToEnd();
  }

  protected skipToEnd(): void {
    while (this.LA(1).tokenType !== EOF) this.SKIP_TOKEN();
  }
}

const NEGATABLE: ReadonlySet<TokenType> = new Set([keyword.in, keyword.within, keyword.like]);
const COMPARISONS: ReadonlySet<TokenType> = new Set([
  sign["=="],
  sign["!="],
  sign["<"],
  sign["<="],
  sign[">"],
  sign[">="],
  keyword.in,
  keyword.is,
  keyword.like,
  keyword.subset,
  keyword.starts,
  keyword.ends,
  keyword.contains,
]);

/** The object without the members that are undefined: absent is not the same as undefined in the tree. */
export function given<T extends object>(
  members: T,
): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}
