/**
 * What the tree does not hold, put back beside what it stood at: comments, blank lines, and whether the author
 * opened a list over many lines. A printer asks in the order of the source, once for each gap between two things.
 */
import type { Comment } from "./ast.ts";
import { type Doc, hardLine, indent, remark } from "./doc.ts";

/** Whether a gap shows the author's blank line. `"always"`: it shows one even where the author left none. */
export type Blank = "never" | "keep" | "always";

export class Trivia {
  private readonly comments: readonly Comment[];
  private readonly text: string;
  private taken = 0;

  /** `text` is what the tree was parsed from; empty for a tree made otherwise, which has neither comments nor lines. */
  constructor(comments: readonly Comment[], text: string) {
    this.comments = comments;
    this.text = text;
  }

  /**
   * What stands before the thing that begins at `start`: `line` where there is nothing; else a comment on the line
   * before keeps its place there, and the others have lines of their own.
   */
  gap(line: Doc, start: number, blank: Blank = "never"): Doc {
    const comments = this.take(start);
    const [first] = comments;
    if (first === undefined) {
      const empty = blank === "always" || (blank === "keep" && this.blankBefore(start));
      return empty ? [hardLine, hardLine] : line;
    }
    const places = [...comments.map(({ span }) => span.start), start];
    const trailing = !this.startsLine(first.span.start);
    const own = trailing ? places.slice(1) : places;
    const missing = blank === "always" && !own.some((at) => this.blankBefore(at));
    return places.map((at, index) => {
      const text = comments[index]?.text ?? "";
      if (index === 0 && trailing) return remark(` ${text}`);
      const empty = this.blankBefore(at) || (missing && at === own[0]);
      return [blank !== "never" && empty ? [hardLine, hardLine] : hardLine, text];
    });
  }

  /** What stands between the thing that begins at `start` and what is on the same line before it: comments or nothing. */
  inside(start: number): Doc {
    return indent(this.gap("", start));
  }

  /** Comments of what ends at `end` that stood where none can be printed: on lines of their own, to stand before it. */
  left(end: number): Doc {
    return this.take(end).map(({ text }) => [text, hardLine]);
  }

  /** What stands before the bracket that closes at `end`, or before the end of the file. */
  closing(line: Doc, end: number): Doc {
    const comments = this.take(end);
    if (comments.length === 0) return line;
    return comments.map(({ span, text }, index) => {
      if (index === 0 && !this.startsLine(span.start)) return remark(` ${text}`);
      return [this.blankBefore(span.start) ? [hardLine, hardLine] : hardLine, text];
    });
  }

  /** Whether the thing at `start` stands on another line than what is before it. */
  opensLine(start: number): boolean {
    return this.lineBreaksBefore(start) > 0;
  }

  private take(before: number): readonly Comment[] {
    const first = this.taken;
    while ((this.comments[this.taken]?.span.start ?? Number.POSITIVE_INFINITY) < before)
      this.taken++;
    return this.comments.slice(first, this.taken);
  }

  private startsLine(at: number): boolean {
    return at === 0 || this.lineBreaksBefore(at) > 0 || this.text.slice(0, at).trim() === "";
  }

  private blankBefore(at: number): boolean {
    return this.lineBreaksBefore(at) > 1;
  }

  private lineBreaksBefore(offset: number): number {
    let count = 0;
    for (let at = offset - 1; at >= 0; at--) {
      const character = this.text[at];
      if (character === "\n" || (character === "\r" && this.text[at + 1] !== "\n")) count++;
      else if (character !== " " && character !== "\t" && character !== "\r") break;
    }
    return count;
  }
}
