/** Commands that are run for whatever is found or read: of `find`, `xargs` and `fd`. */
import { XARGS } from "../programs/wrappers.ts";
import { fixedWord, type Word } from "../shell/tree.ts";
import { noteFiles } from "./files.ts";
import { isOption } from "./line.ts";
import { type Call, NOTHING } from "./scope.ts";
import { noteNamesInInput } from "./variables.ts";
import type { Walk } from "./walk.ts";

/** What xargs or `find -exec` puts in: known only at run time. */
export const UNKNOWN_WORD: Word = { text: "{}", fixed: false, expandsAt: 0, runs: [] };

export function followFind(walk: Walk, { args, scope }: Call): void {
  const start = args.findIndex((word) => /^[-(!,]/.test(word.text) && !/^-[HLPO]/.test(word.text));
  const roots = args.slice(0, start < 0 ? args.length : start).filter((word) => !isOption(word));
  const places = roots.length > 0 ? roots : [fixedWord(".")];
  for (const root of places) walk.file(walk.reads, root, scope);
  for (let at = Math.max(start, 0); at < args.length; at += 1) {
    const test = args[at]?.text ?? "";
    if (test === "-delete") for (const root of places) walk.file(walk.deletes, root, scope);
    const target = args[at + 1];
    if (/^-f(?:print[0f]?|ls)$/.test(test) && target) walk.file(walk.writes, target, scope);
    if (/^-(?:exec|ok)(?:dir)?$/.test(test)) {
      const end = execEnd(args, at + 1);
      if (end >= args.length) walk.parsed = false;
      walk.run(executed(args.slice(at + 1, end), places), scope);
      at = end;
    } else if (endsExec(args, at)) {
      // Of a command that began in some way not seen: `-exe{c..c}`, `$x`.
      walk.parsed = false;
    }
  }
}

/** `-exec … ;` or `-exec … {} +` with what is found in these places in it. */
function executed(words: readonly Word[], places: readonly Word[]): readonly Word[] {
  // One place stands for what is found below it; of several, none does.
  const found = places.length === 1 && places[0]?.fixed ? places[0].text : undefined;
  return words.map((word, at) => {
    if (word.text === "{}" && at > 0)
      return found === undefined ? UNKNOWN_WORD : fixedWord(`${found}/*`);
    return placed(word, "{}");
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
