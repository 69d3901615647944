/** What an awk program runs, reads and writes, as far as it must be told. */

export interface AwkProgram {
  /** It starts programs, or calls functions by names that are computed. */
  readonly runs: boolean;
  /** Names of files; undefined stands for one that is computed. */
  readonly reads: readonly (string | undefined)[];
  readonly writes: readonly (string | undefined)[];
}

type Token = { readonly kind: "text" | "word" | "sign"; readonly text: string };

/** A regular expression may stand behind these, and a division behind everything else. */
const BEFORE_PATTERN = /^(?:[({},;!~&|?:=+\-*%^<>\n]|&&|\|\||print|printf|return|in)$/;

/** `"…"`, `/…/`, a name, a sign of two characters, one character; blanks and comments go. */
const PIECE =
  /[ \t\r]+|\\\r?\n|#[^\n]*|"(?:[^"\\\n]|\\[\s\S])*"?|\w+|&&|\+\+|--|\|\||\|&|>>|>=|<=|==|!=|[\s\S]/y;

const PATTERN = /\/(?:[^/\\\n[]|\\.|\[\^?\]?[^\]\n]*\])*\//y;

/** Time is linear in the program. */
export function readAwk(program: string): AwkProgram {
  const tokens = tokensOf(program);
  const runs = tokens.some(({ kind, text }) => isCall(kind, text));
  const [reads, writes]: [(string | undefined)[], (string | undefined)[]] = [[], []];
  let [prints, gets, depth]: [number | undefined, boolean, number] = [undefined, false, 0];
  tokens.forEach(({ kind, text }, at) => {
    if (kind === "word" && /^printf?$/.test(text)) prints = depth;
    if (kind === "word" && text === "getline") gets = true;
    // It may be given names of files.
    if (kind === "word" && text === "ARGV") reads.push(undefined);
    if (kind !== "sign") return;
    if ("([{".includes(text)) depth += 1;
    if (")]}".includes(text)) depth -= 1;
    if (/^[;{}\n]$/.test(text)) gets = false;
    if (/^[;}\n]$/.test(text) || depth < (prints ?? 0)) prints = undefined;
    if (prints === depth && /^>>?$/.test(text)) writes.push(fileAt(tokens, at + 1));
    if (gets && text === "<") reads.push(fileAt(tokens, at + 1));
  });
  return { runs, reads, writes };
}

function isCall(kind: Token["kind"], text: string): boolean {
  return kind === "word" ? text === "system" : kind === "sign" && /^(?:\||\|&|@)$/.test(text);
}

/** A text that stands alone there. */
function fileAt(tokens: readonly Token[], at: number): string | undefined {
  const [file, next] = tokens.slice(at, at + 2);
  const ends = next === undefined || /^(?:[;}\n)&?]|&&|\|\||[<>=!]=?)$/.test(next.text);
  if (file?.kind !== "text" || !ends || file.text.includes("\\")) return undefined;
  return file.text;
}

function tokensOf(program: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < program.length; ) {
    const found = pieceAt(program, at, tokens.at(-1));
    at += Math.max(1, found.length);
    if (/^(?:[ \t\r]|\\\r?\n|#)/.test(found)) continue;
    if (found.length > 1 && found.startsWith("/")) tokens.push({ kind: "text", text: "\\" });
    else if (found.startsWith('"')) tokens.push({ kind: "text", text: found.slice(1, -1) });
    else tokens.push({ kind: /^\w/.test(found) ? "word" : "sign", text: found });
  }
  return tokens;
}

function pieceAt(program: string, at: number, before: Token | undefined): string {
  const mayBePattern =
    before === undefined || (before.kind !== "text" && BEFORE_PATTERN.test(before.text));
  const sticky = program.charAt(at) === "/" && mayBePattern ? PATTERN : PIECE;
  sticky.lastIndex = at;
  return sticky.exec(program)?.[0] ?? program.charAt(at);
}
