/** Variables: what a text gives to which, and what that changes. */
import { COMMAND_VARIABLES, OPTION_VARIABLES } from "../programs/command-options.ts";
import { WRITTEN_VARIABLE } from "../programs/file-uses.ts";
import { GIT_VARIABLE } from "../programs/git.ts";
import { PROXY_VARIABLE, SOURCE_VARIABLE } from "../programs/host-uses.ts";
import { SHELLS } from "../programs/interpreters.ts";
import { DECLARES } from "../shell/simple.ts";
import { type Command, fixedWord, type Word } from "../shell/tree.ts";
import { isArrayText, isPlain } from "./evaluated.ts";
import { noteMentioned } from "./files.ts";
import { noteHost, noteUrls } from "./hosts.ts";
import { after, hasLetter } from "./line.ts";
import { apart, type Call, NOTHING, type Scope } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** What a shell calls by another name from then on. */
const REBINDS: ReadonlySet<string> = new Set(["BASH_ALIASES", "BASH_CMDS"]);

/** Expanded, substitutions and all, when a shell shows them (`PS4` after `set -x`) or starts (`BASH_ENV`). */
const EXPANDED = /^(?:PS\d|BASH_ENV|ENV)$/;

/** Variables that are numbers wherever a shell starts. */
const NUMBERS: ReadonlySet<string> = new Set([
  ...["EPOCHREALTIME", "EPOCHSECONDS", "HISTCMD", "LINENO", "OPTIND", "RANDOM", "SECONDS"],
  "SRANDOM",
]);

export function noteAssignments(walk: Walk, command: Command, scope: Scope): void {
  const [first, ...words] = command.kind === "simple" ? command.words : [];
  const alias = first?.text === "alias";
  // `declare -n x=PATH`: whatever is given to x is given to PATH.
  const isReference = words.some(({ text }) => /^-\w*n/.test(text));
  for (const { name, values } of command.assignments) {
    walk.variables.add(name);
    if (REBINDS.has(name)) walk.parsed = false;
    for (const value of values) {
      walk.substitutions(value, scope);
      walk.gives(value);
      if (!isPlain(value)) walk.carriesCode = true;
      if (EXPANDED.test(name) && /[$`]/.test(value.text)) walk.parsed = false;
      if (isReference) walk.variables.add(value.text);
      noteMentioned(walk, value, scope);
      noteSpecialVariable(walk, name, value, scope);
      if (alias) walk.later(scope, (there) => walk.inner(value, there));
      else if (COMMAND_VARIABLES.has(name)) walk.inner(value, apart(scope));
    }
  }
  noteDeclared(walk, command, first?.text ?? "", words);
}

/**
 * `declare -a a=$b` reads the value of b as a shell reads `a=(…)`, and so does `declare a=$b` where a is an array; a
 * number is evaluated as it is given.
 */
function noteDeclared(
  walk: Walk,
  { assignments }: Command,
  program: string,
  args: readonly Word[],
): void {
  for (const { name, isArray } of assignments) {
    if (isArray) walk.arrays.add(name);
    if (NUMBERS.has(name)) walk.evaluates = true;
  }
  if (!DECLARES.has(program)) return;
  const makesArray = args.some(({ text }) => hasLetter(text, "aA"));
  const isArray = (name: string) => makesArray || walk.arrays.has(name);
  for (const { name, values, isArray: isList } of assignments) {
    const [value] = values;
    if (isList || value === undefined || !isArray(name)) continue;
    if (value.expandsAt !== undefined) walk.evaluates = true;
    if (isArrayText(value)) walk.parsed = false;
  }
  for (const word of args) {
    const [, name = ""] = /^(\w+)\+?=/.exec(word.text) ?? [];
    if (word.expandsAt !== undefined && isArray(name)) walk.evaluates = true;
  }
}

/** `NAME=value` among the arguments of `env` or `sudo`. */
export function noteEnvironment(walk: Walk, word: Word, scope: Scope): void {
  const equals = word.text.indexOf("=");
  const name = word.text.slice(0, equals);
  const value = after(word, equals + 1);
  walk.variables.add(name);
  walk.gives(value);
  if (!isPlain(value)) walk.carriesCode = true;
  if (EXPANDED.test(name) && /[$`]/.test(value.text)) walk.parsed = false;
  if (word.expandsAt !== undefined && word.expandsAt < equals) walk.parsed = false;
  // A function for a bash started below: `BASH_FUNC_ls%%=() { …; }`.
  if (!/^[A-Za-z_]\w*$/.test(name)) walk.parsed = false;
  if (COMMAND_VARIABLES.has(name)) walk.inner(value, apart(scope));
  noteMentioned(walk, value, scope);
  noteSpecialVariable(walk, name, value, scope);
}

/** What common programs take from a variable: hosts, options, files that they write. */
function noteSpecialVariable(walk: Walk, name: string, value: Word, scope: Scope): void {
  if (GIT_VARIABLE.test(name) && value.text !== "/dev/null") walk.parsed = false;
  if (OPTION_VARIABLES.has(name)) walk.parsed = false;
  // `+!command` is a key that less is to press.
  if (name === "LESS" && value.text.includes("+")) walk.parsed = false;
  if (WRITTEN_VARIABLE.test(name) && !/^(?:\d*|true|false)$/.test(value.text)) {
    walk.file(walk.writes, value, scope);
  }
  if (SOURCE_VARIABLE.test(name)) noteUrls(walk, value);
  // Every connection goes to the host of such a variable.
  if (!PROXY_VARIABLE.test(name)) return;
  noteUrls(walk, value);
  noteHost(walk, value, "url");
}

export function noteNames(walk: Walk, { args }: Call): void {
  for (const { text } of args) if (/^[A-Za-z_]\w*$/.test(text)) walk.variables.add(text);
}

/** `read x`, given what stands here or not. */
export function noteNamesRead(walk: Walk, call: Call): void {
  noteNamesInInput(walk, call.scope);
  noteNames(walk, call);
}

/** A text that stands here, and is taken apart into names. */
export function noteNamesInInput(walk: Walk, { input, ...scope }: Scope): void {
  if (input.kind !== "text") return;
  for (const name of input.word.text.split(/\s+/)) {
    walk.gives(fixedWord(name));
    noteMentioned(walk, fixedWord(name), { ...scope, input: NOTHING });
  }
}

/** `printf -v name …` gives the name a value that it makes. */
export function followPrintf(walk: Walk, { args: [option, name] }: Call): void {
  if (option === undefined || !option.text.startsWith("-v")) return;
  walk.carriesCode = true;
  walk.givesOption = true;
  const named = option.text.length > 2 ? after(option, 2) : name;
  walk.variables.add(named?.text ?? "");
  // Its index is evaluated: `printf -v "$1"` given `a[$(rm)]`.
  if (named?.expandsAt !== undefined) walk.evaluates = true;
}

/** Arguments of functions, of `set` and of a shell are `$1`, `$2` … there. */
export function noteArgumentsGiven(walk: Walk, program: string, args: readonly Word[]): void {
  const isOwn = walk.functions.has(program);
  if (!isOwn && program !== "set" && !SHELLS.has(program)) return;
  const first = args.findIndex(({ text }) => text === "--" || !/^[-+]./.test(text));
  const from = isOwn ? 0 : first;
  if (from >= 0) for (const word of args.slice(from)) walk.gives(word);
}
