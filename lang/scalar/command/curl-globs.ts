/** URLs that curl makes of one: `{a,b}`, `[1-3]`, `[a-z:2]` (curl(1), "URL globbing"). */

/** More than these are not looked at. */
const URLS_MAX = 64;

const SET = /^\{([^{}]*)\}/;

const RANGE = /^\[(?:(\d+)-(\d+)|([A-Za-z])-([A-Za-z]))(?::\d+)?\]/;

/** Every URL; undefined where they are too many, or not understood. `[::1]` stands for itself. */
export function curlUrls(text: string): readonly string[] | undefined {
  let urls = [""];
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at, at + 1024);
    const [piece, choices] = pieceOf(rest);
    if (urls.length * choices.length > URLS_MAX) return undefined;
    urls = urls.flatMap((url) => choices.map((choice) => url + choice));
    at += piece;
  }
  return urls;
}

/** How much of the text stands for one of what. */
function pieceOf(rest: string): readonly [number, readonly string[]] {
  if (/^\\[{}[\]]/.test(rest)) return [2, [rest.charAt(1)]];
  const [set, members] = SET.exec(rest) ?? [];
  if (set !== undefined) return [set.length, (members ?? "").split(",")];
  const range = RANGE.exec(rest);
  if (range !== null) return [range[0].length, between(range)];
  // A sign that opens a set which is not understood is none of a host.
  const [plain] = /^(?:[{[]|[^{[\\]+|\\)/.exec(rest) ?? [rest];
  return [plain.length, [plain]];
}

/** Every step is taken for one, whatever step is asked for. */
function between([, first = "", last = "", low = "", high = ""]: RegExpExecArray): string[] {
  const isNumber = first !== "";
  const from = isNumber ? Number(first) : low.charCodeAt(0);
  const to = isNumber ? Number(last) : high.charCodeAt(0);
  const count = Math.min(Math.abs(to - from), URLS_MAX) + 1;
  return Array.from({ length: count }, (_, step) => {
    const one = Math.min(from, to) + step;
    return isNumber ? String(one).padStart(first.length, "0") : String.fromCharCode(one);
  });
}
