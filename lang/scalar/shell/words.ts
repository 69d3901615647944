/** Words: what stands between blanks and operators, quotes and expansions in it. */
import { BRACE_CHARS_MAX, BRACE_WORDS_MAX, expandBraces, markedBrace } from "./braces.ts";
import { ExpansionReader } from "./expansions.ts";
import type { Word } from "./tree.ts";
import { emptyParts, type WordParts, wordOf } from "./word-parts.ts";

export abstract class WordReader extends ExpansionReader {
  private braceChars = 0;

  /** One word as written, and what brace expansion makes of it. */
  protected words(): readonly Word[] {
    const parts = this.wordParts();
    if (parts.braces === 0) return [wordOf(parts)];
    const texts = this.expanded(parts);
    if (texts.length === 1) return [wordOf(parts)];
    const expandsAt = parts.expandsAt === undefined ? undefined : 0;
    return texts.map((text, index) =>
      wordOf({ ...parts, text, expandsAt, runs: index === 0 ? parts.runs : [] }),
    );
  }

  private expanded(parts: WordParts): readonly string[] {
    const texts = parts.braces > BRACE_WORDS_MAX ? undefined : expandBraces(parts.text);
    if (texts !== undefined && texts.length === 1) return texts;
    this.braceChars += (texts?.length ?? 0) * parts.text.length;
    if (texts !== undefined && this.braceChars <= BRACE_CHARS_MAX) return texts;
    this.sound = false;
    return [parts.text];
  }

  /** A word where braces are not expanded: of an assignment or a redirection. */
  protected oneWord(): Word {
    return wordOf(this.wordParts());
  }

  private wordParts(): WordParts {
    const parts = emptyParts();
    while (!this.atWordEnd()) {
      const char = this.text.charAt(this.at);
      switch (char) {
        case "\\":
          this.escape(parts);
          break;
        case "'":
          this.singleQuotes(parts);
          break;
        case '"':
          this.doubleQuotes(parts);
          break;
        case "$":
          this.dollar(parts, false);
          break;
        case "`":
          this.backticks(parts, false);
          break;
        case "<":
        case ">":
          this.substitution(parts, char === "<" ? "input" : "output");
          break;
        default:
          this.bareChar(parts, char);
      }
    }
    return parts;
  }

  private bareChar(parts: WordParts, char: string): void {
    this.at += 1;
    if (char === "*" || char === "?" || (char === "]" && parts.bracket)) parts.glob = true;
    if (char === "[") parts.bracket = true;
    if (char === "{") parts.braces += 1;
    parts.text += markedBrace(char);
  }
}
