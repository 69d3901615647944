/** Files among a program's arguments. */
import { parsePath } from "../path.ts";
import {
  FILE_USES,
  type FileUse,
  IN_PLACE,
  type Operands,
  REMOTE_FILES,
} from "../programs/file-uses.ts";
import { fixedWord, type Word } from "../shell/tree.ts";
import { ELSEWHERE } from "./folders.ts";
import { after, isOption, type Line, picked, readLine } from "./line.ts";
import { keptNames, noteMade } from "./made.ts";
import { apart, type Call, type Scope } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** What a program is given that may be files, and what it does with them where that is known. */
export function noteFiles(walk: Walk, call: Call): void {
  const { program, args, scope } = call;
  for (const word of args) noteMentioned(walk, word, scope);
  const use = FILE_USES.get(program);
  if (use !== undefined) noteUsed(walk, use, call);
  if (use !== undefined && args.some(({ splits }) => splits)) noteUncertain(walk, use, call);
  else if (use !== undefined && args.some(({ expandsAt }) => expandsAt === 0)) {
    const then = { ...call, scope: apart(scope) };
    walk.ifOption.push(() => noteUncertain(walk, use, then));
  }
  if (program === "dd") noteDd(walk, call);
  noteMade(walk, call);
}

/** A word that may name a file: itself, and what stands in it behind `=`, `@`, `<`, `file:` or an option's letter. */
export function noteMentioned(walk: Walk, word: Word, scope: Scope): void {
  if (word.text === "" || word.text === "--") return;
  if (!isOption(word)) noteNamed(walk, word, scope);
  // `-r$x` may be `-rf /etc`.
  else if (word.splits) walk.paths.add(ELSEWHERE);
  if (word.text.length > PART_CHARS_MAX) return;
  for (const part of partsOf(word)) noteNamed(walk, part, scope);
  for (const path of fileUrls(word)) noteNamed(walk, path, scope);
}

/** Text that is no path at all is not mentioned: `echo "a\\nb"`. */
function noteNamed(walk: Walk, word: Word, scope: Scope): void {
  if (/^[./~]/.test(word.text) || word.expandsAt !== undefined || parsePath(word.text).ok) {
    walk.file(walk.paths, word, scope);
  }
}

/** Longer words name no file by a part of theirs. */
const PART_CHARS_MAX = 8192;

/** `--file=x`, `if=x`, `-Cx/y`, `-d@x`, `-F a=@x,y;type=z`, `-F 'a=<x'`. */
function partsOf(word: Word): readonly Word[] {
  const { text } = word;
  const starts = new Set<number>();
  const glued = /^-[a-zA-Z0-9]+(?=[./~@])/.exec(text);
  if (glued !== null) starts.add(glued[0].length);
  const [key] = /^[^\s=]+=/.exec(text) ?? [];
  if (key !== undefined) starts.add(key.length);
  const [user] = /^[^\s@]*@/.exec(text) ?? [];
  if (user !== undefined) starts.add(user.length);
  const both = text.search(/=[@<]/);
  if (both >= 0) starts.add(both + 2);
  const whole = [...starts].filter((at) => at < text.length).map((at) => after(word, at));
  return [...whole, ...whole.flatMap(listed)];
}

/** `x,y;type=z` is x and y. */
function listed(word: Word): readonly Word[] {
  if (!/[,;"]/.test(word.text)) return [];
  return word.text
    .split(/[,;]/)
    .slice(0, LISTED_MAX)
    .map((text) => ({ ...word, text: text.replace(/^"|"$/g, "") }))
    .filter(({ text }) => text !== "");
}

const LISTED_MAX = 64;

/** `file:///etc/%73hadow` */
export function fileUrls(word: Word): readonly Word[] {
  const [, path] = /file:(?:\/\/[^/]*)?(\/.*)$/is.exec(word.text) ?? [];
  if (path === undefined) return [];
  const plain = path.replace(/^\/+/, "/").replace(/[?#].*$/s, "");
  return [plain, path].map((text) => ({ ...word, text: decoded(text) }));
}

/** As whoever opens it decodes it; what cannot be decoded is anywhere. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return ELSEWHERE;
  }
}

function noteUsed(walk: Walk, use: FileUse, call: Call): void {
  const { program, args, scope } = call;
  for (const { having, use: other } of use.also ?? []) {
    if (args.some(({ text }) => having.test(text))) noteUsed(walk, other, call);
  }
  const line = readLine(args, use);
  if (makesHere(use, args, line)) walk.file(walk.writes, fixedWord("."), scope);
  for (const { name, value } of line.options) {
    if (use.readOptions?.includes(name)) walk.file(walk.reads, value, scope);
    if (use.writeOptions?.includes(name)) walk.file(walk.writes, value, scope);
  }
  const pick = (which: Operands | undefined) => picked(line, which, REMOTE_FILES.has(program));
  for (const word of pick(use.reads)) walk.file(walk.reads, word, scope);
  for (const word of pick(use.writes)) walk.file(walk.writes, word, scope);
  for (const word of pick(use.deletes)) walk.file(walk.deletes, word, scope);
  const inPlace = IN_PLACE.get(program);
  if (inPlace !== undefined && args.some((word) => inPlace.test(word.text))) {
    noteChanged(walk, args, pick(use.reads ?? "all"), scope);
  } else if (use.writes === "target") {
    const kept = keptNames(args, [...pick("target"), ...values(line, use.writeOptions)]);
    for (const word of kept) walk.file(walk.writes, word, scope);
  }
}

/** In their places, and what was there before perhaps beside it. */
function noteChanged(
  walk: Walk,
  args: readonly Word[],
  files: readonly Word[],
  scope: Scope,
): void {
  for (const word of [...files, ...keptNames(args, files)]) walk.file(walk.writes, word, scope);
}

function values({ options }: Line, names: readonly string[] = []): readonly Word[] {
  return options.flatMap(({ name, value }) => (names.includes(name) ? [value] : []));
}

function makesHere(
  { here, looks, reads }: FileUse,
  args: readonly Word[],
  { options, operands }: Line,
): boolean {
  if (here === undefined || args.some(({ text }) => looks?.test(text))) return false;
  if (options.some(({ name }) => here.includes(name))) return false;
  return reads !== "sources" || operands.length === 1;
}

/** `mv $x b` may be `mv -t folder a b`: whatever it does to files it may do to any operand, and to others. */
function noteUncertain(walk: Walk, use: FileUse, { program, args, scope }: Call): void {
  const operands = args.filter((word) => !isOption(word) || word.splits);
  const kinds = [
    { into: walk.reads, by: use.reads, options: use.readOptions },
    {
      into: walk.writes,
      by: use.writes ?? (IN_PLACE.has(program) ? use.reads : undefined),
      options: use.writeOptions,
    },
    { into: walk.deletes, by: use.deletes, options: undefined },
  ];
  for (const { into, by, options } of kinds) {
    if (by === undefined && options === undefined) continue;
    into.add(ELSEWHERE);
    walk.paths.add(ELSEWHERE);
    if (by !== undefined) for (const word of operands) walk.file(into, word, scope);
  }
}

/** `dd if=file of=file` */
function noteDd(walk: Walk, { args, scope }: Call): void {
  for (const word of args) {
    if (word.expandsAt !== undefined && (word.expandsAt < 3 || word.splits)) {
      walk.reads.add(ELSEWHERE);
      walk.writes.add(ELSEWHERE);
    }
    if (word.text.startsWith("of=")) walk.file(walk.writes, after(word, 3), scope);
    if (word.text.startsWith("if=")) walk.file(walk.reads, after(word, 3), scope);
  }
}
