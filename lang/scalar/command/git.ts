/** What git runs, and where it connects. */
import {
  GIT_COMMAND_OPTIONS,
  GIT_COMMAND_SETTING,
  GIT_COMMAND_TEXTS,
  GIT_HOOKS_SETTING,
  GIT_INCLUDE,
} from "../programs/git.ts";
import { fixedWord, type Word } from "../shell/tree.ts";
import { gitScope, noteGitFiles } from "./git-files.ts";
import {
  type GitLine,
  type GitSetting,
  hostOfRepository,
  placesOf,
  readGit,
  repositoriesIn,
  settingIn,
  settingsOf,
} from "./git-line.ts";
import { hostsOfUrls } from "./host-names.ts";
import { noteHost } from "./hosts.ts";
import { after, isOption, valueOfOption } from "./line.ts";
import { followOptions } from "./option-commands.ts";
import type { Call, Scope } from "./scope.ts";
import { followJoined } from "./texts.ts";
import type { Walk } from "./walk.ts";

export function followGit(walk: Walk, call: Call): void {
  const { args: words, scope } = call;
  words.forEach((word, at) => {
    const next = words[at + 1];
    const setting = word.text === "-c" ? next : valueOfOption(word, ["--config"], next);
    if (setting !== undefined) followSetting(walk, settingIn(setting), scope);
    if (/^ext::/.test(word.text)) walk.inner(after(word, 5), scope);
  });
  followOptions(walk, GIT_COMMAND_TEXTS, call);
  const line = readGit(words);
  if (!line.sound) walk.parsed = false;
  const inside = gitScope(walk, line, scope);
  followSubcommand(walk, line, inside);
  noteGitFiles(walk, line, inside);
  const withUser = words.filter(({ text }) => /^[\w.+-]+@[\w.-]+:/.test(text));
  for (const { text } of [...repositoriesIn(line), ...withUser]) noteRepository(walk, text);
}

function followSubcommand(walk: Walk, { sub, args }: GitLine, scope: Scope): void {
  followOptions(walk, GIT_COMMAND_OPTIONS.get(sub), { args, scope });
  if (sub === "bisect" && args[0]?.text === "run") walk.run(args.slice(1), scope);
  const each = args.findIndex(({ text }) => text === "foreach");
  if (sub === "submodule" && each >= 0) {
    const command = args.slice(each + 1).filter((word) => !isOption(word));
    followJoined(walk, command, scope);
  }
  if (sub === "config") for (const one of settingsOf(args)) followSetting(walk, one, scope);
  if (sub === "filter-branch") walk.parsed = false;
  args.forEach((word, at) => {
    // What stands there may be hooks.
    if (valueOfOption(word, ["--template"], args[at + 1]) !== undefined) walk.parsed = false;
    const server = valueOfOption(word, ["--smtp-server"], args[at + 1]);
    if (sub === "send-email" && server !== undefined) followMailServer(walk, server, scope);
  });
}

function followSetting(walk: Walk, setting: GitSetting, scope: Scope): void {
  const { key, value } = setting;
  // What an expansion stands for may be another setting.
  if (/[$`]/.test(key) || GIT_INCLUDE.test(key)) walk.parsed = false;
  if (GIT_HOOKS_SETTING.test(key) && value.text !== "/dev/null") walk.parsed = false;
  if (GIT_COMMAND_SETTING.test(key)) followGitCommand(walk, value, scope);
  if (/^sendemail\.(?:.*\.)?smtpserver$/i.test(key)) followMailServer(walk, value, scope);
  if (/^core\.worktree$/i.test(key)) walk.file(walk.writes, value, scope);
  for (const place of placesOf(setting)) {
    if (place.startsWith("ext::")) walk.inner(fixedWord(place.slice(5)), scope);
    noteRepository(walk, place);
  }
}

/** A program by its whole path, or a host. */
function followMailServer(walk: Walk, word: Word, scope: Scope): void {
  if (word.text.startsWith("/")) walk.run([word], scope);
  else noteHost(walk, word, "host");
}

/** `!text` is for a shell; else a git alias is a subcommand, and other settings name a program. */
function followGitCommand(walk: Walk, word: Word, scope: Scope): void {
  walk.inner(word.text.startsWith("!") ? after(word, 1) : word, scope);
}

/** `host:path`, or a URL with or without its scheme. */
function noteRepository(walk: Walk, text: string): void {
  if (text.includes("://")) for (const host of hostsOfUrls(text)) walk.host(host);
  else walk.host(hostOfRepository(text) ?? "");
}
