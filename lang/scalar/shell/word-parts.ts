/** A word while it is read. */
import { sequenceAt, withBraces } from "./braces.ts";
import type { Substitution, Word } from "./tree.ts";

export interface WordParts {
  text: string;
  glob: boolean;
  bracket: boolean;
  braces: number;
  expandsAt: number | undefined;
  runs: Substitution[];
}

export function emptyParts(): WordParts {
  return {
    text: "",
    glob: false,
    bracket: false,
    braces: 0,
    expandsAt: undefined,
    runs: [],
  };
}

export function wordOf(parts: WordParts): Word {
  const starts = [parts.expandsAt, sequenceAt(parts.text)].filter((at) => at !== undefined);
  const expands = starts.length > 0;
  return {
    text: withBraces(parts.text),
    fixed: !expands && !parts.glob,
    ...(expands ? { expandsAt: Math.min(...starts) } : {}),
    runs: parts.runs,
  };
}
