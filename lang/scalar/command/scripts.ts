/** What the scripts of sed and awk run, read and write. */
import { FILE_USES } from "../programs/file-uses.ts";
import { fixedWord } from "../shell/tree.ts";
import { noteUncertainScript } from "./interpreters.ts";
import { readLine } from "./line.ts";
import type { Call, Scope } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** `1,3!`, `$`, `/x/I`, `\,x,` */
const SED_ADDRESS = /^(?:[\d$,~+!\sIM]|\/(?:[^/\\]|\\.)*\/|\\([^\n])(?:(?!\1)[^\\]|\\.)*\1)*/;

/** Scripts stand behind `-e`, or are the first operand; a file of one may be made as it runs. */
export function followSed(walk: Walk, { args, scope }: Call): void {
  const { options, operands } = readLine(args, FILE_USES.get("sed") ?? {});
  const given = options.filter(({ name }) => /^(?:e|f|expression|file)$/.test(name));
  for (const { name, value } of given) if (name.startsWith("f")) noteUncertainScript(walk, value);
  const scripts = given.flatMap(({ name, value }) => (name.startsWith("e") ? [value] : []));
  for (const { text } of given.length === 0 ? operands.slice(0, 1) : scripts) {
    if (sedRuns(text)) walk.parsed = false;
    noteScriptFiles(walk, sedFiles(text), scope);
  }
}

/** awk starts programs by `system(…)`, by pipes and by `getline`. */
export function followAwk(walk: Walk, { args, scope }: Call): void {
  for (const { text } of args) {
    if (/system\s*\(|@load|[^|]\|\s*(?:&|"|getline|[A-Za-z_])/.test(text)) {
      walk.parsed = false;
      walk.inlineCode = true;
    }
  }
  for (const { text } of args) noteScriptFiles(walk, awkFiles(text), scope);
}

function noteScriptFiles(walk: Walk, files: ScriptFiles, scope: Scope): void {
  for (const name of files.reads) walk.file(walk.reads, fixedWord(name), scope);
  for (const name of files.writes) walk.file(walk.writes, fixedWord(name), scope);
}

/** GNU sed's `e` and the flag of that name run a program. */
function sedRuns(script: string): boolean {
  return script.split(/[;\n{}]/).some((piece) => {
    const command = piece.replace(SED_ADDRESS, "");
    return command.startsWith("e") || /^[gpiImM\d]*e/.test(flagsOf(command));
  });
}

interface ScriptFiles {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

/** Files that `r`, `w` and the flag `w` of a sed script name, each up to the end of its line. */
function sedFiles(script: string): ScriptFiles {
  const [reads, writes]: [string[], string[]] = [[], []];
  for (const piece of script.split(/[;\n{}]/)) {
    const command = piece.replace(SED_ADDRESS, "");
    const [, verb, name] = /^([rRwW])\s*(\S.*)$/.exec(command) ?? [];
    if (verb !== undefined && name !== undefined) (/r/i.test(verb) ? reads : writes).push(name);
    const [, written] = /^[gpiImMe\d]*w\s*(\S.*)$/.exec(flagsOf(command)) ?? [];
    if (written !== undefined) writes.push(written);
  }
  return { reads, writes };
}

/** What stands behind the third mark of `s/a/b/flags`, whatever the mark is. */
function flagsOf(command: string): string {
  const mark = /^s([^\n\\])/.exec(command)?.[1];
  let marks = 0;
  for (let at = 1; mark !== undefined && at < command.length; at += 1) {
    if (command.charAt(at) === "\\") at += 1;
    else if (command.charAt(at) === mark && ++marks === 3) return command.slice(at + 1);
  }
  return "";
}

/** Files that stand as texts behind `>`, `>>` and `<` of an awk program. */
function awkFiles(program: string): ScriptFiles {
  const named = (sign: RegExp) => [...program.matchAll(sign)].map(([, name = ""]) => name);
  return { reads: named(/<\s*"([^"]+)"/g), writes: named(/>\s*"([^"]+)"/g) };
}
