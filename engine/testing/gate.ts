/** A policy's own tests as a gate: what ships and what is served has passed them. */
import type { Program } from "../../lang/ir.ts";
import type { TestCase } from "../../lang/testing.ts";
import { digestOfProgram } from "../bundle.ts";
import { runTest } from "./run.ts";

/** Names of those that fail, each with where it stands and what was wrong; empty when all hold. */
export function failedTests({
  program,
  tests,
}: {
  readonly program: Program;
  readonly tests: readonly TestCase[];
}): readonly string[] {
  const parts = { program, digest: digestOfProgram(program) };
  return tests.flatMap((test) => {
    const { failure } = runTest(test, parts);
    if (failure === undefined) return [];
    return [`${test.name} (${placeOf(failure.at, program)}): ${failure.problems.join("; ")}`];
  });
}

function placeOf(at: number, { sources, places }: Program): string {
  const [file = 0, , , line = 1] = places.slice(at * 5, at * 5 + 5);
  return `${sources[file] ?? "policy"}:${line}`;
}
