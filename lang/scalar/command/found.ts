/** Commands that are run for whatever is found or read: of `find`, `xargs` and `fd`. */

import { globMatches } from "../glob.ts";
import { pathName, pathParent } from "../path.ts";
import { XARGS } from "../programs/wrappers.ts";
import { fixedWord, type Word } from "../shell/tree.ts";
import { noteFiles } from "./files.ts";
import { ELSEWHERE } from "./folders.ts";
import { isOption } from "./line.ts";
import { apart, type Call, NOTHING, type Scope } from "./scope.ts";
import { noteNamesInInput } from "./variables.ts";
import type { Walk } from "./walk.ts";

/** What xargs or `find -exec` puts in: known only at run time. */
export const UNKNOWN_WORD: Word = { text: "{}", fixed: false, expandsAt: 0, runs: [] };

export function followFind(walk: Walk, { args, scope }: Call): void {
  const start = args.findIndex((word) => /^[-(!,]/.test(word.text) && !/^-[HLPO]/.test(word.text));
  const named = args.slice(0, start < 0 ? args.length : start).filter((word) => !isOption(word));
  const roots = named.length > 0 ? named : [fixedWord(".")];
  for (const root of roots) walk.file(walk.reads, root, scope);
  for (let at = Math.max(start, 0); at < args.length; at += 1) {
    const test = args[at]?.text ?? "";
    if (test === "-delete") for (const root of roots) walk.file(walk.deletes, root, scope);
    const target = args[at + 1];
    if (/^-f(?:print[0f]?|ls)$/.test(test) && target) walk.file(walk.writes, target, scope);
    if (/^-(?:exec|ok)(?:dir)?$/.test(test)) {
      const end = execEnd(args, at + 1);
      if (end >= args.length) walk.parsed = false;
      const isHere = !test.endsWith("dir");
      const found = foundFrom(isHere ? roots : roots.map(nameOf), args);
      const command = executed(args.slice(at + 1, end), found);
      walk.run(command, isHere ? scope : apart(scope, foldersBelow(walk, roots, scope)));
      at = end;
    } else if (endsExec(args, at)) {
      // Of a command that began in some way not seen: `-exe{c..c}`, `$x`.
      walk.parsed = false;
    }
  }
}

/** `-execdir` runs where something is found: in a folder below one of these, or in that which holds it. */
function foldersBelow(walk: Walk, roots: readonly Word[], scope: Scope): readonly string[] {
  const found = roots.flatMap((root) => walk.places(root, scope));
  const [folder = ELSEWHERE] = found;
  const certain = found.length === 1 && folder !== "~";
  return certain ? [pathParent(folder), folder, `${folder}/*`] : [ELSEWHERE];
}

/** `-exec … ;` or `-exec … {} +` with what is found in it. */
function executed(words: readonly Word[], found: readonly Word[]): readonly Word[] {
  return words.flatMap((word, at) => (word.text === "{}" && at > 0 ? found : [placed(word, "{}")]));
}

/** As it is called from the folder that it is in. */
function nameOf(root: Word): Word {
  const name = pathName(root.text.replace(/\/+$/, ""));
  return root.fixed ? fixedWord(name === "" ? "." : name) : root;
}

/** What stands for all that is found: of one place that which is below it, and itself; of several, nothing known. */
function foundFrom(roots: readonly Word[], args: readonly Word[]): readonly Word[] {
  const [root] = roots;
  if (root === undefined || roots.length > 1 || !root.fixed) return [UNKNOWN_WORD];
  const below = fixedWord(`${root.text}/*`);
  return mayFindRoot(root, args) ? [root, below] : [below];
}

/** Whether the tests of `find` may be true of the place where it starts. */
function mayFindRoot({ text }: Word, args: readonly Word[]): boolean {
  if (args.some((word) => /^(?:-o|-or|!|-not|,)$/.test(word.text))) return true;
  const name = pathName(text.replace(/\/+$/, ""));
  return !args.some((word, at) => {
    const value = args[at + 1];
    if (value === undefined || value.expandsAt !== undefined) return false;
    if (word.text === "-mindepth") return /^[1-9]/.test(value.text);
    if (word.text === "-type") return !value.text.includes("d");
    return word.text === "-name" && !/[?[\\]/.test(value.text) && !globMatches(name, value.text);
  });
}

function execEnd(args: readonly Word[], from: number): number {
  let end = from;
  while (end < args.length && !endsExec(args, end)) end += 1;
  return end;
}

function endsExec(args: readonly Word[], at: number): boolean {
  const text = args[at]?.text;
  return text === ";" || (text === "+" && args[at - 1]?.text === "{}");
}

export function followXargs(walk: Walk, { program, args, scope }: Call): void {
  const at = walk.afterOptions(args, XARGS);
  noteFiles(walk, { program, args: args.slice(0, at), scope });
  const replaced = replacement(args.slice(0, at));
  const words = args.slice(at);
  if (words.length === 0) return;
  const command = words.map((word) => placed(word, replaced));
  noteNamesInInput(walk, scope);
  // Without -I what is read stands at the end.
  if (replaced === undefined) command.push(UNKNOWN_WORD);
  walk.run(command, { ...scope, input: NOTHING });
}

/** The text that xargs replaces: `{}` of `-i`, `-I {}`. */
function replacement(options: readonly Word[]): string | undefined {
  for (const [at, { text }] of options.entries()) {
    if (/^-[0oprtx]*i/.test(text)) return text.replace(/^-[0oprtx]*i/, "") || "{}";
    if (/^-[0oprtx]*I/.test(text)) return text.replace(/^-[0oprtx]*I/, "") || options[at + 1]?.text;
    if (text === "--replace") return "{}";
    if (text.startsWith("--replace=")) return text.slice("--replace=".length);
  }
  return undefined;
}

/** A word in which something is put at run time. */
export function placed(word: Word, replaced: string | undefined): Word {
  if (replaced === undefined || replaced === "") return word;
  const at = word.text.indexOf(replaced);
  if (at < 0) return word;
  return { ...word, fixed: false, expandsAt: Math.min(at, word.expandsAt ?? at) };
}
