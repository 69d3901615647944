/**
 * Whether two globs of `regex.globs_match` have a text in common: characters, `.`, `[a-z]`, and each of them
 * perhaps repeated by `*` or `+`. Both are run at once as automata, in time of the product of their lengths. Pure.
 */
import { bounded, fail } from "./builtin.ts";

/** Ranges of code points, ends included; and whether it may be left out and taken again. */
interface Step {
  readonly ranges: readonly (readonly [number, number])[];
  readonly optional: boolean;
  readonly repeated: boolean;
}

const EVERYTHING = [[0, 0x10ffff]] as const;

export function globsMeet(one: string, other: string): boolean {
  const [left, right] = [stepsOf(one), stepsOf(other)];
  bounded((left.length + 1) * (right.length + 1));
  const seen = new Set<number>();
  const waiting: [number, number][] = [[0, 0]];
  const visit = (i: number, j: number) => {
    const key = i * (right.length + 1) + j;
    if (seen.has(key)) return;
    seen.add(key);
    waiting.push([i, j]);
  };
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [i, j] = next;
    if (i === left.length && j === right.length) return true;
    const [a, b] = [left[i], right[j]];
    if (a?.optional) visit(i + 1, j);
    if (b?.optional) visit(i, j + 1);
    if (a === undefined || b === undefined || !meet(a, b)) continue;
    visit(i + 1, j + 1);
    if (a.repeated) visit(i, j + 1);
    if (b.repeated) visit(i + 1, j);
    // Both going on where they are comes back here.
  }
  return false;
}

function meet(a: Step, b: Step): boolean {
  return a.ranges.some(([low, high]) => b.ranges.some(([from, to]) => low <= to && from <= high));
}

function stepsOf(glob: string): readonly Step[] {
  const steps: Step[] = [];
  const characters = [...glob];
  for (let at = 0; at < characters.length; ) {
    const [ranges, behind] = rangesAt(characters, at);
    const sign = characters[behind];
    const isFlag = sign === "*" || sign === "+";
    steps.push({ ranges, optional: sign === "*", repeated: isFlag });
    at = isFlag ? behind + 1 : behind;
  }
  return steps;
}

function rangesAt(
  characters: readonly string[],
  at: number,
): readonly [Step["ranges"], behind: number] {
  const sign = characters[at] ?? "";
  if (sign === ".") return [EVERYTHING, at + 1];
  if (sign === "[") return classAt(characters, at + 1);
  if (sign === "*" || sign === "+" || sign === "]") fail(`\`${sign}\` stands for nothing there`);
  const meant = sign === "\\" ? characters[at + 1] : sign;
  const code = meant?.codePointAt(0);
  if (code === undefined) return fail("a glob ends in `\\`");
  return [[[code, code]], sign === "\\" ? at + 2 : at + 1];
}

function classAt(
  characters: readonly string[],
  start: number,
): readonly [Step["ranges"], behind: number] {
  const ranges: [number, number][] = [];
  let at = start;
  while (characters[at] !== "]") {
    const escaped = characters[at] === "\\";
    const low = characters[escaped ? at + 1 : at]?.codePointAt(0);
    if (low === undefined) return fail("a class does not end");
    if (!escaped && characters[at] === "-") fail("`-` stands between two characters");
    at += escaped ? 2 : 1;
    const isRange = characters[at] === "-" && characters[at + 1] !== "]";
    const high = isRange ? characters[at + 1]?.codePointAt(0) : low;
    if (high === undefined || high < low) return fail("a range of a class goes backwards");
    if (isRange) at += 2;
    ranges.push([low, high]);
  }
  return [ranges, at + 1];
}
