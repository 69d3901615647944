/** Ways to tell git to run a program, or where to find one. */
import type { CommandOptions } from "./options.ts";

/** Of git, whatever the subcommand. */
export const GIT_COMMAND_TEXTS: CommandOptions = {
  texts: ["--exec", "--upload-pack", "--receive-pack"],
};

/** And the same of subcommands of git. */
export const GIT_COMMAND_OPTIONS: ReadonlyMap<string, CommandOptions> = new Map<
  string,
  CommandOptions
>([
  ["clone", { texts: ["-u"] }],
  ["daemon", { texts: ["--access-hook"] }],
  ["difftool", { texts: ["-x", "--extcmd"] }],
  ["grep", { joined: ["-O", "--open-files-in-pager"] }],
  ["instaweb", { texts: ["-d", "--httpd"] }],
  ["rebase", { texts: ["-x"] }],
  ["send-email", { texts: ["--sendmail-cmd", "--to-cmd", "--cc-cmd", "--header-cmd"] }],
]);

/** Variables by which git has settings or programs that the text does not show. */
export const GIT_VARIABLE = /^GIT_(?:CONFIG(?!_NOSYSTEM)|EXEC_PATH|TEMPLATE_DIR)/;

/** Settings of git that name further ones. */
export const GIT_INCLUDE = /^include(?:if\..*)?\.path$/i;

/** Settings of git (`-c key=value`) whose value git runs as a command. */
export const GIT_COMMAND_SETTING =
  /^(?:(?:alias|credential|pager)\..*|core\.(?:pager|editor|sshcommand|fsmonitor|gitproxy|askpass|alternaterefscommand)|diff\.external|sequence\.editor|interactive\.difffilter|uploadpack\.packobjectshook|(?:browser|difftool|guitool|man|mergetool)\..*\.path|.*\.(?:\w*cmd|command|textconv|driver|clean|smudge|process|helper|program|pager|uploadpack|receivepack|vcs))$/i;

/** Settings of git that name where hooks are, or hooks to be. */
export const GIT_HOOKS_SETTING = /^(?:core\.hookspath|init\.templatedir)$/i;
