/** The hosts that a text of a command line names, as those who connect read it. */
import { parseIp } from "../ip.ts";

/**
 * Of what stands behind `://`. `exact`: all of the word is the URL. Clients take whatever stands before the last `@` for
 * a user (`http://known.example\@other.example` is `other.example` to curl, and not to browsers): both are named then.
 */
function hostsIn(text: string, exact: boolean): readonly string[] {
  const loose = authority(text, /[/?#\s'"<>|;)\\,]/);
  const strict = authority(text, /[/?#]/);
  return !exact || strict === loose || !text.includes("@") ? [loose] : [loose, strict];
}

/** `user@host:port/path` → `host` */
function authority(text: string, ends: RegExp): string {
  const end = text.search(ends);
  const whole = end < 0 ? text : text.slice(0, end);
  const host = whole.slice(whole.lastIndexOf("@") + 1);
  if (host.startsWith("[")) return host.slice(0, host.indexOf("]") + 1);
  const colon = host.indexOf(":");
  return colon < 0 || host.indexOf(":", colon + 1) > 0 ? host : host.slice(0, colon);
}

/** Lower case, without the last dot; numbers in any notation as one address. */
export function canonicalHost(name: string): string {
  const plain = name.toLowerCase().replace(/\.$/, "");
  if (plain.includes("$") || plain.includes("`")) return name;
  const bracketed = plain.includes(":") && !plain.startsWith("[") ? `[${plain}]` : plain;
  if (!URL.canParse(`http://${bracketed}/`)) return plain;
  const { hostname } = new URL(`http://${bracketed}/`);
  const address = parseIp(hostname.replace(/^\[(.*)\]$/, "$1"));
  return address.ok ? address.value : hostname;
}

/** Schemes whose URLs have a host even where there are more or fewer than two slashes, to some clients. */
const OF_THE_WEB = /^(?:https?|wss?|ftps?)$/i;

/** Of every URL in a word. */
export function hostsOfUrls(text: string): readonly string[] {
  const hosts: string[] = [];
  for (let at = text.indexOf("://"); at >= 0; at = text.indexOf("://", at + 3)) {
    const before = text.slice(Math.max(0, at - 32), at);
    const [scheme] = /[A-Za-z][A-Za-z0-9+.-]{0,31}$/.exec(before) ?? [];
    if (scheme === undefined || scheme === "file") continue;
    const start = at - scheme.length;
    const rest = text.slice(at + 3, at + 3 + 512);
    const exact = start === 0 || "-=".includes(text.charAt(start - 1));
    hosts.push(...hostsIn(OF_THE_WEB.test(scheme) ? rest.replace(/^\/+/, "") : rest, exact));
  }
  return hosts;
}

/** Of an operand that may leave its scheme out: `host:port/path`, and `http:/host`, which curl takes. */
export function hostsOfOperand(text: string): readonly string[] {
  if (text === "" || text.startsWith("+")) return [];
  const [prefix] = /^(?:(?:tcp|udp|ssl|openssl)\d?:|(?:https?|ftps?):\/)/i.exec(text) ?? [""];
  return hostsIn(text.slice(prefix.length, 512), true);
}
