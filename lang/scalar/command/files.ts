/** Files among a program's arguments. */
import { parsePath } from "../path.ts";
import {
  FILE_USES,
  type FileUse,
  IN_PLACE,
  type Operands,
  REMOTE_FILES,
} from "../programs/file-uses.ts";
import type { Word } from "../shell/tree.ts";
import { ELSEWHERE } from "./folders.ts";
import { after, isOption, picked, readLine } from "./line.ts";
import type { Call, Scope } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** What a program is given that may be files, and what it does with them where that is known. */
export function noteFiles(walk: Walk, call: Call): void {
  const { program, args, scope } = call;
  for (const word of args) noteMentioned(walk, word, scope);
  const use = FILE_USES.get(program);
  if (use !== undefined) noteUsed(walk, use, call);
  if (use !== undefined && args.some(({ splits }) => splits)) noteUncertain(walk, use, call);
  if (program === "dd") noteDd(walk, call);
}

/** A word that may name a file: itself, and what stands behind `=` in an option. */
export function noteMentioned(walk: Walk, word: Word, scope: Scope): void {
  if (word.text === "" || word.text === "--") return;
  if (!isOption(word)) {
    // Text that is no path at all is not mentioned: `echo "a\\nb"`.
    if (/^[./~]/.test(word.text) || word.expandsAt !== undefined || parsePath(word.text).ok) {
      walk.file(walk.paths, word, scope);
    }
    return;
  }
  // `-r$x` may be `-rf /etc`.
  if (word.splits) walk.paths.add(ELSEWHERE);
  const equals = word.text.indexOf("=");
  if (equals > 0) walk.file(walk.paths, after(word, equals + 1), scope);
}

function noteUsed(walk: Walk, use: FileUse, { program, args, scope }: Call): void {
  const line = readLine(args, use);
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
    for (const word of pick(use.reads ?? "all")) walk.file(walk.writes, word, scope);
  }
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
