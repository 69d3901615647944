/** Escapes between `$'` and `'`. */

export const ANSI_ESCAPE =
  /\\(?:x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c[\s\S]|[abeEfnrtv\\'"?])/y;

const ANSI_LETTERS: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** What one escape stands for; NUL for a character that there is not. */
export function ansiText(written: string): string {
  const kind = written.charAt(1);
  if (kind === "x" || kind === "u" || kind === "U") {
    const point = Number.parseInt(written.slice(2), 16);
    return point > 0x10ffff ? "\0" : String.fromCodePoint(point);
  }
  if (kind >= "0" && kind <= "7") {
    return String.fromCharCode(Number.parseInt(written.slice(1), 8) & 0xff);
  }
  if (kind === "c") return String.fromCharCode(written.charCodeAt(2) & 0x1f);
  return ANSI_LETTERS[kind] ?? kind;
}
