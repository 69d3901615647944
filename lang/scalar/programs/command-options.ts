/** Options and variables by which a program is told to run another. */
import type { CommandOptions } from "./options.ts";

const FD: CommandOptions = { words: ["-x", "-X", "--exec", "--exec-batch"] };

const MAP_FILE: CommandOptions = { texts: ["-C"] };

const COPY: CommandOptions = { texts: ["-S"] };

export const COMMAND_OPTIONS: ReadonlyMap<string, CommandOptions> = new Map<string, CommandOptions>(
  [
    ["fd", FD],
    ["fdfind", FD],
    ["install", { texts: ["--strip-program"] }],
    ["man", { texts: ["-P", "--pager"], joined: ["-H", "--html"] }],
    ["mapfile", MAP_FILE],
    ["nix", { words: ["-c", "--command"] }],
    ["nix-shell", { texts: ["--run", "--command"] }],
    ["npm", { texts: ["-c", "--call"] }],
    ["npx", { texts: ["-c", "--call"] }],
    ["readarray", MAP_FILE],
    ["rg", { texts: ["--pre", "--hostname-bin"] }],
    ["rsync", { texts: ["-e", "--rsh", "--rsync-path"] }],
    ["scp", COPY],
    ["sftp", COPY],
    ["sort", { texts: ["--compress-program"] }],
    ["split", { texts: ["--filter"] }],
    [
      "tar",
      {
        texts: [
          ...["-F", "-I", "--info-script", "--new-volume-script", "--rmt-command", "--rsh-command"],
          ...["--to-command", "--use-compress-program"],
        ],
      },
    ],
    ["wget", { texts: ["--use-askpass"] }],
    ["zip", { texts: ["-TT", "--unzip-command"] }],
  ],
);

/** Variables whose value a common program runs as a command. */
export const COMMAND_VARIABLES: ReadonlySet<string> = new Set([
  "BROWSER",
  "CC",
  "CXX",
  "EDITOR",
  "GIT_ASKPASS",
  "GIT_EDITOR",
  "GIT_EXTERNAL_DIFF",
  "GIT_PAGER",
  "GIT_PROXY_COMMAND",
  "GIT_SEQUENCE_EDITOR",
  "GIT_SSH",
  "GIT_SSH_COMMAND",
  "LESSCLOSE",
  "LESSOPEN",
  "MANPAGER",
  "PAGER",
  "PROMPT_COMMAND",
  "RSYNC_RSH",
  "RUSTC",
  "RUSTC_WORKSPACE_WRAPPER",
  "RUSTC_WRAPPER",
  "SSH_ASKPASS",
  "SUDO_ASKPASS",
  "SUDO_EDITOR",
  "VISUAL",
]);

/** Variables in which a common program finds options or commands of its own, by which it may run others. */
export const OPTION_VARIABLES: ReadonlySet<string> = new Set([
  ...["EXINIT", "GNUMAKEFLAGS", "MAKEFLAGS", "MANOPT", "MFLAGS", "RIPGREP_CONFIG_PATH"],
  ...["TAR_OPTIONS", "VIMINIT", "ZIPOPT"],
]);
