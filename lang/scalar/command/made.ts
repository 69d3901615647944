/** Files whose names a program makes of others. */
import { pathParent } from "../path.ts";
import { fixedWord, type Word } from "../shell/tree.ts";
import { ELSEWHERE } from "./folders.ts";
import { hasLetter, isOption, readLine } from "./line.ts";
import type { Call, Scope } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** What compressors put behind a name, or take away from it. */
const PACKED = new Map<string, readonly string[]>([
  ...["gzip", "gunzip", "pigz", "unpigz"].map((name): [string, readonly string[]] => [
    name,
    ["gz", "tgz", "Z"],
  ]),
  ...["bzip2", "bunzip2", "pbzip2"].map((name): [string, readonly string[]] => [
    name,
    ["bz2", "tbz2"],
  ]),
  ...["xz", "unxz", "lzma", "unlzma"].map((name): [string, readonly string[]] => [
    name,
    ["xz", "lzma", "txz"],
  ]),
  ...["zstd", "unzstd", "zstdmt"].map((name): [string, readonly string[]] => [
    name,
    ["zst", "tzst"],
  ]),
  ...["lz4", "unlz4"].map((name): [string, readonly string[]] => [name, ["lz4"]]),
  ["brotli", ["br"]],
  ["compress", ["Z"]],
  ["uncompress", ["Z"]],
]);

export function noteMade(walk: Walk, call: Call): void {
  const { program } = call;
  if (PACKED.has(program)) notePacked(walk, call);
  else if (program === "split" || program === "csplit") notePieces(walk, call);
  else if (program === "zip") noteZip(walk, call);
  else if (program === "mktemp") noteTemporary(walk, call);
  else if (program === "cpio") noteCpio(walk, call);
  else if (program === "openssl") noteOpenssl(walk, call);
}

/** `gzip f` makes f.gz in the place of f, `gunzip f.gz` f in the place of f.gz, and `lz4 f g` g. */
function notePacked(walk: Walk, { program, args, scope }: Call): void {
  const { options, operands } = readLine(args, {
    values: "SMT",
    writeOptions: ["o", "output-dir-flat"],
  });
  for (const { name, value } of options) {
    if (name !== "S" && name !== "M" && name !== "T") walk.file(walk.writes, value, scope);
  }
  for (const word of operands) walk.file(walk.reads, word, scope);
  const has = (letters: string, names: RegExp) =>
    args.some(({ text }) => hasLetter(text, letters) || names.test(text));
  if (has("clt", /^--(?:std|li|te)/)) return;
  const isKept = program.includes("z4") || program.includes("zst");
  // `gunzip -N` and `-r`: by a name that stands in the file, or of whatever is below.
  const isAnyName = has("Nr", /^--(?:na|re)/);
  for (const word of operands) {
    if (!isKept) walk.file(walk.deletes, word, scope);
    for (const name of besides(word, PACKED.get(program) ?? []))
      walk.file(walk.writes, name, scope);
    if (isAnyName) noteFolderOf(walk, word, scope);
  }
}

function noteFolderOf(walk: Walk, word: Word, scope: Scope): void {
  for (const place of walk.places(word, scope)) {
    walk.file(walk.writes, fixedWord(pathParent(place)), scope);
  }
}

/** `a.gz` is also a, and `a.tgz` a.tar. */
function besides(word: Word, endings: readonly string[]): readonly Word[] {
  const { text } = word;
  const shorter = endings
    .filter((ending) => text.endsWith(`.${ending}`))
    .map((ending) => text.slice(0, -ending.length - 1) + (/^t/.test(ending) ? ".tar" : ""));
  const longer = endings.slice(0, 1).map((ending) => `${text}.${ending}`);
  return [text, ...shorter, ...longer].map((name) => ({ ...word, text: name }));
}

/** `split f begins` makes beginsaa, beginsab …; `csplit -f begins f` the same with numbers. */
function notePieces(walk: Walk, { program, args, scope }: Call): void {
  const isLines = program === "split";
  const { options, operands } = readLine(args, {
    values: isLines ? "abClnt" : "bn",
    longValues: isLines ? ["bytes", "lines", "line-bytes", "number", "suffix-length"] : ["digits"],
    writeOptions: isLines ? [] : ["f", "prefix"],
  });
  const named = isLines
    ? operands.slice(1)
    : options.flatMap(({ name, value }) => (name === "f" || name === "prefix" ? [value] : []));
  const starts = named.length > 0 ? named : [fixedWord(isLines ? "x" : "xx")];
  for (const word of starts) {
    walk.file(walk.writes, { ...word, text: `${word.text}*`, fixed: false }, scope);
  }
}

/** `zip a b` makes a.zip. */
function noteZip(walk: Walk, { args, scope }: Call): void {
  const archive = args.find((word) => !isOption(word));
  if (archive === undefined) return;
  walk.file(walk.writes, { ...archive, text: `${archive.text}.zip` }, scope);
}

/** `mktemp a/XXXX`: no name is known before. */
function noteTemporary(walk: Walk, { args, scope }: Call): void {
  for (const word of args) {
    if (isOption(word) || !word.text.includes("XXX")) continue;
    const text = word.text.replace(/X{3,}/g, "*");
    walk.file(walk.writes, { ...word, text, fixed: false }, scope);
  }
}

/** `sed -i.old f`, `perl -i'kept/*' f`, `cp -bS .old a f`: what stood in f before is kept by another name. */
export function keptNames(args: readonly Word[], files: readonly Word[]): readonly Word[] {
  const endings = args.flatMap((word, at) => {
    const [, joined] = /^(?:-[a-zA-Z0-9]*?[iS]|--(?:in|su)[a-z-]*=)(.+)$/s.exec(word.text) ?? [];
    if (joined !== undefined) return [{ ...word, text: joined }];
    const next = /^(?:-[a-zA-Z]*S|--su[a-z]*)$/.test(word.text) ? args[at + 1] : undefined;
    return next === undefined ? [] : [next];
  });
  const distinct = [...new Map(endings.map((ending) => [ending.text, ending])).values()];
  // Each makes a name of every file.
  if (distinct.length > ENDINGS_MAX) return [fixedWord(ELSEWHERE)];
  return distinct.flatMap((ending) => {
    if (/[/*]/.test(ending.text)) return [{ ...ending, fixed: false }];
    return files.map((file) => ({ ...file, text: file.text + ending.text }));
  });
}

const ENDINGS_MAX = 4;

/** `cpio -i` makes what the archive names, `-p folder` copies there. */
function noteCpio(walk: Walk, { args, scope }: Call): void {
  const has = (letters: string, names: RegExp) =>
    args.some(({ text }) => hasLetter(text, letters) || names.test(text));
  const { options, operands } = readLine(args, {
    values: "CHMRE",
    writeOptions: ["O", "F", "I", "D", "file", "directory"],
  });
  for (const { name, value } of options) {
    if (!"CHMRE".includes(name)) walk.file(walk.writes, value, scope);
  }
  if (has("p", /^--pass/)) for (const word of operands) walk.file(walk.writes, word, scope);
  if (!has("i", /^--ex/)) return;
  walk.file(walk.writes, fixedWord("."), scope);
  if (!has("", /^--no-abs/)) walk.file(walk.writes, fixedWord(ELSEWHERE), scope);
}

/** `openssl rsa -in a -out b`: one dash stands before a whole name, and two may. */
function noteOpenssl(walk: Walk, { args, scope }: Call): void {
  args.forEach((word, at) => {
    const value = args[at + 1];
    if (value === undefined) return;
    if (/^--?(?:\w*out|keyout|sigfile|writerand|outdir|noteout)$/.test(word.text)) {
      walk.file(walk.writes, value, scope);
    }
    // A module of somebody's, or settings that name one.
    if (/^--?(?:engine|config|provider(?:-path)?)$/.test(word.text)) walk.parsed = false;
  });
}
