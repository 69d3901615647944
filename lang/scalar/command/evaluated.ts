/** Builtins that evaluate names, indexes and numbers, and with them what stands in a variable's value. */
import { SHELLS } from "../programs/interpreters.ts";
import { DECLARES } from "../shell/simple.ts";
import type { Word } from "../shell/tree.ts";
import type { Walk } from "./walk.ts";

/** Builtins that evaluate an index in a variable's name, and with it what `$(…)` stands in that. */
const EVALUATES: ReadonlySet<string> = new Set([
  ...["declare", "export", "let", "local", "mapfile", "printf", "read", "readarray", "readonly"],
  ...["test", "typeset", "unset", "wait"],
]);

/** Builtins that give variables what they read: whatever it is. */
const READS_VALUES: ReadonlySet<string> = new Set(["mapfile", "read", "readarray"]);

const NUMBERS_OR_NAMES = /^[-+]\w*[in]/;

/** `$x`, `${x}`, `$((…))` */
const PLAIN_EXPANSION = /\$(?:\w+|[@*#?$!-]|\{\w+\}|\(\([\w\s+*/%<>=!&|?:,$-]*\)\))/g;

/** Whether what a builtin is given is evaluated, and whether that may run what the text does not show. */
export function noteEvaluation(walk: Walk, program: string, args: readonly Word[]): void {
  if (EVALUATES.has(program) && args.some(isLoaded)) walk.parsed = false;
  // A text `a=(…)` is read as a shell does, quoted as well.
  if (DECLARES.has(program) && args.some(isArrayText)) walk.parsed = false;
  if (evaluatesArguments(program, args)) walk.evaluates = true;
  if (READS_VALUES.has(program)) walk.carriesCode = true;
}

/** Whether a builtin evaluates arithmetic or indexes that stand in its arguments, or shows a prompt. */
function evaluatesArguments(program: string, args: readonly Word[]): boolean {
  const has = (pattern: RegExp) => args.some(({ text }) => pattern.test(text));
  if (program === "let") return true;
  if (program === "set" || SHELLS.has(program)) return has(/^-\w*x|^xtrace$/);
  if (program === "test") return has(/^-[vR]$/);
  return EVALUATES.has(program) && (has(/\[/) || has(NUMBERS_OR_NAMES));
}

/** Quoted text that would be a substitution if it were evaluated as an index: `'a[$(rm)]'`. */
function isLoaded({ text, runs }: Word): boolean {
  return runs.length === 0 && text.includes("[") && /\$\(|`/.test(text);
}

/** Quoted text of an array that runs something as it is read: `'a=($(rm))'`, or its value. */
export function isArrayText({ text, runs }: Word): boolean {
  return runs.length === 0 && /^(?:[^=]+=)?\(/.test(text) && /[$`<>]/.test(text);
}

/** A value that is shown whole, and runs nothing wherever it is evaluated. */
export function isPlain({ text, runs, fixed, expandsAt }: Word): boolean {
  if (runs.length > 0 || (!fixed && expandsAt === undefined)) return false;
  return !/[$`[({\\]/.test(text.replace(PLAIN_EXPANSION, ""));
}
