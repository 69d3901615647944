/** How programs read what stands behind their name: options, their values, operands. */
import type { Operands } from "../programs/file-uses.ts";
import type { Options } from "../programs/options.ts";
import type { Word } from "../shell/tree.ts";

export function isOption(word: Word): boolean {
  return word.text.length > 1 && word.text.startsWith("-");
}

/** Whether a group of short options holds one of the letters. */
export function hasLetter(text: string, letters: string): boolean {
  return /^-[^-]/.test(text) && [...letters].some((letter) => text.slice(1).includes(letter));
}

/** How many words an option takes with its value: 1, 2, or 0 when it is not known. */
export function optionLength(word: Word, options: Options): 0 | 1 | 2 {
  const { text } = word;
  if (word.expandsAt !== undefined && word.expandsAt <= 1) return 0;
  if (text === "--" || text === "-") return 1;
  if (text.startsWith("--")) return longOptionLength(text.slice(2), options);
  for (let at = 1; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (options.joined?.includes(letter)) return 1;
    if (options.values.includes(letter)) return at + 1 < text.length ? 1 : 2;
    if (!options.flags.includes(letter)) return 0;
  }
  return 1;
}

/** Of a shell: what `-o` and `-O` take are the words behind it, whatever letters stand beside them. */
export function shellOptionLength(word: Word, options: Options): number {
  const { text } = word;
  if (!/^-[^-]/.test(text)) return optionLength(word, options);
  const letters = [...text.slice(1)];
  const isKnown = letters.every(
    (one) => options.flags.includes(one) || options.values.includes(one),
  );
  const certain = word.expandsAt === undefined || word.expandsAt > 1;
  if (!isKnown || !certain) return 0;
  return 1 + letters.filter((letter) => options.values.includes(letter)).length;
}

function longOptionLength(text: string, options: Options): 0 | 1 | 2 {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === "help" || name === "version") return 1;
  if (options.longValues?.includes(name)) return equals < 0 ? 2 : 1;
  return options.longFlags?.includes(name) ? 1 : 0;
}

/**
 * The value of one of the options `names`, where `word` is it: behind the name, or `next`. Long names may be cut
 * short, and letters stand in groups (`-avze ssh`).
 */
export function valueOfOption(
  word: Word,
  names: readonly string[],
  next: Word | undefined,
): Word | undefined {
  const { text } = word;
  for (const name of names) {
    const end = text === name ? text.length : endOfName(text, name);
    if (end === undefined) continue;
    return end < text.length ? after(word, end) : next;
  }
  return undefined;
}

function endOfName(text: string, name: string): number | undefined {
  if (name.startsWith("--")) {
    const [given = ""] = text.split("=", 1);
    if (given.length < 4 || !name.startsWith(given)) return undefined;
    return given.length < text.length ? given.length + 1 : text.length;
  }
  const at = name.length === 2 && /^-[^-]/.test(text) ? text.indexOf(name.charAt(1), 1) : -1;
  return at < 0 ? undefined : at + 1;
}

export function plusAsMinus(word: Word): Word {
  return { ...word, text: `-${word.text.slice(1)}` };
}

/** The rest of a word. */
export function after(word: Word, from: number): Word {
  const { expandsAt, ...rest } = word;
  const moved = expandsAt === undefined ? {} : { expandsAt: Math.max(0, expandsAt - from) };
  return { ...rest, text: word.text.slice(from), ...moved };
}

export interface Line {
  readonly options: readonly { readonly name: string; readonly value: Word }[];
  readonly operands: readonly Word[];
  /** Operands behind a long option that is not known: one may be its value. */
  readonly doubted: ReadonlySet<Word>;
}

/** Options with values, and operands, of a program whose flags need not be known. */
export function readLine(
  args: readonly Word[],
  use: {
    readonly values?: string;
    readonly longValues?: readonly string[];
    readonly readOptions?: readonly string[];
    readonly writeOptions?: readonly string[];
    readonly hostOptions?: readonly string[];
    readonly listOptions?: readonly string[];
    readonly settingOptions?: readonly string[];
    readonly here?: readonly string[];
  },
): Line {
  const { readOptions = [], writeOptions = [], hostOptions = [], listOptions = [] } = use;
  const { settingOptions = [], here = [] } = use;
  const named = [
    ...here,
    ...[...readOptions, ...writeOptions, ...hostOptions],
    ...[...listOptions, ...settingOptions],
  ];
  const letters = (use.values ?? "") + named.filter((name) => name.length === 1).join("");
  const long = [...(use.longValues ?? []), ...named];
  const options: { name: string; value: Word }[] = [];
  const operands: Word[] = [];
  const doubted = new Set<Word>();
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at];
    if (word === undefined) break;
    if (word.text === "--") {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (!isOption(word)) {
      operands.push(word);
      continue;
    }
    const option = optionValue(word, letters, long);
    if (option === undefined) {
      // A name that is cut short may also be that of a flag: what follows is taken for both.
      const [name, value] = [cutShort(word.text, named), args[at + 1]];
      if (value === undefined) continue;
      if (name !== undefined) options.push({ name, value });
      if (/^--[^=]+$/.test(word.text)) doubted.add(value);
      continue;
    }
    const value = option.value ?? args[++at];
    const name = cutShort(word.text, named) ?? option.name;
    if (value !== undefined) options.push({ name, value });
  }
  return { options, operands, doubted };
}

/** The long name that a given one begins: GNU programs take `--target=x` for `--target-directory=x`. */
function cutShort(text: string, names: readonly string[]): string | undefined {
  const [, given] = /^--([\w-]+)/.exec(text) ?? [];
  if (given === undefined || names.includes(given)) return given;
  return names.find((name) => name.length > 1 && name.startsWith(given));
}

function optionValue(
  word: Word,
  letters: string,
  long: readonly string[],
): { readonly name: string; readonly value?: Word } | undefined {
  const { text } = word;
  if (text.startsWith("--")) {
    const equals = text.indexOf("=");
    const name = text.slice(2, equals < 0 ? undefined : equals);
    if (equals > 0) return { name, value: after(word, equals + 1) };
    return long.includes(name) ? { name } : undefined;
  }
  for (let at = 1; at < text.length; at += 1) {
    const name = text.charAt(at);
    if (!letters.includes(name)) continue;
    return at + 1 < text.length ? { name, value: after(word, at + 1) } : { name };
  }
  return undefined;
}

/** Options that give what the first operand gives otherwise, cut short or not: `--regexp`, `--reference` of chmod. */
const GIVES_FIRST = /^(?:[ef]$|exp|fil|from|ref|reg)/;

/** `{1..3}`, and what xargs and find put at an end. */
const SEVERAL = /\{.*\.\..*\}|^\{\}$|\/\*$/s;

/** Several words, perhaps: `mv a *` takes away all but the last of them. */
function isPattern(word: Word | undefined): boolean {
  if (word === undefined) return false;
  return (!word.fixed && word.expandsAt === undefined) || SEVERAL.test(word.text);
}

export function picked(line: Line, which: Operands | undefined, remote: boolean): readonly Word[] {
  const hasScript = line.options.some(({ name }) => GIVES_FIRST.test(name));
  const hasTarget =
    !remote && line.options.some(({ name }) => name === "t" || name === "target-directory");
  // `host:path` is a file elsewhere.
  const local = (words: readonly Word[]) =>
    remote ? words.filter((word) => !/^[\w.@-]+:/.test(word.text)) : words;
  const { operands } = line;
  const last = targetAt(line);
  switch (which) {
    case undefined:
      return [];
    case "all":
      return operands;
    case "rest":
      // A pattern or script given by an option leaves all operands to be files.
      return hasScript || isPattern(operands[0]) ? operands : operands.slice(1);
    case "sources":
      return local(
        hasTarget || isPattern(operands.at(-1)) || last < operands.length - 1
          ? operands
          : operands.slice(0, -1),
      );
    case "target":
      return local(hasTarget ? [] : operands.slice(last));
  }
}

/** From where on operands may be the last: `rsync a b --new-option c` goes to b, or to c. */
function targetAt({ operands, doubted }: Line): number {
  let at = operands.length - 1;
  while (at > 0 && doubted.has(operands[at] as Word)) at -= 1;
  return Math.max(at, 0);
}
