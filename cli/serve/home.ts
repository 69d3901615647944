/** Where `writ serve` keeps what it keeps, unless told otherwise: `.writ` in the current directory. */
import { chmodSync, existsSync, lstatSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory } from "../../engine/directory.ts";
import { Misuse } from "../command.ts";

export const HOME = ".writ";

/** Made where it is missing, for this user alone, and for no repository to hold. */
export function openHome(cwd: string): string {
  const home = join(cwd, HOME);
  try {
    makeDirectory(home);
    const { mode } = lstatSync(home);
    if ((mode & 0o077) !== 0) chmodSync(home, 0o700);
    const ignore = join(home, ".gitignore");
    if (!existsSync(ignore)) writeFileSync(ignore, "*\n", { mode: 0o600 });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new Misuse(
      `cannot keep anything in \`${home}\`: ${code}`,
      "start it in a directory of yours, or name other places: see `writ serve --help`",
    );
  }
  return home;
}
