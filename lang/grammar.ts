/**
 * The grammar of SPEC §3: one rule per production; actions only build nodes, and look into one only inside
 * `this.ACTION`. Here stand files and what items there are. A parser of chevrotain is one class: each file in
 * `grammar/` adds what it says to the one before, in the order names, expressions, type, vocabulary, state, rules,
 * tasks, tests.
 */
import type { IToken } from "chevrotain";
import type * as ast from "./ast.ts";
import { TestGrammar } from "./grammar/tests.ts";
import { ITEMS_MAX } from "./limits.ts";
import type { Report } from "./report.ts";
import { keyword, Name, StringLiteral, sign } from "./tokens.ts";

export class Grammar extends TestGrammar {
  constructor(validate = false) {
    super(validate);
    this.performSelfAnalysis();
  }

  /** The tree of a file; items with errors are reported and left out. */
  parseFile(tokens: IToken[], fileIndex: number, report: Report): Omit<ast.File, "comments"> {
    this.begin(tokens, fileIndex, report);
    return this.file();
  }

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
}
