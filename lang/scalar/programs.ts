/**
 * What is known of programs that a shell starts: which run another program, which are given code, where
 * their operands are files or hosts. Tables; `command.ts` reads them.
 */

/** How a program reads its options. An option in neither list makes the command line not understood. */
export interface Options {
  /** Letters that stand alone, and letters that take a value. */
  readonly flags: string;
  readonly values: string;
  /** Long options without their dashes, in the same two kinds. */
  readonly longFlags?: readonly string[];
  readonly longValues?: readonly string[];
  /** Letters whose value stands in the same word or not at all. */
  readonly joined?: string;
}

/** A program whose later arguments are another command line. */
export interface Wrapper extends Options {
  /** How many operands stand before the command: the time of `timeout`. */
  readonly operands?: number;
  /** `NAME=value` may stand before the command. */
  readonly assigns?: true;
  /** With one of these letters nothing is run: `command -v`. */
  readonly asks?: string;
}

export const WRAPPERS: ReadonlyMap<string, Wrapper> = new Map<string, Wrapper>([
  ["builtin", { flags: "", values: "" }],
  ["busybox", { flags: "", values: "" }],
  ["bwrap", { flags: "", values: "" }],
  ["caffeinate", { flags: "dimsu", values: "tw" }],
  ["catchsegv", { flags: "", values: "" }],
  ["chroot", { flags: "", values: "", operands: 1, longValues: ["userspec", "groups"] }],
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
    },
  ],
  ["numactl", { flags: "Hs", values: "CNmip" }],
  [
    "pkexec",
    { flags: "", values: "", longFlags: ["disable-internal-agent"], longValues: ["user"] },
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
    { flags: "cfimnprTuCU", values: "GRSw", longFlags: ["fork", "mount-proc", "map-root-user"] },
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

/** The same programs under other names. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  [".", "source"],
  ["[", "test"],
  ["gtimeout", "timeout"],
  ["gfind", "find"],
  ["gsed", "sed"],
  ["gxargs", "xargs"],
  ["genv", "env"],
  ["grm", "rm"],
]);

/** Programs that act with another person's or the administrator's rights. */
export const PRIVILEGED: ReadonlySet<string> = new Set([
  "sudo",
  "sudoedit",
  "doas",
  "su",
  "pkexec",
  "runuser",
  "run0",
  "gosu",
  "su-exec",
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

/** Shells: `-c` gives them a text of this language; without operand they read one from their input. */
export const SHELLS: ReadonlyMap<string, Options> = new Map(
  ["sh", "bash", "dash", "ash", "zsh", "ksh", "ksh93", "mksh", "rbash", "yash"].map((name) => [
    name,
    {
      flags: "abcefhiklmnpqrstuvxBCDEHPTx",
      values: "oO",
      longFlags: ["login", "norc", "noprofile", "posix", "restricted", "verbose", "noediting"],
      longValues: ["rcfile", "init-file"],
    },
  ]),
);

/** Interpreters of other languages: what gives them code in the command line, and which options take a value. */
export interface Interpreter {
  readonly inline: readonly string[];
  /** Long forms, and subcommands. */
  readonly inlineWords?: readonly string[];
  readonly values: string;
  readonly longValues?: readonly string[];
  /** With one of these the program is a module, not the input. */
  readonly modules?: string;
}

const PYTHON: Interpreter = { inline: ["c"], values: "WXQ", modules: "m" };
const NODE: Interpreter = {
  inline: ["e", "p"],
  inlineWords: ["--eval", "--print"],
  values: "rC",
  longValues: ["require", "import", "loader", "conditions", "env-file", "input-type"],
};
const LISP: Interpreter = { inline: ["e"], inlineWords: ["--eval", "--exec"], values: "lL" };

export const INTERPRETERS: ReadonlyMap<string, Interpreter> = new Map([
  ["python", PYTHON],
  ["pypy", PYTHON],
  ["ipython", PYTHON],
  ["jython", PYTHON],
  ["perl", { inline: ["e", "E"], values: "", modules: "" }],
  ["ruby", { inline: ["e"], values: "rIC" }],
  ["node", NODE],
  ["nodejs", NODE],
  ["bun", { ...NODE, inlineWords: ["--eval", "--print"] }],
  ["deno", { inline: [], inlineWords: ["eval"], values: "c" }],
  ["tsx", NODE],
  ["ts-node", NODE],
  ["php", { inline: ["r", "B", "R", "E"], values: "cdz" }],
  ["lua", { inline: ["e"], values: "l" }],
  ["luajit", { inline: ["e"], values: "l" }],
  ["Rscript", { inline: ["e"], values: "" }],
  ["R", { inline: ["e"], values: "f" }],
  ["tclsh", { inline: [], values: "" }],
  ["expect", { inline: ["c"], values: "f" }],
  ["osascript", { inline: ["e"], values: "l" }],
  [
    "pwsh",
    { inline: ["c"], inlineWords: ["-Command", "-EncodedCommand", "-command"], values: "f" },
  ],
  ["powershell", { inline: ["c"], inlineWords: ["-Command", "-EncodedCommand"], values: "f" }],
  ["fish", { inline: ["c", "C"], values: "" }],
  ["csh", { inline: ["c"], values: "" }],
  ["tcsh", { inline: ["c"], values: "" }],
  ["elixir", { inline: ["e"], values: "r" }],
  ["erl", { inline: [], inlineWords: ["-eval"], values: "" }],
  ["groovy", { inline: ["e"], values: "" }],
  ["julia", { inline: ["e", "E"], values: "L" }],
  ["guile", { inline: ["c"], values: "lL" }],
  ["sbcl", LISP],
  ["gdb", { inline: [], inlineWords: ["-ex", "--ex", "-eval-command"], values: "x" }],
]);

/** `python3.12` is `python`. */
export function interpreterNamed(program: string): Interpreter | undefined {
  if (program.length > 32) return undefined;
  return INTERPRETERS.get(program) ?? INTERPRETERS.get(program.replace(/[\d.]+$/, ""));
}

/** Options by which a program is told to run another. */
export interface CommandOptions {
  /** Their value is a command, as one text. */
  readonly texts?: readonly string[];
  /** The same, where the value stands in the same word or not at all. */
  readonly joined?: readonly string[];
  /** The words behind them, up to a `;`, are one. */
  readonly words?: readonly string[];
}

const FD: CommandOptions = { words: ["-x", "-X", "--exec", "--exec-batch"] };
const MAP_FILE: CommandOptions = { texts: ["-C"] };
const COPY: CommandOptions = { texts: ["-S"] };

export const COMMAND_OPTIONS: ReadonlyMap<string, CommandOptions> = new Map<string, CommandOptions>(
  [
    ["fd", FD],
    ["fdfind", FD],
    ["install", { texts: ["--strip-program"] }],
    ["man", { texts: ["-P", "--pager"] }],
    ["mapfile", MAP_FILE],
    ["nix", { words: ["-c", "--command"] }],
    ["nix-shell", { texts: ["--run", "--command"] }],
    ["npm", { texts: ["--call"] }],
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
    ["zip", { texts: ["-TT", "--unzip-command"] }],
  ],
);

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

/** Editors and pagers: arguments that begin so are commands of theirs, which can start any program. */
const VI = /^(?:\+|-c|-S|--cmd)/;

export const EDITOR_COMMANDS: ReadonlyMap<string, RegExp> = new Map<string, RegExp>([
  ...["vi", "vim", "nvim", "view", "vimdiff", "gvim", "ex"].map((name): [string, RegExp] => [
    name,
    VI,
  ]),
  ["emacs", /^(?:-f|-l|--?(?:eval|execute|funcall|load|script))/],
  ["less", /^\+.*[!|]/s],
]);

/** Builtins that change what later words mean in ways that are not followed. */
export const OPAQUE: ReadonlySet<string> = new Set([
  "bind",
  "compgen",
  "complete",
  "enable",
  "fc",
  "parallel",
  "setarch",
  "start-stop-daemon",
]);

/** The program that starts programs: given one, it is it. */
export const LOADER = /^ld(?:-linux[\w-]*)?\.so/;

/** Variables whose value a common program runs as a command. */
export const COMMAND_VARIABLES: ReadonlySet<string> = new Set([
  "BROWSER",
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
  "SSH_ASKPASS",
  "SUDO_ASKPASS",
  "SUDO_EDITOR",
  "VISUAL",
]);

/** Variables that say where to connect instead. */
export const PROXY_VARIABLE = /^(?:https?|ftp|rsync|socks|all)_proxy$/i;

/** Variables by which git has settings or programs that the text does not show. */
export const GIT_VARIABLE = /^GIT_(?:CONFIG(?!_NOSYSTEM)|EXEC_PATH|TEMPLATE_DIR)/;

/** Settings of git that name further ones. */
export const GIT_INCLUDE = /^include(?:if\..*)?\.path$/i;

/** Settings of git (`-c key=value`) whose value git runs as a command. */
export const GIT_COMMAND_SETTING =
  /^(?:alias\..*|core\.(?:pager|editor|sshcommand|fsmonitor|gitproxy|askpass)|diff\.external|sequence\.editor|credential\..*|.*\.(?:cmd|command|textconv|driver|clean|smudge|process|helper|program|pager))$/i;

/** Which operands of a program it reads, writes (or makes, or changes the mode of) and removes. */
export interface FileUse {
  readonly reads?: Operands;
  readonly writes?: Operands;
  readonly deletes?: Operands;
  /** Letters and long options that take a value, so that it is not taken for an operand. */
  readonly values?: string;
  readonly longValues?: readonly string[];
  /** Options whose value is a file that is read or written. */
  readonly readOptions?: readonly string[];
  readonly writeOptions?: readonly string[];
}

/** `rest` is all but the first, `sources` all but the last, `target` the last. */
export type Operands = "all" | "rest" | "sources" | "target";

const READS_ALL: FileUse = { reads: "all" };
const GREP: FileUse = {
  reads: "rest",
  values: "ABCDdefm",
  longValues: ["include", "exclude", "exclude-dir", "color", "max-count", "context"],
  readOptions: ["f", "file"],
};

export const FILE_USES: ReadonlyMap<string, FileUse> = new Map<string, FileUse>([
  ...["cat", "tac", "nl", "less", "more", "bat", "strings", "xxd", "source", "wc", "zcat"].map(
    (name): [string, FileUse] => [name, READS_ALL],
  ),
  ...["md5sum", "sha1sum", "sha256sum", "sha512sum", "cmp", "comm", "file", "readlink"].map(
    (name): [string, FileUse] => [name, READS_ALL],
  ),
  ["diff", { reads: "all", values: "CUWIxX", longValues: ["exclude", "label"] }],
  ["head", { reads: "all", values: "nc", longValues: ["lines", "bytes"] }],
  ["tail", { reads: "all", values: "ncs", longValues: ["lines", "bytes", "pid"] }],
  ["sort", { reads: "all", values: "koSTt", writeOptions: ["o", "output"] }],
  ["cut", { reads: "all", values: "bcdf" }],
  ["od", { reads: "all", values: "AjNStw" }],
  ["hexdump", { reads: "all", values: "efns" }],
  ["base64", { reads: "all", values: "w", longValues: ["wrap"] }],
  ["base32", { reads: "all", values: "w" }],
  ["uniq", { reads: "all", writes: "rest", values: "fsw" }],
  ["split", { reads: "all", writes: "rest", values: "abClnt" }],
  ["csplit", { reads: "all", values: "bn", writeOptions: ["f", "prefix"] }],
  ["unzip", { reads: "all", values: "PxX", writeOptions: ["d"] }],
  ...["gcc", "g++", "cc", "c++", "clang", "clang++", "ld", "go"].map((name): [string, FileUse] => [
    name,
    { writeOptions: ["o"] },
  ]),
  ["gpg", { writeOptions: ["o", "output"] }],
  ["patch", { writes: "all", values: "pdiorBDFVYz", writeOptions: ["o", "output", "d"] }],
  ["mknod", { writes: "all", values: "m" }],
  ["ssh-keygen", { writeOptions: ["f"] }],
  ["grep", GREP],
  ["egrep", GREP],
  ["fgrep", GREP],
  ["zgrep", GREP],
  ["rg", { ...GREP, values: "ABCEefgjmMrtT" }],
  ["jq", { reads: "rest", readOptions: ["f", "from-file"] }],
  ["tee", { writes: "all" }],
  [
    "cp",
    { reads: "sources", writes: "target", values: "St", writeOptions: ["t", "target-directory"] },
  ],
  [
    "mv",
    {
      reads: "sources",
      writes: "target",
      deletes: "sources",
      values: "St",
      writeOptions: ["t", "target-directory"],
    },
  ],
  [
    "ln",
    { reads: "sources", writes: "target", values: "St", writeOptions: ["t", "target-directory"] },
  ],
  [
    "install",
    {
      reads: "sources",
      writes: "target",
      values: "gmoSt",
      writeOptions: ["t", "target-directory"],
    },
  ],
  ["rsync", { reads: "sources", writes: "target", values: "efBMT", longValues: ["exclude"] }],
  ["scp", { reads: "sources", writes: "target", values: "cDFiJloPSX", readOptions: ["F", "i"] }],
  ["rm", { deletes: "all" }],
  ["rmdir", { deletes: "all" }],
  ["unlink", { deletes: "all" }],
  ["shred", { deletes: "all", values: "ns" }],
  ["truncate", { writes: "all", values: "sr", longValues: ["size", "reference"] }],
  ["touch", { writes: "all", values: "drt", longValues: ["date", "reference"] }],
  ["mkdir", { writes: "all", values: "m", longValues: ["mode"] }],
  ["mkfifo", { writes: "all", values: "m" }],
  ["chmod", { writes: "rest", longValues: ["reference"] }],
  ["chown", { writes: "rest", longValues: ["reference", "from"] }],
  ["chgrp", { writes: "rest", longValues: ["reference"] }],
  ["sed", { reads: "rest", values: "efl", longValues: ["expression", "file"], readOptions: ["f"] }],
  ...["awk", "gawk", "mawk", "nawk"].map((name): [string, FileUse] => [
    name,
    { reads: "rest", values: "fFiv", readOptions: ["f"] },
  ]),
  ["perl", { values: "eEIMm" }],
  ["ruby", { values: "eIrC" }],
  [
    "curl",
    {
      writeOptions: [
        ...["o", "output", "output-dir", "D", "dump-header", "c", "cookie-jar", "trace"],
        ...["trace-ascii", "stderr", "etag-save", "alt-svc", "hsts", "libcurl"],
      ],
      readOptions: ["T", "upload-file", "K", "config", "E", "cert", "key", "b", "cookie"],
    },
  ],
  [
    "wget",
    {
      writeOptions: [
        ...["O", "output-document", "o", "output-file", "a", "append-output"],
        ...["P", "directory-prefix", "save-cookies", "hsts-file", "warc-file", "rejected-log"],
      ],
      readOptions: ["i", "input-file", "post-file", "body-file", "load-cookies", "config"],
    },
  ],
]);

/** Programs that reach a host named by an operand, with or without a scheme. */
export interface HostUse {
  /** `host`: `[user@]host[:port]`; `url`: the scheme may be left out; `remote`: `[user@]host:path`. */
  readonly form: "host" | "url" | "remote";
  /** Only the first operand. */
  readonly first?: true;
  readonly values: string;
  readonly longValues?: readonly string[];
  /** Options whose value names a host too. */
  readonly hostOptions?: readonly string[];
  /** Options whose value is a file that names hosts. */
  readonly listOptions?: readonly string[];
}

const CURL_LONG_VALUES = [
  "request",
  "header",
  "data",
  "data-raw",
  "data-binary",
  "data-urlencode",
  "data-ascii",
  "json",
  "form",
  "form-string",
  "user",
  "user-agent",
  "referer",
  "output",
  "output-dir",
  "cookie",
  "cookie-jar",
  "config",
  "cert",
  "cert-type",
  "key",
  "key-type",
  "cacert",
  "capath",
  "ciphers",
  "connect-timeout",
  "max-time",
  "max-redirs",
  "retry",
  "retry-delay",
  "retry-max-time",
  "proto",
  "proto-default",
  "proto-redir",
  "range",
  "write-out",
  "upload-file",
  "dump-header",
  "limit-rate",
  "interface",
  "proxy-user",
  "noproxy",
  "tls-max",
  "trace",
  "trace-ascii",
  "stderr",
];

export const HOST_USES: ReadonlyMap<string, HostUse> = new Map<string, HostUse>([
  [
    "curl",
    {
      form: "url",
      values: "AbcCdDeEFhHKmnoPQrtTuUwxXyYz",
      longValues: CURL_LONG_VALUES,
      hostOptions: [
        "x",
        "proxy",
        "preproxy",
        "socks5",
        "socks5-hostname",
        "url",
        "connect-to",
        "resolve",
        "doh-url",
      ],
      listOptions: ["K", "config"],
    },
  ],
  [
    "wget",
    {
      form: "url",
      values: "aAbBDeiIlnoOPQRtTUwX",
      longValues: [
        "header",
        "post-data",
        "post-file",
        "body-data",
        "body-file",
        "method",
        "user",
        "password",
        "output-document",
        "output-file",
        "directory-prefix",
        "tries",
        "timeout",
        "user-agent",
        "level",
        "accept",
        "reject",
        "execute",
        "wait",
      ],
      listOptions: ["i", "input-file"],
    },
  ],
  ["http", { form: "url", first: true, values: "aAops" }],
  ["https", { form: "url", first: true, values: "aAops" }],
  ["aria2c", { form: "url", values: "djkosx", listOptions: ["i", "input-file"] }],
  ["lynx", { form: "url", values: "" }],
  ["w3m", { form: "url", values: "" }],
  ["links", { form: "url", values: "" }],
  ["ssh", { form: "host", first: true, values: "BbcDEeFIiJLlmOopPQRSWw", hostOptions: ["J"] }],
  ["mosh", { form: "host", first: true, values: "" }],
  ["ssh-copy-id", { form: "host", values: "ip" }],
  ["ssh-keyscan", { form: "host", values: "fpTt" }],
  ["scp", { form: "remote", values: "cDFiJloPSX", hostOptions: ["J"] }],
  ["sftp", { form: "host", first: true, values: "BbcDFiJloPRSsX", hostOptions: ["J"] }],
  ["rsync", { form: "remote", values: "efBMT" }],
  ["nc", { form: "host", first: true, values: "ceGgIiMmOoPpqsTVWwXx", hostOptions: ["x"] }],
  ["ncat", { form: "host", first: true, values: "ceGgimopswx" }],
  ["netcat", { form: "host", first: true, values: "ceGgIimOoPpqsTVWwXx" }],
  ["telnet", { form: "host", first: true, values: "beln" }],
  ["ftp", { form: "host", first: true, values: "" }],
  ["tftp", { form: "host", first: true, values: "c" }],
  ["ping", { form: "host", values: "cIiLMmOpQSsTtwW" }],
  ["dig", { form: "host", values: "bcfkmpqtxy" }],
  ["nslookup", { form: "host", values: "" }],
  ["host", { form: "host", values: "cmNRtW" }],
  ["whois", { form: "host", values: "hp", hostOptions: ["h"] }],
  ["traceroute", { form: "host", first: true, values: "fgimNpqstwz" }],
  ["nmap", { form: "host", values: "pigeoSDTm" }],
]);

/** Programs whose arguments are text for people or patterns: an URL in them is not visited. */
export const TEXT_ONLY: ReadonlySet<string> = new Set([
  ":",
  "echo",
  "egrep",
  "fgrep",
  "false",
  "grep",
  "printf",
  "rg",
  "sed",
  "test",
  "true",
]);
