import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import { signerOf, spellSigner } from "../../engine/audit/note.ts";
import { type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { openHome } from "../serve/home.ts";
import { createFile } from "../whole-file.ts";
import { PUBLIC_SUFFIX } from "./keys.ts";
import { USUAL_KEY } from "./reading.ts";

/** Makes a key pair; never over one that is there. */
export async function makeKey(input: Input, io: Io): Promise<ExitCode> {
  const [, file] = input.positionals;
  if (file === undefined) openHome(io.cwd);
  const path = resolve(io.cwd, file ?? USUAL_KEY);
  for (const taken of [path, `${path}${PUBLIC_SUFFIX}`]) {
    if (!existsSync(taken)) continue;
    throw new Misuse(
      `there is \`${relative(io.cwd, taken)}\` already`,
      "what it signed can be verified with it alone: name another file",
    );
  }
  const seed = randomBytes(32);
  const name = input.values.get("name") ?? `writ-audit-${randomBytes(4).toString("hex")}`;
  const signer = signerOf(name, seed);
  if (signer === undefined) {
    throw new Misuse(
      `\`${name}\` cannot name a key`,
      "no spaces and no `+`: such as acme.example/writ",
    );
  }
  const shown = relative(io.cwd, path);
  createFile(path, `${spellSigner(signer)}\n`, 0o600, shown);
  createFile(`${path}${PUBLIC_SUFFIX}`, `${signer.text}\n`, 0o644, `${shown}${PUBLIC_SUFFIX}`);
  if (input.json) io.out(`${JSON.stringify({ ok: true, file: path, name, key: signer.text })}\n`);
  else {
    io.out(`${shown} signs, and is for this user alone\n`);
    io.out(`${shown}${PUBLIC_SUFFIX} verifies: ${signer.text}\n`);
    io.out("keep a copy of the latter where whoever writes the log cannot change it\n");
    const option = file === undefined ? "" : ` --audit-key ${shown}`;
    io.out(`\`writ serve${option}\` signs from its next start on, also what was recorded before\n`);
  }
  return 0;
}
