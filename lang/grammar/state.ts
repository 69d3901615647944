/** What is counted and remembered of calls: counters and latches. */
import type * as ast from "../ast.ts";
import { is } from "../lookahead.ts";
import { given } from "../syntax-parser.ts";
import { Duration, keyword, Name, sign } from "../tokens.ts";
import { VocabularyGrammar } from "./vocabulary.ts";

export abstract class StateGrammar extends VocabularyGrammar {
  protected readonly counter = this.RULE("Counter", (): ast.Counter => {
    const start = this.LA(1);
    const per: ast.Expr[] = [];
    this.CONSUME(keyword.counter);
    const name = this.name(this.CONSUME(Name));
    this.CONSUME(sign["="]);
    const measured = this.OR([
      {
        ALT: (): Measured => {
          this.CONSUME(keyword.count);
          return { op: "count" };
        },
      },
      {
        ALT: (): Measured => {
          this.CONSUME(keyword.sum);
          const of = this.SUBRULE1(this.sum);
          this.CONSUME1(keyword.of);
          return { op: "sum", of };
        },
      },
      {
        ALT: (): Measured => {
          this.CONSUME(keyword.distinct);
          const of = this.SUBRULE2(this.sum);
          this.CONSUME2(keyword.of);
          return { op: "distinct", of };
        },
      },
    ]);
    const calls = this.SUBRULE(this.callFilter, { ARGS: [false] });
    this.CONSUME(keyword.per, { ERR_MSG: "`per` and what is counted apart" });
    this.AT_LEAST_ONE_SEP({
      SEP: sign[","],
      ERR_MSG: "what is counted apart, such as `session`",
      DEF: () => per.push(this.SUBRULE3(this.sum)),
    });
    const within = this.OPTION(() => {
      this.CONSUME(keyword.within);
      return this.duration(this.CONSUME(Duration));
    });
    const span = this.spanFrom(start);
    return { kind: "counter", span, name, ...measured, calls, per, ...given({ within }) };
  });

  /** `last`: an item may follow, so a word on a line of its own may be its first. */
  protected readonly callFilter = this.RULE("CallFilter", (last: boolean): ast.CallFilter => {
    const base = this.OR([
      { ALT: () => this.CONSUME(keyword.attempts) },
      { ALT: () => this.CONSUME(keyword.allowed) },
      { ALT: () => this.CONSUME(keyword.completed) },
    ]).image as ast.CounterBase;
    const selector = this.OPTION1({
      GATE: () => is(this.LA(1), Name) && (!last || this.continues()),
      DEF: () => this.SUBRULE(this.selector),
    });
    const where = this.OPTION2(() => {
      this.CONSUME(keyword.where);
      return this.SUBRULE(this.expr);
    });
    return { base, ...given({ selector, where }) };
  });

  protected readonly selector = this.RULE("Selector", (): ast.Selector => {
    const start = this.LA(1);
    let kind: ast.Selector["kind"] = "tools";
    this.OPTION({
      GATE: () => is(this.LA(2), Name),
      DEF: () => {
        this.CONSUME(keyword.effect);
        kind = "effects";
      },
    });
    const names = this.SUBRULE(this.names);
    return { kind, span: this.spanFrom(start), names };
  });

  protected readonly latch = this.RULE("Latch", (): ast.Latch => {
    const start = this.LA(1);
    const per: ast.Expr[] = [];
    this.CONSUME(keyword.latch);
    const name = this.name(this.CONSUME(Name));
    this.CONSUME(sign["="]);
    const calls = this.SUBRULE1(this.callFilter, { ARGS: [false] });
    this.CONSUME(keyword.per, { ERR_MSG: "`per` and what it is set for" });
    this.AT_LEAST_ONE_SEP({
      SEP: sign[","],
      ERR_MSG: "what it is set for, such as `session`",
      DEF: () => per.push(this.SUBRULE(this.sum)),
    });
    const reset = this.OPTION(() => {
      this.CONSUME(keyword.reset);
      this.CONSUME(keyword.by);
      return this.SUBRULE2(this.callFilter, { ARGS: [true] });
    });
    return { kind: "latch", span: this.spanFrom(start), name, calls, per, ...given({ reset }) };
  });
}

type Measured = Pick<ast.Counter, "op" | "of">;
