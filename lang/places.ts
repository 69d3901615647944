import type { SourceFile, Span } from "./source.ts";
import { lineStarts, locate } from "./source.ts";

/** Positions a program speaks of, each once: five numbers a place (see `Program.places`). */
export class Places {
  readonly all: number[] = [];
  readonly #sources: readonly SourceFile[];
  readonly #lines: (readonly number[])[];
  readonly #known = new Map<string, number>();

  constructor(sources: readonly SourceFile[]) {
    this.#sources = sources;
    this.#lines = sources.map((source) => lineStarts(source.text));
  }

  of(span: Span): number {
    const key = `${span.file}:${span.start}:${span.end}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const index = this.all.length / 5;
    const text = this.#sources[span.file]?.text ?? "";
    const { line, column } = locate(text, span.start, this.#lines[span.file] ?? [0]);
    this.all.push(span.file, span.start, span.end, line, column);
    this.#known.set(key, index);
    return index;
  }
}
