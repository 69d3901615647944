import { type Parsed, parsed, refused } from "./parsed.ts";

const LOCAL = /^[A-Za-z0-9#$&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9#$&'*+/=?^_`{|}~-]+)*$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/**
 * An address in canonical form (SPEC §4.3): the domain in lower case, the local part as written, since only
 * its own host knows whether case matters there. Refused are the forms that programs read differently:
 * display names, quotes, comments, `%` and `!` routes, address literals and letters beyond ASCII (write a
 * domain in Punycode).
 */
export function parseEmail(text: string): Parsed<string> {
  const at = text.indexOf("@");
  if (at < 0 || at !== text.lastIndexOf("@")) return refused("does not have exactly one `@`");
  const local = text.slice(0, at);
  const domain = asciiLower(text.slice(at + 1));
  if (local.length > 64 || !LOCAL.test(local)) return refused("has an odd part before the `@`");
  if (!isDomain(domain)) return refused("has an odd domain");
  return parsed(`${local}@${domain}`);
}

function isDomain(text: string): boolean {
  if (text.length > 253) return false;
  return text.split(".").every((label) => label.length <= 63 && LABEL.test(label));
}

export function emailLocal(email: string): string {
  return email.slice(0, email.indexOf("@"));
}

export function emailDomain(email: string): string {
  return email.slice(email.indexOf("@") + 1);
}

/** `A` to `Z` alone: the Kelvin sign is not a `k`. */
export function asciiLower(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text.toLowerCase();
  const units: number[] = [];
  let lowered = "";
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    units.push(unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit);
    if (units.length < CHUNK && at + 1 < text.length) continue;
    lowered += String.fromCharCode(...units);
    units.length = 0;
  }
  return lowered;
}

const BEYOND_ASCII = /[^\0-\x7f]/;

/** So many arguments a call may have anywhere. */
const CHUNK = 4_096;
