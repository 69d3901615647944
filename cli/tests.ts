/** A policy's own tests as a gate: what ships and what is served has passed them. */
import { digestOfProgram } from "../engine/bundle.ts";
import { runTest } from "../engine/testing/run.ts";
import type { Policy } from "./files.ts";
import { printable } from "./terminal.ts";

/** Names of those that fail, each with where it stands; empty when all hold. */
export function failedTests({
  program,
  tests,
}: Pick<Policy, "program" | "tests">): readonly string[] {
  const parts = { program, digest: digestOfProgram(program), textOf: () => undefined };
  return tests.flatMap((test) => {
    const { failure } = runTest(test, parts);
    if (failure === undefined) return [];
    return [
      `${printable(test.name)} (${placeOf(failure.at, program)}): ${failure.problems.join("; ")}`,
    ];
  });
}

function placeOf(at: number, { sources, places }: Policy["program"]): string {
  const [file = 0, , , line = 1] = places.slice(at * 5, at * 5 + 5);
  return `${sources[file] ?? "policy"}:${line}`;
}
