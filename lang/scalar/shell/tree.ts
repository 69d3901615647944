/**
 * A text for a POSIX shell or bash as a tree: which commands stand in it, with which words, joined how. Pure.
 */

/** Longest text that is read; what follows is left out and the script is not sound. */
export const SHELL_CHARS_MAX = 65_536;
/** Deepest nesting of substitutions, compound commands and texts within texts. */
export const SHELL_DEPTH_MAX = 32;

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
  /** It succeeds where it fails: `! a | b`. */
  readonly negated?: true;
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
      /** Of a function. */
      readonly name?: string;
      /** A loop: its bodies follow on themselves. */
      readonly repeats: boolean;
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
  /** An expansion in it may make it several words, or none: `$x`, `"$@"`. */
  readonly splits?: true;
  /** Command and process substitutions in it, in order. */
  readonly runs: readonly Substitution[];
}

export interface Substitution {
  readonly list: List;
  /** `$(…)` and backticks, `<(…)`, `>(…)` */
  readonly form: "value" | "input" | "output";
}

/** A word without quotes or expansions. */
export function fixedWord(text: string): Word {
  return { text, fixed: true, runs: [] };
}
