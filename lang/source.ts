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

/** A place as people say it: 1-based line and column (columns count UTF-16 units). */
export interface Position {
  readonly line: number;
  readonly column: number;
}
