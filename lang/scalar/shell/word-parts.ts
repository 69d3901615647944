/** A word while it is read. */
import { sequenceAt, withBraces } from "./braces.ts";
import type { Substitution, Word } from "./tree.ts";

export interface WordParts {
  text: string;
  glob: boolean;
  bracket: boolean;
  braces: number;
  expandsAt: number | undefined;
  splits: boolean;
  runs: Substitution[];
}

export function emptyParts(): WordParts {
  return {
    text: "",
    glob: false,
    bracket: false,
    braces: 0,
    expandsAt: undefined,
    splits: false,
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
    ...(parts.splits ? { splits: true } : {}),
    runs: parts.runs,
  };
}
