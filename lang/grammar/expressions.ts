/** Expressions, from the operator that binds least to what binds most. */
import type * as ast from "../ast.ts";
import { is } from "../lookahead.ts";
import { given } from "../syntax-parser.ts";
import { Decimal, Duration, Int, keyword, Name, StringLiteral, sign, Word } from "../tokens.ts";
import { NameGrammar } from "./names.ts";

export abstract class ExpressionGrammar extends NameGrammar {
  protected readonly expr = this.RULE("Expr", (): ast.Expr => {
    const start = this.LA(1);
    let left = this.SUBRULE1(this.and);
    this.MANY(() => {
      this.CONSUME(keyword.or);
      left = this.binary(start, "or", left, this.SUBRULE2(this.and));
    });
    return left;
  });

  protected readonly and = this.RULE("And", (): ast.Expr => {
    const start = this.LA(1);
    let left = this.SUBRULE1(this.not);
    this.MANY(() => {
      this.CONSUME(keyword.and);
      left = this.binary(start, "and", left, this.SUBRULE2(this.not));
    });
    return left;
  });

  protected readonly not = this.RULE("Not", (): ast.Expr => {
    const start = this.LA(1);
    return this.OR({
      ERR_MSG: "an expression",
      DEF: [
        {
          ALT: (): ast.Expr => {
            this.open(keyword.not);
            const operand = this.SUBRULE(this.not);
            this.close();
            return { kind: "not", span: this.spanFrom(start), operand };
          },
        },
        { ALT: () => this.SUBRULE(this.compare) },
      ],
    });
  });

  protected readonly compare = this.RULE("Compare", (): ast.Expr => {
    const start = this.LA(1);
    let left = this.SUBRULE1(this.coalesce);
    this.OPTION1(() => {
      this.OR([
        {
          ALT: () => {
            const op = this.SUBRULE(this.compareOp);
            left = this.binary(start, op, left, this.SUBRULE2(this.coalesce));
          },
        },
        {
          ALT: () => {
            this.CONSUME(keyword.is);
            const not = this.OPTION2(() => this.CONSUME(keyword.not)) !== undefined;
            const what = this.name(this.CONSUME(Word));
            left = { kind: "is", span: this.spanFrom(start), of: left, not, what };
          },
        },
      ]);
      this.ACTION(() => this.refuseComparisonInARow());
    });
    return left;
  });

  protected readonly compareOp = this.RULE(
    "CompareOp",
    (): ast.BinaryOperator =>
      this.OR1([
        { ALT: () => this.operator(this.CONSUME(sign["=="])) },
        { ALT: () => this.operator(this.CONSUME(sign["!="])) },
        { ALT: () => this.operator(this.CONSUME(sign["<"])) },
        { ALT: () => this.operator(this.CONSUME(sign["<="])) },
        { ALT: () => this.operator(this.CONSUME(sign[">"])) },
        { ALT: () => this.operator(this.CONSUME(sign[">="])) },
        {
          ALT: (): ast.BinaryOperator => {
            const not = this.OPTION(() => this.CONSUME(keyword.not)) !== undefined;
            const op = this.OR2([
              { ALT: () => this.CONSUME(keyword.in) },
              { ALT: () => this.CONSUME(keyword.within) },
              { ALT: () => this.CONSUME(keyword.like) },
            ]).image as "in" | "within" | "like";
            return not ? `not ${op}` : op;
          },
        },
        {
          ALT: (): ast.BinaryOperator => {
            this.CONSUME(keyword.subset);
            this.CONSUME(keyword.of);
            return "subset of";
          },
        },
        {
          ALT: (): ast.BinaryOperator => {
            this.CONSUME(keyword.starts);
            this.CONSUME1(keyword.with);
            return "starts with";
          },
        },
        {
          ALT: (): ast.BinaryOperator => {
            this.CONSUME(keyword.ends);
            this.CONSUME2(keyword.with);
            return "ends with";
          },
        },
        { ALT: () => this.operator(this.CONSUME(keyword.contains)) },
      ]),
  );

  protected readonly coalesce = this.RULE("Coalesce", (): ast.Expr => {
    const start = this.LA(1);
    let left = this.SUBRULE1(this.sum);
    this.MANY(() => {
      this.CONSUME(sign["??"]);
      left = this.binary(start, "??", left, this.SUBRULE2(this.sum));
    });
    return left;
  });

  protected readonly sum = this.RULE("Sum", (): ast.Expr => {
    const start = this.LA(1);
    let left = this.SUBRULE1(this.product);
    this.MANY(() => {
      const op = this.OR([
        { ALT: () => this.CONSUME(sign["+"]) },
        { ALT: () => this.CONSUME(sign["-"]) },
      ]);
      left = this.binary(start, this.operator(op), left, this.SUBRULE2(this.product));
    });
    return left;
  });

  protected readonly product = this.RULE("Product", (): ast.Expr => {
    const start = this.LA(1);
    let left = this.SUBRULE1(this.unary);
    this.MANY(() => {
      this.CONSUME(sign["*"]);
      left = this.binary(start, "*", left, this.SUBRULE2(this.unary));
    });
    return left;
  });

  protected readonly unary = this.RULE("Unary", (): ast.Expr => {
    const start = this.LA(1);
    return this.OR({
      ERR_MSG: "an expression",
      DEF: [
        {
          ALT: (): ast.Expr => {
            this.open(sign["-"]);
            const operand = this.SUBRULE(this.unary);
            this.close();
            return { kind: "negate", span: this.spanFrom(start), operand };
          },
        },
        { ALT: () => this.SUBRULE(this.postfix) },
      ],
    });
  });

  protected readonly postfix = this.RULE("Postfix", (): ast.Expr => {
    const start = this.LA(1);
    let of = this.SUBRULE(this.primary);
    this.MANY(() =>
      this.OR([
        {
          ALT: () => {
            this.CONSUME(sign["."]);
            const name = this.name(this.CONSUME(Word));
            of = { kind: "attribute", span: this.spanFrom(start), of, name };
          },
        },
        {
          ALT: () => {
            this.open(sign["["]);
            const index = this.SUBRULE(this.expr);
            this.CONSUME(sign["]"]);
            this.close();
            of = { kind: "index", span: this.spanFrom(start), of, index };
          },
        },
      ]),
    );
    return of;
  });

  protected readonly primary = this.RULE(
    "Primary",
    (): ast.Expr =>
      this.OR({
        ERR_MSG: "an expression",
        DEF: [
          { ALT: () => this.SUBRULE(this.literal) },
          { ALT: () => this.SUBRULE(this.listExpr) },
          { ALT: () => this.SUBRULE(this.recordExpr) },
          { ALT: () => this.SUBRULE(this.paren) },
          { ALT: () => this.SUBRULE(this.quantifier) },
          { ALT: () => this.SUBRULE(this.has) },
          { ALT: () => this.SUBRULE(this.conditional) },
          { ALT: () => this.SUBRULE(this.reference) },
        ],
      }),
  );

  protected readonly literal = this.RULE(
    "Literal",
    (): ast.Expr =>
      this.OR([
        { ALT: () => this.bool(this.CONSUME(keyword.true), true) },
        { ALT: () => this.bool(this.CONSUME(keyword.false), false) },
        { ALT: () => this.number(this.CONSUME(Int)) },
        { ALT: () => this.number(this.CONSUME(Decimal)) },
        { ALT: () => this.duration(this.CONSUME(Duration)) },
        { ALT: () => this.string(this.CONSUME(StringLiteral)) },
      ]),
  );

  protected readonly listExpr = this.RULE("ListExpr", (): ast.Expr => {
    const start = this.LA(1);
    const items: ast.Expr[] = [];
    this.open(sign["["]);
    this.OPTION1(() => {
      items.push(this.SUBRULE1(this.expr));
      this.MANY({
        GATE: () => !is(this.LA(2), sign["]"]),
        DEF: () => {
          this.CONSUME1(sign[","]);
          items.push(this.SUBRULE2(this.expr));
        },
      });
      this.OPTION2(() => this.CONSUME2(sign[","]));
    });
    this.CONSUME(sign["]"], { ERR_MSG: "`,`, an element or `]`" });
    this.close();
    return { kind: "list", span: this.spanFrom(start), items };
  });

  protected readonly recordExpr = this.RULE("RecordExpr", (): ast.RecordExpr => {
    const start = this.LA(1);
    const fields: { name: ast.Name; value: ast.Expr }[] = [];
    this.open(sign["{"]);
    this.OPTION1(() => {
      fields.push(this.SUBRULE1(this.field));
      this.MANY({
        GATE: () => !is(this.LA(2), sign["}"]),
        DEF: () => {
          this.CONSUME1(sign[","]);
          fields.push(this.SUBRULE2(this.field));
        },
      });
      this.OPTION2(() => this.CONSUME2(sign[","]));
    });
    this.CONSUME(sign["}"], { ERR_MSG: "`,`, a field or `}`" });
    this.close();
    return { kind: "record", span: this.spanFrom(start), fields };
  });

  protected readonly field = this.RULE("Field", (): { name: ast.Name; value: ast.Expr } => {
    const name = this.name(this.CONSUME(Word));
    this.CONSUME(sign[":"]);
    return { name, value: this.SUBRULE(this.expr) };
  });

  protected readonly paren = this.RULE("Paren", (): ast.Expr => {
    const start = this.LA(1);
    this.open(sign["("]);
    const inner = this.SUBRULE(this.expr);
    this.CONSUME(sign[")"]);
    this.close();
    return { kind: "paren", span: this.spanFrom(start), inner };
  });

  protected readonly quantifier = this.RULE("Quantifier", (): ast.Expr => {
    const start = this.LA(1);
    this.enter();
    const op = this.OR([
      { ALT: () => this.CONSUME(keyword.any) },
      { ALT: () => this.CONSUME(keyword.all) },
    ]).image as "any" | "all";
    const variable = this.name(this.CONSUME(Name));
    this.CONSUME(keyword.in);
    const over = this.SUBRULE(this.sum);
    this.CONSUME(sign[":"]);
    const body = this.SUBRULE(this.expr);
    this.close();
    return { kind: "quantifier", span: this.spanFrom(start), op, variable, over, body };
  });

  protected readonly has = this.RULE("Has", (): ast.Expr => {
    const start = this.LA(1);
    this.open(keyword.has);
    const of = this.SUBRULE(this.postfix);
    this.close();
    return { kind: "has", span: this.spanFrom(start), of };
  });

  protected readonly conditional = this.RULE("Conditional", (): ast.Expr => {
    const start = this.LA(1);
    this.open(keyword.if);
    const condition = this.SUBRULE1(this.expr);
    this.CONSUME(keyword.then);
    const then = this.SUBRULE2(this.expr);
    this.CONSUME(keyword.else);
    const otherwise = this.SUBRULE3(this.expr);
    this.close();
    return { kind: "if", span: this.spanFrom(start), condition, then, else: otherwise };
  });

  protected readonly reference = this.RULE("Reference", (): ast.Expr => {
    const start = this.LA(1);
    const name = this.CONSUME(Name);
    const applied = this.OPTION(() => {
      this.open(sign["("]);
      const inside = this.OR({
        DEF: [
          {
            GATE: () => AGGREGATES.has(name.image) && is(this.LA(2), keyword.in),
            ALT: (): Applied => this.SUBRULE(this.each),
          },
          { ALT: (): Applied => ({ arguments: this.SUBRULE(this.args) }) },
        ],
      });
      this.CONSUME(sign[")"]);
      this.close();
      return inside;
    });
    const span = this.spanFrom(start);
    if (applied === undefined) return { kind: "name", span, name: name.image };
    if ("arguments" in applied) return { kind: "call", span, name: this.name(name), ...applied };
    return { kind: "aggregate", span, op: name.image as Aggregate["op"], ...applied };
  });

  /** `i in order.items where i.kept: i.price` */
  protected readonly each = this.RULE("Each", (): Each => {
    const variable = this.name(this.CONSUME(Name));
    this.CONSUME(keyword.in);
    const over = this.SUBRULE(this.sum);
    const where = this.OPTION1(() => {
      this.CONSUME(keyword.where);
      return this.SUBRULE1(this.expr);
    });
    const body = this.OPTION2(() => {
      this.CONSUME(sign[":"]);
      return this.SUBRULE2(this.expr);
    });
    return { variable, over, ...given({ where, body }) };
  });

  protected readonly args = this.RULE("Arguments", (): ast.Expr[] => {
    const args: ast.Expr[] = [];
    this.MANY_SEP({ SEP: sign[","], DEF: () => args.push(this.SUBRULE(this.expr)) });
    return args;
  });
}

type Aggregate = Extract<ast.Expr, { kind: "aggregate" }>;
type Each = Pick<Aggregate, "variable" | "over" | "where" | "body">;
type Applied = Each | { readonly arguments: ast.Expr[] };

const AGGREGATES: ReadonlySet<string> = new Set([
  "count",
  "sum",
  "min",
  "max",
  "first",
  "last",
  "list",
  "set",
]);
