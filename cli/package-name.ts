/** Names of packages, as commands are given them. */
import { WORD_CHARS_MAX } from "../lang/limits.ts";
import { FORBIDDEN_NAMES } from "../lang/value.ts";
import { Misuse } from "./command.ts";

/** Throws `Misuse` where the language would not take it; `example` is one that it would. */
export function checkPackageName(name: string, example: string): void {
  if (name.split(".").every(isWord)) return;
  throw new Misuse(
    `${JSON.stringify(name)} is no name of a package`,
    `words joined by dots, such as \`${example}\``,
  );
}

/** A word of the language that is like the name of the directory. */
export function packageNameOf(directory: string): string {
  const word = directory
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return /^[a-z]/.test(word) && isWord(word) ? word : "policy";
}

function isWord(text: string): boolean {
  const isShort = text.length <= WORD_CHARS_MAX;
  return isShort && /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) && !FORBIDDEN_NAMES.has(text);
}
