/**
 * Two revisions on the same scenario, in turns: `node bench/compare.ts <base> [<head>]`. Without `<head>` the
 * working tree is compared. The benchmarks are those of the working tree in both cases; only what they
 * measure differs. `--scenario decide|interpret|reserve|engine|compile`, `--rules 20`, `--pairs 10`.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRandom } from "./random.ts";
import { isScenario } from "./scenario.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const RESAMPLES = 2_000;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scenario: { type: "string", default: "decide" },
    rules: { type: "string", default: "20" },
    pairs: { type: "string", default: "10" },
    seconds: { type: "string", default: "1" },
  },
});

main();

function main(): void {
  const [base, head] = positionals;
  if (base === undefined || !isScenario(options.scenario)) {
    console.error("usage: node bench/compare.ts <base> [<head>] [--scenario NAME] [--rules N]");
    process.exitCode = 2;
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), "writ-compare-"));
  try {
    const before = checkOut(base, join(directory, "base"));
    const after = head === undefined ? ROOT : checkOut(head, join(directory, "head"));
    compare({ name: base, tree: before }, { name: head ?? "this tree", tree: after });
  } finally {
    rmSync(directory, { recursive: true });
    git("worktree", "prune");
  }
}

interface Side {
  readonly name: string;
  readonly tree: string;
}

function compare(base: Side, head: Side): void {
  const ratios: number[] = [];
  for (let pair = 0; pair < Number(options.pairs); pair += 1) {
    // Whoever goes first may find the machine warmer or colder: they take turns at that too.
    const first = pair % 2 === 0 ? base : head;
    const second = first === base ? head : base;
    const times = new Map([first, second].map((side) => [side, measure(side)]));
    const [before = Number.NaN, after = Number.NaN] = [times.get(base), times.get(head)];
    ratios.push(after / before);
    console.log(
      `${base.name} ${spell(before)}   ${head.name} ${spell(after)}   ${(after / before).toFixed(3)}`,
    );
  }
  const [low, high] = interval(ratios);
  const middle = geometricMean(ratios);
  console.log(
    `\n${options.scenario}, ${options.rules} rules: ${head.name} takes ${middle.toFixed(3)} times what ${base.name} ` +
      `takes (95 %: ${low.toFixed(3)} to ${high.toFixed(3)}, ${ratios.length} pairs): ${verdict(low, high)}`,
  );
}

function verdict(low: number, high: number): string {
  if (high < 1) return "faster";
  return low > 1 ? "slower" : "no difference shown";
}

function checkOut(revision: string, path: string): string {
  git("worktree", "add", "--quiet", "--detach", path, revision);
  symlinkSync(join(ROOT, "node_modules"), join(path, "node_modules"));
  rmSync(join(path, "bench"), { recursive: true, force: true });
  cpSync(join(ROOT, "bench"), join(path, "bench"), { recursive: true });
  return path;
}

function measure({ tree }: Side): number {
  const { scenario, rules, seconds } = options;
  const script = join(tree, "bench", "scenario.ts");
  const output = execFileSync(process.execPath, [script, scenario, rules, seconds], {
    cwd: tree,
    encoding: "utf8",
  });
  return Number(output);
}

function git(...args: string[]): void {
  execFileSync("git", args, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
}

/** Of the mean, from pairs drawn again and again out of those measured. */
function interval(ratios: readonly number[]): readonly [number, number] {
  const random = createRandom(1);
  const means = Array.from({ length: RESAMPLES }, () =>
    geometricMean(ratios.map(() => random.pick(ratios))),
  ).sort((a, b) => a - b);
  return [means[RESAMPLES * 0.025] ?? Number.NaN, means[RESAMPLES * 0.975] ?? Number.NaN];
}

function geometricMean(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}

function spell(nanoseconds: number): string {
  if (nanoseconds >= 1e6) return `${(nanoseconds / 1e6).toFixed(1)} ms`;
  return `${nanoseconds.toFixed(0)} ns`;
}
