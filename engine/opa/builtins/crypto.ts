/** `crypto.*`: digests and keyed digests, in hexadecimal. Pure. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { type Builtin, textOf } from "./builtin.ts";

const DIGESTS = ["md5", "sha1", "sha256", "sha512"];

export const CRYPTO: readonly (readonly [string, Builtin])[] = [
  ...DIGESTS.filter((name) => name !== "sha512").map(
    (name) => [`crypto.${name}`, digest(name)] as const,
  ),
  ...DIGESTS.map((name) => [`crypto.hmac.${name}`, keyed(name)] as const),
  ["crypto.hmac.equal", ([one, other]) => equalBytes(textOf(one), textOf(other))],
];

function digest(name: string): Builtin {
  return ([text]) => createHash(name).update(textOf(text)).digest("hex");
}

function keyed(name: string): Builtin {
  return ([text, key]) => createHmac(name, textOf(key)).update(textOf(text)).digest("hex");
}

/** In a time that does not tell how much of them is the same. */
export function equalBytes(one: string | Uint8Array, other: string | Uint8Array): boolean {
  const [a, b] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
