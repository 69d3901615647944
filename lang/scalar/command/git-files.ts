/** Where git writes, and what it removes. */
import { fixedWord, type Word } from "../shell/tree.ts";
import { ELSEWHERE } from "./folders.ts";
import type { GitLine } from "./git-line.ts";
import { hasLetter, isOption, type Line, readLine } from "./line.ts";
import { apart, type Scope } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** Subcommands that change nothing beside an index. */
const LOOKS: ReadonlySet<string> = new Set([
  ...["", "annotate", "blame", "cat-file", "check-attr", "check-ignore", "cherry", "count-objects"],
  ...["describe", "diff", "diff-files", "diff-index", "diff-tree", "for-each-ref", "fsck", "grep"],
  ...["help", "log", "ls-files", "ls-remote", "ls-tree", "merge-base", "name-rev", "range-diff"],
  ...["rev-list", "rev-parse", "shortlog", "show", "show-ref", "status", "var", "verify-commit"],
  ...["verify-tag", "version", "whatchanged"],
]);

/** And these where they are given no name, or one of these words. */
const LISTS: ReadonlySet<string> = new Set([
  "branch",
  "reflog",
  "remote",
  "stash",
  "tag",
  "worktree",
]);

const LISTING = /^(?:list|show|get-url|exists)$/;

/** `-o` of these is a file or a folder; of others a flag, or a name. */
const OUTPUT_LETTER: ReadonlySet<string> = new Set([
  ...["archive", "bugreport", "diagnose", "format-patch", "index-pack", "mailsplit"],
]);

const OUTPUTS = [
  ...["directory", "export-marks", "index-output", "output", "output-directory", "prefix"],
  ...["separate-git-dir"],
];

/** Options of `git config` by which it only tells. */
const TELLS = /^(?:--(?:get|list|show)|-l$)/;

/** Where git looks for what it works on: as `-C`, `--git-dir` and `--work-tree` say. */
export function gitScope(walk: Walk, { before }: GitLine, scope: Scope): Scope {
  let inside = scope;
  for (const { name, value } of before) {
    if (name === "C") inside = apart(inside, walk.places(value, inside));
  }
  return inside;
}

export function noteGitFiles(walk: Walk, git: GitLine, scope: Scope): void {
  const { sub, args, before } = git;
  const line = readLine(args, {
    values: "bcjmu",
    longValues: ["branch", "depth", "message", "origin", "config", "template", "reference"],
    writeOptions: [...OUTPUTS, ...(OUTPUT_LETTER.has(sub) ? ["o"] : [])],
  });
  for (const { name, value } of line.options) {
    if (OUTPUTS.includes(name) || name === "o") walk.file(walk.writes, value, scope);
  }
  if (sub === "config") noteSettings(walk, args, scope);
  else if (changes(git, line)) {
    for (const word of changed(sub, line)) walk.file(walk.writes, word, scope);
    for (const { name, value } of before) {
      if (name.length > 1) walk.file(walk.writes, value, scope);
    }
  }
  if (args.some(({ text }) => text === "--unsafe-paths")) walk.writes.add(ELSEWHERE);
  for (const word of removed(git, line)) walk.file(walk.deletes, word, scope);
}

function changes({ sub }: GitLine, { operands }: Line): boolean {
  if (LOOKS.has(sub)) return false;
  return !LISTS.has(sub) || !operands.every(({ text }) => LISTING.test(text)) || sub === "stash";
}

/** The folder it works in, and what it makes by a name that it is given. */
function changed(sub: string, { operands }: Line): readonly Word[] {
  const here = fixedWord(".");
  if (sub === "clone") return operands.length > 1 ? operands.slice(1) : [here];
  if (sub === "init") return operands.length > 0 ? operands : [here];
  const isNamed =
    sub === "mv" || sub === "mailinfo" || (sub === "worktree" && operands[0]?.text === "add");
  if (isNamed) return [here, ...operands];
  return sub === "bundle" && operands[0]?.text === "create" ? [here, ...operands.slice(1)] : [here];
}

function removed({ sub, args }: GitLine, { operands }: Line): readonly Word[] {
  const only = args.some(({ text }) => hasLetter(text, "n") || /^--(?:ca|dry)/.test(text));
  if (only) return [];
  if (sub === "clean") return operands.length > 0 ? operands : [fixedWord(".")];
  if (sub === "worktree" && operands[0]?.text === "remove") return operands.slice(1);
  return sub === "rm" || sub === "mv" ? operands : [];
}

/** `git config --global name value` */
function noteSettings(walk: Walk, args: readonly Word[], scope: Scope): void {
  const { options, operands } = readLine(args, {
    values: "f",
    longValues: ["file", "type", "default"],
  });
  const [first] = operands;
  const tells =
    args.some(({ text }) => TELLS.test(text)) || /^(?:get|list)$/.test(first?.text ?? "");
  const edits = args.some(
    (word) => isOption(word) && /^(?:-e$|--(?:ed|un|re|add))/.test(word.text),
  );
  if (tells || (operands.length < 2 && !edits)) return;
  const files = options.flatMap(({ name, value }) =>
    name === "f" || name === "file" ? [value] : [],
  );
  const has = (name: RegExp) => args.some(({ text }) => name.test(text));
  if (has(/^--gl/)) files.push(fixedWord("~/.gitconfig"));
  if (has(/^--sy/)) files.push(fixedWord("/etc/gitconfig"));
  const written = files.length > 0 ? files : [fixedWord(".")];
  for (const file of written) walk.file(walk.writes, file, scope);
}
