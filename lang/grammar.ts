/** The grammar of SPEC §3: files, and every item of them. See `expression-grammar.ts` for how rules are written. */
import type { IToken } from "chevrotain";
import type * as ast from "./ast.ts";
import { ExpressionGrammar } from "./expression-grammar.ts";
import { ITEMS_MAX } from "./limits.ts";
import { beginsClause, is } from "./lookahead.ts";
import type { Report } from "./report.ts";
import { given } from "./syntax-parser.ts";
import { Duration, Int, keyword, Name, Plain, StringLiteral, sign, Word } from "./tokens.ts";

export class Grammar extends ExpressionGrammar {
  constructor(validate = false) {
    super(validate);
    this.performSelfAnalysis();
  }

  /** The tree of a file; items with errors are reported and left out. */
  parseFile(tokens: IToken[], fileIndex: number, report: Report): Omit<ast.File, "comments"> {
    this.begin(tokens, fileIndex, report);
    return this.file();
  }

  // ── Files

  private readonly file = this.RULE("File", (): Omit<ast.File, "comments"> => {
    const start = this.LA(1);
    const uses: ast.Use[] = [];
    const items: ast.Item[] = [];
    const name = this.attempt(() => this.SUBRULE(this.packageDecl));
    this.MANY1(() => {
      const use = this.attempt(() => this.SUBRULE(this.use));
      if (use) uses.push(use);
    });
    this.ACTION(() => this.skipStray());
    this.MANY2(() => {
      const item = this.attempt(() => this.SUBRULE(this.item));
      if (item) items.push(item);
      this.ACTION(() => {
        if (items.length === ITEMS_MAX) this.skipTooMany();
        this.skipStray();
      });
    });
    const span = this.spanFrom(start);
    return { kind: "file", span, package: name ?? { text: "", span }, uses, items };
  });

  private readonly packageDecl = this.RULE("PackageDecl", (): ast.Name => {
    this.CONSUME(keyword.package);
    return this.SUBRULE(this.dottedName);
  });

  private readonly use = this.RULE("Use", (): ast.Use => {
    const start = this.LA(1);
    this.CONSUME(keyword.use);
    const name = this.SUBRULE(this.dottedName);
    this.CONSUME(keyword.from);
    const from = this.text(this.CONSUME(StringLiteral));
    return { kind: "use", span: this.spanFrom(start), package: name, from };
  });

  private readonly item = this.RULE(
    "Item",
    (): ast.Item =>
      this.OR([
        { ALT: () => this.SUBRULE(this.importRego) },
        { ALT: () => this.SUBRULE(this.level) },
        { ALT: () => this.SUBRULE(this.purpose) },
        { ALT: () => this.SUBRULE(this.label) },
        { ALT: () => this.SUBRULE(this.typeAlias) },
        { ALT: () => this.SUBRULE(this.tool) },
        { ALT: () => this.SUBRULE(this.resource) },
        { ALT: () => this.SUBRULE(this.attributes) },
        { ALT: () => this.SUBRULE(this.counter) },
        { ALT: () => this.SUBRULE(this.latch) },
        { ALT: () => this.SUBRULE(this.fn) },
        { ALT: () => this.SUBRULE(this.rule) },
        { ALT: () => this.SUBRULE(this.task) },
        { ALT: () => this.SUBRULE(this.never) },
        { ALT: () => this.SUBRULE(this.pep) },
        { ALT: () => this.SUBRULE(this.test) },
      ]),
  );

  private readonly importRego = this.RULE("ImportRego", (): ast.ImportRego => {
    const start = this.LA(1);
    this.CONSUME(keyword.import);
    this.CONSUME(keyword.rego);
    const module = this.text(this.CONSUME1(StringLiteral));
    this.CONSUME(keyword.entrypoint);
    const entrypoint = this.text(this.CONSUME2(StringLiteral));
    this.CONSUME(keyword.as);
    const name = this.name(this.CONSUME(Name));
    this.CONSUME(sign[":"]);
    const type = this.SUBRULE(this.type);
    return { kind: "import", span: this.spanFrom(start), module, entrypoint, name, type };
  });

  // ── Vocabulary

  private readonly level = this.RULE("Level", (): ast.Level => {
    const start = this.LA(1);
    const values: ast.Name[] = [];
    this.CONSUME(keyword.level);
    const name = this.name(this.CONSUME(Word));
    this.CONSUME(sign["="]);
    this.AT_LEAST_ONE_SEP({
      SEP: sign["<"],
      ERR_MSG: "a level's value",
      DEF: () => values.push(this.name(this.CONSUME(Name))),
    });
    return { kind: "level", span: this.spanFrom(start), name, values };
  });

  private readonly purpose = this.RULE("Purpose", (): ast.Purpose => {
    const start = this.LA(1);
    this.CONSUME(keyword.purpose);
    const names = this.SUBRULE(this.dottedNames);
    return { kind: "purpose", span: this.spanFrom(start), names };
  });

  private readonly label = this.RULE("Label", (): ast.Label => {
    const start = this.LA(1);
    this.CONSUME(keyword.label);
    const names = this.SUBRULE(this.freeNames);
    return { kind: "label", span: this.spanFrom(start), names };
  });

  private readonly typeAlias = this.RULE("TypeAlias", (): ast.TypeAlias => {
    const start = this.LA(1);
    this.CONSUME(keyword.type);
    const name = this.name(this.CONSUME(Word));
    this.CONSUME(sign["="]);
    const type = this.SUBRULE(this.type);
    return { kind: "type", span: this.spanFrom(start), name, type };
  });

  private readonly tool = this.RULE("Tool", (): ast.Tool => {
    const start = this.LA(1);
    const names: ast.ToolName[] = [];
    const items: ast.ToolItem[] = [];
    this.CONSUME(keyword.tool);
    this.AT_LEAST_ONE_SEP({
      SEP: sign[","],
      ERR_MSG: "a tool's name",
      DEF: () => names.push(this.SUBRULE(this.toolName)),
    });
    this.CONSUME(sign["{"]);
    this.OPTION1(() => {
      items.push(this.SUBRULE1(this.toolItem));
      this.MANY({
        GATE: () => !is(this.LA(2), sign["}"]),
        DEF: () => {
          this.CONSUME1(sign[","]);
          items.push(this.SUBRULE2(this.toolItem));
        },
      });
      this.OPTION2(() => this.CONSUME2(sign[","]));
    });
    this.CONSUME(sign["}"], { ERR_MSG: TOOL_ITEM_OR_END });
    return { kind: "tool", span: this.spanFrom(start), names, items };
  });

  private readonly toolName = this.RULE("ToolName", (): ast.ToolName => {
    const name = this.name(this.CONSUME(Word));
    const wire = this.OPTION(() => {
      this.CONSUME(keyword.named);
      return this.text(this.CONSUME(StringLiteral));
    });
    return { name, ...given({ wire }) };
  });

  private readonly toolItem = this.RULE("ToolItem", (): ast.ToolItem => {
    const start = this.LA(1);
    return this.OR({
      ERR_MSG: TOOL_ITEM,
      DEF: [
        {
          ALT: (): ast.ToolItem => {
            this.CONSUME(keyword.effect);
            const effect = this.name(this.CONSUME(Word));
            return { kind: "effect", span: this.spanFrom(start), effect };
          },
        },
        {
          ALT: (): ast.ToolItem => {
            this.CONSUME(keyword.args);
            const record = this.SUBRULE(this.recordType);
            return { kind: "args", span: this.spanFrom(start), record };
          },
        },
        { ALT: () => this.SUBRULE(this.yields) },
        {
          ALT: (): ast.ToolItem => {
            this.CONSUME(keyword.source);
            const path = this.SUBRULE(this.dottedName);
            return { kind: "source", span: this.spanFrom(start), path };
          },
        },
        {
          ALT: (): ast.ToolItem => {
            this.CONSUME(keyword.server);
            const server = this.text(this.CONSUME1(StringLiteral));
            return { kind: "server", span: this.spanFrom(start), server };
          },
        },
        {
          ALT: (): ast.ToolItem => {
            this.CONSUME(keyword.scope);
            const scopes = this.SUBRULE(this.oneOrMoreTexts);
            return { kind: "scope", span: this.spanFrom(start), scopes };
          },
        },
        {
          ALT: (): ast.ToolItem => {
            this.CONSUME(keyword.digest);
            const digest = this.text(this.CONSUME2(StringLiteral));
            return { kind: "digest", span: this.spanFrom(start), digest };
          },
        },
      ],
    });
  });

  private readonly yields = this.RULE("Yields", (): ast.ToolItem => {
    const start = this.LA(1);
    let where: "everywhere" | "in" | "elsewhere" = "everywhere";
    let fields: readonly ast.Name[] = [];
    this.CONSUME(keyword.yields);
    const labels = this.SUBRULE1(this.oneOrMoreNames);
    this.OPTION(() =>
      this.OR([
        {
          ALT: () => {
            this.CONSUME(keyword.in);
            where = "in";
            fields = this.SUBRULE2(this.oneOrMoreNames);
          },
        },
        {
          ALT: () => {
            this.CONSUME(keyword.elsewhere);
            where = "elsewhere";
          },
        },
      ]),
    );
    return { kind: "yields", span: this.spanFrom(start), labels, where, fields };
  });

  private readonly resource = this.RULE("Resource", (): ast.Resource => {
    const start = this.LA(1);
    this.CONSUME(keyword.resource);
    const name = this.name(this.CONSUME(Word));
    const record = this.SUBRULE(this.recordType);
    return { kind: "resource", span: this.spanFrom(start), name, record };
  });

  private readonly attributes = this.RULE("Attributes", (): ast.Attributes => {
    const start = this.LA(1);
    const of = this.OR([
      { ALT: () => this.CONSUME(keyword.principal) },
      { ALT: () => this.CONSUME(keyword.agent) },
      { ALT: () => this.CONSUME(keyword.session) },
      { ALT: () => this.CONSUME(keyword.environment) },
    ]).image as ast.Attributes["of"];
    const record = this.SUBRULE(this.recordType);
    return { kind: "attributes", span: this.spanFrom(start), of, record };
  });

  // ── Live behaviour

  private readonly counter = this.RULE("Counter", (): ast.Counter => {
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
  private readonly callFilter = this.RULE("CallFilter", (last: boolean): ast.CallFilter => {
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

  private readonly selector = this.RULE("Selector", (): ast.Selector => {
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

  private readonly latch = this.RULE("Latch", (): ast.Latch => {
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

  private readonly fn = this.RULE("Fn", (): ast.Fn => {
    const start = this.LA(1);
    const params: { name: ast.Name; type: ast.Type }[] = [];
    this.CONSUME(keyword.fn);
    const name = this.name(this.CONSUME1(Name));
    this.CONSUME(sign["("]);
    this.MANY_SEP({
      SEP: sign[","],
      DEF: () => {
        const param = this.name(this.CONSUME2(Name));
        this.CONSUME1(sign[":"]);
        params.push({ name: param, type: this.SUBRULE1(this.type) });
      },
    });
    this.CONSUME(sign[")"], { ERR_MSG: "a parameter or `)`" });
    this.CONSUME2(sign[":"]);
    const result = this.SUBRULE2(this.type);
    this.CONSUME(sign["="]);
    const body = this.SUBRULE(this.expr);
    return { kind: "fn", span: this.spanFrom(start), name, params, result, body };
  });

  // ── Rules

  private readonly rule = this.RULE("Rule", (): ast.Rule => {
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

  private readonly clause = this.RULE(
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

  private readonly partyClause = this.RULE("PartyClause", (): ast.Clause => {
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

  private readonly toolClause = this.RULE("ToolClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.tool);
    const selector = this.SUBRULE(this.selector);
    return { kind: "tool", span: this.spanFrom(start), selector };
  });

  private readonly resourceClause = this.RULE("ResourceClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.resource);
    const types = this.SUBRULE(this.names);
    return { kind: "resource", span: this.spanFrom(start), types };
  });

  private readonly purposeClause = this.RULE("PurposeClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.purpose);
    this.CONSUME(keyword.within);
    const within = this.SUBRULE(this.dottedNames);
    return { kind: "purpose", span: this.spanFrom(start), within };
  });

  private readonly taskClause = this.RULE("TaskClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.task);
    const names = this.SUBRULE(this.names);
    return { kind: "task", span: this.spanFrom(start), names };
  });

  private readonly whenClause = this.RULE("WhenClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.when);
    const condition = this.SUBRULE(this.expr);
    return { kind: "when", span: this.spanFrom(start), condition };
  });

  private readonly unlessClause = this.RULE("UnlessClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.unless);
    const condition = this.SUBRULE(this.expr);
    return { kind: "unless", span: this.spanFrom(start), condition };
  });

  private readonly letClause = this.RULE("LetClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.let);
    const name = this.name(this.CONSUME(Name));
    this.CONSUME(sign["="]);
    const value = this.SUBRULE(this.expr);
    return { kind: "let", span: this.spanFrom(start), name, value };
  });

  private readonly withClause = this.RULE("WithClause", (): ast.Clause => {
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

  private readonly obligation = this.RULE("Obligation", (): ast.Obligation => {
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

  private readonly untilClause = this.RULE("UntilClause", (): ast.Clause => {
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

  private readonly thenClause = this.RULE("ThenClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.then);
    this.CONSUME(keyword.interrupt);
    this.CONSUME(keyword.session);
    return { kind: "then", span: this.spanFrom(start) };
  });

  private readonly becauseClause = this.RULE("BecauseClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.because);
    const text = this.text(this.CONSUME(StringLiteral));
    return { kind: "because", span: this.spanFrom(start), text };
  });

  private readonly tagClause = this.RULE("TagClause", (): ast.Clause => {
    const start = this.LA(1);
    this.CONSUME(keyword.tag);
    const tags = this.SUBRULE(this.texts);
    return { kind: "tag", span: this.spanFrom(start), tags };
  });

  // ── Tasks

  private readonly task = this.RULE("Task", (): ast.Task => {
    const start = this.LA(1);
    const items: ast.TaskItem[] = [];
    this.CONSUME(keyword.task);
    const name = this.name(this.CONSUME(Word));
    this.CONSUME(sign["{"]);
    this.MANY(() => items.push(this.SUBRULE(this.taskItem)));
    this.CONSUME(sign["}"], { ERR_MSG: "`purpose`, `sequence`, `limit` or `}`" });
    return { kind: "task", span: this.spanFrom(start), name, items };
  });

  private readonly taskItem = this.RULE("TaskItem", (): ast.TaskItem => {
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

  private readonly limit = this.RULE("Limit", (): ast.Limit => {
    const start = this.LA(1);
    const name = this.name(this.CONSUME(Word));
    this.CONSUME(sign["<="]);
    const bound = this.SUBRULE(this.sum);
    return { name, span: this.spanFrom(start), bound };
  });

  private readonly sequence = this.RULE("Sequence", (): ast.Sequence => {
    const start = this.LA(1);
    const parts: ast.Sequence[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: sign["|"],
      ERR_MSG: "a step",
      DEF: () => parts.push(this.SUBRULE(this.sequenceThen)),
    });
    return this.oneOr("either", start, parts);
  });

  private readonly sequenceThen = this.RULE("SequenceThen", (): ast.Sequence => {
    const start = this.LA(1);
    const parts: ast.Sequence[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: sign[","],
      ERR_MSG: "a step",
      DEF: () => parts.push(this.SUBRULE(this.sequenceRepeat)),
    });
    return this.oneOr("then", start, parts);
  });

  private readonly sequenceRepeat = this.RULE("SequenceRepeat", (): ast.Sequence => {
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

  private readonly sequenceAtom = this.RULE(
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

  private readonly step = this.RULE("Step", (): ast.Sequence => {
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

  private readonly stepArgument = this.RULE("StepArgument", (): ast.StepArgument => {
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

  // ── What must hold

  private readonly never = this.RULE("Never", (): ast.Never => {
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

  private readonly pep = this.RULE("Pep", (): ast.Pep => {
    const start = this.LA(1);
    this.CONSUME(keyword.pep);
    const name = this.name(this.CONSUME(Word));
    this.CONSUME(sign["{"]);
    this.CONSUME(keyword.lacks);
    const lacks = this.SUBRULE(this.dottedNames);
    this.CONSUME(sign["}"]);
    return { kind: "pep", span: this.spanFrom(start), name, lacks };
  });

  private readonly test = this.RULE("Test", (): ast.Test => {
    const start = this.LA(1);
    const steps: ast.TestStep[] = [];
    this.CONSUME(keyword.test);
    const name = this.text(this.CONSUME(StringLiteral));
    this.CONSUME(sign["{"]);
    this.MANY(() => steps.push(this.SUBRULE(this.testStep)));
    this.CONSUME(sign["}"], { ERR_MSG: "`given`, `when`, `repeat`, `wait`, `outcome` or `}`" });
    return { kind: "test", span: this.spanFrom(start), name, steps };
  });

  private readonly testStep = this.RULE(
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

  private readonly givenStep = this.RULE("GivenStep", (): ast.GivenStep => {
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

  private readonly givenParty = this.RULE("GivenParty", (): ast.GivenStep => {
    const start = this.LA(0);
    const of = this.OR([
      { ALT: () => this.CONSUME(keyword.agent) },
      { ALT: () => this.CONSUME(keyword.principal) },
    ]).image as "agent" | "principal";
    const id = this.text(this.CONSUME(StringLiteral));
    const attributes = this.OPTION(() => this.SUBRULE(this.recordExpr));
    return { kind: "givenParty", span: this.spanFrom(start), of, id, ...given({ attributes }) };
  });

  private readonly givenDelegation = this.RULE("GivenDelegation", (): ast.GivenStep => {
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

  private readonly party = this.RULE(
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

  private readonly givenFact = this.RULE("GivenFact", (): ast.GivenStep => {
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

  private readonly whenStep = this.RULE("WhenStep", (): ast.TestStep => {
    const start = this.LA(1);
    this.CONSUME(keyword.when);
    const call = this.SUBRULE(this.call);
    const expect = this.OPTION(() => {
      this.CONSUME(keyword.then);
      return this.SUBRULE(this.expect);
    });
    return { kind: "when", span: this.spanFrom(start), call, ...given({ expect }) };
  });

  private readonly repeatStep = this.RULE("RepeatStep", (): ast.TestStep => {
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

  private readonly waitStep = this.RULE("WaitStep", (): ast.TestStep => {
    const start = this.LA(1);
    this.CONSUME(keyword.wait);
    const duration = this.duration(this.CONSUME(Duration));
    return { kind: "wait", span: this.spanFrom(start), duration };
  });

  private readonly outcomeStep = this.RULE("OutcomeStep", (): ast.TestStep => {
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

  private readonly call = this.RULE("Call", (): ast.TestCall => {
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

  private readonly testResource = this.RULE("TestResource", (): ast.TestResource => {
    const type = this.name(this.CONSUME(Word));
    const id = this.text(this.CONSUME(StringLiteral));
    const attributes = this.OPTION(() => this.SUBRULE(this.recordExpr));
    return { type, id, ...given({ attributes }) };
  });

  private readonly expect = this.RULE("Expect", (): ast.Expectation => {
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
  private readonly expectNames = this.RULE("ExpectNames", (): ast.Name[] => {
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

type Measured = Pick<ast.Counter, "op" | "of">;
type Approver = Extract<ast.Clause, { kind: "until" }>["approver"];
type Times = Pick<Extract<ast.Sequence, { kind: "repeat" }>, "least" | "most" | "written">;

const TOOL_ITEMS = "`effect`, `args`, `yields`, `source`, `server`, `scope`, `digest`";
const TOOL_ITEM = `one of ${TOOL_ITEMS}`;
const TOOL_ITEM_OR_END = `\`,\`, one of ${TOOL_ITEMS} or \`}\``;
