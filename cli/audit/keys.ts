/** Keys that checkpoints are signed with: `audit.key`, which nobody else may read, and `audit.key.pub`. */
import { lstatSync } from "node:fs";
import { readSigner, readVerifier, type Signer, type Verifier } from "../../engine/audit/note.ts";
import { Misuse } from "../command.ts";
import { readText } from "../files.ts";

const KEY_BYTES_MAX = 4_096;

export const PUBLIC_SUFFIX = ".pub";

export function readSigningKey(path: string): Signer {
  const text = readText(path, KEY_BYTES_MAX);
  const signer = readSigner(text);
  if (signer === undefined) {
    throw new Misuse(`\`${path}\` holds no key to sign with`, "`writ audit key` makes one");
  }
  const { mode } = lstatSync(path);
  if ((mode & 0o077) !== 0) {
    throw new Misuse(`\`${path}\` can be read by others`, `\`chmod 600 ${path}\``);
  }
  return signer;
}

/** A file, or the text of a key itself. */
export function readVerifyingKey(given: string, path: string): Verifier {
  const verifier = readVerifier(given) ?? readVerifier(readText(path, KEY_BYTES_MAX));
  if (verifier !== undefined) return verifier;
  throw new Misuse(
    `\`${given}\` is no key to verify with`,
    "it is the `.pub` file that `writ audit key` wrote, or its text",
  );
}
