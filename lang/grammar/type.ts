/** Types, and the fields of records. */
import type * as ast from "../ast.ts";
import { is } from "../lookahead.ts";
import { given } from "../syntax-parser.ts";
import { keyword, StringLiteral, sign, Word } from "../tokens.ts";
import { ExpressionGrammar } from "./expressions.ts";

export abstract class TypeGrammar extends ExpressionGrammar {
  protected readonly type = this.RULE("Type", (): ast.Type => {
    const start = this.LA(1);
    const type = this.OR({
      ERR_MSG: "a type",
      DEF: [
        { ALT: () => this.SUBRULE(this.namedType) },
        { ALT: () => this.SUBRULE(this.oneOfType) },
        { ALT: () => this.SUBRULE(this.recordType) },
      ],
    });
    const optional = this.OPTION(() => this.CONSUME(sign["?"])) !== undefined;
    return optional ? { kind: "optional", span: this.spanFrom(start), of: type } : type;
  });

  protected readonly namedType = this.RULE("NamedType", (): ast.Type => {
    const start = this.LA(1);
    const types: ast.Type[] = [];
    const name = this.name(this.CONSUME(Word));
    this.OPTION(() => {
      this.open(sign["<"]);
      this.AT_LEAST_ONE_SEP({
        SEP: sign[","],
        ERR_MSG: "a type",
        DEF: () => types.push(this.SUBRULE(this.type)),
      });
      this.CONSUME(sign[">"]);
      this.close();
    });
    return { kind: "named", span: this.spanFrom(start), name, arguments: types };
  });

  protected readonly oneOfType = this.RULE("OneOfType", (): ast.Type => {
    const start = this.LA(1);
    const values: ast.Text[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: sign["|"],
      ERR_MSG: "a string",
      DEF: () => values.push(this.text(this.CONSUME(StringLiteral))),
    });
    return { kind: "oneOf", span: this.spanFrom(start), values };
  });

  protected readonly recordType = this.RULE("RecordType", (): ast.RecordType => {
    const start = this.LA(1);
    const fields: ast.FieldType[] = [];
    let open = false;
    this.enter();
    this.CONSUME(sign["{"]);
    this.OPTION1(() => {
      this.OR([
        {
          ALT: () => {
            fields.push(this.SUBRULE1(this.fieldType));
            this.MANY({
              GATE: () => is(this.LA(2), Word),
              DEF: () => {
                this.CONSUME1(sign[","]);
                fields.push(this.SUBRULE2(this.fieldType));
              },
            });
            this.OPTION2({
              GATE: () => is(this.LA(2), sign["*"]),
              DEF: () => {
                this.CONSUME2(sign[","]);
                this.CONSUME1(sign["*"]);
                open = true;
              },
            });
          },
        },
        {
          ALT: () => {
            this.CONSUME2(sign["*"]);
            open = true;
          },
        },
      ]);
      this.OPTION3(() => this.CONSUME3(sign[","]));
    });
    this.CONSUME(sign["}"], { ERR_MSG: "`,`, a field or `}`" });
    this.close();
    return { kind: "record", span: this.spanFrom(start), fields, open };
  });

  protected readonly fieldType = this.RULE("FieldType", (): ast.FieldType => {
    const name = this.name(this.CONSUME(Word));
    const wire = this.OPTION1(() => {
      this.CONSUME(keyword.named);
      return this.text(this.CONSUME(StringLiteral));
    });
    this.CONSUME(sign[":"]);
    const type = this.SUBRULE(this.type);
    const value = this.OPTION2(() => {
      this.CONSUME(sign["="]);
      return this.SUBRULE(this.expr);
    });
    return { name, ...given({ wire }), type, ...given({ default: value }) };
  });
}
