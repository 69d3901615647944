/** Where a command runs: in which shell, with what to read. */
import type { Word } from "../shell/tree.ts";

/** What a command's input is: nothing known, a text that stands here, or what another program writes. */
export type Input =
  | { readonly kind: "none" }
  | { readonly kind: "text"; readonly word: Word }
  | { readonly kind: "computed" };

/** Folders a shell may be in; `undefined` is where the text starts. `cd` changes it for what follows. */
export interface Shell {
  folders: readonly (string | undefined)[];
}

export interface Scope {
  readonly shell: Shell;
  readonly input: Input;
  readonly depth: number;
}

/** A program that would be started, with its arguments. */
export interface Call {
  readonly program: string;
  readonly args: readonly Word[];
  readonly scope: Scope;
}

export const NOTHING: Input = { kind: "none" };

export const COMPUTED: Input = { kind: "computed" };

/** What a function or alias is given to read where it is called. */
export const OF_CALLER: Input = { kind: "computed" };

/** The same scope in a shell of its own, perhaps in other folders. */
export function apart(scope: Scope, folders = scope.shell.folders): Scope {
  return { ...scope, shell: { folders } };
}
