/** Rules and their clauses; what no rule may ever allow, and what enforcement points lack. */
import type * as ast from "../ast.ts";
import { beginsClause, is } from "../lookahead.ts";
import { given } from "../syntax-parser.ts";
import { Duration, Int, keyword, Name, Plain, StringLiteral, sign, Word } from "../tokens.ts";
import { StateGrammar } from "./state.ts";

export abstract class RuleGrammar extends StateGrammar {
  protected readonly rule = this.RULE("Rule", (): ast.Rule => {
    const start = this.LA(1);
    const clauses: ast.Clause[] = [];
    const effect = this.OR([
      { ALT: () => this.CONSUME(keyword.permit) },
      { ALT: () => this.CONSUME(keyword.forbid) },
      { ALT: () => this.CONSUME(keyword.hold) },
      { ALT: () => this.CONSUME(keyword.oblige) },
    ]).image as ast.RuleKind;
    const name = this.name(this.CONSUME(Name, { ERR_MSG: "the rule's name" }));
    this.MANY({
      GATE: () => beginsClause(this.look),
      DEF: () => clauses.push(this.SUBRULE(this.clause)),
    });
    return { kind: "rule", span: this.spanFrom(start), effect, name, clauses };
  });

  protected readonly clause = this.RULE(
    "Clause",
    (): ast.Clause =>
      this.OR([
        { ALT: () => this.SUBRULE(this.partyClause) },
        { ALT: () => this.SUBRULE(this.toolClause) },
        { ALT: () => this.SUBRULE(this.resourceClause) },
        { ALT: () => this.SUBRULE(this.purposeClause) },
        { ALT: () => this.SUBRULE(this.taskClause) },
        { ALT: () => this.SUBRULE(this.whenClause) },
        { ALT: () => this.SUBRULE(this.unlessClause) },
        { ALT: () => this.SUBRULE(this.letClause) },
        { ALT: () => this.SUBRULE(this.withClause) },
        { ALT: () => this.SUBRULE(this.untilClause) },
        { ALT: () => this.SUBRULE(this.thenClause) },
        { ALT: () => this.SUBRULE(this.becauseClause) },
        { ALT: () => this.SUBRULE(this.tagClause) },
      ]),
  );

  protected readonly partyClause = this.RULE("PartyClause", (): ast.Clause => {
    const start = this.LA(1);
    const of = this.OR1([
      { ALT: () => this.CONSUME(keyword.agent) },
      { ALT: () => this.CONSUME(keyword.principal) },
    ]).image as "agent" | "principal";
    return this.OR2([
      {
        ALT: (): ast.Clause => {
          this.CONSUME(keyword.in);
          this.CONSUME(keyword.group);
          const groups = this.SUBRULE(this.texts);
          return { kind: "group", span: this.spanFrom(start), of, groups };
        },
      },
      {
        ALT: (): ast.Clause => {
          this.CONSUME(keyword.is);
          const what = this.name(this.CONSUME(Word));
          return { kind: "kind", span: this.spanFrom(start), of, is: what };
        },
      },
    ]);
  });

  protected readonly toolClause = this.RULE("ToolClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.tool);
    const selector = this.SUBRULE(this.selector);
    return { kind: "tool", span: this.spanFrom(start), selector };
  });

  protected readonly resourceClause = this.RULE("ResourceClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.resource);
    const types = this.SUBRULE(this.names);
    return { kind: "resource", span: this.spanFrom(start), types };
  });

  protected readonly purposeClause = this.RULE("PurposeClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.purpose);
    this.CONSUME(keyword.within);
    const within = this.SUBRULE(this.dottedNames);
    return { kind: "purpose", span: this.spanFrom(start), within };
  });

  protected readonly taskClause = this.RULE("TaskClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.task);
    const names = this.SUBRULE(this.names);
    return { kind: "task", span: this.spanFrom(start), names };
  });

  protected readonly whenClause = this.RULE("WhenClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.when);
    const condition = this.SUBRULE(this.expr);
    return { kind: "when", span: this.spanFrom(start), condition };
  });

  protected readonly unlessClause = this.RULE("UnlessClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.unless);
    const condition = this.SUBRULE(this.expr);
    return { kind: "unless", span: this.spanFrom(start), condition };
  });

  protected readonly letClause = this.RULE("LetClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.let);
    const name = this.name(this.CONSUME(Name));
    this.CONSUME(sign["="]);
    const value = this.SUBRULE(this.expr);
    return { kind: "let", span: this.spanFrom(start), name, value };
  });

  protected readonly withClause = this.RULE("WithClause", (): ast.Clause => {
    const start = this.LA(1);
    const obligations: ast.Obligation[] = [];
    this.CONSUME(keyword.with);
    this.AT_LEAST_ONE_SEP({
      SEP: sign[","],
      ERR_MSG: "an obligation, such as `log full`",
      DEF: () => obligations.push(this.SUBRULE(this.obligation)),
    });
    return { kind: "with", span: this.spanFrom(start), obligations };
  });

  protected readonly obligation = this.RULE("Obligation", (): ast.Obligation => {
    const start = this.LA(1);
    const name = this.name(this.CONSUME(Word));
    const value = this.OPTION(() =>
      this.OR([
        { ALT: () => this.SUBRULE(this.recordExpr) },
        { ALT: () => this.SUBRULE(this.listExpr) },
        { ALT: () => this.SUBRULE(this.literal) },
        { ALT: () => this.bare(this.CONSUME(Plain)) },
      ]),
    );
    return { name, span: this.spanFrom(start), ...given({ value }) };
  });

  protected readonly untilClause = this.RULE("UntilClause", (): ast.Clause => {
    const start = this.LA(1);
    let count = 1;
    this.CONSUME(keyword.until);
    this.CONSUME(keyword.approved);
    this.CONSUME(keyword.by);
    this.OPTION1({
      GATE: () => is(this.LA(2), keyword.of),
      DEF: () => {
        count = this.int(this.CONSUME(Int));
        this.CONSUME(keyword.of);
      },
    });
    const approver = this.OR({
      DEF: [
        {
          GATE: () => is(this.LA(2), StringLiteral),
          ALT: (): Approver => {
            this.CONSUME(keyword.group);
            return { kind: "group", group: this.text(this.CONSUME(StringLiteral)) };
          },
        },
        { ALT: (): Approver => ({ kind: "party", party: this.SUBRULE(this.sum) }) },
      ],
    });
    const within = this.OPTION2(() => {
      this.CONSUME(keyword.within);
      return this.duration(this.CONSUME(Duration));
    });
    return { kind: "until", span: this.spanFrom(start), count, approver, ...given({ within }) };
  });

  protected readonly thenClause = this.RULE("ThenClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.then);
    this.CONSUME(keyword.interrupt);
    this.CONSUME(keyword.session);
    return { kind: "then", span: this.spanFrom(start) };
  });

  protected readonly becauseClause = this.RULE("BecauseClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.because);
    const text = this.text(this.CONSUME(StringLiteral));
    return { kind: "because", span: this.spanFrom(start), text };
  });

  protected readonly tagClause = this.RULE("TagClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.tag);
    const tags = this.SUBRULE(this.texts);
    return { kind: "tag", span: this.spanFrom(start), tags };
  });

  protected readonly never = this.RULE("Never", (): ast.Never => {
    const start = this.LA(1);
    this.CONSUME(keyword.never);
    const name = this.name(this.CONSUME(Word));
    this.CONSUME(keyword.allow);
    this.CONSUME(keyword.when);
    const condition = this.SUBRULE(this.expr);
    const because = this.OPTION(() => {
      this.CONSUME(keyword.because);
      return this.text(this.CONSUME(StringLiteral));
    });
    return { kind: "never", span: this.spanFrom(start), name, condition, ...given({ because }) };
  });

  protected readonly pep = this.RULE("Pep", (): ast.Pep => {
    const start = this.LA(1);
    this.CONSUME(keyword.pep);
    const name = this.name(this.CONSUME(Word));
    this.CONSUME(sign["{"]);
    this.CONSUME(keyword.lacks);
    const lacks = this.SUBRULE(this.dottedNames);
    this.CONSUME(sign["}"]);
    return { kind: "pep", span: this.spanFrom(start), name, lacks };
  });
}

type Approver = Extract<ast.Clause, { kind: "until" }>["approver"];
