import { hiddenCharacter } from "./characters.ts";
import { parseIp } from "./ip.ts";
import { type Parsed, parsed, refused } from "./parsed.ts";

const LONGEST = 8192;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s;
const AUTHORITY = /^\/\/([^/?#]*)([^?#]*)/;
const ENCODED_IN_PATH = /%(?:25)*(?:2e|2f|5c|[01][0-9a-f]|7f)/i;
/** What `plainer` changes: unreserved characters, and small letters. `%C3%A9`, of which there may be many, it does not. */
const PERCENT =
  /%(2[DEde]|3\d|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee]|[a-f][0-9A-Fa-f]|[0-9A-F][a-f])/g;
const UNRESERVED = /[A-Za-z0-9._~-]/;

/** Ports that a scheme means when it names none. */
const DEFAULT_PORTS: ReadonlyMap<string, number> = new Map([
  ["http", 80],
  ["https", 443],
  ["ws", 80],
  ["wss", 443],
  ["ftp", 21],
]);

/**
 * An absolute URL in canonical form (SPEC §4.3): the WHATWG serialisation, with the host in lower case
 * (and in Punycode, and IPv4 in four decimals, for the schemes WHATWG knows), the default port dropped and
 * needless percent-encoding undone. Refused rather than repaired is what URL readers disagree on: user
 * names, backslashes, blanks, hidden characters, `https:x`, `//` and encoded separators in the path, and a
 * dot after the host.
 */
export function parseUrl(text: string): Parsed<string> {
  const why = oddForm(text);
  if (why !== undefined) return refused(why);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refused("is not an absolute URL");
  }
  if (url.host.endsWith(".") || url.hostname.endsWith("."))
    return refused("has a dot after its host");
  return parsed(canonical(url));
}

function oddForm(text: string): string | undefined {
  if (text.length > LONGEST) return `is longer than ${LONGEST}`;
  const hidden = hiddenCharacter(text);
  if (hidden !== undefined) return hidden;
  if (text.includes(" ")) return "holds a blank";
  if (text.includes("\\")) return "holds a backslash";
  const [, scheme, rest] = SCHEME.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) return "is not an absolute URL";
  const [, authority, path] = AUTHORITY.exec(rest) ?? [];
  if (authority === undefined || path === undefined) {
    return isSpecial(scheme.toLowerCase()) ? "has no `//` after its scheme" : undefined;
  }
  if (authority.includes("@")) return "holds a user name";
  if (authority.includes("%")) return "has an encoded host";
  if (authority === "" && isSpecial(scheme.toLowerCase()) && scheme.toLowerCase() !== "file") {
    return "has no host";
  }
  if (path.includes("//")) return "has an empty segment in its path";
  if (ENCODED_IN_PATH.test(path)) return "holds an encoded separator, dot or control in its path";
  return undefined;
}

function isSpecial(scheme: string): boolean {
  return DEFAULT_PORTS.has(scheme) || scheme === "file";
}

function canonical(url: URL): string {
  const rest = `${url.pathname}${url.search}${url.hash}`.replace(PERCENT, plainer);
  // Only schemes that WHATWG knows have their host folded by the parser.
  const authority = url.href.startsWith(`${url.protocol}//`) ? `//${url.host.toLowerCase()}` : "";
  return `${url.protocol}${authority}${rest}`;
}

function plainer(encoded: string, hex: string): string {
  const character = String.fromCharCode(Number.parseInt(hex, 16));
  return UNRESERVED.test(character) ? character : encoded.toUpperCase();
}

export function urlScheme(url: string): string {
  return url.slice(0, url.indexOf(":"));
}

/** Name or address, without brackets and with IPv4-mapped addresses folded; empty where there is none. */
export function urlHost(url: string): string {
  const host = hostAndPort(url);
  if (!host.startsWith("[")) return host.split(":", 1)[0] ?? "";
  const address = parseIp(host.slice(1, host.indexOf("]")));
  return address.ok ? address.value : host;
}

/** The one written, else the one its scheme means. */
export function urlPort(url: string): number | undefined {
  const host = hostAndPort(url);
  const colon = host.lastIndexOf(":");
  if (colon > host.lastIndexOf("]")) return Number(host.slice(colon + 1));
  return DEFAULT_PORTS.get(urlScheme(url));
}

/** As serialised, with what still must be percent-encoded. */
export function urlPath(url: string): string {
  const rest = afterAuthority(url);
  const end = rest.search(/[?#]/);
  return end < 0 ? rest : rest.slice(0, end);
}

/** What stands between `?` and `#`; empty where there is none. */
export function urlQuery(url: string): string {
  const rest = afterAuthority(url).split("#", 1)[0] ?? "";
  const mark = rest.indexOf("?");
  return mark < 0 ? "" : rest.slice(mark + 1);
}

function hostAndPort(url: string): string {
  return AUTHORITY.exec(url.slice(url.indexOf(":") + 1))?.[1] ?? "";
}

function afterAuthority(url: string): string {
  const rest = url.slice(url.indexOf(":") + 1);
  const authority = AUTHORITY.exec(rest)?.[1];
  return authority === undefined ? rest : rest.slice(2 + authority.length);
}

/** Whether a host is a domain or below it: `mail.acme.example` is in `acme.example`, `notacme.example` is not. */
export function hostWithin(host: string, domain: string): boolean {
  return host === domain || (domain !== "" && host.endsWith(`.${domain}`));
}
