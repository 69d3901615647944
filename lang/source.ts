/** Half-open range of UTF-16 offsets in the file at index `file` of the package's source list. */
export interface Span {
  readonly file: number;
  readonly start: number;
  readonly end: number;
}

/** One `.writ` file as read: `path` is how messages name it. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The file that a span is of; where there is none, one without a name or text. */
export function fileOf({ file }: Span, sources: readonly SourceFile[]): SourceFile {
  return sources[file] ?? { path: "", text: "" };
}

/** A place as people say it: 1-based line and column (columns count UTF-16 units). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Offsets of the first character of every line. Lines end in `\n`, `\r\n` or `\r`. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === LINE_FEED || (code === CARRIAGE_RETURN && text.charCodeAt(at + 1) !== LINE_FEED)) {
      starts.push(at + 1);
    }
  }
  return starts;
}

/** The same of a file, found once however much is said of it. */
export function lineStartsOf(source: SourceFile): readonly number[] {
  const starts = startsOf.get(source) ?? lineStarts(source.text);
  startsOf.set(source, starts);
  return starts;
}

const startsOf = new WeakMap<SourceFile, readonly number[]>();

/** Where `offset` stands; past the end of the text it is the end. */
export function locate(
  text: string,
  offset: number,
  starts: readonly number[] = lineStarts(text),
): Position {
  const within = Math.max(0, Math.min(offset, text.length));
  const line = lastAtMost(starts, within);
  return { line: line + 1, column: within - (starts[line] ?? 0) + 1 };
}

/** The text of a line (1-based), without what ends it. */
export function lineText(text: string, line: number, starts: readonly number[]): string {
  const start = starts[line - 1];
  if (start === undefined) return "";
  return text.slice(start, starts[line] ?? text.length).replace(/[\r\n]+$/, "");
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** The index of the last element ≤ `value`; `starts` ascends from 0. */
function lastAtMost(starts: readonly number[], value: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
