/** Tests and their steps. */
import type * as ast from "../ast.ts";
import { is } from "../lookahead.ts";
import { given } from "../syntax-parser.ts";
import { Duration, Int, keyword, StringLiteral, sign, Word } from "../tokens.ts";
import { TaskGrammar } from "./tasks.ts";

export abstract class TestGrammar extends TaskGrammar {
  protected readonly test = this.RULE("Test", (): ast.Test => {
    const start = this.LA(1);
    const steps: ast.TestStep[] = [];
    this.CONSUME(keyword.test);
    const name = this.text(this.CONSUME(StringLiteral));
    this.CONSUME(sign["{"]);
    this.MANY(() => steps.push(this.SUBRULE(this.testStep)));
    this.CONSUME(sign["}"], { ERR_MSG: "`given`, `when`, `repeat`, `wait`, `outcome` or `}`" });
    return { kind: "test", span: this.spanFrom(start), name, steps };
  });

  protected readonly testStep = this.RULE(
    "TestStep",
    (): ast.TestStep =>
      this.OR([
        { ALT: () => this.SUBRULE(this.givenStep) },
        { ALT: () => this.SUBRULE(this.whenStep) },
        { ALT: () => this.SUBRULE(this.repeatStep) },
        { ALT: () => this.SUBRULE(this.waitStep) },
        { ALT: () => this.SUBRULE(this.outcomeStep) },
      ]),
  );

  protected readonly givenStep = this.RULE("GivenStep", (): ast.GivenStep => {
    const start = this.LA(1);
    this.CONSUME(keyword.given);
    return this.OR([
      { ALT: () => this.SUBRULE(this.givenParty) },
      { ALT: () => this.SUBRULE(this.givenDelegation) },
      {
        ALT: (): ast.GivenStep => {
          this.CONSUME(keyword.resource);
          const resource = this.SUBRULE(this.testResource);
          return { kind: "givenResource", span: this.spanFrom(start), ...resource };
        },
      },
      { ALT: () => this.SUBRULE(this.givenFact) },
    ]);
  });

  protected readonly givenParty = this.RULE("GivenParty", (): ast.GivenStep => {
    const start = this.LA(0);
    const of = this.OR([
      { ALT: () => this.CONSUME(keyword.agent) },
      { ALT: () => this.CONSUME(keyword.principal) },
    ]).image as "agent" | "principal";
    const id = this.text(this.CONSUME(StringLiteral));
    const attributes = this.OPTION(() => this.SUBRULE(this.recordExpr));
    return { kind: "givenParty", span: this.spanFrom(start), of, id, ...given({ attributes }) };
  });

  protected readonly givenDelegation = this.RULE("GivenDelegation", (): ast.GivenStep => {
    const start = this.LA(0);
    this.CONSUME(keyword.delegation);
    const parties = [this.SUBRULE1(this.party)];
    this.AT_LEAST_ONE({
      ERR_MSG: "`->`",
      DEF: () => {
        this.CONSUME(sign["->"]);
        parties.push(this.SUBRULE2(this.party));
      },
    });
    const scope = this.OPTION1(() => {
      this.CONSUME(keyword.scope);
      return this.SUBRULE(this.listExpr);
    });
    const purpose = this.OPTION2(() => {
      this.CONSUME(keyword.purpose);
      return this.SUBRULE(this.dottedName);
    });
    const verified = this.OPTION3(() => this.CONSUME(keyword.unverified)) === undefined;
    const span = this.spanFrom(start);
    return { kind: "givenDelegation", span, parties, ...given({ scope, purpose }), verified };
  });

  protected readonly party = this.RULE(
    "Party",
    (): ast.Name =>
      this.OR({
        ERR_MSG: "a party's name",
        DEF: [
          { ALT: () => this.name(this.CONSUME(Word)) },
          { ALT: () => this.text(this.CONSUME(StringLiteral)) },
        ],
      }),
  );

  protected readonly givenFact = this.RULE("GivenFact", (): ast.GivenStep => {
    const start = this.LA(0);
    const of = this.OR([
      { ALT: () => this.CONSUME(keyword.session) },
      { ALT: () => this.CONSUME(keyword.source) },
      { ALT: () => this.CONSUME(keyword.instruction) },
      { ALT: () => this.CONSUME(keyword.plan) },
      { ALT: () => this.CONSUME(keyword.purpose) },
      { ALT: () => this.CONSUME(keyword.task) },
      { ALT: () => this.CONSUME(keyword.environment) },
      { ALT: () => this.CONSUME(keyword.now) },
    ]).image as Extract<ast.GivenStep, { kind: "givenFact" }>["of"];
    const value = this.SUBRULE(this.expr);
    return { kind: "givenFact", span: this.spanFrom(start), of, value };
  });

  protected readonly whenStep = this.RULE("WhenStep", (): ast.TestStep => {
    const start = this.LA(1);
    this.CONSUME(keyword.when);
    const call = this.SUBRULE(this.call);
    const expect = this.OPTION(() => {
      this.CONSUME(keyword.then);
      return this.SUBRULE(this.expect);
    });
    return { kind: "when", span: this.spanFrom(start), call, ...given({ expect }) };
  });

  protected readonly repeatStep = this.RULE("RepeatStep", (): ast.TestStep => {
    const start = this.LA(1);
    this.CONSUME(keyword.repeat);
    const times = this.int(this.CONSUME(Int));
    const call = this.SUBRULE(this.call);
    const expect = this.OPTION(() => {
      this.CONSUME(keyword.then);
      return this.SUBRULE(this.expect);
    });
    return { kind: "repeat", span: this.spanFrom(start), times, call, ...given({ expect }) };
  });

  protected readonly waitStep = this.RULE("WaitStep", (): ast.TestStep => {
    const start = this.LA(1);
    this.CONSUME(keyword.wait);
    const duration = this.duration(this.CONSUME(Duration));
    return { kind: "wait", span: this.spanFrom(start), duration };
  });

  protected readonly outcomeStep = this.RULE("OutcomeStep", (): ast.TestStep => {
    const start = this.LA(1);
    const labels: ast.Name[] = [];
    const returns: ast.Expr[] = [];
    this.CONSUME(keyword.outcome);
    const status = this.OR([
      { ALT: () => this.CONSUME(keyword.ok) },
      { ALT: () => this.CONSUME(keyword.error) },
      { ALT: () => this.CONSUME(keyword.pending) },
    ]).image as "ok" | "error" | "pending";
    this.OPTION1(() => {
      this.CONSUME(keyword.labels);
      this.CONSUME(sign["["]);
      this.MANY_SEP({
        SEP: sign[","],
        DEF: () => labels.push(this.name(this.CONSUME(Word))),
      });
      this.CONSUME(sign["]"], { ERR_MSG: "a label or `]`" });
    });
    this.OPTION2(() => {
      this.CONSUME(keyword.returns);
      this.AT_LEAST_ONE_SEP({
        SEP: sign[","],
        ERR_MSG: "what the call returned",
        DEF: () => returns.push(this.SUBRULE(this.expr)),
      });
    });
    return { kind: "outcome", span: this.spanFrom(start), status, labels, returns };
  });

  protected readonly call = this.RULE("Call", (): ast.TestCall => {
    const start = this.LA(1);
    const tool = this.name(this.CONSUME(Word, { ERR_MSG: "the tool that is called" }));
    const args = this.OPTION1(() => this.SUBRULE(this.recordExpr));
    const on = this.OPTION2(() => {
      this.CONSUME(keyword.on);
      return this.SUBRULE(this.testResource);
    });
    const approvedBy = this.OPTION3(() => {
      this.CONSUME(keyword.approved);
      this.CONSUME(keyword.by);
      return this.SUBRULE(this.texts);
    });
    const span = this.spanFrom(start);
    return { span, tool, ...given({ args, on }), approvedBy: approvedBy ?? [] };
  });

  protected readonly testResource = this.RULE("TestResource", (): ast.TestResource => {
    const type = this.name(this.CONSUME(Word));
    const id = this.text(this.CONSUME(StringLiteral));
    const attributes = this.OPTION(() => this.SUBRULE(this.recordExpr));
    return { type, id, ...given({ attributes }) };
  });

  protected readonly expect = this.RULE("Expect", (): ast.Expectation => {
    const start = this.LA(1);
    const decision = this.OR([
      { ALT: () => this.CONSUME(keyword.allow) },
      { ALT: () => this.CONSUME(keyword.deny) },
      { ALT: () => this.CONSUME(keyword.hold) },
    ]).image as ast.Expectation["decision"];
    const by = this.OPTION1(() => {
      this.CONSUME(keyword.by);
      return this.SUBRULE1(this.expectNames);
    });
    const obliges = this.OPTION2(() => {
      this.CONSUME(keyword.with);
      return this.SUBRULE2(this.expectNames);
    });
    const next = this.OPTION3(() => {
      this.CONSUME(keyword.next);
      return this.SUBRULE3(this.expectNames);
    });
    let interrupt = false;
    this.OPTION4(() => {
      this.OPTION5(() => this.CONSUME(sign[","]));
      this.CONSUME(keyword.interrupt);
      interrupt = true;
    });
    const span = this.spanFrom(start);
    return { span, decision, by: by ?? [], interrupt, with: obliges ?? [], next: next ?? [] };
  });

  /** Up to `, interrupt`, which is no name. */
  protected readonly expectNames = this.RULE("ExpectNames", (): ast.Name[] => {
    const names = [this.name(this.CONSUME1(Word))];
    this.MANY({
      GATE: () => !is(this.LA(2), keyword.interrupt),
      DEF: () => {
        this.CONSUME(sign[","]);
        names.push(this.name(this.CONSUME2(Word)));
      },
    });
    return names;
  });
}
