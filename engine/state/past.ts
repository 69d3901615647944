/**
 * Sequences that outlive their policy (SPEC §8.4): a task is judged by the one it began with, and that is kept
 * with all it takes to read a call as its policy did.
 */
import type { Program, SequenceDecl } from "../../lang/ir.ts";
import type { Evaluator } from "../evaluate/evaluator.ts";
import { createInterpreter } from "../evaluate/interpret.ts";
import { NO_FACTS } from "../facts.ts";
import { sequenceMeaning } from "./meaning.ts";
import type { Match } from "./sequence.ts";

export interface KeptSequence {
  readonly meaning: string;
  /** The policy with this task alone, and without what neither a step nor a request is read by. */
  readonly program: Program;
}

/** Different ones that are kept at once; beyond it the oldest is given up, and tasks in it are refused. */
export const SEQUENCES_MOST = 64;

/** By the index of the task. */
export function sequencesOf(program: Program): readonly KeptSequence[] {
  return program.tasks.map((task) => ({
    meaning: sequenceMeaning(task.sequence, program),
    program: {
      ...program,
      tasks: [{ ...task, limits: [] }],
      rules: [],
      nevers: [],
      readsOrigin: false,
      binaries: [],
      sources: [],
      places: [],
    },
  }));
}

export function sequenceIn({ program }: KeptSequence): SequenceDecl | undefined {
  return program.tasks[0]?.sequence;
}

const evaluators = new WeakMap<Program, Evaluator>();

/** As the policy that it is of would match; with the steps of one decision. */
export function matchIn({ program }: KeptSequence): Match {
  const evaluator = evaluators.get(program) ?? createInterpreter(program);
  evaluators.set(program, evaluator);
  evaluator.fuel.begin();
  return (position, bound, request) => evaluator.step(0, position, bound, request, NO_FACTS);
}
