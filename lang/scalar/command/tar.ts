/** What tar runs, reads, writes and removes, and where it connects. */
import { fixedWord, type Word } from "../shell/tree.ts";
import { ELSEWHERE } from "./folders.ts";
import { noteHost } from "./hosts.ts";
import { after, hasLetter, type Line, readLine } from "./line.ts";
import { apart, type Call, type Scope } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** Options with a value, as far as it is no command. */
const TAR = {
  values: "bFHIKLNV",
  longValues: [
    ...["format", "info-script", "new-volume-script", "rmt-command", "rsh-command", "to-command"],
    ...["use-compress-program", "checkpoint-action", "owner", "group", "mode", "mtime", "exclude"],
    ...["transform", "xform", "strip-components", "label", "blocking-factor", "newer", "sort"],
  ],
  readOptions: ["T", "files-from", "X", "exclude-from", "add-file"],
  writeOptions: [
    ...["g", "listed-incremental", "index-file", "volno-file", "one-top-level"],
    ...["f", "file", "C", "directory"],
  ],
};

export function followTar(walk: Walk, call: Call): void {
  const { args, scope } = call;
  for (const word of args) {
    const [action] = /^--checkpoint-a[a-z]*=exec=/.exec(word.text) ?? [];
    if (action !== undefined) walk.inner(after(word, action.length), scope);
    else if (/^--checkpoint-a[a-z]*$/.test(word.text)) walk.parsed = false;
  }
  // `cIf program`: letters without a dash take the words behind them in turn.
  if (/^\w*[IF]/.test(args[0]?.text ?? "")) walk.parsed = false;
  const words = dashed(args);
  noteArchive(walk, words, readLine(words, TAR), scope);
}

/** `cfC a.tar d` as `-c -f a.tar -C d`. */
function dashed([bundle, ...rest]: readonly Word[]): readonly Word[] {
  if (bundle === undefined || !/^[a-zA-Z]+$/.test(bundle.text)) {
    return bundle === undefined ? [] : [bundle, ...rest];
  }
  let taken = 0;
  const options = [...bundle.text].flatMap((letter) => {
    const value = "bfgCFHIKLNTVX".includes(letter) ? rest[taken] : undefined;
    if (value === undefined) return [fixedWord(`-${letter}`)];
    taken += 1;
    return [fixedWord(`-${letter}`), value];
  });
  return [...options, ...rest.slice(taken)];
}

function noteArchive(walk: Walk, words: readonly Word[], line: Line, scope: Scope): void {
  const has = (letters: string, names: RegExp) =>
    words.some(({ text }) => hasLetter(lettersOf(text), letters) || names.test(text));
  const changes = has("crAu", /^--(?:cr|ap|up|con|cat|del)/);
  for (const { name, value } of line.options) noteOption(walk, { name, value, changes }, scope);
  const left = foldersNamed(walk, line, scope);
  // A member that stands before `-C` is of where tar started.
  const extracts = has("x", /^--(?:ex(?:t|$)|get$)/);
  const starts = left.length === 0 || line.operands.length > 0 || !extracts;
  const folders = [...(starts ? scope.shell.folders : []), ...left];
  const inside = apart(scope, folders);
  if (extracts) walk.file(walk.writes, fixedWord("."), inside);
  else for (const word of line.operands) walk.file(walk.reads, word, inside);
  // Absolute names stay what they are.
  if (extracts && has("P", /^--abs/)) walk.file(walk.writes, fixedWord(ELSEWHERE), scope);
  if (has("", /^--rem/)) for (const word of line.operands) walk.file(walk.deletes, word, inside);
}

/** Up to one that takes the rest for its value. */
function lettersOf(text: string): string {
  return /^-[^bfgCFHIKLNTVX]*/.exec(text)?.[0] ?? "";
}

/** Of every `-C`, each seen from the one before; too many are taken for anywhere. */
function foldersNamed(walk: Walk, { options }: Line, scope: Scope): readonly string[] {
  let folders: readonly (string | undefined)[] = scope.shell.folders;
  const left: string[] = [];
  for (const { name, value } of options) {
    if (name !== "C" && name !== "directory") continue;
    if (left.length > FOLDERS_MAX) return [ELSEWHERE];
    const places = walk.places(value, apart(scope, folders));
    left.push(...places);
    for (const place of places) walk.paths.add(place);
    folders = places;
  }
  return left;
}

/** More than these nobody would follow: each is as long as those before it together. */
const FOLDERS_MAX = 8;

interface TarOption {
  readonly name: string;
  readonly value: Word;
  readonly changes: boolean;
}

/** Names of archives and lists are seen from where tar started. */
function noteOption(walk: Walk, { name, value, changes }: TarOption, scope: Scope): void {
  if (name === "C" || name === "directory") return;
  if (name === "f" || name === "file") {
    // `host:file` is reached through rsh.
    if (/^[^/]*:/.test(value.text)) noteHost(walk, value, "remote");
    walk.file(changes ? walk.writes : walk.reads, value, scope);
  } else if (TAR.writeOptions.includes(name)) walk.file(walk.writes, value, scope);
  else if (TAR.readOptions.includes(name)) walk.file(walk.reads, value, scope);
}
