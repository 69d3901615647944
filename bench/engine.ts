/** What the benchmarks ask of an engine, ours or another's. */
import type { BenchRequest, Workload } from "./workload.ts";

export interface BenchEngine {
  /** As the command line and the results name it. */
  readonly name: string;
  readonly title: string;
  /** What a decision of it tells beside yes or no. */
  readonly reasons: "all rules" | "one rule" | "none";
  /** How it is used, in a few words. */
  readonly how: string;
  /** Rule counts beyond it are left out, for a reason given in `how`. */
  readonly ruleCountMost?: number;
  /** From the policy's text, or whatever stands for it, until the first request can be decided. */
  load(workload: Workload): Loaded | Promise<Loaded>;
  /** What can be done before, in a build, if anything: `load` then starts from its result. */
  readonly built?: {
    build(workload: Workload): string;
    load(built: string): Loaded | Promise<Loaded>;
  };
}

// biome-ignore lint/suspicious/noExplicitAny: each engine has its own request and answer, and passes them to itself.
export interface Loaded<Prepared = any, Answer = any> {
  /** A request in the engine's own form, before any clock starts. */
  prepare(request: BenchRequest): Prepared;
  decide(prepared: Prepared): Answer;
  read(answer: Answer): Reading;
}

/** `reasons` sorted; missing where the engine does not say. */
export interface Reading {
  readonly allowed: boolean;
  readonly reasons?: readonly string[];
}

/** Keeps the literal's own types while it is made. */
export function loaded<Prepared, Answer>(parts: Loaded<Prepared, Answer>): Loaded {
  return parts;
}
