/** What sqlite3 is told beside SQL: commands that begin with a dot, and functions that open files. */
import type { Word } from "../shell/tree.ts";
import { readLine } from "./line.ts";
import type { Call } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** The others write, read or run something. */
const LOOKS =
  /^(?:bail|changes|databases?|dbinfo|dump|echo|eqp|exit|explain|fullschema|headers?|help|ind\w*|limit|lint|mode|nullvalue|print|prompt|quit|schema|separator|show|stats|tables?|timeout|timer|width)$/;

const OPENS =
  /\b(?:attach|edit|fsdir|load_extension|readfile|writefile|zipfile)\b|\bvacuum\b[^;]*\binto\b/i;

/** `sqlite3 file text …`: the texts, or its input, are what it does. */
export function followSqlite(walk: Walk, { args, scope }: Call): void {
  // Its options begin with one dash or two.
  const words = args.map((word) =>
    /^-\w\w/.test(word.text) ? { ...word, text: `-${word.text}` } : word,
  );
  const { options, operands } = readLine(words, {
    longValues: ["cmd", "separator", "nullvalue", "newline", "mmap", "heap", "maxsize", "vfs"],
    readOptions: ["init"],
    values: "A",
  });
  const [file, ...texts] = operands;
  const onlyReads = words.some(({ text }) => text === "--readonly");
  if (file !== undefined) walk.file(onlyReads ? walk.reads : walk.writes, file, scope);
  for (const { name, value } of options) {
    if (name === "init") walk.file(walk.reads, value, scope);
    if (name === "cmd") texts.push(value);
    if (name === "A") walk.parsed = false;
  }
  if (scope.input.kind === "text") texts.push(scope.input.word);
  for (const text of texts) noteText(walk, text);
}

function noteText(walk: Walk, { text }: Word): void {
  const commands = [...text.matchAll(/^\s*\.(\w*)/gm)].map(([, name = ""]) => name);
  if (OPENS.test(text) || !commands.every((name) => LOOKS.test(name))) walk.parsed = false;
}
