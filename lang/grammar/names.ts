/** Names and strings in rows. */
import type * as ast from "../ast.ts";
import { SyntaxParser } from "../syntax-parser.ts";
import { Name, StringLiteral, sign, Word } from "../tokens.ts";

export abstract class NameGrammar extends SyntaxParser {
  protected readonly dottedName = this.RULE("DottedName", (): ast.Name => {
    const start = this.LA(1);
    const parts: string[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: sign["."],
      ERR_MSG: "a name",
      DEF: () => parts.push(this.CONSUME(Word).image),
    });
    return { text: parts.join("."), span: this.spanFrom(start) };
  });

  protected readonly dottedNames = this.RULE("DottedNames", (): ast.Name[] => {
    const names: ast.Name[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: sign[","],
      ERR_MSG: "a name",
      DEF: () => names.push(this.SUBRULE(this.dottedName)),
    });
    return names;
  });

  protected readonly names = this.RULE("Names", (): ast.Name[] => {
    const names: ast.Name[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: sign[","],
      ERR_MSG: "a name",
      DEF: () => names.push(this.name(this.CONSUME(Word))),
    });
    return names;
  });

  /** Names that expressions use on their own. */
  protected readonly freeNames = this.RULE("FreeNames", (): ast.Name[] => {
    const names: ast.Name[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: sign[","],
      ERR_MSG: "a name",
      DEF: () => names.push(this.name(this.CONSUME(Name))),
    });
    return names;
  });

  protected readonly texts = this.RULE("Strings", (): ast.Text[] => {
    const texts: ast.Text[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: sign[","],
      ERR_MSG: "a string",
      DEF: () => texts.push(this.text(this.CONSUME(StringLiteral))),
    });
    return texts;
  });

  protected readonly oneOrMoreNames = this.RULE("NameOrNames", (): ast.Name[] =>
    this.OR([
      { ALT: () => [this.name(this.CONSUME(Word))] },
      {
        ALT: () => {
          this.CONSUME(sign["["]);
          const names = this.SUBRULE(this.names);
          this.CONSUME(sign["]"]);
          return names;
        },
      },
    ]),
  );

  protected readonly oneOrMoreTexts = this.RULE("StringOrStrings", (): ast.Text[] =>
    this.OR([
      { ALT: () => [this.text(this.CONSUME(StringLiteral))] },
      {
        ALT: () => {
          this.CONSUME(sign["["]);
          const texts = this.SUBRULE(this.texts);
          this.CONSUME(sign["]"]);
          return texts;
        },
      },
    ]),
  );
}
