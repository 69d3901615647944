/**
 * How sensitive what a session was returned is: the levels of `Sensitivity` that it was told in, all of them and by name,
 * since the next policy may have others between them, in another order, or not these. There the highest one counts,
 * and one that it does not have is as high as its own highest. Pure.
 */
import type { Program } from "../../lang/ir.ts";

/** Of the policy, lowest first. */
export function sensitivityLevels({ levels }: Pick<Program, "levels">): readonly string[] {
  return levels.find(({ name }) => name === "Sensitivity")?.values ?? NO_LEVELS;
}

const NO_LEVELS: readonly string[] = [];

/** Position of the highest of `told` in `levels`; 0 where nothing was told. */
export function sensitivityAmong(told: Iterable<string>, levels: readonly string[]): number {
  let highest = 0;
  for (const name of told) {
    const position = levels.indexOf(name);
    highest = Math.max(highest, position >= 0 ? position : levels.length - 1);
  }
  return highest;
}
