/** Programs that are given code. */
import type { Options } from "./options.ts";

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

const INTERPRETERS: ReadonlyMap<string, Interpreter> = new Map([
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
