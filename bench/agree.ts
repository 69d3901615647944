/** Nothing is timed that does not answer as the others do. */
import type { Loaded, Reading } from "./engine.ts";
import type { Expected, Workload } from "./workload.ts";

/** What an engine answered differently, the first of it; `undefined` when every answer is the expected one. */
export function disagreement(
  engine: Loaded,
  workload: Workload,
  until = Number.POSITIVE_INFINITY,
): string | undefined {
  for (const [index, request] of workload.requests.entries()) {
    if (performance.now() > until) return undefined;
    const expected = workload.expected[index];
    const answer = engine.read(engine.decide(engine.prepare(request)));
    if (expected !== undefined && !agrees(answer, expected)) {
      const [was, wanted] = [JSON.stringify(answer), JSON.stringify(expected)];
      return `request ${index}: ${was} instead of ${wanted}: ${JSON.stringify(request)}`;
    }
  }
  return undefined;
}

/** Where an engine names all rules, they must be the same too. */
function agrees({ allowed, reasons }: Reading, expected: Expected): boolean {
  if (allowed !== expected.allowed) return false;
  return reasons === undefined || reasons.join() === expected.reasons.join();
}
