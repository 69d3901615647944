/** `crypto.*`: digests and keyed digests, in hexadecimal. Pure. */
import { createHash, createHmac } from "node:crypto";
import { equalSecrets } from "../../equal-secrets.ts";
import { type Builtin, textOf } from "./builtin.ts";

const DIGESTS = ["md5", "sha1", "sha256", "sha512"];

export const CRYPTO: readonly (readonly [string, Builtin])[] = [
  ...DIGESTS.filter((name) => name !== "sha512").map(
    (name) => [`crypto.${name}`, digest(name)] as const,
  ),
  ...DIGESTS.map((name) => [`crypto.hmac.${name}`, keyed(name)] as const),
  ["crypto.hmac.equal", ([one, other]) => equalSecrets(textOf(one), textOf(other))],
];

function digest(name: string): Builtin {
  return ([text]) => createHash(name).update(textOf(text)).digest("hex");
}

function keyed(name: string): Builtin {
  return ([text, key]) => createHmac(name, textOf(key)).update(textOf(text)).digest("hex");
}
