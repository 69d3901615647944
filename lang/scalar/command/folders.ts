/** The folders a shell may be in, and where a word leads from there. */
import { parsePath } from "../path.ts";
import type { Word } from "../shell/tree.ts";
import type { Scope } from "./scope.ts";

/** Stands for every place that only running the text would tell: within no other folder. */
export const ELSEWHERE = "/";

/** A pattern that some shells let stand for `..`: `.*`, `.?`, `.[.]`. */
const MAY_CLIMB = /(?:^|\/)\.[^/]*[*?\]]/;

/** More folders than this after uncertain `cd`s are taken for anywhere. */
const FOLDERS_MAX = 4;

/** The folders after something that may have been done or not. */
export function either(
  one: readonly (string | undefined)[],
  other: readonly (string | undefined)[],
): readonly (string | undefined)[] {
  if (one === other) return one;
  const both = [...new Set([...one, ...other])];
  return both.length > FOLDERS_MAX ? [ELSEWHERE] : both;
}

/** Where a word leads, in canonical form, from each folder the shell may be in. */
export function places(word: Word, scope: Scope): readonly string[] {
  const rooted = /^[/~]/.test(word.text);
  const folders = rooted ? [undefined] : scope.shell.folders;
  const places = folders.map((folder) => {
    const path = parsePath(folder === undefined ? word.text : `${folder}/${word.text}`);
    return path.ok ? path.value : ELSEWHERE;
  });
  // `~bob` and `~+` are folders that are not known here.
  const isShown = word.expandsAt === undefined && !/^~[^/]/.test(word.text);
  const certain = isShown && (word.fixed || !MAY_CLIMB.test(word.text));
  return certain ? places : [...places, ELSEWHERE];
}
