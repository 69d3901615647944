/** What the scripts of sed and awk run, read and write. */
import { fixedWord, type Word } from "../shell/tree.ts";
import { readAwk } from "./awk.ts";
import { ELSEWHERE } from "./folders.ts";
import { noteUncertainScript } from "./interpreters.ts";
import { after, readLine } from "./line.ts";
import type { Call, Scope } from "./scope.ts";
import { type SedCommand, sedCommands } from "./sed.ts";
import type { Walk } from "./walk.ts";

/** The letters and names of options that give a script; a name may be cut short. */
const SED_LINE = {
  values: "efl",
  longValues: ["line-length"],
  readOptions: ["expression", "file"],
};

/** Scripts stand behind `-e`, or are the first operand; a file of one may be made as it runs. */
export function followSed(walk: Walk, call: Call): void {
  const { options, operands, doubted } = readLine(call.args, SED_LINE);
  const given = options.filter(({ name }) => /^(?:e|f|expression|file)$/.test(name));
  for (const { name, value } of given) if (name.startsWith("f")) noteScriptFile(walk, value, call);
  const scripts = given.flatMap(({ name, value }) => (name.startsWith("e") ? [value] : []));
  // The first operand may be the value of an option that is not known.
  const certain = operands.findIndex((word) => !doubted.has(word));
  const whole = given.length === 0 ? operands.slice(0, certain + 1) : scripts;
  for (const word of whole) if (ONE_VALUE.test(word.text)) walk.runsComputed(word);
  // Pieces are one script: `-e 's/a/b\\' -e '/e'`.
  const text = whole.map(({ text }) => text).join("\n");
  const read = (script: string) => noteSed(walk, sedCommands(script), call.scope);
  read(text);
  if (whole.some(({ expandsAt }) => expandsAt !== undefined)) walk.inserted.push({ text, read });
}

/** `"$x"`: all of a script is what a variable holds. */
const ONE_VALUE = /^\$(?:\w+|\{[^}]*\}|[@*])$/;

/** What is read as a script stands here, or nobody sees it. */
function noteScriptFile(walk: Walk, value: Word, { scope }: Call): void {
  noteUncertainScript(walk, value);
  if (/^(?:-|\/dev\/(?:stdin|fd\/\d+))$/.test(value.text)) walk.parsed = false;
  else walk.file(walk.reads, value, scope);
}

function noteSed(walk: Walk, commands: readonly SedCommand[], scope: Scope): void {
  if (sedRuns(commands)) walk.parsed = false;
  noteScriptFiles(walk, sedFiles(commands), scope);
}

/** Its program is the first operand, or stands behind `-e`. */
export function followAwk(walk: Walk, call: Call): void {
  const { args, scope } = call;
  const { options, operands } = readLine(args, AWK_LINE);
  for (const { name, value } of options) {
    if (name === "f" || name === "file") noteScriptFile(walk, value, call);
    // gawk's own: the program as it reads it, a profile, its variables.
    if (AWK_WRITES.includes(name)) walk.file(walk.writes, value, scope);
    if (/^(?:l|load)$/.test(name)) walk.parsed = false;
  }
  const given = options.filter(({ name }) => /^(?:e|f|source|file)$/.test(name));
  const sources = given.flatMap(({ name, value }) => (/^[es]/.test(name) ? [value] : []));
  for (const word of given.length === 0 ? operands.slice(0, 1) : sources) {
    if (ONE_VALUE.test(word.text) || word.splits) walk.runsComputed(word);
    const read = (text: string) => noteAwk(walk, text, scope);
    read(word.text);
    if (word.expandsAt !== undefined) walk.inserted.push({ text: word.text, read });
  }
  // `f=file` among the files is a variable, and may be one for `getline`.
  for (const word of operands.slice(1)) {
    const equals = word.text.indexOf("=");
    if (/^\w+=/.test(word.text)) walk.file(walk.reads, after(word, equals + 1), scope);
  }
}

function noteAwk(walk: Walk, program: string, scope: Scope): void {
  const { runs, reads, writes } = readAwk(program);
  if (runs) {
    walk.parsed = false;
    walk.inlineCode = true;
  }
  noteScriptFiles(walk, { reads, writes }, scope);
}

const AWK_WRITES = ["o", "p", "d", "pretty-print", "profile", "dump-variables"];

const AWK_LINE = {
  values: "FvilEeWf",
  longValues: ["field-separator", "assign", "include", "load", "source", "file", "exec"],
  writeOptions: AWK_WRITES.filter((name) => name.length > 1),
};

function noteScriptFiles(walk: Walk, files: ScriptFiles, scope: Scope): void {
  const note = (into: Set<string>, names: ScriptFiles["reads"]) => {
    for (const name of names) {
      if (name !== "" && name !== "-") walk.file(into, fixedWord(name ?? ELSEWHERE), scope);
    }
  };
  note(walk.reads, files.reads);
  note(walk.writes, files.writes);
}

/** GNU sed's `e` and the flag of that name run a program. */
function sedRuns(commands: readonly SedCommand[]): boolean {
  return commands.some(({ verb, text }) => verb === "e" || (verb === "s" && /^[^w]*e/.test(text)));
}

/** Names of files; undefined stands for one that is computed. */
interface ScriptFiles {
  readonly reads: readonly (string | undefined)[];
  readonly writes: readonly (string | undefined)[];
}

/** Files that `r`, `w` and the flag `w` of a sed script name, each up to the end of its line. */
function sedFiles(commands: readonly SedCommand[]): ScriptFiles {
  const [reads, writes]: [string[], string[]] = [[], []];
  for (const { verb, text } of commands) {
    const name = (verb === "s" ? text.replace(/^[^w]*w?/, "") : text).trim();
    if (name === "") continue;
    if (/[rR]/.test(verb)) reads.push(name);
    if (/[swW]/.test(verb)) writes.push(name);
  }
  return { reads, writes };
}
