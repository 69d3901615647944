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
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
