/** What stands between quotes, and behind a backslash. */
import { ANSI_ESCAPE, ansiText } from "./ansi.ts";
import { Cursor } from "./cursor.ts";
import type { WordParts } from "./word-parts.ts";

/** What is calculated whatever it stands in: neither it nor numbers run anything. */
const CALCULATION = /\$\(\([\w\s+*/%<>=!&|?:,$-]*\)\)/g;

/** A `$` at the end may come to stand before a `(`. */
const CODE = /`|\$\(|\$\{[\s|]|\$$/;

export abstract class QuoteReader extends Cursor {
  /** An expansion, or a dollar that means nothing; `at` is on the dollar. */
  protected abstract dollar(parts: WordParts, quoted: boolean): void;
  protected abstract backticks(parts: WordParts, inQuotes: boolean): void;

  protected escape(parts: WordParts): void {
    const next = this.text.charAt(this.at + 1);
    this.at += 2;
    if (next === "") this.sound = false;
    if (next !== "\n") parts.text += next;
    this.escaped(next);
  }

  /** `\\$HOME` is text for people; `\\$(` or `\\$\\(` may be text for a shell. */
  private escaped(character: string): void {
    if (character === "`") this.carriesCode = true;
    if (character === "$" && !/[\w\s.,]/.test(this.text.charAt(this.at))) this.carriesCode = true;
  }

  protected singleQuotes(parts: WordParts): void {
    const end = this.text.indexOf("'", this.at + 1);
    if (end < 0) this.sound = false;
    const text = this.text.slice(this.at + 1, end < 0 ? this.text.length : end);
    this.quoted(text);
    parts.text += text;
    this.at = end < 0 ? this.text.length : end + 1;
  }

  protected doubleQuotes(parts: WordParts): void {
    this.at += 1;
    while (this.at < this.text.length) {
      if (this.take('"')) return;
      this.quotedChar(parts, true);
    }
    this.sound = false;
  }

  /** `$'…'`: escapes are resolved, nothing else. */
  protected ansiQuotes(parts: WordParts): void {
    this.at += 2;
    const before = parts.text.length;
    while (this.at < this.text.length) {
      if (this.take("'")) {
        this.quoted(parts.text.slice(before));
        return;
      }
      const char = this.text.charAt(this.at);
      if (char !== "\\") {
        parts.text += char;
        this.at += 1;
        continue;
      }
      const found = this.match(ANSI_ESCAPE);
      if (found === undefined) {
        this.sound = false;
        this.at += 1;
      } else {
        const text = ansiText(found[0]);
        // A shell ends the text at NUL.
        if (text === "\0") this.sound = false;
        parts.text += text;
      }
    }
    this.sound = false;
  }

  /** One character between double quotes, or of a here-document. */
  protected quotedChar(parts: WordParts, quotes: boolean): void {
    const char = this.text.charAt(this.at);
    if (char === "$") {
      this.dollar(parts, true);
    } else if (char === "`") {
      this.backticks(parts, quotes);
    } else if (char === "\\") {
      const next = this.text.charAt(this.at + 1);
      this.at += next === "" ? 1 : 2;
      if (next === "\n") return;
      this.escaped(next);
      parts.text += '$`\\"'.includes(next) && (quotes || next !== '"') ? next : char + next;
    } else {
      this.at += 1;
      parts.text += char;
    }
  }

  /** Text that is no expansion here, and may be one where it is evaluated. */
  protected quoted(text: string): void {
    if (CODE.test(text.replace(CALCULATION, ""))) this.carriesCode = true;
  }
}
