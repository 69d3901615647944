/** Tasks and their sequences. */
import type * as ast from "../ast.ts";
import { is } from "../lookahead.ts";
import { given } from "../syntax-parser.ts";
import { Int, keyword, Name, sign, Word } from "../tokens.ts";
import { RuleGrammar } from "./rules.ts";

export abstract class TaskGrammar extends RuleGrammar {
  protected readonly task = this.RULE("Task", (): ast.Task => {
    const start = this.LA(1);
    const items: ast.TaskItem[] = [];
    this.CONSUME(keyword.task);
    const name = this.name(this.CONSUME(Word));
    this.CONSUME(sign["{"]);
    this.MANY(() => items.push(this.SUBRULE(this.taskItem)));
    this.CONSUME(sign["}"], { ERR_MSG: "`purpose`, `sequence`, `limit` or `}`" });
    return { kind: "task", span: this.spanFrom(start), name, items };
  });

  protected readonly taskItem = this.RULE("TaskItem", (): ast.TaskItem => {
    const start = this.LA(1);
    return this.OR([
      {
        ALT: (): ast.TaskItem => {
          this.CONSUME(keyword.purpose);
          const purpose = this.SUBRULE(this.dottedName);
          return { kind: "purpose", span: this.spanFrom(start), purpose };
        },
      },
      {
        ALT: (): ast.TaskItem => {
          this.CONSUME(keyword.sequence);
          const sequence = this.SUBRULE(this.sequence);
          return { kind: "sequence", span: this.spanFrom(start), sequence };
        },
      },
      {
        ALT: (): ast.TaskItem => {
          const limits: ast.Limit[] = [];
          this.CONSUME(keyword.limit);
          this.AT_LEAST_ONE_SEP({
            SEP: sign[","],
            ERR_MSG: "a limit, such as `calls <= 20`",
            DEF: () => limits.push(this.SUBRULE(this.limit)),
          });
          return { kind: "limit", span: this.spanFrom(start), limits };
        },
      },
    ]);
  });

  protected readonly limit = this.RULE("Limit", (): ast.Limit => {
    const start = this.LA(1);
    const name = this.name(this.CONSUME(Word));
    this.CONSUME(sign["<="]);
    const bound = this.SUBRULE(this.sum);
    return { name, span: this.spanFrom(start), bound };
  });

  protected readonly sequence = this.RULE("Sequence", (): ast.Sequence => {
    const start = this.LA(1);
    const parts: ast.Sequence[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: sign["|"],
      ERR_MSG: "a step",
      DEF: () => parts.push(this.SUBRULE(this.sequenceThen)),
    });
    return this.oneOr("either", start, parts);
  });

  protected readonly sequenceThen = this.RULE("SequenceThen", (): ast.Sequence => {
    const start = this.LA(1);
    const parts: ast.Sequence[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: sign[","],
      ERR_MSG: "a step",
      DEF: () => parts.push(this.SUBRULE(this.sequenceRepeat)),
    });
    return this.oneOr("then", start, parts);
  });

  protected readonly sequenceRepeat = this.RULE("SequenceRepeat", (): ast.Sequence => {
    const start = this.LA(1);
    const of = this.SUBRULE(this.sequenceAtom);
    const repeat = this.OPTION1(() =>
      this.OR([
        {
          ALT: (): Times => {
            this.CONSUME(sign["*"]);
            return { least: 0, written: "*" };
          },
        },
        {
          ALT: (): Times => {
            this.CONSUME(sign["+"]);
            return { least: 1, written: "+" };
          },
        },
        {
          ALT: (): Times => {
            this.CONSUME(sign["?"]);
            return { least: 0, most: 1, written: "?" };
          },
        },
        {
          ALT: (): Times => {
            this.CONSUME(sign["{"]);
            const least = this.int(this.CONSUME1(Int));
            let most: number | undefined = least;
            this.OPTION2(() => {
              this.CONSUME(sign[","]);
              most = this.OPTION3(() => this.int(this.CONSUME2(Int)));
            });
            this.CONSUME(sign["}"]);
            return { least, ...given({ most }), written: "{}" };
          },
        },
      ]),
    );
    return repeat ? { kind: "repeat", span: this.spanFrom(start), of, ...repeat } : of;
  });

  protected readonly sequenceAtom = this.RULE(
    "SequenceAtom",
    (): ast.Sequence =>
      this.OR({
        ERR_MSG: "a step",
        DEF: [
          {
            ALT: (): ast.Sequence => {
              this.open(sign["("]);
              const sequence = this.SUBRULE(this.sequence);
              this.CONSUME(sign[")"]);
              this.close();
              return sequence;
            },
          },
          { ALT: () => this.SUBRULE(this.step) },
        ],
      }),
  );

  protected readonly step = this.RULE("Step", (): ast.Sequence => {
    const start = this.LA(1);
    const args: ast.StepArgument[] = [];
    let kind: ast.Selector["kind"] = "tools";
    this.OPTION1({
      GATE: () => is(this.LA(2), Name),
      DEF: () => {
        this.CONSUME(keyword.effect);
        kind = "effects";
      },
    });
    const names = [this.name(this.CONSUME(Word))];
    const selector: ast.Selector = { kind, span: this.spanFrom(start), names };
    this.OPTION2(() => {
      this.CONSUME(sign["("]);
      this.AT_LEAST_ONE_SEP({
        SEP: sign[","],
        ERR_MSG: "`name as other` or a condition",
        DEF: () => args.push(this.SUBRULE(this.stepArgument)),
      });
      this.CONSUME(sign[")"]);
    });
    return { kind: "step", span: this.spanFrom(start), selector, args };
  });

  protected readonly stepArgument = this.RULE("StepArgument", (): ast.StepArgument => {
    const start = this.LA(1);
    return this.OR({
      ERR_MSG: "`name as other` or a condition",
      DEF: [
        {
          GATE: () => is(this.LA(2), keyword.as),
          ALT: (): ast.StepArgument => {
            const argument = this.name(this.CONSUME1(Word));
            this.CONSUME(keyword.as);
            const as = this.name(this.CONSUME2(Word));
            return { kind: "bind", span: this.spanFrom(start), argument, as };
          },
        },
        {
          ALT: (): ast.StepArgument => {
            const condition = this.SUBRULE(this.expr);
            return { kind: "predicate", span: this.spanFrom(start), condition };
          },
        },
      ],
    });
  });
}

type Times = Pick<Extract<ast.Sequence, { kind: "repeat" }>, "least" | "most" | "written">;
