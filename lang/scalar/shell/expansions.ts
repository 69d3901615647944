/** What a shell puts in the place of `$x`, `${…}`, `$((…))`, `$(…)`, `<(…)` and of text in backticks. */
import { CONTINUATION } from "./cursor.ts";
import { QuoteReader } from "./quotes.ts";
import type { List, Script, Substitution, Word } from "./tree.ts";
import { emptyParts, type WordParts, wordOf } from "./word-parts.ts";

const HOME = /^\$(?:HOME|\{HOME\})$/;

const NAME = /[A-Za-z_]\w*|[0-9@*#?$!-]/y;

/** `${a[i]}`, `${x:n}`, `${!x}`, `${x@E}`: an index, a place, and what is read out of a value. */
const EVALUATING_PARAMETER =
  /^\$\{(?:!|\w+\[(?!(?:\d+|[@*])\])|\w+:(?![-=?+])[^}]*[A-Za-z_$`'"\\]|.*@[A-Za-z]\}$)/s;

/** Unquoted, what is more than a number: `$x`, `$(a)`, and not `$((1))` or `$?`. */
const SPLITS = /^\$(?:[\w@*-]|\{(?!#)|\((?!\())/;

/** Several words even between quotes: `"$@"`, `"${a[@]}"`. */
const LISTS = /^\$(?:@|\{.*@)/s;

/** Of text within a text. */
export interface InnerReader extends Omit<Script, "list"> {
  script(): List;
  heredocBody(): Word;
}

export abstract class ExpansionReader extends QuoteReader {
  protected abstract list(ends: readonly string[]): List;
  protected abstract inner(text: string): InnerReader;

  protected dollar(parts: WordParts, quoted: boolean): void {
    const next = this.text.charAt(this.at + 1);
    const before = parts.text.length;
    const start = this.at;
    this.dollarRead(parts, quoted, next);
    const expanded = parts.expandsAt !== undefined && parts.text.length > before;
    if (!expanded || next === "'" || next === '"') return;
    const source = this.text.slice(start, this.at);
    if ((quoted ? LISTS : SPLITS).test(source)) parts.splits = true;
  }

  private dollarRead(parts: WordParts, quoted: boolean, next: string): void {
    if (!quoted && next === "'") {
      this.ansiQuotes(parts);
    } else if (!quoted && next === '"') {
      this.at += 1;
      this.doubleQuotes(parts);
    } else if (next === "(" && this.text.charAt(this.at + 2) !== "(") {
      this.substitution(parts, "value");
    } else {
      this.value(parts, quoted);
    }
  }

  /** `$((…))`, `${…}`, `$x`, or a dollar that means nothing. */
  private value(parts: WordParts, quoted: boolean): void {
    const start = this.at;
    const before = parts.text.length;
    if (this.peek("$((")) {
      this.at += 1;
      this.arithmetic(parts);
    } else if (this.peek("${")) {
      this.parameter(parts, quoted);
    } else if (this.peek("$[")) {
      // bash's old arithmetic: rare, and read differently elsewhere.
      this.sound = false;
      this.at += 2;
    } else {
      this.at += 1;
      if (this.match(NAME) === undefined) {
        this.carriesCode = true;
        parts.text += "$";
        return;
      }
    }
    // What was read inside stands in the text once, as written.
    parts.text = parts.text.slice(0, before);
    const source = this.text.slice(start, this.at);
    if (before === 0 && HOME.test(source)) parts.text = "~";
    else this.expansion(parts, source);
  }

  /** `${…}` with whatever stands inside; `at` is on the dollar. */
  private parameter(parts: WordParts, quoted: boolean): void {
    const start = this.at;
    this.at += 2;
    // `${ command; }` of newer shells.
    if (/[\s|]/.test(this.text.charAt(this.at))) this.sound = false;
    if (!this.enter()) return;
    while (this.at < this.text.length && !this.peek("}")) {
      // Between double quotes it is for the operator to say whether `'` quotes.
      if (quoted && this.peek("'")) this.sound = false;
      if (!quoted && this.peek("'")) this.singleQuotes(parts);
      else if (this.peek('"')) this.doubleQuotes(parts);
      else this.quotedChar(parts, true);
    }
    this.expect("}");
    this.depth -= 1;
    const source = this.text.slice(start, this.at).replace(CONTINUATION, "");
    // `${x@P}` runs the substitutions that x holds; `${!x}` names another variable.
    if (/@P\}$/.test(source)) this.sound = false;
    if (EVALUATING_PARAMETER.test(source)) this.evaluates = true;
  }

  /** `((…))` as a word of its own. */
  protected calculation(): Word {
    const parts = emptyParts();
    this.arithmetic(parts);
    return wordOf(parts);
  }

  /** `((…))` or the part of `$((…))` after the dollar. */
  protected arithmetic(parts: WordParts): void {
    let open = 2;
    const start = this.at;
    this.at += open;
    if (!this.enter()) return;
    while (this.at < this.text.length) {
      if (this.peek("(")) open += 1;
      if (this.peek(")")) {
        open -= 1;
        // `((a) (b))` is two subshells, not a sum.
        if (open === 1 && !this.peek("))")) this.sound = false;
        if (open === 0) break;
      }
      this.quotedChar(parts, false);
    }
    if (/[A-Za-z_$`]/.test(this.text.slice(start, this.at))) this.evaluates = true;
    this.expect(")");
    this.depth -= 1;
  }

  /** `$(…)`, `<(…)`, `>(…)` */
  protected substitution(parts: WordParts, form: Substitution["form"]): void {
    const start = this.at;
    this.at += 2;
    if (!this.enter()) return;
    this.level += 1;
    const list = this.list([]);
    this.expect(")");
    this.level -= 1;
    this.depth -= 1;
    parts.runs.push({ list, form });
    this.expansion(parts, this.text.slice(start, this.at));
  }

  protected backticks(parts: WordParts, inQuotes: boolean): void {
    const start = this.at;
    let text = "";
    this.at += 1;
    while (this.at < this.text.length && !this.peek("`")) {
      const char = this.text.charAt(this.at);
      const next = this.text.charAt(this.at + 1);
      const escaped =
        char === "\\" && next !== "" && ("$`\\".includes(next) || (inQuotes && next === '"'));
      text += escaped ? next : char;
      this.at += escaped ? 2 : 1;
    }
    this.expect("`");
    if (!this.enter()) return;
    const reader = this.inner(text);
    const list = reader.script();
    this.depth -= 1;
    this.takeOver(reader);
    parts.runs.push({ list, form: "value" });
    if (!inQuotes) parts.splits = true;
    this.expansion(parts, this.text.slice(start, this.at));
  }

  private expansion(parts: WordParts, source: string): void {
    parts.expandsAt = Math.min(parts.expandsAt ?? parts.text.length, parts.text.length);
    parts.text += source;
  }
}
