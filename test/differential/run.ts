/** Runs of random questions against two evaluators of the same program. */
import { compileSource } from "../../engine/evaluate/emit.ts";
import type { Evaluator } from "../../engine/evaluate/evaluator.ts";
import { Fuel } from "../../engine/evaluate/fuel.ts";
import { createInterpreter } from "../../engine/evaluate/interpret.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import type { Program } from "../../lang/ir.ts";
import { difference, type Question, type Subject, subjectOf } from "./compare.ts";
import { randomProgram } from "./program.ts";
import { type Random, randomFrom } from "./random.ts";
import { factsFrom, randomRequest, randomValue } from "./request.ts";
import { GROUPS } from "./world.ts";

export interface Mismatch {
  readonly program: Program;
  readonly question: Question;
  readonly what: string;
  /** Asked again with this, the same case comes out: `programSeed`, `requestSeed`. */
  readonly seeds: readonly [number, number];
}

export interface Run {
  readonly seed: number;
  readonly pairCount: number;
  readonly requestsPerProgram: number;
  /** What is tested. */
  readonly generate?: (program: Program, fuel: Fuel) => Evaluator;
  /** Steps that a question may take, of a program's number. Missing = as in use. */
  readonly stepsOf?: (programSeed: number) => number;
  /** Looks on; for statistics. */
  readonly watch?: (program: Program, question: Question, reference: Subject) => void;
}

/** The first pair of which the two evaluators think differently. */
export function findMismatch(run: Run): Mismatch | undefined {
  const programCount = Math.ceil(run.pairCount / run.requestsPerProgram);
  for (let at = 0; at < programCount; at++) {
    const programSeed = run.seed + at * 7919;
    const program = programFrom(programSeed);
    const limits = limitsFrom(run.stepsOf?.(programSeed));
    const generate = run.generate ?? (at % 2 === 0 ? warmedUp : cold);
    const reference = subjectOf(program, createInterpreter(program, undefined, limits()));
    const generated = subjectOf(program, generate(program, limits()));
    for (let requestSeed = 0; requestSeed < run.requestsPerProgram; requestSeed++) {
      const question = questionFrom(program, programSeed, requestSeed);
      run.watch?.(program, question, reference);
      const what = tryDifference(program, reference, generated, question);
      if (what !== undefined) return { program, question, what, seeds: [programSeed, requestSeed] };
    }
  }
  return undefined;
}

function cold(program: Program, fuel: Fuel): Evaluator {
  return generateEvaluator(program, compileSource, fuel);
}

function warmedUp(program: Program, fuel: Fuel): Evaluator {
  const evaluator = cold(program, fuel);
  for (const _ of evaluator.warmUp?.() ?? []);
  return evaluator;
}

function limitsFrom(question: number | undefined): () => Fuel {
  if (question === undefined) return () => new Fuel();
  return () => new Fuel({ question, decision: Number.MAX_SAFE_INTEGER });
}

/** Most programs are small and deep; some have so many rules that the index splits them. */
export function programFrom(seed: number): Program {
  const random = randomFrom(seed);
  const crowded = random.chance(0.08);
  return randomProgram(
    random,
    crowded
      ? { ruleCount: 20 + random.below(60), depth: 1 }
      : { ruleCount: 3 + random.below(6), depth: 3 },
  );
}

export function questionFrom(program: Program, programSeed: number, requestSeed: number): Question {
  const random = randomFrom(programSeed * 31 + requestSeed * 104_729 + 1);
  return {
    request: randomRequest(random),
    facts: factsFrom(random.below(2 ** 30)),
    bound: boundValues(program, random),
    approvals: random.some(["alice", "bob"], 0.3).map((by) => ({ by, groups: [...GROUPS] })),
  };
}

/** Some of the names that steps bind, with values of the argument's type. */
function boundValues(program: Program, random: Random): Question["bound"] {
  const bound: Map<number, ReturnType<typeof randomValue>> = new Map();
  const args = program.tools[0]?.args ?? [];
  for (const task of program.tasks) {
    for (const step of task.sequence?.positions ?? []) {
      for (const { argument, id } of step.binds) {
        const type = args.find((field) => field.name === argument)?.type;
        if (type !== undefined && random.chance(0.6)) bound.set(id, randomValue(random, type));
      }
    }
  }
  return bound;
}

/** An exception is a difference too. */
export function tryDifference(
  program: Program,
  reference: Subject,
  generated: Subject,
  question: Question,
): string | undefined {
  try {
    return difference(program, reference, generated, question);
  } catch (fault) {
    return `threw ${fault instanceof Error ? fault.stack : String(fault)}`;
  }
}
