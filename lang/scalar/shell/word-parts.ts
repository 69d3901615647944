/** A word while it is read. */
import { withBraces } from "./braces.ts";
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
  return {
    text: withBraces(parts.text),
    fixed: parts.expandsAt === undefined && !parts.glob,
    ...(parts.expandsAt === undefined ? {} : { expandsAt: parts.expandsAt }),
    runs: parts.runs,
  };
}
