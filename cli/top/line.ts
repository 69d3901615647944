/** Lines of a given width, of text that may be coloured. Pure. */
import { width } from "../terminal.ts";

/** Exactly so many columns: cut off with `…`, or filled with blanks. */
export function cell(text: string, columns: number, side: "left" | "right" = "left"): string {
  const cut = cutTo(text, columns);
  const space = " ".repeat(Math.max(0, columns - width(cut)));
  return side === "left" ? cut + space : space + cut;
}

/** Two texts at the two ends of a line. */
export function spread(left: string, right: string, columns: number): string {
  const space = columns - width(left) - width(right);
  return space < 2 ? left : left + " ".repeat(space) + right;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colours are made of
const PIECES = /\u001b\[\d+m|./gsu;

/** No wider; colours that stand behind the cut still do, so that they end. */
export function cutTo(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let room = columns - 1;
  let cut = "";
  let marked = false;
  for (const [piece] of text.matchAll(PIECES)) {
    if (piece.startsWith("\u001b[")) cut += piece;
    else if (room > 0) {
      cut += piece;
      room -= 1;
    } else if (!marked && columns > 0) {
      cut += "…";
      marked = true;
    }
  }
  return cut;
}
