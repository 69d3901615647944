/** The commands of a sed script, as far as it must be told which of them run, read or write something. */

export interface SedCommand {
  readonly verb: string;
  /** Flags of `s`, and of `r`, `w` and `e` what stands behind them. */
  readonly text: string;
}

/**
 * Every command that a script may be read to have: GNU's sed lets a mark stand in brackets (`s/[/]/x/`), and others do
 * not. Time is linear in the script.
 */
export function sedCommands(script: string): readonly SedCommand[] {
  return [true, false].flatMap((brackets) => new SedReader(script, brackets).commands());
}

class SedReader {
  private at = 0;
  private readonly script: string;
  private brackets: boolean;

  constructor(script: string, brackets: boolean) {
    this.script = script;
    this.brackets = brackets;
  }

  commands(): readonly SedCommand[] {
    const commands: SedCommand[] = [];
    while (this.at < this.script.length) {
      this.take(/[\s;{}]*/y);
      this.addresses();
      const verb = this.script.charAt(this.at);
      this.at += 1;
      commands.push({ verb, text: this.behind(verb) });
    }
    return commands;
  }

  /** `1,3!`, `$`, `/x/I`, `\,x,` */
  private addresses(): void {
    while (true) {
      this.take(/[\d$,~+!\sIM]*/y);
      const sign = this.script.charAt(this.at);
      if (sign !== "/" && sign !== "\\") return;
      this.at += sign === "/" ? 0 : 1;
      this.pattern(this.mark());
    }
  }

  private behind(verb: string): string {
    if (verb === "s" || verb === "y") {
      const mark = this.mark();
      if (verb === "s") this.pattern(mark);
      else this.plain(mark);
      this.plain(mark);
      const flags = this.take(/[^;}#\nw]*/y);
      return this.script.charAt(this.at) === "w" ? flags + this.line() : flags;
    }
    if (verb !== "" && "aic".includes(verb)) return this.take(/(?:\\[\s\S]|[^\\\n])*/y);
    if (verb !== "" && "rRwWe#".includes(verb)) return this.line();
    return verb !== "" && ":btT".includes(verb) ? this.take(/[^;\n]*/y) : "";
  }

  private line(): string {
    return this.take(/[^\n]*/y);
  }

  private mark(): string {
    const mark = this.script.charAt(this.at);
    this.at += 1;
    return mark;
  }

  /** Up to and with the mark, or all that is left. */
  private plain(mark: string): void {
    while (this.at < this.script.length) {
      const sign = this.script.charAt(this.at);
      this.at += sign === "\\" ? 2 : 1;
      if (sign === mark) return;
    }
  }

  private pattern(mark: string): void {
    while (this.at < this.script.length) {
      const sign = this.script.charAt(this.at);
      this.at += sign === "\\" ? 2 : 1;
      if (sign === mark) return;
      if (sign === "[" && this.brackets) this.bracket();
    }
  }

  /** Behind `[`: `x]`, `^x]`, `]x]`. */
  private bracket(): void {
    const [start = ""] = /\^?\]?/y.exec(this.script.slice(this.at, this.at + 2)) ?? [];
    const end = this.script.indexOf("]", this.at + start.length);
    // Further on there is none either.
    if (end < 0) this.brackets = false;
    else this.at = end + 1;
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const [found = ""] = pattern.exec(this.script) ?? [];
    this.at += found.length;
    return found;
  }
}
