/**
 * POSIX shell and bash text, read as a shell reads it. Nothing is expanded but braces and quotes. Linear in the text;
 * nesting is bounded; never fails: `sound` turns false. Each file adds a layer to the reader, from the inside out:
 * `cursor`, `quotes`, `expansions`, `words`, `redirections`, `simple`, `compound`, and here lists of commands.
 */
import { BRACE_MARKS } from "./braces.ts";
import { CompoundReader } from "./compound.ts";
import type { InnerReader } from "./expansions.ts";
import { type Command, type List, type ListItem, type Script, SHELL_CHARS_MAX } from "./tree.ts";

/** Reads `text` as a script; `depth` is how deep it stands in other text. */
export function readShell(text: string, depth = 0): Script {
  const reader = new ShellReader(text.slice(0, SHELL_CHARS_MAX), depth);
  // A shell drops NUL, so that `r\0m` runs rm; the markers would be taken for braces.
  const odd = text.length > SHELL_CHARS_MAX || text.includes("\0") || BRACE_MARKS.test(text);
  const list = reader.script();
  const { sound, evaluates, carriesCode } = reader;
  return { list, sound: sound && !odd, evaluates, carriesCode };
}

class ShellReader extends CompoundReader {
  protected inner(text: string): InnerReader {
    return new ShellReader(text, this.depth);
  }

  script(): List {
    const list: ListItem[] = [];
    while (this.at < this.text.length) {
      list.push(...this.list([]));
      if (this.at < this.text.length) {
        this.sound = false;
        this.at += 1;
      }
    }
    if (this.pending.length > 0) this.sound = false;
    return list;
  }

  /** Up to a closing token or one of the reserved words `ends`, which are left unread. */
  protected list(ends: readonly string[]): List {
    const items: ListItem[] = [];
    if (!this.enter()) return items;
    let after: ListItem["after"] = ";";
    while (true) {
      this.skipSpace();
      if (this.at >= this.text.length || this.peek(")") || this.peek(";;") || this.peek(";&"))
        break;
      const word = this.reserved();
      if (word !== undefined && ends.includes(word)) break;
      const start = this.at;
      items.push({ after, ...this.pipeline() });
      this.skipBlank();
      if (this.at === start) {
        this.sound = false;
        this.at += 1;
      }
      const joined = this.at;
      after = this.joiner();
      if (this.at === joined && !this.atListEnd(ends)) this.sound = false;
    }
    if (after !== ";") this.sound = false;
    this.depth -= 1;
    return items;
  }

  /** Where a pipeline may end without a separator. */
  private atListEnd(ends: readonly string[]): boolean {
    if (this.at >= this.text.length || /[\n);]/.test(this.text.charAt(this.at))) return true;
    return ends.includes(this.reserved() ?? "");
  }

  private joiner(): ListItem["after"] {
    if (this.take("&&")) return "&&";
    if (this.take("||")) return "||";
    if (!this.peek(";;") && !this.peek(";&") && !this.take(";")) this.take("&");
    return ";";
  }

  private pipeline(): Omit<ListItem, "after"> {
    const pipeline: Command[] = [];
    let negated = false;
    while (true) {
      this.skipSpace();
      const prefix = this.reserved();
      if (prefix === "!" || prefix === "coproc" || (prefix === "time" && this.timesPipeline())) {
        // What it is given to read is said later.
        if (prefix === "coproc") this.sound = false;
        if (prefix === "!") negated = true;
        this.at += prefix.length;
        continue;
      }
      pipeline.push(this.command());
      this.skipBlank();
      if (this.peek("||") || !this.peek("|")) {
        return negated ? { pipeline, negated } : { pipeline };
      }
      this.at += this.peek("|&") ? 2 : 1;
    }
  }

  /** `time` with options may be the program of that name; then it is read as one. */
  private timesPipeline(): boolean {
    return /^time[ \t]+[^- \t]/.test(this.text.slice(this.at, this.at + 64));
  }

  protected command(): Command {
    const word = this.reserved();
    switch (word) {
      case undefined:
        return this.peek("(") ? this.parenthesis() : this.simple();
      case "{":
        return this.braces();
      case "if":
        return this.conditional();
      case "while":
      case "until":
        return this.loop(word.length, []);
      case "for":
      case "select":
        return this.each(word.length);
      case "case":
        return this.cases();
      case "function":
        return this.namedFunction();
      case "[[":
        return this.test();
      case "time":
      case "in":
        return this.simple();
      default:
        // `then`, `do`, `}` and the like where no such word belongs.
        this.sound = false;
        this.at += word.length;
        return this.compound({ bodies: [] });
    }
  }
}
