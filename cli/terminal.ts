/** How text is shown to people: colour, tables, wrapping, and strangers' text made harmless. */
import { hexOf, OF_NO_WIDTH } from "../lang/characters.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "cyan";

export type Paint = (style: Style, text: string) => string;

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  cyan: [36, 39],
};

export function painter({ color }: { readonly color: boolean }): Paint {
  if (!color) return (_style, text) => text;
  return (style, text) => {
    const [on, off] = CODES[style];
    return text === "" ? "" : `\u001b[${on}m${text}\u001b[${off}m`;
  };
}

/**
 * Text from outside as it may be shown: what would move the cursor, hide or reorder characters, or pass for another
 * one, is spelled out. Line breaks too, so that nobody's text looks like a line of ours.
 */
export function printable(text: string): string {
  return text
    .replace(WORD, (word) => (LATIN.test(word) ? word.replace(LIKE_LATIN, spelledOut) : word))
    .replace(UNPRINTABLE, spelledOut);
}

function spelledOut(character: string): string {
  return `\\u{${hexOf(character)}}`;
}

/** Of scripts whose letters look like Latin ones, which stand in one word with these only to deceive (UTS #39, §5). */
const LIKE_LATIN = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/gu;
const LATIN = /\p{Script=Latin}/u;
const WORD = /[\p{L}\p{M}\p{Nd}_'’]+/gu;

/** Controls, invisible and direction-changing characters, lone surrogates, and what looks like a space and is none. */
const UNPRINTABLE = new RegExp(
  `[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}\\u2800]|(?! )\\p{Zs}|${OF_NO_WIDTH}`,
  "gu",
);

/** The same of a text of several lines. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/**
 * Without what nothing here prints of itself, wherever it came from; escapes stand for it that mean the same in JSON. Of
 * controls, line ends, tabs and colours are left.
 */
export function withoutHidden(text: string): string {
  return escaped(text, HIDDEN);
}

/** The same, for who moves the cursor. */
export function withoutHiddenBeyondAscii(text: string): string {
  return escaped(text, HIDDEN_BEYOND_ASCII);
}

function escaped(text: string, what: RegExp): string {
  return text.replace(what, (units) =>
    [...Array(units.length).keys()]
      .map((at) => `\\u${units.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** Of controls beyond ASCII some terminals take one for `ESC [`. */
const BEYOND_ASCII = "[\\u007f-\\u009f\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}]";
const HIDDEN_BEYOND_ASCII = new RegExp(`${BEYOND_ASCII}|${OF_NO_WIDTH}`, "gu");
const OWN = Object.values(CODES).flat().join("|");
const HIDDEN = new RegExp(
  `${BEYOND_ASCII}|${OF_NO_WIDTH}|\\u001b(?!\\[(?:${OWN})m)|[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001a\\u001c-\\u001f]`,
  "gu",
);

/** Rows with columns as wide as their widest cell; `align` gives `r` for columns of numbers. */
export function table(rows: readonly (readonly string[])[], align = ""): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, width(cell));
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, at) => {
        const space = " ".repeat((widths[at] ?? 0) - width(cell));
        return align[at] === "r" ? space + cell : cell + space;
      });
      return `${cells.join("  ").trimEnd()}\n`;
    })
    .join("");
}

/** Of text that may be coloured. */
export function width(text: string): number {
  return [...text.replace(STYLED, "")].length;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colours are made of
const STYLED = /\u001b\[\d+m/g;

export function indent(text: string, by: string): string {
  return text.replace(/^(?=.)/gm, by);
}

/** Words in lines of at most `columns`; a word that is longer stands alone. */
export function wrap(text: string, columns: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}

/** `1 rule`, `2 rules`, `0 entries`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** As a word of a shell's command line. */
export function quoteForShell(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
