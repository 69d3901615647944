/** Where a reader of shell text is, and what it has found so far. */
import { type Script, SHELL_DEPTH_MAX } from "./tree.ts";

/** A sign that a line continuation parts, which a shell reads as one all the same: `$\\⏎(x)`, `(\\⏎( x ))`. */
const PARTED = /\$\\\n|[(<>&|;[](?:\\\n)+[(<>&|;[-]/;

/** Every line continuation of a text. */
export const CONTINUATION = /\\\n/g;

const RESERVED =
  /(?:if|then|elif|else|fi|for|select|while|until|do|done|case|esac|function|time|coproc|in|\{|\}|!|\[\[)(?=[ \t\n;&|()<>]|$)/y;

const WORD_END = new Set([" ", "\t", "\n", ";", "&", "|", "(", ")", "<", ">"]);

export function isReserved(text: string): boolean {
  RESERVED.lastIndex = 0;
  return RESERVED.test(text) && RESERVED.lastIndex === text.length;
}

/** Invariant: every method moves `at` forward or leaves it; no character is read again at the same depth. */
export abstract class Cursor {
  sound = true;
  evaluates = false;
  carriesCode = false;
  protected at = 0;
  protected readonly text: string;
  protected depth: number;
  /** How many substitutions are open. */
  protected level = 0;

  constructor(text: string, depth: number) {
    this.text = text;
    this.depth = depth;
    this.sound = !PARTED.test(text);
  }

  /** What the lines before a newline announced stands behind it. */
  protected abstract heredocs(): void;

  protected enter(): boolean {
    if (this.depth >= SHELL_DEPTH_MAX) {
      this.sound = false;
      this.at = this.text.length;
      return false;
    }
    this.depth += 1;
    return true;
  }

  /** Blanks and line continuations. */
  protected skipBlank(): void {
    while (true) {
      const char = this.text.charAt(this.at);
      if (char === " " || char === "\t") this.at += 1;
      else if (this.peek("\\\n")) this.at += 2;
      else if (char === "#") this.comment();
      else return;
    }
  }

  /** Blanks, newlines and comments. */
  protected skipSpace(): void {
    for (this.skipBlank(); this.peek("\n"); this.skipBlank()) {
      this.at += 1;
      this.heredocs();
    }
  }

  /** Only ever called where a token may begin. */
  private comment(): void {
    const end = this.text.indexOf("\n", this.at);
    this.at = end < 0 ? this.text.length : end;
  }

  protected atWordEnd(): boolean {
    if (this.at >= this.text.length) return true;
    const char = this.text.charAt(this.at);
    if ((char === "<" || char === ">") && this.text.charAt(this.at + 1) === "(") return false;
    return WORD_END.has(char);
  }

  protected reserved(): string | undefined {
    RESERVED.lastIndex = this.at;
    return RESERVED.exec(this.text)?.[0];
  }

  protected expectReserved(word: string): void {
    this.skipSpace();
    if (this.reserved() === word) this.at += word.length;
    else this.sound = false;
  }

  protected match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.at += found[0].length;
    return found;
  }

  protected peek(text: string): boolean {
    return this.text.startsWith(text, this.at);
  }

  protected take(text: string): boolean {
    if (!this.peek(text)) return false;
    this.at += text.length;
    return true;
  }

  protected expect(text: string): boolean {
    if (this.take(text)) return true;
    this.sound = false;
    return false;
  }

  protected takeOver({ sound, evaluates, carriesCode }: Omit<Script, "list">): void {
    if (!sound) this.sound = false;
    if (evaluates) this.evaluates = true;
    if (carriesCode) this.carriesCode = true;
  }
}
