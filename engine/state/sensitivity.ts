/**
 * How sensitive what a session was returned is: a position in the level `Sensitivity` of the policy that it was told
 * under. The levels of the next may be others: there the same name counts, and the highest where it has none. Pure.
 */
import type { Program } from "../../lang/ir.ts";

export interface Sensitivity {
  readonly sensitivity: number;
  /** That it is a position in; missing where it is 0, or was told before this was kept: then in whatever there are. */
  readonly levels?: readonly string[] | undefined;
}

export const NOT_SENSITIVE: Sensitivity = { sensitivity: 0 };

/** Of the policy, lowest first. */
export function sensitivityLevels({ levels }: Pick<Program, "levels">): readonly string[] {
  return levels.find(({ name }) => name === "Sensitivity")?.values ?? NO_LEVELS;
}

const NO_LEVELS: readonly string[] = [];

/** Its position in `wanted`. */
export function sensitivityAmong(
  { sensitivity, levels = NO_LEVELS }: Sensitivity,
  wanted: readonly string[],
): number {
  const name = levels[sensitivity];
  if (sensitivity === 0 || levels === wanted || name === undefined) return sensitivity;
  const position = wanted.indexOf(name);
  return position >= 0 ? position : Math.max(0, wanted.length - 1);
}

/** The higher one, the first where neither is. What no level of `wanted` could tell is told as it was. */
export function moreSensitive(
  one: Sensitivity,
  other: Sensitivity,
  wanted: readonly string[],
): Sensitivity {
  if (other.sensitivity === 0) return one;
  const levels = wanted.length > 0 ? wanted : (one.levels ?? other.levels ?? NO_LEVELS);
  const sensitivity = sensitivityAmong(other, levels);
  return sensitivity > sensitivityAmong(one, levels) ? { sensitivity, levels } : one;
}
