/** Redirections, and the here-documents that they announce. */
import { CONTINUATION } from "./cursor.ts";
import { fixedWord, type Redirect, type Word } from "./tree.ts";
import { emptyParts, wordOf } from "./word-parts.ts";
import { WordReader } from "./words.ts";

const REDIRECT = /(\d+|\{[A-Za-z_]\w*\})?(<<<|<<-|<<|<>|<&|>&|>>|>\||<(?!\()|>(?!\())|&>>?/y;

interface PendingHeredoc {
  readonly delimiter: string;
  readonly quoted: boolean;
  readonly stripTabs: boolean;
  readonly level: number;
  readonly fill: (body: Word) => void;
}

export abstract class RedirectionReader extends WordReader {
  protected readonly pending: PendingHeredoc[] = [];

  protected redirect(into: Redirect[]): boolean {
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
  protected heredocs(): void {
    for (const heredoc of this.pending.splice(0)) {
      // Shells differ on where such a text begins.
      if (heredoc.level !== this.level) this.sound = false;
      const text = this.heredocLines(heredoc);
      if (heredoc.quoted) {
        this.quoted(text);
        heredoc.fill(fixedWord(text));
      } else {
        const inner = this.inner(text);
        heredoc.fill(inner.heredocBody());
        this.takeOver(inner);
      }
    }
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

  /** The text of a here-document whose delimiter is not quoted. */
  heredocBody(): Word {
    const parts = emptyParts();
    while (this.at < this.text.length) this.quotedChar(parts, false);
    return wordOf(parts);
  }
}

/** Whether a line ends in a backslash that is not itself escaped. */
function endsContinued(line: string): boolean {
  let start = line.length;
  while (line.charAt(start - 1) === "\\") start -= 1;
  return (line.length - start) % 2 === 1;
}
