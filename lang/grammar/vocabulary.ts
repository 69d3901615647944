/** What a policy speaks of: levels, purposes, labels, types, tools, resources, attributes, functions. */
import type * as ast from "../ast.ts";
import { is } from "../lookahead.ts";
import { given } from "../syntax-parser.ts";
import { keyword, Name, StringLiteral, sign, Word } from "../tokens.ts";
import { TypeGrammar } from "./type.ts";

const TOOL_ITEMS = "`effect`, `args`, `yields`, `source`, `server`, `scope`, `digest`";
const TOOL_ITEM = `one of ${TOOL_ITEMS}`;
const TOOL_ITEM_OR_END = `\`,\`, one of ${TOOL_ITEMS} or \`}\``;

export abstract class VocabularyGrammar extends TypeGrammar {
  protected readonly level = this.RULE("Level", (): ast.Level => {
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

  protected readonly purpose = this.RULE("Purpose", (): ast.Purpose => {
    const start = this.LA(1);
    this.CONSUME(keyword.purpose);
    const names = this.SUBRULE(this.dottedNames);
    return { kind: "purpose", span: this.spanFrom(start), names };
  });

  protected readonly label = this.RULE("Label", (): ast.Label => {
    const start = this.LA(1);
    this.CONSUME(keyword.label);
    const names = this.SUBRULE(this.freeNames);
    return { kind: "label", span: this.spanFrom(start), names };
  });

  protected readonly typeAlias = this.RULE("TypeAlias", (): ast.TypeAlias => {
    const start = this.LA(1);
    this.CONSUME(keyword.type);
    const name = this.name(this.CONSUME(Word));
    this.CONSUME(sign["="]);
    const type = this.SUBRULE(this.type);
    return { kind: "type", span: this.spanFrom(start), name, type };
  });

  protected readonly tool = this.RULE("Tool", (): ast.Tool => {
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

  protected readonly toolName = this.RULE("ToolName", (): ast.ToolName => {
    const name = this.name(this.CONSUME(Word));
    const wire = this.OPTION(() => {
      this.CONSUME(keyword.named);
      return this.text(this.CONSUME(StringLiteral));
    });
    return { name, ...given({ wire }) };
  });

  protected readonly toolItem = this.RULE("ToolItem", (): ast.ToolItem => {
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

  protected readonly yields = this.RULE("Yields", (): ast.ToolItem => {
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

  protected readonly resource = this.RULE("Resource", (): ast.Resource => {
    const start = this.LA(1);
    this.CONSUME(keyword.resource);
    const name = this.name(this.CONSUME(Word));
    const record = this.SUBRULE(this.recordType);
    return { kind: "resource", span: this.spanFrom(start), name, record };
  });

  protected readonly attributes = this.RULE("Attributes", (): ast.Attributes => {
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

  protected readonly fn = this.RULE("Fn", (): ast.Fn => {
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
}
