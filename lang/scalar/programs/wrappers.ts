/** Programs whose later arguments are another command line. */
import type { Options } from "./options.ts";

export interface Wrapper extends Options {
  /** How many operands stand before the command: the time of `timeout`. */
  readonly operands?: number;
  /** `NAME=value` may stand before the command. */
  readonly assigns?: true;
  /** Options whose value is the folder that the command is run in. */
  readonly folderOptions?: readonly string[];
  /** Options by which it is run in another folder, not told here; of `always`, without any. */
  readonly leaves?: readonly string[] | "always";
  /** With one of these letters nothing is run: `command -v`. */
  readonly asks?: string;
}

export const WRAPPERS: ReadonlyMap<string, Wrapper> = new Map<string, Wrapper>([
  ["builtin", { flags: "", values: "" }],
  ["busybox", { flags: "", values: "" }],
  ["bwrap", { flags: "", values: "" }],
  ["caffeinate", { flags: "dimsu", values: "tw" }],
  ["catchsegv", { flags: "", values: "" }],
  [
    "chroot",
    { flags: "", values: "", operands: 1, longValues: ["userspec", "groups"], leaves: "always" },
  ],
  ["chronic", { flags: "ev", values: "" }],
  ["chrt", { flags: "abdfiormpv", values: "TPD", operands: 1 }],
  ["command", { flags: "pvV", values: "", asks: "vV" }],
  ["cpulimit", { flags: "bfivz", values: "lpPe", longValues: ["limit"] }],
  ["dbus-run-session", { flags: "", values: "", longValues: ["config-file"] }],
  ["dumb-init", { flags: "cv", values: "r", longFlags: ["single-child"] }],
  ["eatmydata", { flags: "", values: "" }],
  ["doas", { flags: "nLs", values: "uC" }],
  [
    "env",
    {
      flags: "i0v",
      values: "uC",
      assigns: true,
      longFlags: ["ignore-environment", "null", "debug"],
      longValues: ["unset", "chdir"],
      folderOptions: ["-C", "--chdir"],
    },
  ],
  ["exec", { flags: "cl", values: "a" }],
  ["fakeroot", { flags: "", values: "ils" }],
  ["firejail", { flags: "", values: "" }],
  ["flock", { flags: "sxeunoFv", values: "wE", operands: 1, longValues: ["timeout", "wait"] }],
  ["gosu", { flags: "", values: "", operands: 1 }],
  ["ionice", { flags: "t", values: "cn", longValues: ["class", "classdata"] }],
  ["linux32", { flags: "", values: "" }],
  ["linux64", { flags: "", values: "" }],
  ["ltrace", { flags: "cCfirStT", values: "aeloFns" }],
  ["nice", { flags: "0123456789", values: "n", longValues: ["adjustment"] }],
  ["nocorrect", { flags: "", values: "" }],
  ["noglob", { flags: "", values: "" }],
  ["nohup", { flags: "", values: "" }],
  [
    "nsenter",
    {
      flags: "aFZmuinpUCTrw",
      values: "tSG",
      longFlags: ["all", "mount", "uts", "ipc", "net", "pid", "cgroup", "user", "no-fork"],
      longValues: ["target", "setuid", "setgid"],
      leaves: "always",
    },
  ],
  ["numactl", { flags: "Hs", values: "CNmip" }],
  [
    "pkexec",
    {
      flags: "",
      values: "",
      longFlags: ["disable-internal-agent"],
      longValues: ["user"],
      leaves: "always",
    },
  ],
  ["prlimit", { flags: "", values: "", longFlags: ["nofile", "nproc", "as", "cpu", "core"] }],
  ["proxychains", { flags: "q", values: "f" }],
  ["proxychains4", { flags: "q", values: "f" }],
  ["rlwrap", { flags: "cirnNRW", values: "bCDefHlmMopPqsStzw" }],
  ["runcon", { flags: "c", values: "turl" }],
  [
    "setpriv",
    { flags: "", values: "", longFlags: ["no-new-privs", "clear-groups", "init-groups"] },
  ],
  ["setsid", { flags: "cfw", values: "", longFlags: ["ctty", "fork", "wait"] }],
  ["ssh-agent", { flags: "csdDk", values: "atEOP" }],
  ["stdbuf", { flags: "", values: "ioe", longValues: ["input", "output", "error"] }],
  ["strace", { flags: "cCdfFhiknqrtTvVwxyzZ", values: "abeEIoOpPsSuUX" }],
  ["su-exec", { flags: "", values: "", operands: 1 }],
  [
    "sudo",
    {
      flags: "ABbEeHiKklNnPSs",
      values: "CDgpRrTtUuh",
      assigns: true,
      longFlags: ["background", "preserve-env", "set-home", "login", "non-interactive", "stdin"],
      longValues: ["user", "group", "chdir", "chroot", "prompt", "host"],
      folderOptions: ["-D", "--chdir"],
      leaves: ["-i", "-R", "--login", "--chroot"],
    },
  ],
  ["systemd-inhibit", { flags: "", values: "", longValues: ["what", "who", "why", "mode"] }],
  [
    "systemd-run",
    {
      flags: "tPdGrSq",
      values: "upMHE",
      longFlags: ["user", "system", "scope", "wait", "pty", "pipe", "quiet", "collect", "no-block"],
      longValues: ["unit", "property", "description", "slice", "uid", "gid", "setenv", "machine"],
      leaves: "always",
    },
  ],
  ["taskset", { flags: "a", values: "", operands: 1 }],
  ["time", { flags: "apqvV", values: "fo", longFlags: ["portability", "verbose"] }],
  [
    "timeout",
    {
      flags: "fpv",
      values: "ks",
      operands: 1,
      longFlags: ["foreground", "preserve-status", "verbose"],
      longValues: ["signal", "kill-after"],
    },
  ],
  ["tini", { flags: "gsv", values: "pe" }],
  ["torify", { flags: "", values: "" }],
  ["torsocks", { flags: "", values: "" }],
  ["toybox", { flags: "", values: "" }],
  ["unbuffer", { flags: "p", values: "" }],
  [
    "unshare",
    {
      flags: "cfimnprTuCU",
      values: "GRSw",
      longFlags: ["fork", "mount-proc", "map-root-user"],
      folderOptions: ["-w", "--wd"],
      leaves: ["-R", "--root"],
    },
  ],
  ["xvfb-run", { flags: "al", values: "efnpsw", longFlags: ["auto-servernum"] }],
]);

/** Programs that start another in an environment of its own, behind one of these words; without words at once. */
export const RUNNERS: ReadonlyMap<string, readonly string[]> = new Map([
  ["bun", ["x"]],
  ["bundle", ["exec"]],
  ["bunx", []],
  ["conda", ["run"]],
  ["hatch", ["run"]],
  ["mamba", ["run"]],
  ["micromamba", ["run"]],
  ["npm", ["exec", "x"]],
  ["npx", []],
  ["pdm", ["run"]],
  ["pipenv", ["run"]],
  ["pipx", ["run"]],
  ["pixi", ["run"]],
  ["pnpm", ["exec", "dlx"]],
  ["poetry", ["run"]],
  ["rye", ["run"]],
  ["uv", ["run"]],
  ["uvx", []],
  ["yarn", ["exec", "dlx"]],
]);

export const XARGS: Options = {
  flags: "0oprtx",
  values: "aEIJLnPRsd",
  joined: "eil",
  longFlags: ["null", "no-run-if-empty", "interactive", "verbose", "exit", "open-tty"],
  longValues: [
    "arg-file",
    "delimiter",
    "max-args",
    "max-procs",
    "max-lines",
    "max-chars",
    "replace",
  ],
};
