import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * A folder of recorded material that stands beside the project and is never copied into it. Where it is not,
 * tests that use it are skipped, loudly; in CI they fail instead.
 */
export function dataFolder(name: string): string | undefined {
  const path = fileURLToPath(new URL(`../../../shared/data/${name}`, import.meta.url));
  if (existsSync(path)) return path;
  if (process.env.CI !== undefined) throw new Error(`the test needs ${path}, and CI must have it`);
  console.warn(`SKIPPED: there is no ${path}, which this test reads its cases from`);
  return undefined;
}
