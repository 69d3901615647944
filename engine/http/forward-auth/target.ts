/** What a proxy says was asked of it. */
import { FORBIDDEN_NAMES } from "../../../lang/value.ts";

export interface Target {
  /** Decoded; every reader sees the same. */
  readonly path: string;
  readonly segments: readonly string[];
  /** Each name with all its values, in order. */
  readonly query: Readonly<Record<string, readonly string[]>>;
}

/**
 * Reads a request target in origin form (RFC 9112, §3.2.1). One that two readers may take for different places
 * is refused, not normalised: semicolons, escaped slashes, dots and percent signs, empty and dotted segments,
 * backslashes, fragments, controls, and escapes that are no UTF-8. A rule about a path must see the path that is served.
 */
export function readTarget(uri: string): Target | undefined {
  const [raw = "", ...rest] = uri.split("?");
  if (!PLAIN.test(raw) || DOUBTFUL.test(raw)) return undefined;
  const path = decode(raw);
  if (path === undefined || CONTROLS.test(path)) return undefined;
  const segments = path.split("/").slice(1);
  const isWhole = segments.every((segment, index) => isPlace(segment, index, segments.length));
  const query = readQuery(rest.length === 0 ? undefined : rest.join("?"));
  return isWhole && query !== undefined ? { path, segments, query } : undefined;
}

/**
 * Characters of RFC 3986's paths, but for `;`: to some servers what follows one is no part of the path (`/admin;x`
 * is served as `/admin`), to others it is. Whatever else there is has to be escaped.
 */
const PLAIN = /^\/[A-Za-z0-9/._~!$&'()*+,=:@%-]*$/;
const DOUBTFUL = /%2f|%5c|%2e|%25|%3b/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f]/;

/** Only a path that ends with `/` has an empty segment, its last. */
function isPlace(segment: string, index: number, count: number): boolean {
  if (segment === "") return index === count - 1;
  return segment !== "." && segment !== "..";
}

const QUERY_PAIRS_MOST = 100;

/** Visible ASCII without `;`, which parts pairs for some readers, and `#`, which ends the query for some. */
const PLAIN_QUERY = /^[!-"$-:<-~]*$/;

function readQuery(raw: string | undefined): Target["query"] | undefined {
  const query: Record<string, string[]> = Object.create(null);
  if (raw === undefined || raw === "") return query;
  if (!PLAIN_QUERY.test(raw)) return undefined;
  const pairs = raw.split("&");
  if (pairs.length > QUERY_PAIRS_MOST) return undefined;
  for (const pair of pairs) {
    const [name = "", ...values] = pair.split("=");
    const [key, value] = [decodeForm(name), decodeForm(values.join("="))];
    if (key === undefined || value === undefined || FORBIDDEN_NAMES.has(key)) return undefined;
    query[key] ??= [];
    query[key].push(value);
  }
  return query;
}

function decodeForm(text: string): string | undefined {
  const decoded = decode(text.replaceAll("+", " "));
  return decoded === undefined || CONTROLS.test(decoded) ? undefined : decoded;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
