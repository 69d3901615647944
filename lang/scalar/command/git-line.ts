/** How git reads its arguments: options before the subcommand, repositories, settings. */
import type { Options } from "../programs/options.ts";
import type { Word } from "../shell/tree.ts";
import { after, isOption, type Line, optionLength, readLine } from "./line.ts";

export interface GitLine {
  readonly sub: string;
  /** What stands behind the subcommand. */
  readonly args: readonly Word[];
  /** Options with a value before the subcommand: `-C`, `--git-dir`. */
  readonly before: Line["options"];
  /** Every option before it is known, and none says where git finds its own programs or settings. */
  readonly sound: boolean;
}

export function readGit(words: readonly Word[]): GitLine {
  let at = 0;
  let sound = true;
  for (let word = words[at]; word !== undefined && isOption(word); word = words[at]) {
    const length = optionLength(word, BEFORE);
    if (length === 0 || /^--(?:exec-path=|config-env)/.test(word.text)) sound = false;
    at += Math.max(1, length);
  }
  const sub = words[at];
  if (sub?.expandsAt !== undefined) sound = false;
  const { options: before } = readLine(words.slice(0, at), FOLDERS_BEFORE);
  return { sub: sub?.text ?? "", args: words.slice(at + 1), before, sound };
}

const FOLDERS_BEFORE = { values: "c", writeOptions: ["C", "git-dir", "work-tree"] };

const BEFORE: Options = {
  flags: "pPhv",
  values: "Cc",
  longFlags: [
    ...["exec-path", "html-path", "man-path", "info-path", "paginate", "no-pager", "bare"],
    ...["no-replace-objects", "no-lazy-fetch", "no-optional-locks", "no-advice"],
    ...["literal-pathspecs", "glob-pathspecs", "noglob-pathspecs", "icase-pathspecs"],
  ],
  longValues: ["git-dir", "work-tree", "namespace", "config-env", "attr-source", "list-cmds"],
};

/** Where a repository is wanted: any operand, or the first, behind which stand names of branches. */
const REPOSITORIES: ReadonlyMap<string, "any" | "first" | "none"> = new Map([
  ["archive", "none"],
  ["clone", "any"],
  ["fetch", "first"],
  ["fetch-pack", "first"],
  ["ls-remote", "any"],
  ["pull", "first"],
  ["push", "first"],
  ["remote", "any"],
  ["send-pack", "first"],
  ["submodule", "any"],
]);

const REPOSITORY_VALUES = [
  ...["branch", "config", "deepen", "depth", "exec", "filter", "jobs", "negotiation-tip", "origin"],
  ...["push-option", "receive-pack", "reference", "refmap", "repo", "remote", "server-option"],
  ...["shallow-exclude", "shallow-since", "template", "upload-pack"],
];

/** `host:x` in a place where a branch may stand is a host where it has a domain. */
const DOMAIN = /^(?:[^/:@]*@)?[^/:@]*\.[a-z]{2,}:/i;

/** Words that git takes for repositories. */
export function repositoriesIn({ sub, args }: GitLine): readonly Word[] {
  const which = REPOSITORIES.get(sub);
  if (which === undefined) return [];
  const { options, operands } = readLine(args, { values: "bcjou", longValues: REPOSITORY_VALUES });
  const named = options.flatMap(({ name, value }) =>
    name === "repo" || name === "remote" ? [value] : [],
  );
  const found = operands.filter(
    ({ text }, at) => which === "any" || (which === "first" && (at === 0 || DOMAIN.test(text))),
  );
  return [...named, ...found];
}

/** The host of `[user@]host:path` (git-clone(1), GIT URLS); none of a path or URL. */
export function hostOfRepository(text: string): string | undefined {
  return /^(?:[^/:@]*@)?(\[[^\]/]+\]|[^/:@[\]]+):(?!:|\/\/)/.exec(text)?.[1];
}

export interface GitSetting {
  readonly key: string;
  readonly value: Word;
}

/** `key=value` of `-c` and `--config`. */
export function settingIn(word: Word): GitSetting {
  const equals = word.text.indexOf("=");
  const key = equals < 0 ? word.text : word.text.slice(0, equals);
  return { key, value: after(word, equals < 0 ? word.text.length : equals + 1) };
}

/** Every word of `git config …` may be the key of the next one. */
export function settingsOf(args: readonly Word[]): readonly GitSetting[] {
  const words = args.filter((word) => !isOption(word));
  return words.flatMap(({ text }, at) => {
    const value = words[at + 1];
    return value === undefined ? [] : [{ key: text, value }];
  });
}

const HOST_SETTING = /^(?:remote\..*\.(?:(?:push)?url|proxy)|http\.(?:.*\.)?proxy)$/i;

/** Texts of a setting that name where git connects. */
export function placesOf({ key, value }: GitSetting): readonly string[] {
  const [, base] = /^url\.(.*)\.(?:push)?insteadof$/i.exec(key) ?? [];
  if (base !== undefined) return [base];
  if (!HOST_SETTING.test(key)) return [];
  // A proxy may be named without a scheme.
  const isBare = /proxy$/i.test(key) && !value.text.includes("://");
  return [isBare ? `http://${value.text}` : value.text];
}
