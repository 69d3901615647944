/**
 * POSIX shell and bash text as a tree: which commands stand in it, with which words, joined how. Nothing is
 * expanded but braces and quotes. Linear in the text; nesting is bounded; never fails: `sound` turns false.
 */

/** Longest text that is read; what follows is left out and the script is not sound. */
export const SHELL_CHARS_MAX = 65_536;
/** Deepest nesting of substitutions, compound commands and texts within texts. */
export const SHELL_DEPTH_MAX = 32;
/** A word may be the start of at most this many by brace expansion. */
const BRACE_WORDS_MAX = 64;
/** And all of them in one text make at most this many characters. */
const BRACE_CHARS_MAX = 65_536;

export interface Script {
  readonly list: List;
  /** Every character was understood as a shell would. */
  readonly sound: boolean;
  /** It evaluates names or expansions as arithmetic, and with them whatever substitutions stand in their values. */
  readonly evaluates: boolean;
  /** Quoted text stands in it that would be a substitution if it were evaluated, or that others may make one. */
  readonly carriesCode: boolean;
}

/** Pipelines in order. */
export type List = readonly ListItem[];

export interface ListItem {
  /** How this one is joined to the one before it; a newline and `&` count as `;`. */
  readonly after: ";" | "&&" | "||";
  readonly pipeline: readonly Command[];
}

export type Command =
  | {
      readonly kind: "simple";
      readonly assignments: readonly Assignment[];
      readonly words: readonly Word[];
      readonly redirects: readonly Redirect[];
    }
  /** Subshell, braces, `if`, `while`, `for`, `case`, function: everything inside may run. */
  | {
      readonly kind: "compound";
      /** Where it runs: a `cd` of a subshell does not reach outside; a function runs where it is called. */
      readonly shell: "same" | "own" | "later";
      /** What a `for` or `select` gives its name, one after the other. */
      readonly assignments: readonly Assignment[];
      /** Words that are expanded but not run: of `case`, `[[`, `((`. */
      readonly words: readonly Word[];
      readonly bodies: readonly List[];
      readonly redirects: readonly Redirect[];
    };

export interface Assignment {
  readonly name: string;
  readonly values: readonly Word[];
  /** `name=(…)` */
  readonly isArray?: true;
}

export interface Redirect {
  readonly fd?: string;
  readonly op: string;
  readonly target: Word;
  /** The text of a here-document. */
  readonly body?: Word;
}

export interface Word {
  /** After quote removal. Expansions stay as written, but for `$HOME` at the start: `~`. */
  readonly text: string;
  /** `text` is what the program will get: no expansion, no glob. */
  readonly fixed: boolean;
  /** Where in `text` the first expansion stands. */
  readonly expandsAt?: number;
  /** Command and process substitutions in it, in order. */
  readonly runs: readonly Substitution[];
}

export interface Substitution {
  readonly list: List;
  /** `$(…)` and backticks, `<(…)`, `>(…)` */
  readonly form: "value" | "input" | "output";
}

/** Reads `text` as a script; `depth` is how deep it stands in other text. */
export function readShell(text: string, depth = 0): Script {
  const reader = new ShellReader(text.slice(0, SHELL_CHARS_MAX), depth);
  // A shell drops NUL, so that `r\0m` runs rm; the markers would be taken for braces.
  const odd = text.length > SHELL_CHARS_MAX || /[\0\uf8f0-\uf8f2]/.test(text);
  const list = reader.script();
  const { sound, evaluates, carriesCode } = reader;
  return { list, sound: sound && !odd, evaluates, carriesCode };
}

/** A word without quotes or expansions. */
export function fixedWord(text: string): Word {
  return { text, fixed: true, runs: [] };
}

/** Brace expansion is done when a word ends; until then its unquoted `{`, `,`, `}` stand as these. */
const OPEN = "\uf8f0";
const COMMA = "\uf8f1";
const CLOSE = "\uf8f2";

/** A sign that a line continuation parts, which a shell reads as one all the same: `$\\⏎(x)`, `(\\⏎( x ))`. */
const PARTED = /\$\\\n|[(<>&|;[](?:\\\n)+[(<>&|;[-]/;
const CONTINUATION = /\\\n/g;

const RESERVED =
  /(?:if|then|elif|else|fi|for|select|while|until|do|done|case|esac|function|time|coproc|in|\{|\}|!|\[\[)(?=[ \t\n;&|()<>]|$)/y;
const REDIRECT = /(\d+|\{[A-Za-z_]\w*\})?(<<<|<<-|<<|<>|<&|>&|>>|>\||<(?!\()|>(?!\())|&>>?/y;
const ASSIGNMENT = /([A-Za-z_]\w*)(\[[^\]\s$`'"\\]*\])?\+?=/y;
const FUNCTION_SIGN = /[ \t]*\([ \t]*\)/y;
const HOME = /^\$(?:HOME|\{HOME\})$/;
const NAME = /[A-Za-z_]\w*|[0-9@*#?$!-]/y;
/** What is calculated whatever it stands in: neither it nor numbers run anything. */
const CALCULATION = /\$\(\([\w\s+*/%<>=!&|?:,$-]*\)\)/g;
/** A `$` at the end may come to stand before a `(`. */
const CODE = /`|\$\(|\$\{[\s|]|\$$/;
/** Operators of `[[` that take numbers, or a name with its index. */
const EVALUATING_TEST = /^-(?:eq|ne|lt|le|gt|ge|v|R)$/;
/** `${a[i]}`, `${x:n}`, `${!x}`, `${x@E}`: an index, a place, and what is read out of a value. */
const EVALUATING_PARAMETER =
  /^\$\{(?:!|\w+\[(?!(?:\d+|[@*])\])|\w+:(?![-=?+])[^}]*[A-Za-z_$`'"\\]|.*@[A-Za-z]\}$)/s;
/** An index that is no number. */
const NAMED_INDEX = /^\w*\[(?!\d+\])/;
const WORD_END = new Set([" ", "\t", "\n", ";", "&", "|", "(", ")", "<", ">"]);
/** Builtins whose arguments are assignments, so that `x=(…)` is an array there. */
const DECLARES = new Set(["declare", "typeset", "export", "readonly", "local", "alias"]);

interface PendingHeredoc {
  readonly delimiter: string;
  readonly quoted: boolean;
  readonly stripTabs: boolean;
  readonly level: number;
  readonly fill: (body: Word) => void;
}

/** The parts of a word while it is read. */
interface WordParts {
  text: string;
  glob: boolean;
  bracket: boolean;
  braces: number;
  expandsAt: number | undefined;
  runs: Substitution[];
}

/** Invariant: every method moves `at` forward or leaves it; no character is read again at the same depth. */
class ShellReader {
  sound = true;
  evaluates = false;
  carriesCode = false;
  private at = 0;
  private readonly text: string;
  private depth: number;
  /** How many substitutions are open. */
  private level = 0;
  private braceChars = 0;
  private readonly pending: PendingHeredoc[] = [];

  constructor(text: string, depth: number) {
    this.text = text;
    this.depth = depth;
    this.sound = !PARTED.test(text);
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

  /** The text of a here-document whose delimiter is not quoted. */
  heredocBody(): Word {
    const parts = emptyParts();
    while (this.at < this.text.length) this.quotedChar(parts, false);
    return wordOf(parts);
  }

  /** Up to a closing token or one of the reserved words `ends`, which are left unread. */
  private list(ends: readonly string[]): List {
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
      items.push({ after, pipeline: this.pipeline() });
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

  private pipeline(): readonly Command[] {
    const commands: Command[] = [];
    while (true) {
      this.skipSpace();
      const prefix = this.reserved();
      if (prefix === "!" || prefix === "coproc" || (prefix === "time" && this.timesPipeline())) {
        // What it is given to read is said later.
        if (prefix === "coproc") this.sound = false;
        this.at += prefix.length;
        continue;
      }
      commands.push(this.command());
      this.skipBlank();
      if (this.peek("||") || !this.peek("|")) return commands;
      this.at += this.peek("|&") ? 2 : 1;
    }
  }

  /** `time` with options may be the program of that name; then it is read as one. */
  private timesPipeline(): boolean {
    return /^time[ \t]+[^- \t]/.test(this.text.slice(this.at, this.at + 64));
  }

  private command(): Command {
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

  private parenthesis(): Command {
    if (this.peek("((")) {
      const parts = emptyParts();
      this.arithmetic(parts);
      return this.compound({ words: [wordOf(parts)], bodies: [] });
    }
    this.at += 1;
    const body = this.list([]);
    this.expect(")");
    return this.compound({ shell: "own", bodies: [body] });
  }

  private braces(): Command {
    this.at += 1;
    const body = this.list(["}"]);
    this.expectReserved("}");
    return this.compound({ bodies: [body] });
  }

  private conditional(): Command {
    this.at += 2;
    const bodies = [this.list(["then"])];
    this.expectReserved("then");
    while (this.at < this.text.length) {
      bodies.push(this.list(["elif", "else", "fi"]));
      const word = this.reserved();
      if (word === "fi" || word === undefined) break;
      this.at += word.length;
      if (word === "elif") {
        bodies.push(this.list(["then"]));
        this.expectReserved("then");
      }
    }
    this.expectReserved("fi");
    return this.compound({ bodies });
  }

  private loop(
    skip: number,
    words: readonly Word[],
    assignments: readonly Assignment[] = [],
  ): Command {
    this.at += skip;
    const condition = this.list(["do"]);
    this.expectReserved("do");
    const body = this.list(["done"]);
    this.expectReserved("done");
    return this.compound({ assignments, words, bodies: [condition, body] });
  }

  private each(skip: number): Command {
    this.at += skip;
    this.skipBlank();
    const words: Word[] = [];
    const values: Word[] = [];
    let name: string | undefined;
    if (this.peek("((")) {
      const parts = emptyParts();
      this.arithmetic(parts);
      words.push(wordOf(parts));
    } else {
      const names = this.words();
      if (!names.every((word) => /^[A-Za-z_]\w*$/.test(word.text))) this.sound = false;
      name = names[0]?.text;
      this.skipSpace();
      if (this.reserved() === "in") {
        this.at += 2;
        for (this.skipBlank(); !this.atWordEnd(); this.skipBlank()) values.push(...this.words());
      }
    }
    this.skipBlank();
    this.take(";");
    return this.loop(0, words, name === undefined ? [] : [{ name, values }]);
  }

  private cases(): Command {
    this.at += 4;
    this.skipBlank();
    const words = [...this.words()];
    const bodies: List[] = [];
    this.skipSpace();
    this.expectReserved("in");
    while (true) {
      this.skipSpace();
      if (this.at >= this.text.length || this.reserved() === "esac") break;
      this.take("(");
      for (this.skipBlank(); !this.atWordEnd() || this.take("|"); this.skipBlank()) {
        if (!this.atWordEnd()) words.push(...this.words());
      }
      if (!this.expect(")")) break;
      bodies.push(this.list(["esac"]));
      if (!(this.take(";;&") || this.take(";;") || this.take(";&"))) break;
    }
    this.expectReserved("esac");
    return this.compound({ words, bodies });
  }

  private namedFunction(): Command {
    this.at += "function".length;
    this.skipBlank();
    if (!this.words().every((word) => word.fixed)) this.sound = false;
    this.match(FUNCTION_SIGN);
    return this.functionBody();
  }

  private functionBody(): Command {
    this.skipSpace();
    if (!this.enter()) return this.compound({ bodies: [] });
    const body = this.command();
    this.depth -= 1;
    return this.compound({ shell: "later", bodies: [[{ after: ";", pipeline: [body] }]] });
  }

  /** `[[ … ]]`: its words are expanded, its operators are not redirections. */
  private test(): Command {
    this.at += 2;
    const words: Word[] = [];
    while (this.at < this.text.length) {
      this.skipSpace();
      if (/^\]\](?=[ \t\n;&|()<>]|$)/.test(this.text.slice(this.at, this.at + 3))) {
        this.at += 2;
        return this.compound({ words, bodies: [] });
      }
      if (this.atWordEnd()) this.at += 1;
      else words.push(...this.words());
      if (EVALUATING_TEST.test(words.at(-1)?.text ?? "")) this.evaluates = true;
    }
    this.sound = false;
    return this.compound({ words, bodies: [] });
  }

  private compound(parts: {
    shell?: "own" | "later";
    assignments?: readonly Assignment[];
    words?: readonly Word[];
    bodies: readonly List[];
  }): Command {
    const redirects: Redirect[] = [];
    for (this.skipBlank(); this.redirect(redirects); this.skipBlank());
    return {
      kind: "compound",
      shell: parts.shell ?? "same",
      assignments: parts.assignments ?? [],
      words: parts.words ?? [],
      bodies: parts.bodies,
      redirects,
    };
  }

  private simple(): Command {
    const assignments: Assignment[] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    while (true) {
      this.skipBlank();
      if (this.redirect(redirects)) continue;
      if (this.atWordEnd()) break;
      if (words.length === 0 && this.assignment(assignments)) continue;
      const first = words[0];
      if (first !== undefined && DECLARES.has(first.text) && this.assignment(assignments)) continue;
      const bare = this.at;
      words.push(...this.words());
      if (words.length === 1 && /^\w+\[.*\]\+?=/s.test(words[0]?.text ?? "")) this.evaluates = true;
      if (words.length === 1 && assignments.length === 0 && this.match(FUNCTION_SIGN)) {
        if (!words[0]?.fixed) this.sound = false;
        return this.functionBody();
      }
      // A reserved word written with a line continuation inside: a shell would still see it.
      if (words.length === 1 && this.at - bare !== words[0]?.text.length) this.continuedWord(words);
    }
    return { kind: "simple", assignments, words, redirects };
  }

  private continuedWord(words: readonly Word[]): void {
    const text = words[0]?.text ?? "";
    RESERVED.lastIndex = 0;
    if (RESERVED.test(text) && RESERVED.lastIndex === text.length) this.sound = false;
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

  private redirect(into: Redirect[]): boolean {
    const found = this.match(REDIRECT);
    if (found === undefined) return false;
    const op = found[2] ?? found[0];
    const fd = found[1] === undefined ? {} : { fd: found[1] };
    this.skipBlank();
    if (this.atWordEnd()) {
      this.sound = false;
      return true;
    }
    const start = this.at;
    const target = this.oneWord();
    if (op !== "<<" && op !== "<<-") {
      into.push({ ...fd, op, target });
      return true;
    }
    if (!target.fixed) this.sound = false;
    const at = into.length;
    into.push({ ...fd, op, target });
    this.pending.push({
      delimiter: target.text,
      quoted: /['"\\]/.test(this.text.slice(start, this.at).replace(CONTINUATION, "")),
      stripTabs: op === "<<-",
      level: this.level,
      fill: (body) => {
        into[at] = { ...fd, op, target, body };
      },
    });
    return true;
  }

  /** After a newline: the texts of the here-documents that the line announced. */
  private heredocs(): void {
    for (const heredoc of this.pending.splice(0)) {
      // Shells differ on where such a text begins.
      if (heredoc.level !== this.level) this.sound = false;
      const text = this.heredocLines(heredoc);
      if (heredoc.quoted) {
        this.quoted(text);
        heredoc.fill(fixedWord(text));
      } else {
        const inner = new ShellReader(text, this.depth);
        heredoc.fill(inner.heredocBody());
        this.takeOver(inner);
      }
    }
  }

  /** Text that is no expansion here, and may be one where it is evaluated. */
  private quoted(text: string): void {
    if (CODE.test(text.replace(CALCULATION, ""))) this.carriesCode = true;
  }

  private takeOver({ sound, evaluates, carriesCode }: Omit<Script, "list">): void {
    if (!sound) this.sound = false;
    if (evaluates) this.evaluates = true;
    if (carriesCode) this.carriesCode = true;
  }

  private heredocLines(heredoc: PendingHeredoc): string {
    const lines: string[] = [];
    let joined = false;
    let whole = "";
    while (this.at < this.text.length) {
      const end = this.text.indexOf("\n", this.at);
      const raw = this.text.slice(this.at, end < 0 ? this.text.length : end);
      this.at = end < 0 ? this.text.length : end + 1;
      const line = heredoc.stripTabs ? raw.replace(/^\t+/, "") : raw;
      if (!joined && line === heredoc.delimiter) return lines.map((one) => `${one}\n`).join("");
      lines.push(line);
      // A continued line is one with the next, so that the next cannot be the delimiter; both together may be.
      if (joined && whole + line === heredoc.delimiter) this.sound = false;
      const continued = !heredoc.quoted && endsContinued(line);
      whole = continued ? `${joined ? whole : ""}${line.slice(0, -1)}` : "";
      joined = continued;
    }
    // At the end of a whole text shells take what there is; inside a substitution they differ.
    if (this.level > 0) this.sound = false;
    return lines.map((one) => `${one}\n`).join("");
  }

  /** One word as written, and what brace expansion makes of it. */
  private words(): readonly Word[] {
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
  private oneWord(): Word {
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
    if (char === "{" || char === "," || char === "}") {
      if (char === "{") parts.braces += 1;
      parts.text += char === "{" ? OPEN : char === "," ? COMMA : CLOSE;
    } else {
      parts.text += char;
    }
  }

  private escape(parts: WordParts): void {
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

  private singleQuotes(parts: WordParts): void {
    const end = this.text.indexOf("'", this.at + 1);
    if (end < 0) this.sound = false;
    const text = this.text.slice(this.at + 1, end < 0 ? this.text.length : end);
    this.quoted(text);
    parts.text += text;
    this.at = end < 0 ? this.text.length : end + 1;
  }

  private doubleQuotes(parts: WordParts): void {
    this.at += 1;
    while (this.at < this.text.length) {
      if (this.take('"')) return;
      this.quotedChar(parts, true);
    }
    this.sound = false;
  }

  /** One character between double quotes, or of a here-document. */
  private quotedChar(parts: WordParts, quotes: boolean): void {
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

  private dollar(parts: WordParts, quoted: boolean): void {
    const next = this.text.charAt(this.at + 1);
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

  private expansion(parts: WordParts, source: string): void {
    parts.expandsAt = Math.min(parts.expandsAt ?? parts.text.length, parts.text.length);
    parts.text += source;
  }

  /** `$'…'`: escapes are resolved, nothing else. */
  private ansiQuotes(parts: WordParts): void {
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

  /** `$(…)`, `<(…)`, `>(…)` */
  private substitution(parts: WordParts, form: Substitution["form"]): void {
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

  private backticks(parts: WordParts, inQuotes: boolean): void {
    const start = this.at;
    let inner = "";
    this.at += 1;
    while (this.at < this.text.length && !this.peek("`")) {
      const char = this.text.charAt(this.at);
      const next = this.text.charAt(this.at + 1);
      const escaped =
        char === "\\" && next !== "" && ("$`\\".includes(next) || (inQuotes && next === '"'));
      inner += escaped ? next : char;
      this.at += escaped ? 2 : 1;
    }
    this.expect("`");
    if (!this.enter()) return;
    const script = readShell(inner, this.depth);
    this.depth -= 1;
    this.takeOver(script);
    parts.runs.push({ list: script.list, form: "value" });
    this.expansion(parts, this.text.slice(start, this.at));
  }

  /** `((…))` or the part of `$((…))` after the dollar. */
  private arithmetic(parts: WordParts): void {
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

  private enter(): boolean {
    if (this.depth >= SHELL_DEPTH_MAX) {
      this.sound = false;
      this.at = this.text.length;
      return false;
    }
    this.depth += 1;
    return true;
  }

  /** Blanks and line continuations. */
  private skipBlank(): void {
    while (true) {
      const char = this.text.charAt(this.at);
      if (char === " " || char === "\t") this.at += 1;
      else if (this.peek("\\\n")) this.at += 2;
      else if (char === "#") this.comment();
      else return;
    }
  }

  /** Blanks, newlines and comments. */
  private skipSpace(): void {
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

  private atWordEnd(): boolean {
    if (this.at >= this.text.length) return true;
    const char = this.text.charAt(this.at);
    if ((char === "<" || char === ">") && this.text.charAt(this.at + 1) === "(") return false;
    return WORD_END.has(char);
  }

  private reserved(): string | undefined {
    RESERVED.lastIndex = this.at;
    return RESERVED.exec(this.text)?.[0];
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.at += found[0].length;
    return found;
  }

  private peek(text: string): boolean {
    return this.text.startsWith(text, this.at);
  }

  private take(text: string): boolean {
    if (!this.peek(text)) return false;
    this.at += text.length;
    return true;
  }

  private expect(text: string): boolean {
    if (this.take(text)) return true;
    this.sound = false;
    return false;
  }

  private expectReserved(word: string): void {
    this.skipSpace();
    if (this.reserved() === word) this.at += word.length;
    else this.sound = false;
  }
}

const ANSI_ESCAPE =
  /\\(?:x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c[\s\S]|[abeEfnrtv\\'"?])/y;
const ANSI_LETTERS: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

function ansiText(written: string): string {
  const kind = written.charAt(1);
  if (kind === "x" || kind === "u" || kind === "U") {
    const point = Number.parseInt(written.slice(2), 16);
    return point > 0x10ffff ? "\0" : String.fromCodePoint(point);
  }
  if (kind >= "0" && kind <= "7") {
    return String.fromCharCode(Number.parseInt(written.slice(1), 8) & 0xff);
  }
  if (kind === "c") return String.fromCharCode(written.charCodeAt(2) & 0x1f);
  return ANSI_LETTERS[kind] ?? kind;
}

function emptyParts(): WordParts {
  return {
    text: "",
    glob: false,
    bracket: false,
    braces: 0,
    expandsAt: undefined,
    runs: [],
  };
}

function wordOf(parts: WordParts): Word {
  return {
    text: unmark(parts.text),
    fixed: parts.expandsAt === undefined && !parts.glob,
    ...(parts.expandsAt === undefined ? {} : { expandsAt: parts.expandsAt }),
    runs: parts.runs,
  };
}

function unmark(text: string): string {
  return text.replace(/[\uf8f0-\uf8f2]/g, (mark) =>
    mark === OPEN ? "{" : mark === COMMA ? "," : "}",
  );
}

/** Whether a line ends in a backslash that is not itself escaped. */
function endsContinued(line: string): boolean {
  let start = line.length;
  while (line.charAt(start - 1) === "\\") start -= 1;
  return (line.length - start) % 2 === 1;
}

/** Every word that a text with marked braces stands for, in order; undefined when there are too many. */
function expandBraces(text: string): readonly string[] | undefined {
  for (let open = text.indexOf(OPEN); open >= 0; open = text.indexOf(OPEN, open + 1)) {
    const group = braceGroup(text, open);
    if (group === undefined) continue;
    const rests = expandBraces(text.slice(group.end));
    if (rests === undefined) return undefined;
    const words: string[] = [];
    for (const choice of group.choices) {
      for (const inner of expandBraces(choice) ?? []) {
        for (const rest of rests) words.push(text.slice(0, open) + inner + rest);
        if (words.length > BRACE_WORDS_MAX) return undefined;
      }
    }
    return words;
  }
  return [text];
}

/** The alternatives of the group that opens at `open`, if it is one: balanced, with a comma of its own. */
function braceGroup(
  text: string,
  open: number,
): { readonly choices: readonly string[]; readonly end: number } | undefined {
  const choices: string[] = [];
  let level = 0;
  let from = open + 1;
  for (let at = open; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === OPEN) level += 1;
    if (char === CLOSE) level -= 1;
    if (char === COMMA && level === 1) {
      choices.push(text.slice(from, at));
      from = at + 1;
    }
    if (level === 0) {
      if (choices.length === 0) return undefined;
      choices.push(text.slice(from, at));
      return { choices, end: at + 1 };
    }
  }
  return undefined;
}
