/** Key files as options name them. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import {
  type KeyReading,
  readSigningKey,
  readVerifyingKey,
  type SigningKey,
  type VerifyingKey,
} from "../engine/signing-key.ts";
import { type Io, Misuse } from "./command.ts";
import { readText } from "./files.ts";

const KEY_BYTES_MAX = 16 * 1024;

export function signingKeys(paths: readonly string[], io: Io): readonly SigningKey[] {
  for (const path of paths) refuseShared(path, io);
  return distinct(paths.map((path) => [path, readKey(path, io, readSigningKey)]));
}

/** A key that others can read is a key that others sign with. */
function refuseShared(path: string, io: Io): void {
  const stat = statSync(resolve(io.cwd, path), { throwIfNoEntry: false });
  if (stat === undefined || (stat.mode & 0o077) === 0) return;
  throw new Misuse(`others can read ${JSON.stringify(path)}`, `\`chmod 600 ${path}\``);
}

export function verifyingKeys(paths: readonly string[], io: Io): readonly VerifyingKey[] {
  return distinct(paths.map((path) => [path, readKey(path, io, readVerifyingKey)]));
}

function readKey<Key>(path: string, io: Io, read: (pem: string) => KeyReading<Key>): Key {
  const reading = read(readText(resolve(io.cwd, path), KEY_BYTES_MAX));
  if (reading.ok) return reading.key;
  throw new Misuse(
    `${JSON.stringify(path)} is no such key: ${reading.why}`,
    "NAME.key signs, and NAME.pub verifies: `writ keys new NAME` makes both",
  );
}

function distinct<Key extends { readonly id: string }>(
  named: readonly (readonly [string, Key])[],
): readonly Key[] {
  const keys = new Map<string, Key>();
  for (const [path, key] of named) {
    if (keys.has(key.id)) throw new Misuse(`${JSON.stringify(path)} is named twice`);
    keys.set(key.id, key);
  }
  return [...keys.values()];
}
