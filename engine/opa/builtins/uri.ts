/** `uri.*`: references as Go's `net/url` takes them apart, which is stricter about hosts than RFC 3986. Pure. */
import { type Rego, regoObject } from "../rego.ts";
import { type Builtin, fail, textOf } from "./builtin.ts";
import { sixOf } from "./net.ts";
import { bytesOf, hasOnlyEscapes, utf8 } from "./percent.ts";

export const URI: readonly (readonly [string, Builtin])[] = [
  // What is empty is a reference, and of use to nobody who asks.
  ["uri.is_valid", ([text]) => typeof text === "string" && text !== "" && !!partsOf(text)],
  ["uri.parse", ([text]) => parseUri(partsOf(textOf(text)) ?? fail("no URI"))],
];

/** As they are written, escapes and all; empty where they are missing. */
interface UriParts {
  readonly scheme: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
}

function parseUri({ scheme, hostname, port, path, query, fragment }: UriParts): Rego {
  const decoded = unescaped(path);
  const parts = {
    scheme: scheme.toLowerCase(),
    hostname: unescaped(hostname),
    port,
    path: decoded,
    // Only what Go would escape otherwise is told as it was written.
    raw_path: escapedPath(decoded) === path ? decoded : path,
    raw_query: query,
    fragment: unescaped(fragment),
  };
  return regoObject(Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== "")));
}

function unescaped(text: string): string {
  return utf8(bytesOf(text));
}

function escapedPath(path: string): string {
  return encodeURI(path).replace(
    /[!'()*#?]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function partsOf(text: string): UriParts | undefined {
  const [, before = "", fragment = ""] = /^([^#]*)#?(.*)$/s.exec(text) ?? [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\0-\x1f\x7f]|^:/.test(before) || !hasOnlyEscapes(fragment)) return undefined;
  const [, scheme = "", rest = "", query = ""] =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?([^?]*)\??(.*)$/s.exec(before) ?? [];
  const none = { scheme, hostname: "", port: "", path: "", query, fragment };
  // `mailto:someone` has no path: what stands there is the scheme's own.
  if (scheme !== "" && !rest.startsWith("/")) return none;
  // `:` in the first step of a path would be a scheme, and is none.
  if (/^[^/]*:/.test(rest)) return undefined;
  const found = scheme === "" && rest.startsWith("///") ? null : /^\/\/([^/]*)(.*)$/s.exec(rest);
  const [, authority = "", path = rest] = found ?? [];
  const host = hostOf(authority, /^https?$/i.test(scheme));
  return host && hasOnlyEscapes(path) ? { ...none, ...host, path } : undefined;
}

type Host = Pick<UriParts, "hostname" | "port">;

function hostOf(authority: string, isWeb: boolean): Host | undefined {
  const at = authority.lastIndexOf("@");
  const user = authority.slice(0, Math.max(at, 0));
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user) || !hasOnlyEscapes(user)) return undefined;
  const host = authority.slice(at + 1);
  if (host.includes("[")) return literalOf(host);
  // Elsewhere than on the web, several hosts with ports may stand in a row.
  const pattern = isWeb ? /^([^:]*)(?::([0-9]*))?$/ : /^(.*?)(?::([0-9]*))?$/s;
  const [, hostname, port = ""] = pattern.exec(host) ?? [];
  if (hostname === undefined || !isHost(hostname)) return undefined;
  return isWeb || port !== "" || host.length > hostname.length || !hostname.includes(":")
    ? { hostname, port }
    : undefined;
}

/** An address of version 6 in brackets, perhaps with a zone behind `%25`. */
function literalOf(host: string): Host | undefined {
  const [, hostname, port = ""] = /^\[([^[]*)\](?::([0-9]*))?$/s.exec(host) ?? [];
  if (hostname === undefined) return undefined;
  const [, address = hostname, zone] = /^(.*?)%25(.*)$/s.exec(hostname) ?? [];
  return isZone(zone) && sixOf(address) !== undefined ? { hostname, port } : undefined;
}

/** Escapes stand for what could stand there by itself, or for a blank. */
function isZone(zone = "0"): boolean {
  const plain = zone.replace(/%([2-7][0-9a-fA-F])/g, (sign, hex) =>
    sign === "%20" || sign === "%25" ? "" : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return zone !== "" && !plain.includes("%") && isHost(plain);
}

/** Of ASCII no escape but that of `%`, and no sign that ends a host elsewhere. */
function isHost(text: string): boolean {
  return /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:[\]<>"]|%25|%[89a-fA-F][0-9a-fA-F]|[^\0-\x7f])*$/s.test(
    text,
  );
}
