/** Shells and interpreters: where their program comes from. */
import type { Interpreter } from "../programs/interpreters.ts";
import type { Options } from "../programs/options.ts";
import type { Word } from "../shell/tree.ts";
import { hasLetter, isOption, plusAsMinus, shellOptionLength, valueOfOption } from "./line.ts";
import { apart, type Call, NOTHING } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** What a shell or interpreter may be told to read its program from, when that is its input. */
const INPUT_FILE = /^(?:-|\/dev\/stdin|\/dev\/fd\/0|\/proc\/(?:self|\$\$)\/fd\/0)$/;

/** What was opened in ways that are not followed. */
const OPEN_FILE = /^\/(?:dev\/fd|proc\/[^/]+\/fd)\//;

/** `sh -c text`, `sh file`, or what it is given to read. */
export function followShell(walk: Walk, options: Options, { program, args, scope }: Call): void {
  const inside = { program, args, scope: apart(scope) };
  const { at, text, input } = shellOptions(walk, options, args);
  const operand = args[at];
  if (operand !== undefined && operand.expandsAt !== undefined && !text)
    noteUncertainScript(walk, operand);
  if (text && operand !== undefined) walk.inner(operand, inside.scope);
  else if (operand === undefined || input || INPUT_FILE.test(operand.text))
    followShellInput(walk, inside);
  else if (OPEN_FILE.test(operand.text)) walk.parsed = false;
}

/** Where its operands begin, and whether the first of them is a text, or its program is its input. */
function shellOptions(
  walk: Walk,
  options: Options,
  args: readonly Word[],
): { readonly at: number; readonly text: boolean; readonly input: boolean } {
  let at = 0;
  let text = false;
  let input = false;
  for (let word = args[at]; word !== undefined; word = args[at]) {
    if (!isOption(word) && !/^\+[a-zA-Z]/.test(word.text)) break;
    // An expansion may stand for `-c`.
    if (word.expandsAt !== undefined) walk.parsed = false;
    // What an interactive shell reads first.
    const first = valueOfOption(word, ["--rcfile", "--init-file"], args[at + 1]);
    if (first !== undefined && first.runs.length > 0) walk.runsComputed(first);
    if (hasLetter(word.text, "c")) text = true;
    if (hasLetter(word.text, "s")) input = true;
    const skip = shellOptionLength(/^\+/.test(word.text) ? plusAsMinus(word) : word, options);
    if (skip === 0) walk.parsed = false;
    at += Math.max(skip, 1);
    if (word.text === "--") break;
  }
  return { at, text, input };
}

/** `python -c code`, `node file`, or what it is given to read. */
export function followInterpreter(walk: Walk, interpreter: Interpreter, call: Call): void {
  const { args } = call;
  const { inline, inlineWords = [], values, longValues = [], modules = "" } = interpreter;
  let at = 0;
  for (let word = args[at]; word !== undefined && isOption(word); word = args[at]) {
    at += 1;
    if (word.text === "--") break;
    const name = word.text.replace(/=.*$/s, "");
    if (inlineWords.includes(name) || inline.some((letter) => hasLetter(word.text, letter))) {
      walk.inlineCode = true;
      return;
    }
    if (modules !== "" && hasLetter(word.text, modules)) {
      followModule(walk, word.text.endsWith(modules) ? args.slice(at) : [], call);
      return;
    }
    const last = word.text.slice(-1);
    const takesNext = word.text.startsWith("--")
      ? longValues.includes(word.text.slice(2))
      : word.text.length === 2 && values.includes(last);
    if (takesNext) at += 1;
  }
  const operand = args[at];
  if (operand === undefined || INPUT_FILE.test(operand.text)) followCodeInput(walk, call);
  else if (inlineWords.includes(operand.text)) walk.inlineCode = true;
  else if (operand.expandsAt !== undefined) noteUncertainScript(walk, operand);
}

/** `python -m pip …` is pip. */
function followModule(walk: Walk, words: readonly Word[], { scope }: Call): void {
  if (words[0]?.text === "pip") walk.run(words, scope);
}

/** A shell that reads its program from its input. */
export function followShellInput(walk: Walk, { scope }: Pick<Call, "scope">): void {
  const { input } = scope;
  if (input.kind === "computed") notePiped(walk);
  else if (input.kind === "text") walk.inner(input.word, { ...scope, input: NOTHING });
}

/** Another interpreter that does. */
export function followCodeInput(walk: Walk, { scope: { input } }: Pick<Call, "scope">): void {
  if (input.kind === "computed") notePiped(walk);
  else if (input.kind === "text") walk.inlineCode = true;
}

function notePiped(walk: Walk): void {
  walk.parsed = false;
  walk.pipesToInterpreter = true;
}

/** Commands that an editor reads. */
export function followEditor(walk: Walk, { scope }: Call): void {
  if (scope.input.kind === "text") walk.inlineCode = true;
}

export function followSource(walk: Walk, call: Call): void {
  const [word] = call.args;
  if (word === undefined) return;
  if (word.runs.some((run) => run.form === "input")) walk.runsComputed(word);
  else if (INPUT_FILE.test(word.text)) followShellInput(walk, call);
  else if (OPEN_FILE.test(word.text)) walk.parsed = false;
}

/** Text that it reads as a Makefile. */
export function followMake(walk: Walk, { args }: Call): void {
  args.forEach((word, at) => {
    const file = valueOfOption(word, ["-f", "--file", "--makefile"], args[at + 1]);
    if (file !== undefined) noteUncertainScript(walk, file);
    if (valueOfOption(word, ["-E", "--eval"], args[at + 1]) !== undefined) walk.inlineCode = true;
  });
}

/** A script file that is named, or made, only at run time. */
export function noteUncertainScript(walk: Walk, word: Word): void {
  if (word.expandsAt === 0) walk.parsed = false;
  if (word.runs.length > 0) walk.runsComputed(word);
}
