/** Programs that start another in an environment of its own: `uv run x`, `bundle exec x`. */
import { RUNNERS } from "../programs/wrappers.ts";
import { ELSEWHERE } from "./folders.ts";
import { isOption } from "./line.ts";
import { apart, type Call } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** Each is read twice, and what it runs may be one again: so many would take twice the time of one less. */
const RUNNERS_IN_DOUBT_MAX = 8;

/** Options of those that run others which take no value. */
const RUNNER_FLAG = /^--$|^--?(?:y(?:es)?|q(?:uiet)?|silent|locked|frozen|isolated|no-[a-z-]+)$/;

/** `uv run --directory folder x` */
const OTHER_FOLDER = /^(?:-C|--(?:cwd|dir|directory|prefix)(?:=|$))/;

/**
 * `uv run x`, `bundle exec x`: the program behind options that are not known. What stands behind one of them is its value,
 * or the program: both are looked at.
 */
export function followRunner(walk: Walk, { program, args, scope }: Call): void {
  const subs = RUNNERS.get(program);
  const sub = args.findIndex(({ text }) => subs?.includes(text));
  if (subs === undefined || (subs.length > 0 && sub < 0)) return;
  const rest = args.slice(sub + 1);
  const operands = rest.flatMap((word, at) => (isOption(word) ? [] : [at]));
  const [first, second] = operands;
  if (first === undefined) return;
  const leaves = args.slice(0, sub + 1 + first).some(({ text }) => OTHER_FOLDER.test(text));
  const inside = () => (leaves ? apart(scope, [ELSEWHERE]) : apart(scope));
  walk.run(rest.slice(first), inside());
  const before = rest[first - 1]?.text ?? "--";
  const isFlag = before.includes("=") || RUNNER_FLAG.test(before);
  if (isFlag || second === undefined) return;
  walk.runnersInDoubt += 1;
  if (walk.runnersInDoubt > RUNNERS_IN_DOUBT_MAX) walk.parsed = false;
  else walk.run(rest.slice(second), inside());
}
