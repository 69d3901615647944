/** Simple commands: assignments, words and redirections in a row. */
import { isReserved } from "./cursor.ts";
import { RedirectionReader } from "./redirections.ts";
import type { Assignment, Command, Redirect, Word } from "./tree.ts";

const ASSIGNMENT = /([A-Za-z_]\w*)(\[[^\]\s$`'"\\]*\])?\+?=/y;

export const FUNCTION_SIGN = /[ \t]*\([ \t]*\)/y;

/** An index that is no number. */
const NAMED_INDEX = /^\w*\[(?!\d+\])/;

/** Builtins that declare variables. */
export const DECLARES: ReadonlySet<string> = new Set([
  ...["declare", "export", "local", "readonly", "typeset"],
]);

/** Builtins whose arguments are assignments, so that `x=(…)` is an array there. */
const ASSIGNS: ReadonlySet<string> = new Set([...DECLARES, "alias"]);

export abstract class SimpleCommandReader extends RedirectionReader {
  protected abstract functionBody(name: string): Command;

  protected simple(): Command {
    const assignments: Assignment[] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    while (true) {
      this.skipBlank();
      if (this.redirect(redirects)) continue;
      if (this.atWordEnd()) break;
      if (words.length === 0 && this.assignment(assignments)) continue;
      const first = words[0];
      if (first !== undefined && ASSIGNS.has(first.text) && this.assignment(assignments)) continue;
      const bare = this.at;
      words.push(...this.words());
      if (words.length === 1 && /^\w+\[.*\]\+?=/s.test(words[0]?.text ?? "")) this.evaluates = true;
      if (words.length === 1 && assignments.length === 0 && this.match(FUNCTION_SIGN)) {
        if (!words[0]?.fixed) this.sound = false;
        return this.functionBody(words[0]?.text ?? "");
      }
      // A reserved word written with a line continuation inside: a shell would still see it.
      if (words.length === 1 && this.at - bare !== words[0]?.text.length) this.continuedWord(words);
    }
    return { kind: "simple", assignments, words, redirects };
  }

  private continuedWord(words: readonly Word[]): void {
    const text = words[0]?.text ?? "";
    if (isReserved(text)) this.sound = false;
    // And so an assignment, or the number of a redirection.
    if (/^\w+(?:\[.*\])?\+?=/.test(text) || /^\d+$/.test(text)) this.sound = false;
  }

  private assignment(into: Assignment[]): boolean {
    const found = this.match(ASSIGNMENT);
    if (found === undefined) return false;
    const name = found[1] ?? "";
    if (NAMED_INDEX.test(found[2] ?? "")) this.evaluates = true;
    if (this.take("(")) {
      const values: Word[] = [];
      for (this.skipSpace(); !this.atWordEnd(); this.skipSpace()) values.push(...this.words());
      if (values.some((value) => NAMED_INDEX.test(value.text))) this.evaluates = true;
      this.expect(")");
      into.push({ name, values, isArray: true });
    } else {
      into.push({ name, values: this.atWordEnd() ? [] : [this.oneWord()] });
    }
    return true;
  }
}
