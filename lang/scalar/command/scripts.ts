/** What the scripts of sed and awk run, read and write. */
import { fixedWord } from "../shell/tree.ts";
import { noteUncertainScript } from "./interpreters.ts";
import { readLine } from "./line.ts";
import type { Call, Scope } from "./scope.ts";
import { type SedCommand, sedCommands } from "./sed.ts";
import type { Walk } from "./walk.ts";

/** The letters and names of options that give a script; a name may be cut short. */
const SED_LINE = { values: "efl", readOptions: ["expression", "file"] };

/** Scripts stand behind `-e`, or are the first operand; a file of one may be made as it runs. */
export function followSed(walk: Walk, { args, scope }: Call): void {
  const { options, operands } = readLine(args, SED_LINE);
  const given = options.filter(({ name }) => /^(?:e|f|expression|file)$/.test(name));
  for (const { name, value } of given) if (name.startsWith("f")) noteUncertainScript(walk, value);
  const scripts = given.flatMap(({ name, value }) => (name.startsWith("e") ? [value] : []));
  // Pieces are one script: `-e 's/a/b\' -e '/e'`.
  const whole = given.length === 0 ? operands.slice(0, 1) : scripts;
  const commands = sedCommands(whole.map(({ text }) => text).join("\n"));
  if (sedRuns(commands)) walk.parsed = false;
  noteScriptFiles(walk, sedFiles(commands), scope);
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
function sedRuns(commands: readonly SedCommand[]): boolean {
  return commands.some(({ verb, text }) => verb === "e" || (verb === "s" && /^[^w]*e/.test(text)));
}

interface ScriptFiles {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
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

/** Files that stand as texts behind `>`, `>>` and `<` of an awk program. */
function awkFiles(program: string): ScriptFiles {
  const named = (sign: RegExp) => [...program.matchAll(sign)].map(([, name = ""]) => name);
  return { reads: named(/<\s*"([^"]+)"/g), writes: named(/>\s*"([^"]+)"/g) };
}
